"""Thresholds of stability: on quadratics, along a run, and what the functions refuse."""

import numpy as np
import pytest
from spec_cases import PRODUCT
from tolerances import STABILITY

import saddlescape as ss
from saddlescape import analysis, plots
from saddlescape.analysis.stability import PLAIN, PRECONDITIONED
from saddlescape.spec import parse

CURVATURE = 1.7


def quadratic(tmp_path, optimizer):
    """curvature w^2 / 2: a network of one weight.  Adaptive optimizers divide by epsilon = 1, as gradients are tiny."""
    (tmp_path / "one.csv").write_text(f"x1,t1\n{np.sqrt(CURVATURE)},0\n")
    network = PRODUCT.replace("[1]", "[]").replace('activation = "linear"\n', "")
    keys = "epsilon = 1\n" if optimizer in PRECONDITIONED else "momentum = 0.8\n" if optimizer != "gd" else ""
    training = f'[training]\noptimizer = "{optimizer}"\nsteps = 1000\n{keys}[stop]\nsolved = 0\n'
    return parse(f'[problem]\nfile = "one.csv"\n{network}{training}', tmp_path).spec


@pytest.mark.parametrize("optimizer", [*PLAIN, *PRECONDITIONED])
def test_steps_on_a_quadratic_grow_above_the_threshold_only(optimizer, tmp_path):
    limit = analysis.stability_threshold(optimizer, 1.0, momentum=0.8) / CURVATURE  # thresholds are inverse to rates
    rates, start = limit * (1 + np.array([-STABILITY, STABILITY])), np.full((2, 1), 1e-150)
    runs = ss.run_starts(quadratic(tmp_path, optimizer), start, numbers={"training.learning_rate": rates})
    shrunk, grown = abs(runs["final_theta"][:, 0]) / start[:, 0]
    assert shrunk < 1e-3
    assert grown > 1e3


def test_published_thresholds():
    assert analysis.stability_threshold("gd", 0.01) == 200
    assert analysis.stability_threshold("adam", 1.0) == pytest.approx(38)
    np.testing.assert_allclose(analysis.stability_threshold("momentum", [0.1, 1], 0.5), [30, 3])
    assert analysis.stability_threshold("nesterov", 1.0, 0.5) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lion", 1.0), r"optimizer must be one with a known threshold, gd, .*; got 'lion'"),
        (("gd", 0.0), "learning_rate must be greater than 0; got 0.0"),
        (("momentum", 1.0, 1.0), "momentum must be from 0 to less than 1; got 1.0"),
        (("adam", 1.0, 0.9, -0.1), "beta1 must be from 0 to less than 1; got -0.1"),
    ],
)
def test_what_has_no_threshold_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        analysis.stability_threshold(*arguments)


def test_the_share_of_records_above_the_threshold():
    sharpness = [[1, 3, np.nan, np.nan], [3, 3, 3, 1], [np.nan] * 4]
    np.testing.assert_array_equal(analysis.edge_of_stability(sharpness, [2, 2, 2]), [0.5, 0.75, np.nan])
    np.testing.assert_array_equal(analysis.edge_of_stability([sharpness[:2]] * 2, [[2], [5]]), [[0.5, 0.75], [0, 0]])


def test_gradient_descent_on_two_weights_stays_where_it_is_stable_and_never_sharpens(tmp_path):
    """Kreisler, Nacson, Soudry & Carmon (2023): the sharpness of the flow's end never rises along gd."""
    (tmp_path / "one.csv").write_text("x1,t1\n1,1\n")
    rate, more = 0.3, '[training]\noptimizer = "gd"\nsteps = 3000\n[stop]\nsolved = 0\n'
    spec = parse(f'[problem]\nfile = "one.csv"\n{PRODUCT}{more}', tmp_path).spec
    starts = np.random.default_rng(5).normal(0, 1.5, (40, 2))
    rates = {"training.learning_rate": np.full(40, rate)}
    paths = ss.trace(spec, starts, ["sharpness", "loss"], "every:1", numbers=rates)
    ends = [path for path in paths if path["loss"][-1] < 1e-12]
    assert len(ends) > 20
    capped = 0
    for path in ends:
        a, b = path["theta"].T
        of_flow = np.sqrt((a * a - b * b) ** 2 + 4)
        assert (np.diff(of_flow) < 1e-9).all()
        assert path["sharpness"][-1] < analysis.stability_threshold("gd", rate) * (1 + STABILITY)
        capped += of_flow[0] > analysis.stability_threshold("gd", rate)
    assert capped >= 3


MEASURED = ["starts.count=3", "training.steps=40", "record.steps=every:1", "axes.training.learning_rate=0.1,0.2"]


@pytest.mark.parametrize(
    ("optimizer", "limits"), [("gd", [20, 10]), ("momentum", [38, 19]), ("adam", []), ("gd\nschedule=cosine", [])]
)
def test_the_picture_shows_paths_and_the_threshold_of_the_optimizer(optimizer, limits, tmp_path):
    keys = [f"training.{line}" for line in f"optimizer={optimizer}".splitlines()]
    with ss.open(ss.run("gallery/edge-of-stability", tmp_path / "run", overrides=[*MEASURED, *keys])) as results:
        axes = plots.plot(results, "sharpness").axes
        for k, ax in enumerate(axes):
            lines = {line.get_gid(): line.get_ydata() for line in ax.get_lines()}
            assert np.unique(lines.pop("threshold", [])) == pytest.approx(limits[k : k + 1])
            path = results["sharpness"][k, 1]
            np.testing.assert_array_equal(lines["run 1"][: np.isfinite(path).sum()], path[np.isfinite(path)])
            assert len(lines) == 3


def test_the_picture_needs_the_measure(tmp_path):
    keys = [*MEASURED, "record.fields=['loss']"]
    with (
        ss.open(ss.run("gallery/edge-of-stability", tmp_path / "run", overrides=keys)) as results,
        pytest.raises(plots.PlotError, match=r'does not contain "sharpness"; it contains loss; add the measure'),
    ):
        plots.plot(results, "sharpness")
