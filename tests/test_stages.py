"""Plateaus of loss curves: constructed ones, and those of a linear network, whose levels and indices are known."""

import numpy as np
import pytest
from tolerances import JUMPS, LEVELS

import saddlescape as ss
from saddlescape.analysis import stages
from saddlescape.system.arguments import ArgumentError


@pytest.fixture(scope="module")
def modes(tmp_path_factory):
    """The living things from a start so small that their four modes are learned far apart."""
    changes = ["starts.scale=1e-12", "training.time=60"]
    return ss.run("gallery/linear-modes", tmp_path_factory.mktemp("runs") / "modes", overrides=changes)


def test_a_linear_network_has_a_stage_before_each_mode(modes):
    spec = modes.sweep.spec
    found = stages(modes["record_time"], modes["loss"][0], spec=spec, theta=modes["theta"][0])
    singular = np.linalg.svd(spec.loaded.T.T @ spec.loaded.X, compute_uv=False)
    left = np.arange(4)
    np.testing.assert_allclose(found.level, [(singular[k:] ** 2).sum() / 2 for k in left], rtol=LEVELS)
    assert found.index.tolist() == ((16 - left) * (4 - left)).tolist()
    jumps = (found.end[:-1] + found.start[1:]) / 2
    np.testing.assert_allclose(jumps * singular[:3] / np.log(1e12), 1, rtol=JUMPS)
    assert (found.start < found.end).all()


def test_stages_are_the_intervals_between_jumps():
    t = np.arange(1, 101)
    loss = np.where(t <= 20, 4.0, np.where(t <= 60, 2.0, 1.0))
    found = stages(t, loss)
    assert (found.start.tolist(), found.end.tolist()) == ([1, 21, 61], [20, 60, 100])
    assert found.level.tolist() == [4, 2, 1]
    assert found.index.tolist() == [-1, -1, -1]
    assert found.start.dtype == t.dtype


@pytest.mark.parametrize(("power", "number"), [(0.09, 1), (0.11, 0), (-0.09, 1), (-0.11, 0)])
def test_a_power_law_is_flat_below_the_tolerance(power, number):
    t = np.geomspace(1, 1e6, 50)
    assert len(stages(t, t**power, 0.1)) == number
    assert len(stages(t, t**power, 0.12)) == 1


def test_what_has_no_logarithm_is_left_out():
    t = np.array([0, 1, 2, 3, 4, 5, 6])
    found = stages(t, [9, 2, 2, 2, 0, np.nan, np.nan])
    assert (found.start.tolist(), found.end.tolist(), found.record.tolist()) == ([1], [3], [1])
    assert len(stages(t, [np.nan] * 7)) == len(stages([], [])) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1, 2, 3]), r"steps and loss must have the same shape \(records,\); got \(2,\) and \(3,\)"),
        (([1, 1], [1, 2]), "steps must increase"),
        (([1, 2], [1, 2], 0), "tolerance must be above 0; got 0"),
        (([1, 2], [1, 2], np.nan), "tolerance must be above 0; got nan"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        stages(*arguments)


def test_parameters_need_a_network_and_the_shape_of_the_records(modes):
    t, loss, theta = modes["record_time"], modes["loss"][0], modes["theta"][0]
    with pytest.raises(ArgumentError, match="spec and theta must be given together, or neither"):
        stages(t, loss, theta=theta)
    with pytest.raises(ArgumentError, match=r"theta must have shape \(201, 176\), as of the records; got \(200, 176\)"):
        stages(t, loss, spec=modes.sweep.spec, theta=theta[1:])
