"""Update rules: defaults, frozen runs, clipping, and quickprop and lion, which PyTorch does not have."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernel_cases import STEPPING, TARGET, XOR, arguments, everything, make_batch, run_both
from spec_cases import TINY
from standin import StandIn
from tolerances import AMPLIFIED, TRAJECTORY, TWIN

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.kernels import Trainer, train
from saddlescape.network import layout, reference
from saddlescape.spec import parse
from saddlescape.words.optimizers import OPTIMIZERS, Decay
from saddlescape.words.outcomes import StopReason

FREEZES = [o if o in ("quickprop", "rprop") else pytest.param(o, marks=pytest.mark.slow) for o in STEPPING]


@pytest.mark.parametrize("optimizer", FREEZES)
def test_a_run_without_gradient_is_frozen_at_once(optimizer):
    """Also while the learning rate grows, and with penalties, clipping and dropout, which change nothing at zero."""
    its = OPTIMIZERS[optimizer]
    own = {name: name in its.hyperparameters for name in ("l1", "clip")}
    own["weight_decay"] = its.decay is Decay.COUPLED
    trainer = Trainer(
        (2, 2, 1), True, ("tanh", "tanh"), "half_sse", optimizer, bias_rate=True, warmup=True, dropout=True, **own
    )
    trained = train(trainer, XOR, 2 * TARGET - 1, make_batch(np.zeros((1, 9)), 10))
    assert (trained.stop_reason[0], trained.stop_step[0]) == (StopReason.FIXED_POINT, 0)
    assert not trained.theta.any()


def quickprop_step(slope, last, delta, epsilon, mu):
    """UPDATE_WEIGHTS of Fahlman's program, September 1988, for one weight; a slope there is minus the gradient."""
    if delta == 0:
        return epsilon * slope
    downhill, far = slope > 0, slope > mu / (1 + mu) * last
    if delta < 0:
        downhill, far = slope < 0, slope < mu / (1 + mu) * last
    return (epsilon * slope if downhill else 0.0) + (mu * delta if far else slope / (last - slope) * delta)


def quickprop_twin(trainer, start, rate, decay, mu, steps=1000):
    network = reference.Network(trainer.sizes, True, trainer.activations, trainer.loss)
    last, deltas, twin = np.zeros(len(start)), np.zeros(len(start)), [start]
    for _ in range(steps):
        slopes = -reference.loss_and_gradient(network, start, XOR, CONVERGES)[1] - decay * start
        deltas = np.array([quickprop_step(*each, rate, mu) for each in zip(slopes, last, deltas, strict=True)])
        start, last = start + deltas, slopes
        twin.append(start)
    return twin


CONVERGES = 0.8 * XOR.prod(axis=1)[:, None] + 0.1
TWINS = {
    "linear": (((2, 1), ("linear",)), "float64", (1.0, 0.0, 1.75)),
    "decay": (((2, 1), ("logistic",)), "float64", (1.0, 0.1, 0.5)),
    "hidden": (((2, 2, 1), ("tanh", "linear")), "float64", (0.3, 0.1, 0.3)),
    "float32": (((2, 1), ("linear",)), "float32", (1.0, 0.0, 1.75)),
}
"""Layers, dtype, and rate, decay and growth, where a start that differs by one bit ends within 1e-14: where slopes
nearly agree, their quotient amplifies rounding errors, and along other paths such starts end 1e-6 apart or more."""
ALSO = [pytest.param(name, marks=pytest.mark.slow) if name in ("decay", "float32") else name for name in TWINS]


@pytest.mark.parametrize("name", ALSO)
def test_a_thousand_steps_of_quickprop_are_those_of_fahlman(name):
    (sizes, activations), dtype, (rate, decay, mu) = TWINS[name]
    n_params = layout.n_params(sizes, True)
    starts = np.random.default_rng(3).normal(0, 0.5, (3, n_params)).astype(dtype)
    trainer = Trainer(sizes, True, activations, "half_sse", "quickprop", weight_decay=decay > 0)
    numbers = {"learning_rate": rate, "weight_decay": decay, "growth_max": mu}
    trained = train(trainer, XOR, CONVERGES, make_batch(starts, 1000, **numbers))
    for start, path in zip(starts.astype(np.float64), trained.theta_path, strict=True):
        np.testing.assert_allclose(path, quickprop_twin(trainer, start, rate, decay, mu), atol=TWIN[dtype], rtol=0)


def test_a_thousand_steps_of_lion_are_those_of_its_paper():
    trained, paths = run_both(("tanh", "half_sse", "lion", (3,), "float64"), steps=1000)
    expected = [[state[0] for state in path] for path in paths]
    np.testing.assert_allclose(trained.theta_path, expected, atol=TWIN["float64"], rtol=0)


def test_adadelta_has_the_defaults_of_torch_also_beside_other_optimizers(tmp_path):
    axis = '[[axes]]\nkey = "training.optimizer"\nvalues = ["adam", "adadelta", "rmsprop"]\n'
    sweep = parse(TINY + axis, Path())
    numbers = [sweep.numbers([np.array([k])], 1, sweep.structure([k])) for k in range(3)]
    assert [each["training.smoothing"][0] for each in numbers] == [0.99, 0.9, 0.99]
    assert [each["training.epsilon"][0] for each in numbers] == [1e-8, 1e-6, 1e-8]
    assert sweep.at(1).training.epsilon == 1e-6
    assert parse(TINY + axis, Path(), ["training.epsilon=1e-3"]).at(1).training.epsilon == 1e-3
    alone = TINY.replace("[training]", '[training]\noptimizer = "adadelta"')
    explicit = alone.replace("[training]", "[training]\nsmoothing = 0.9\nepsilon = 1e-6")
    results = [ss.run(parse(text, tmp_path), tmp_path / str(k), threads=1) for k, text in enumerate((alone, explicit))]
    losses = [result["final_loss"] for result in results]
    np.testing.assert_array_equal(*losses)
    along = ss.run(sweep, tmp_path / "axis", threads=1)
    np.testing.assert_array_equal(along["final_loss"][1], losses[0])


ALL = {"clip": True, "noise": True, "weight_decay": True, "l1": True, "bias_rate": True, "decay": "weights"}
ORDERS = {
    "full batch": ("momentum", "float64", ALL),
    "minibatches": ("nesterov", "float32", {**ALL, "batch": 2, "shuffled": True}),
    "dropout": ("gd", "float64", {**ALL, "dropout": True}),
    "dropout of minibatches": ("adamw", "float64", {
        **ALL, "weight_decay": False, "dropout": True, "batch": 3, "sampled": True}),
    "clip, noise": ("gd", "float32", {"clip": True, "noise": True}),
    "clip, decay": ("gd", "float64", {"clip": True, "weight_decay": True, "dropout": True}),
    "clip, l1": ("momentum", "float64", {"clip": True, "l1": True, "batch": 2}),
    "noise, l1": ("gd", "float64", {"noise": True, "l1": True, "decay": "weights"}),
}  # fmt: skip
"""What changes the gradient of a step, in all ways to compute it: together, and in pairs."""
TOGETHER = [name if k < 4 else pytest.param(name, marks=pytest.mark.slow) for k, name in enumerate(ORDERS)]


@pytest.mark.parametrize("name", TOGETHER)
def test_gradients_are_clipped_then_noisy_then_penalized(name):
    optimizer, dtype, options = ORDERS[name]
    trained, paths = run_both(("tanh", "half_sse", optimizer, (3,), dtype), steps=20, **options)
    tolerance = (AMPLIFIED if optimizer == "adamw" else TRAJECTORY)[dtype]
    expected = [[state[0] for state in path] for path in paths]
    np.testing.assert_allclose(trained.theta_path, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_a_thread_changes_gradients_in_this_order():
    trainer, X, T, batch = arguments(("tanh", "half_sse", "momentum", (3,), "float64"), steps=12, dropout=True, **ALL)
    lane, thread = (train(trainer, X, T, batch, device=device) for device in (None, StandIn()))
    assert everything(lane) == everything(thread)


def test_a_clipped_step_of_gd_has_the_length_of_torch():
    theta = np.random.default_rng(4).normal(0, 1, (2, 9))
    hyperparameters = {"clip": np.array([1e-3, 0.0]), "learning_rate": np.ones(2)}
    batch = make_batch(theta, 1)
    batch = replace(batch, hyperparameters={**batch.hyperparameters, **hyperparameters})
    trainer = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "gd", clip=True)
    trained = train(trainer, XOR, TARGET, batch)
    norm = trained.measures[0, 0, 1]
    assert np.linalg.norm(trained.theta[0] - theta[0]) == pytest.approx(1e-3 * norm / (norm + 1e-6), rel=1e-12)
    free = train(replace(trainer, clip=False), XOR, TARGET, batch)
    np.testing.assert_array_equal(trained.theta[1], free.theta[1])


def test_a_body_without_friction_swings_forever():
    """Of one weight: w(n + 1) - 2 w(n) + w(n - 1) = -r (w(n) - 1), which a cosine solves."""
    rate, steps = 0.1, np.arange(1001)
    trainer = Trainer((1, 1), False, ("linear",), "half_sse", "momentum")
    one = np.ones((1, 1))
    batch = make_batch(np.zeros((1, 1)), 1000, momentum=1.0, learning_rate=rate)
    angle = np.arccos(1 - rate / 2)
    expected = 1 - np.cos(angle * (steps + 0.5)) / np.cos(angle / 2)
    np.testing.assert_allclose(train(trainer, one, one, batch).theta_path[0, :, 0], expected, atol=1e-11)


@pytest.mark.parametrize("optimizer", ["sign", "rprop", "normalized", "flow"])
def test_clipping_that_changes_no_step_is_refused(optimizer):
    text = TINY.replace("[training]\nlearning_rate = 0.5\n", f'[training]\noptimizer = "{optimizer}"\nclip = 1.0\n')
    with pytest.raises(SpecError, match=r"training\.clip: belongs to optimizer"):
        parse(text, Path())
