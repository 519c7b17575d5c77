"""Points of weight space: their derivatives, and what they are."""

from pathlib import Path

import numpy as np
import pytest
from kernel_cases import TARGET, XOR
from spec_cases import PRODUCT
from tolerances import HESSIAN, POLISHED

import saddlescape as ss
from saddlescape.analysis.points import Kind, derivatives, report
from saddlescape.kernels import Trainer
from saddlescape.kernels import derivatives as of_network
from saddlescape.plan import starts
from saddlescape.runs.compute import train_starts
from saddlescape.spec import parse
from saddlescape.words.outcomes import StopReason

LOGISTIC = Trainer((2, 2, 1), True, ("logistic", "logistic"), "half_sse", "gd")


def spec(text=""):
    """The XOR 2-2-1 network with more keys."""
    return parse(f'[problem]\nname = "xor"\n{text}', Path()).spec


def test_weight_decay_is_part_of_what_the_steps_go_down():
    theta = np.random.default_rng(6).normal(0, 1, (3, 9))
    plain = of_network(LOGISTIC, XOR, TARGET, theta)
    decayed = derivatives(spec("[training]\nweight_decay = 0.5"), theta)
    np.testing.assert_allclose(decayed.loss, plain.loss + 0.25 * (theta**2).sum(axis=1), rtol=HESSIAN)
    np.testing.assert_allclose(decayed.gradient, plain.gradient + 0.5 * theta, rtol=HESSIAN)
    np.testing.assert_array_equal(decayed.hessian, plain.hessian + 0.5 * np.eye(9))
    decoupled = derivatives(spec('[training]\noptimizer = "adamw"\nweight_decay = 0.5'), theta)
    np.testing.assert_array_equal(decoupled.hessian, plain.hessian)


def test_a_run_with_decay_that_rests_ends_by_its_gradient():
    """That of the objective, one and the same where a run stops, in what it measures and of points."""
    keys = "[training]\noptimizer = 'gd'\nweight_decay = 0.01\nsteps = 200000\n[stop]\nsolved = 0\ngradient = 1e-9"
    decayed = parse(f'[problem]\nname = "and"\n{keys}', Path()).spec
    runs = train_starts(decayed, np.random.default_rng(1).normal(0, 2, (12, 9)))
    assert set(runs["stop_reason"]) == {StopReason.GRADIENT}
    there = derivatives(decayed, runs["final_theta"])
    assert abs(there.gradient).max() <= 1e-9
    assert abs(runs["final_theta"]).max() > 1e-3, "of the loss alone the gradient is as large as the decay"
    assert set(report(decayed, runs["final_theta"]).kind) <= {Kind.MINIMUM, Kind.SADDLE}


@pytest.mark.parametrize("optimizer", ["gd", "adam", "adamw"])
def test_the_gradient_that_is_measured_is_that_of_points(optimizer):
    """With decoupled decay it is that of the loss."""
    keys = spec(f"[training]\noptimizer = '{optimizer}'\nweight_decay = 0.1\nlearning_rate = 0.01\nsteps = 20")
    runs = train_starts(keys, np.random.default_rng(2).normal(0, 1, (5, 9)))
    there = derivatives(keys, runs["final_theta"])
    np.testing.assert_allclose(runs["final_grad_norm"], np.linalg.norm(there.gradient, axis=1), rtol=HESSIAN)
    plain = of_network(LOGISTIC, XOR, TARGET, runs["final_theta"])
    np.testing.assert_allclose(runs["final_loss"], plain.loss, rtol=HESSIAN)


@pytest.mark.parametrize("shape", [(9,), (2, 8), (1, 2, 9)])
def test_points_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"theta must have shape \(points, 9\)"):
        derivatives(spec(), np.zeros(shape))


@pytest.fixture
def sample(tmp_path):
    """Function that gives the spec of one sample, input 1 and target 1, with more keys."""
    (tmp_path / "one.csv").write_text("x1,t1\n1,1\n")
    return lambda text: parse(f'[problem]\nfile = "one.csv"\n{text}', tmp_path).spec


def test_the_kinds_of_points_of_a_product(sample):
    """Half of (1 - a b)**2: a saddle at zero, minima where a b = 1."""
    found = report(sample(PRODUCT), [[0, 0], [0.1, -0.1], [1, 1], [0.5, 2.1]])
    assert found.kind.tolist() == [Kind.SADDLE, Kind.SADDLE, Kind.FLAT, Kind.FLAT]
    assert found.index.tolist() == [1, 1, 0, 0]
    assert found.degeneracy.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(found.theta[:2], 0, atol=POLISHED)
    np.testing.assert_allclose(found.theta[2:].prod(axis=1), 1, rtol=POLISHED)
    np.testing.assert_allclose(found.spectrum[:3], [[-1, 1], [-1, 1], [0, 2]], atol=POLISHED)
    np.testing.assert_allclose(found.loss, [0.5, 0.5, 0, 0], atol=POLISHED)
    assert (found.moved[[0, 2]] == 0).all()


def test_a_network_without_a_hidden_layer_has_the_minimum_of_least_squares():
    delta = parse('[problem]\nname = "and"\n[network]\nhidden = []\noutput = "linear"', Path()).spec
    found = report(delta, [[3.0, -2.0, 1.0]])
    inputs = np.hstack([XOR, np.ones((4, 1))])
    assert found.kind == Kind.MINIMUM
    np.testing.assert_allclose(found.theta[0], [0.5, 0.5, -0.25], atol=POLISHED)
    np.testing.assert_allclose(found.spectrum[0], np.linalg.eigvalsh(inputs.T @ inputs), rtol=POLISHED)


def test_what_only_a_growing_norm_solves_is_at_infinity(sample):
    found = report(sample("[network]\nhidden = []"), [[0.3, 0.1], [-4, -4], [9, 8], [300, -288]])
    assert (found.kind == Kind.AT_INFINITY).all()
    assert (found.moved > 0.1).all()


def test_a_unit_saturated_against_its_target_is_at_no_saddle(sample):
    """There is no stationary point: what is left of its slope leads up, and at last it is rounded to 0."""
    found = report(sample("[network]\nhidden = []\nbias = false"), -np.geomspace(30, 1e5, 40)[:, None])
    assert (found.kind == Kind.SATURATED).all()


def test_plateaus_far_out_are_saturated():
    """From scale 1000 units say 0 and 1 but for 1e-150: of 199 ends, 146 had been called saddles."""
    found = report(*ends(1000.0, 200, "logistic"))
    assert not np.isin(found.kind, (Kind.SADDLE, Kind.MINIMUM)).any()
    assert (found.kind == Kind.SATURATED).sum() > 150


def test_a_loss_that_grows_with_the_weights_has_nothing_at_infinity(tmp_path):
    """Minimum and saddle are all that a product of two weights has with weight decay."""
    (tmp_path / "three.csv").write_text("x1,t1\n1,3\n")
    text = PRODUCT.replace('output = "linear"', 'output = "tanh"') + "[training]\noptimizer = 'gd'\nweight_decay = 0.5"
    decayed = parse(f'[problem]\nfile = "three.csv"\n{text}', tmp_path).spec
    assert (decayed.activations, decayed.training.weight_decay) == (("linear", "tanh"), 0.5)
    found = report(decayed, np.random.default_rng(1).normal(size=(3000, 2)))
    assert set(found.kind) == {Kind.MINIMUM, Kind.SADDLE, Kind.UNSETTLED}
    assert (found.grad_norm[found.kind != Kind.UNSETTLED] <= 1e-10).all()


def test_kinds_are_named_only_as_finely_as_the_gradient_tells(sample):
    """Half of (1 - a b c)**2 is flat at zero; near it curvature is no more than what the way there takes away."""
    spec = sample('[network]\nhidden = [1, 1]\nactivation = "linear"\noutput = "linear"\nbias = false')
    found = report(spec, [[0, 0, 0], [1e-3, 1e-3, 1e-3], [1e-12, 1e-12, -1e-12], [1, 1, 1], [0, 0, 2]])
    assert found.kind.tolist() == [Kind.FLAT, Kind.FLAT, Kind.FLAT, Kind.FLAT, Kind.SADDLE]
    assert found.degeneracy.tolist() == [3, 3, 3, 2, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_a_point_that_is_not_finite_is_said_to_be_none_and_spoils_no_other(sample, bad):
    spec = sample(PRODUCT)
    found, alone = report(spec, [[1, bad], [bad, bad], [0.1, -0.1]]), report(spec, [[0.1, -0.1]])
    assert found.kind.tolist() == [Kind.NOT_FINITE, Kind.NOT_FINITE, Kind.SADDLE]
    assert np.isnan(found.spectrum[:2]).all()
    np.testing.assert_array_equal(found.spectrum[2], alone.spectrum[0])
    np.testing.assert_array_equal(found.theta[:2], [[1, bad], [bad, bad]])


def test_a_slope_without_curvature_is_unsettled(sample):
    text = '[network]\nhidden = []\noutput = "linear"\nbias = false\n[training]\nloss = "huber"'
    assert report(sample(text), [[100.0], [1.5]]).kind.tolist() == [Kind.UNSETTLED, Kind.MINIMUM]


def test_zero_is_a_flat_point_of_xor():
    found = report(spec(), np.zeros((1, 9)))
    assert (found.kind, found.index, found.degeneracy, found.moved) == (Kind.FLAT, 0, 8, 0)


def ends(scale, count, activation):
    """Where runs of XOR 2-2-1 from normal starts are after 20 000 steps, solved or not."""
    coding = "pm1" if activation == "tanh" else "01"
    overrides = (
        f"problem.coding={coding}", f"network.activation={activation}", f"network.output={activation}",
        f"starts.scale={scale}", f"starts.count={count}", "stop.solved=0",
        f"training.learning_rate={0.05 if activation == 'tanh' else 0.5}",
    )  # fmt: skip
    given = parse('[problem]\nname = "xor"', Path(), overrides).spec
    return given, ss.run_starts(given, starts.draw(given, np.arange(count)))["final_theta"]


def expect_no_strict_minimum(scale, count, activation):
    found = report(*ends(scale, count, activation))
    assert not (found.kind == Kind.MINIMUM).any()
    assert (found.kind == Kind.UNSETTLED).mean() <= 3e-3  # where the gradient has a least norm above zero
    bounded = np.isin(found.kind, (Kind.SADDLE, Kind.FLAT))
    assert (found.loss[bounded] > 0.4).all()
    return bounded


@pytest.mark.parametrize(("scale", "some"), [(0.01, True), (1.0, False)])
def test_no_end_of_an_xor_run_is_a_strict_minimum(scale, some):
    """All stationary points at bounded weights are saddles, if of higher order (Sprinkhuizen-Kuyper & Boers 1998)."""
    assert expect_no_strict_minimum(scale, 300, "logistic").any() == some


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["logistic", "tanh"])
@pytest.mark.parametrize("scale", [0.01, 0.1, 1.0, 3.0, 10.0])
def test_no_end_of_ten_thousand_xor_runs_is_a_strict_minimum(scale, activation):
    expect_no_strict_minimum(scale, 10_000, activation)
