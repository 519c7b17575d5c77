"""Update rules: defaults, frozen runs, and quickprop against its definition, for which there is no peer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernel_cases import DTYPES, ONCE, TARGET, XOR, make_batch, run_both
from spec_cases import TINY
from tolerances import AMPLIFIED, QUICKPROP, TRAJECTORY

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.kernels import Trainer, train
from saddlescape.spec import parse
from saddlescape.words.outcomes import StopReason


@pytest.mark.parametrize("optimizer", ONCE)
def test_a_run_without_gradient_is_frozen_at_once(optimizer):
    trainer = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", optimizer)
    trained = train(trainer, XOR, 2 * TARGET - 1, make_batch(np.zeros((1, 9)), 10))
    assert (trained.stop_reason[0], trained.stop_step[0]) == (StopReason.FIXED_POINT, 0)


def quickprop_step(g, last_g, d, rate, growth):
    """Fahlman's program for one weight; `g` is the slope, `d` the last step."""
    step = 0.0
    if d == 0:
        return -rate * g
    if (d < 0) == (g > 0) and g != 0:
        step -= rate * g
    q = growth / (1 + growth) * last_g
    grows = g >= q if d < 0 else g <= q
    return step + (growth * d if grows else d * g / (last_g - g))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_thousand_steps_of_quickprop_are_those_of_fahlman(dtype):
    """Of a linear unit, as rounding errors of slopes that nearly agree grow along the path of a larger network."""
    targets, starts = 0.8 * XOR.prod(axis=1) + 0.1, np.random.default_rng(3).normal(0, 0.5, (3, 3)).astype(dtype)
    trainer = Trainer((2, 1), True, ("linear",), "half_sse", "quickprop")
    trained = train(trainer, XOR, targets[:, None], make_batch(starts, 1000, learning_rate=1.0))
    inputs = np.hstack([XOR, np.ones((4, 1))])
    for start, path in zip(starts.astype(np.float64), trained.theta_path, strict=True):
        theta, last, steps, twin = start, np.zeros(3), np.zeros(3), [start]
        for _ in range(1000):
            slopes = inputs.T @ (inputs @ theta - targets)
            steps = np.array([quickprop_step(*each, 1.0, 1.75) for each in zip(slopes, last, steps, strict=True)])
            theta, last = theta + steps, slopes
            twin.append(theta)
        np.testing.assert_allclose(path, twin, atol=QUICKPROP[dtype], rtol=0)


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


CLIPPED = {
    "alone": ("momentum", "float64", {}),
    "penalties": ("gd", "float32", {"weight_decay": True, "l1": True}),
    "batches": ("momentum", "float64", {"weight_decay": True, "batch": 2, "bias_rate": True}),
    "noise": ("adamw", "float64", {"noise": True, "bias_rate": True}),
}


@pytest.mark.parametrize("case", CLIPPED)
def test_clipping_equals_the_reference(case):
    optimizer, dtype, options = CLIPPED[case]
    trained, paths = run_both(("tanh", "half_sse", optimizer, (3,), dtype), steps=20, clip=True, **options)
    tolerance = (AMPLIFIED if optimizer == "adamw" else TRAJECTORY)[dtype]
    expected = [[state[0] for state in path] for path in paths]
    np.testing.assert_allclose(trained.theta_path, expected, rtol=tolerance, atol=tolerance)
    unclipped, _ = run_both(("tanh", "half_sse", optimizer, (3,), dtype), steps=20, **options)
    assert abs(unclipped.theta - trained.theta).max() > 1e-3


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
