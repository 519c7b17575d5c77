"""The kernel against its NumPy reference, and its guarantees about bits, symmetry and exact zeros."""

import itertools
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import (
    ACTIVATIONS,
    DTYPES,
    HYPERPARAMETERS,
    LOSSES,
    MIXED,
    PAIRS,
    PARTS,
    PRODUCT,
    STEPPING,
    TARGET,
    XOR,
    everything,
    make_batch,
    run_both,
    slowly,
)
from tolerances import AMPLIFIED, LENGTH, TRAJECTORY

from saddlescape.kernels import Trainer, train
from saddlescape.network import layout, reference
from saddlescape.words import losses
from saddlescape.words.activations import ACTIVATIONS as WORDS
from saddlescape.words.optimizers import OPTIMIZERS, Decay
from saddlescape.words.outcomes import StopReason

ODD = {name for name, its in WORDS.items() if its.odd}

LOGISTIC = Trainer((2, 2, 1), True, ("logistic", "logistic"), "half_sse", "momentum")
TANH = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "gd")


def expect_equal_to_reference(case, **options):
    """Compare 100 steps, or 12 where rounding errors grow fast: with normalized steps, and at kinks."""
    amplified = case[2] not in ("gd", "momentum", "nesterov", "multiplicative")
    activations = case[0] if isinstance(case[0], tuple) else case[:1]
    short = amplified or {"relu", "leaky_relu"} & {*activations}
    trained, paths = run_both(case, **{"steps": 12 if short else 100, **options})
    tolerance = (AMPLIFIED if amplified else TRAJECTORY)[case[-1]]
    for path, theta, measures in zip(paths, trained.theta_path, trained.measures, strict=True):
        losses = [state[1] for state in path]
        norms = [np.linalg.norm(state[2].astype(np.float64)) for state in path]
        np.testing.assert_allclose(theta, [state[0] for state in path], rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(measures[:, 0], losses, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(measures[:, 1], norms, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", [*MIXED, *slowly(PAIRS)], ids=str)
def test_every_pair_of_variants_equals_the_reference(case):
    expect_equal_to_reference(case)


def test_the_quick_cases_contain_every_word():
    assert [case[2] for case in MIXED[: len(STEPPING)]] == STEPPING
    of_dtypes = {(word, case[4]) for case in MIXED for word in (*case[0], case[1])}
    assert of_dtypes == set(itertools.product((*ACTIVATIONS, *LOSSES), DTYPES))
    free = [name for name in LOSSES if losses.LOSSES[name].output is None]
    of_losses = {(activation, case[1]) for case in MIXED for activation in case[0]}
    assert of_losses >= set(itertools.product(ACTIVATIONS, free))


def test_the_product_has_every_word_and_depth_with_every_other():
    cases = list(itertools.chain.from_iterable(PRODUCT.values()))
    words = {(name, *case[1:3], case[4]) for case in cases for name in case[0]}
    assert words == set(itertools.product(ACTIVATIONS, LOSSES, STEPPING, DTYPES))
    depths = {(len(case[3]), *case[1:3], case[4]) for case in cases}
    assert depths == set(itertools.product((0, 1, 2, 3, 5), LOSSES, STEPPING, DTYPES))
    free = [case for case in cases if losses.LOSSES[case[1]].output is None]
    layers = {(name, len(case[3]), layer, case[4]) for case in free for layer, name in enumerate(case[0])}
    assert len(layers) == len(ACTIVATIONS) * (1 + 2 + 3 + 4 + 6) * len(DTYPES)


def expect_all(part):
    for case in part:
        try:
            expect_equal_to_reference(case)
        except Exception as error:
            error.add_note(f"in {case}")
            raise


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_every_combination_equals_the_reference(part):
    """In a separate process per part, because a process keeps its compiled code in memory, 6 MB per variant."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(expect_all, PARTS[part]).result()


@pytest.mark.parametrize("samples", slowly([1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17], quick=[1, 2, 7, 16]))
def test_every_sample_count_equals_the_reference(samples):
    expect_equal_to_reference(("tanh", "half_sse", "gd", (3,), "float64"), samples=samples)


@pytest.mark.parametrize("samples", slowly([1, 2, 3, 6, 9], quick=[3, 9]))
def test_sample_counts_of_the_softmax_equal_the_reference(samples):
    expect_equal_to_reference(("tanh", "softmax_ce", "gd", (3,), "float64"), samples=samples, sizes=(2, 3, 5))


LOGITS = list(itertools.product(("softmax_ce", "bce_logits"), ((2, 1), (2, 3, 2), (3, 2, 40))))


@pytest.mark.parametrize("logits", slowly(LOGITS, quick=[("bce_logits", (2, 1)), ("softmax_ce", (3, 2, 40))]), ids=str)
def test_few_and_many_logits_equal_the_reference(logits):
    loss, sizes = logits
    expect_equal_to_reference(("tanh", loss, "gd", (), "float64"), sizes=sizes, samples=6, steps=20)


@pytest.mark.slow
@settings(max_examples=100, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=5),
    samples=st.integers(1, 40),
    bias=st.booleans(),
    activation=st.sampled_from(["tanh", "logistic"]),
    loss=st.sampled_from(["half_sse", "mse"]),
    dtype=st.sampled_from(DTYPES),
)
def test_random_shapes_equal_the_reference(sizes, samples, bias, activation, loss, dtype):
    case = (activation, loss, "momentum", (), dtype)
    expect_equal_to_reference(case, samples=samples, sizes=tuple(sizes), bias=bias, steps=20)


@pytest.mark.parametrize("sizes", [(1, 2, 5, 3), (7, 1, 2)], ids=str)
def test_networks_of_many_samples_equal_the_reference(sizes):
    expect_equal_to_reference(("tanh", "mse", "momentum", (), "float32"), samples=39, sizes=sizes, steps=20)


@pytest.mark.parametrize("sizes", slowly([(2, 40, 1), (3, 64, 2), (20, 20, 20, 20)], quick=[(2, 40, 1)]), ids=str)
def test_loops_that_are_not_unrolled_equal_the_reference(sizes):
    expect_equal_to_reference(("tanh", "mse", "gd", (), "float64"), sizes=sizes, samples=9, steps=10)


SCHEDULED = list(itertools.product(("gd", "momentum", "adam", "adamw"), ("exponential", "cosine", "inverse_time")))


@pytest.mark.parametrize("scheduled", slowly(SCHEDULED, quick=[SCHEDULED[k] for k in (0, 4, 11)]), ids=str)
def test_schedules_and_weight_decay_equal_the_reference(scheduled):
    optimizer, schedule = scheduled
    case = ("tanh", "half_sse", optimizer, (3,), "float64")
    expect_equal_to_reference(case, schedule=schedule, weight_decay=OPTIMIZERS[optimizer].decay is not Decay.DECOUPLED)


@pytest.mark.parametrize("options", [{"noise": True}, {"batch": 2}], ids=str)
def test_weight_decay_with_noise_or_minibatches_equals_the_reference(options):
    """Here the step adds the decay; the recorded gradient is the gradient of the objective over all samples."""
    case = ("tanh", "half_sse", "momentum", (3,), "float32")
    expect_equal_to_reference(case, weight_decay=True, steps=20, **options)


RPROPS = ("learning_rate", "eta_plus", "eta_minus", "step_max", "step_min")
RPROP = {  # steps, hyperparameters, first parameter after the steps of torch.optim.Rprop
    "first step bounded": (1, {"learning_rate": 0.0618, "step_max": 0.05, "step_min": 1e-4}, 0.05),
    "first step raised": (1, {"learning_rate": 1e-8, "step_min": 1e-6}, 0.099999),
    "growing from step_min": (4, {"learning_rate": 1e-8, "step_min": 1e-6}, 0.099994632),
}


@pytest.mark.parametrize("case", RPROP)
def test_steps_of_rprop_are_bounded_as_those_of_torch(case):
    steps, hyperparameters, first = RPROP[case]
    X, T, start = XOR, np.array([[0.0], [0], [0], [1]]), np.array([[0.1, 0.2, 0.3]])
    trainer = Trainer((2, 1), True, ("logistic",), "half_sse", "rprop")
    trained = train(trainer, X, T, make_batch(start, steps, **hyperparameters))
    network = reference.Network((2, 1), True, ("logistic",), "half_sse")
    all_hyperparameters = {name: (HYPERPARAMETERS | hyperparameters)[name] for name in RPROPS}
    path = reference.trajectory(network, start[0], X, T, steps, "rprop", all_hyperparameters)
    np.testing.assert_allclose([trained.theta[0, 0], path[-1][0][0]], first, rtol=LENGTH)
    np.testing.assert_allclose(trained.theta[0], path[-1][0], rtol=LENGTH)


NOISY = list(itertools.product(DTYPES, (0, 2)))


@pytest.mark.parametrize("noisy", slowly(NOISY, quick=[("float64", 0), ("float32", 2)]), ids=str)
def test_noise_equals_the_reference(noisy):
    dtype, batch = noisy
    expect_equal_to_reference(("tanh", "half_sse", "momentum", (9,), dtype), noise=True, batch=batch, steps=20)


@pytest.mark.parametrize("shuffled", slowly([(5, 1), (7, 2), (6, 6)], quick=[(7, 2)]), ids=str)
def test_shuffled_batches_equal_the_reference(shuffled):
    samples, batch = shuffled
    case = ("tanh", "half_sse", "gd", (3,), "float64")
    expect_equal_to_reference(case, samples=samples, batch=batch, shuffled=True, steps=12)


DRAWN = [(5, 1, "float32"), (7, 3, "float64"), (6, 6, "float64")]


@pytest.mark.parametrize("drawn", slowly(DRAWN, quick=DRAWN[:2]), ids=str)
def test_sampled_batches_equal_the_reference(drawn):
    samples, batch, dtype = drawn
    case = ("tanh", "half_sse", "gd", (3,), dtype)
    expect_equal_to_reference(case, samples=samples, batch=batch, sampled=True, noise=True, steps=12)


@pytest.mark.parametrize("optimizer", slowly(["gd", "rprop", "adam"], quick=["rprop"]))
def test_layer_rates_equal_the_reference(optimizer):
    expect_equal_to_reference(("tanh", "half_sse", optimizer, (3,), "float64"), layer_rates=True)


BATCHES = [
    (samples, batch, *rest)
    for samples, batch in ((5, 1), (7, 2), (12, 5), (6, 6), (9, 4))
    for rest in (("momentum", "half_sse"), ("adam", "mse"))
]


@pytest.mark.parametrize("batches", slowly(BATCHES, quick=[BATCHES[k] for k in (0, 3, 4)]), ids=str)
def test_batches_equal_the_reference(batches):
    samples, batch, optimizer, loss = batches
    expect_equal_to_reference(("tanh", loss, optimizer, (3,), "float64"), samples=samples, batch=batch, steps=20)


@pytest.mark.parametrize("sizes", slowly([(1, 1, 1), (3, 5, 1), (2, 7, 3, 2)], quick=[(3, 5, 1)]))
def test_networks_without_biases_equal_the_reference(sizes):
    expect_equal_to_reference(("tanh", "mse", "momentum", (), "float64"), sizes=sizes, bias=False)


def starts(n, scale=0.8, dtype="float64", seed=3):
    return (np.random.default_rng(seed).normal(size=(n, 9)) * scale).astype(dtype)


@pytest.mark.parametrize("runs", [*range(1, 41), 100])
def test_a_run_does_not_depend_on_other_runs(runs):
    batch = make_batch(starts(100), 400, learning_rate=0.5, momentum=0.9, solved=0.4, every=40)
    fewer = make_batch(starts(100)[:runs], 400, learning_rate=0.5, momentum=0.9, solved=0.4, every=40)
    whole, part = (train(LOGISTIC, XOR, TARGET, g, lanes=8) for g in (batch, fewer))
    for a, b in zip(vars(whole).values(), vars(part).values(), strict=True):
        np.testing.assert_array_equal(a[:runs], b)


def test_the_zero_start_of_xor_is_frozen_at_once():
    trained = train(LOGISTIC, XOR, TARGET, make_batch(np.zeros((3, 9)), 10**9, every=10**9), lanes=8)
    assert (trained.stop_reason == StopReason.FIXED_POINT).all()
    assert (trained.stop_step == 0).all()
    assert not trained.theta.any()
    assert not trained.largest_gradient.any()
    assert (trained.loss == 0.5).all()
    assert (trained.measures[:, :, 0] == 0.5).all()


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 0.1, 1.0, 10.0])
def test_identical_units_stay_identical_and_their_loss_above_a_third(scale):
    theta = starts(64, scale)
    theta[:, 3:6], theta[:, 7] = theta[:, :3], theta[:, 6]
    batch = make_batch(theta, 2000, learning_rate=0.5, momentum=0.9, every=20)
    trained = train(LOGISTIC, XOR, TARGET, batch, lanes=8)
    np.testing.assert_array_equal(trained.theta[:, :3], trained.theta[:, 3:6])
    assert (trained.measures[..., 2] == 0).all()
    assert (trained.measures[..., 0] > 1 / 3).all()
    assert (trained.stop_step > 0).all()


@pytest.mark.parametrize("activation", slowly(ACTIVATIONS, quick=["logistic", "gelu"]))
def test_identical_units_of_any_activation_stay_identical(activation):
    theta = starts(16)
    theta[:, 3:6], theta[:, 7] = theta[:, :3], theta[:, 6]
    trainer = Trainer((2, 2, 1), True, (activation, "linear"), "bce_logits", "momentum")
    trained = train(trainer, XOR, TARGET, make_batch(theta, 2000, learning_rate=0.1, every=50), lanes=8)
    np.testing.assert_array_equal(trained.theta[:, :3], trained.theta[:, 3:6])
    np.testing.assert_array_equal(trained.theta[:, 6], trained.theta[:, 7])
    assert (trained.measures[..., 2] == 0).all()


@pytest.mark.parametrize("activation", slowly([*sorted(ODD), "relu"], quick=["sin", "relu"]))
def test_mirrored_units_stay_mirrored_where_the_activation_is_odd(activation):
    theta = starts(16)
    theta[:, 3:6], theta[:, 7] = -theta[:, :3], -theta[:, 6]
    trainer = Trainer((2, 2, 1), True, (activation, "tanh"), "half_sse", "gd")
    batch = make_batch(theta, 1000 if activation in ODD else 0, learning_rate=0.1, every=50)
    separation = train(trainer, XOR, 2 * TARGET - 1, batch, lanes=8).measures[..., 2]
    assert (separation == 0).all() if activation in ODD else (separation > 0).all()


def test_the_sign_of_a_unit_counts_in_layers_that_are_not_odd():
    sizes = (2, 2, 2, 1)
    theta = starts(3).repeat(2, axis=1)[:, :15]
    for activations in (("tanh", "relu"), ("relu", "tanh")):
        for layer in range(2):
            mirrored, (a, b) = theta.copy(), layout.unit_vectors(sizes, True, layer)
            mirrored[:, b] = -mirrored[:, a]
            trainer = Trainer(sizes, True, (*activations, "tanh"), "half_sse", "gd")
            separation = train(trainer, XOR, TARGET, make_batch(mirrored, 0), lanes=8).separation
            odd = [name == "tanh" for name in activations]
            assert (separation == 0).tolist() == [odd[layer]] * 3
            expected = [reference.separation(sizes, True, start, odd) for start in mirrored]
            np.testing.assert_allclose(separation, expected, rtol=LENGTH)


def at_start(loss, logits, targets):
    """(loss, gradient norm) of a network whose outputs are `logits`, before any step."""
    trainer = Trainer((1, len(logits)), False, ("linear",), loss, "gd")
    batch = make_batch(np.array([logits], dtype=np.float64), 0)
    trained = train(trainer, np.ones((1, 1)), np.array([targets], dtype=np.float64), batch)
    return trained.loss[0], trained.grad_norm[0]


def test_loss_and_gradient_of_a_learned_sample_do_not_round_to_zero():
    rest = np.exp(-50) + np.exp(-600)
    expected = [np.log1p(rest), np.linalg.norm([rest, np.exp(-50), np.exp(-600)])]
    np.testing.assert_allclose(at_start("softmax_ce", [50, 0, -550], [1, 0, 0]), expected, rtol=1e-14)
    for logit, target in ((600, 1), (-600, 0)):
        np.testing.assert_allclose(at_start("bce_logits", [logit], [target]), np.exp(-600), rtol=1e-13)


def test_equal_logits_share_the_probability():
    loss, norm = at_start("softmax_ce", [3, 3, 3, 3], [0, 1, 0, 0])
    np.testing.assert_allclose([loss, norm], [np.log(4), np.sqrt(0.75**2 + 3 * 0.25**2)], rtol=LENGTH)


def test_logits_are_compared_with_targets_as_probabilities():
    trainer = Trainer((2, 2, 1), True, ("tanh", "linear"), "bce_logits", "momentum")
    trained = train(trainer, XOR, TARGET, make_batch(starts(12), 3000, learning_rate=0.5, momentum=0.9, solved=0.4))
    solved = trained.stop_reason == StopReason.SOLVED
    network = reference.Network((2, 2, 1), True, ("tanh", "linear"), "bce_logits")
    errors = [reference.loss_and_gradient(network, theta, XOR, TARGET)[2] for theta in trained.theta]
    assert solved.any()
    assert ((np.array(errors) < 0.4) == solved).all()


@pytest.mark.parametrize("activation", slowly(["relu", "gelu", "sin"], quick=["relu"]))
def test_a_sum_that_is_not_a_number_ends_as_diverged(activation):
    theta = np.array([[1e308, 1e308, -1e308, -1e308, 0, 0, 1, 1, 0]]).repeat(2, axis=0)
    trainer = Trainer((2, 2, 1), True, (activation, "linear"), "half_sse", "gd")
    trained = train(trainer, np.array([[10.0, -10.0]]), np.zeros((1, 1)), make_batch(theta, 10))
    assert (trained.stop_reason == StopReason.DIVERGED).all()


@pytest.mark.parametrize("scale", [1e-9, 0.1, 1.0, 10.0])
def test_mirrored_tanh_units_stay_mirrored(scale):
    theta = starts(64, scale)
    theta[:, 3:6], theta[:, 7] = -theta[:, :3], -theta[:, 6]
    trained = train(TANH, XOR, 2 * TARGET - 1, make_batch(theta, 2000, learning_rate=0.1, every=20), lanes=8)
    np.testing.assert_array_equal(trained.theta[:, :3], -trained.theta[:, 3:6])
    assert (trained.measures[..., 2] == 0).all()


def test_events_are_exact():
    theta = starts(24, 1.5)
    hyperparameters = {"learning_rate": 0.5, "momentum": 0.9}
    batch = make_batch(theta, 1500, **hyperparameters, solved=0.4, escape=0.475)
    trained = train(LOGISTIC, XOR, TARGET, batch, lanes=8)
    network = reference.Network((2, 2, 1), True, ("logistic", "logistic"), "half_sse")
    assert {StopReason.SOLVED, StopReason.BUDGET} <= set(trained.stop_reason.tolist())
    for run, start in enumerate(theta):
        steps = int(trained.stop_step[run])
        path = reference.trajectory(network, start, XOR, TARGET, steps, "momentum", hyperparameters)
        escaped = [n for n, state in enumerate(path) if state[1] < 0.475]
        solved = [n for n, state in enumerate(path) if state[3] < 0.4]
        assert trained.escape_step[run] == (escaped or [-1])[0]
        assert trained.solve_step[run] == (solved or [-1])[0]


def test_a_gradient_tolerance_stops_and_divergence_is_named():
    quiet = train(
        TANH, XOR, 2 * TARGET - 1, make_batch(starts(9), 50_000, every=50_000, gradient=1e-3), lanes=8
    )
    stopped = quiet.stop_reason == StopReason.GRADIENT
    assert stopped.any()
    assert (quiet.largest_gradient[stopped] <= 1e-3).all()
    linear = Trainer((2, 2, 1), True, ("linear", "linear"), "half_sse", "gd")
    wild = train(linear, XOR, TARGET, make_batch(starts(9), 500, learning_rate=50.0, every=500), lanes=8)
    assert (wild.stop_reason == StopReason.DIVERGED).all()
    assert not (wild.loss <= 1e6).any()


def test_slices_do_not_change_bits_and_can_abandon_a_batch():
    batch = make_batch(starts(20), 3000, learning_rate=0.5, momentum=0.9, every=300)
    slices = []
    whole = train(LOGISTIC, XOR, TARGET, batch, lanes=8, after_slice=slices.append)
    assert sum(slices) == 3 * 3001 * 8
    assert len(slices) > 1
    assert everything(whole) == everything(train(LOGISTIC, XOR, TARGET, batch, lanes=16))
    with pytest.raises(KeyboardInterrupt):
        train(LOGISTIC, XOR, TARGET, batch, lanes=8, after_slice=_stop)


@pytest.mark.parametrize(("units", "samples", "ticks"), [(2, 4, 256), (16, 4096, 63), (16, 4096 * 64, 1)])
def test_the_first_slice_is_short_for_any_cost_of_a_tick(units, samples, ticks):
    X, T = np.tile(XOR, (samples // 4, 1)), np.tile(TARGET, (samples // 4, 1))
    theta = np.full((8, 4 * units + 1), 0.1)
    slices = []

    def stop(steps):
        slices.append(steps)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(
            Trainer((2, units, 1), True, ("tanh", "tanh"), "half_sse", "gd"), X, T,
            make_batch(theta, 1000, learning_rate=1e-9, every=1000), lanes=8, after_slice=stop,
        )  # fmt: skip
    assert slices == [ticks * 8]


def _stop(steps):
    raise KeyboardInterrupt
