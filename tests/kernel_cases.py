"""Cases that compare the kernel with its NumPy reference, shared by the quick and the full tests."""

import itertools

import numpy as np
import pytest

from saddlescape.kernels import Batch, Trained, Trainer, train
from saddlescape.network import layout, reference
from saddlescape.words import activations, losses
from saddlescape.words.optimizers import OPTIMIZERS, Decay

ACTIVATIONS, LOSSES = tuple(activations.ACTIVATIONS), tuple(losses.LOSSES)
STEPPING = [name for name, its in OPTIMIZERS.items() if its.steps]
"""Optimizers that step; the gradient flow has separate tests."""

HIDDEN = ((), (3,), (3, 2), (2, 3, 2))
DTYPES = ("float64", "float32")
SEED = 2**63 + 5
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
TARGET = np.array([[0], [1], [1], [0.0]])
HYPERPARAMETERS = {
    "learning_rate": 0.02, "momentum": 0.5, "epsilon": 1e-8, "smoothing": 0.99, "beta1": 0.9, "beta2": 0.999,
    "weight_decay": 0.01, "eta_plus": 1.2, "eta_minus": 0.5, "step_max": 50.0, "step_min": 1e-6, "schedule_decay": 0.1,
    "log_decay": np.log(0.99), "layer_rate_0": 1.0, "layer_rate_1": 0.5, "noise": 0.1, "half_turn": 0.005,
    "l1": 0.02, "bias_rate": 0.3, "warmup": 7.0, "schedule_steps": 3.0, "cycle_peak": 5.0, "cycle_end": 19.0,
    "momentum_decay": 0.004, "growth_max": 1.75, "clip": 0.2,
    "dropout": 0.3,
}  # fmt: skip


def activations_of(loss, activation, hidden):
    """Activations of the layers; the outputs have the hidden activation unless the loss prescribes another.

    A tuple has the activations of all layers.
    """
    if isinstance(activation, tuple):
        return activation
    return (activation,) * hidden + (losses.LOSSES[loss].output or activation,)


FULL = [
    case
    for case in itertools.product(ACTIVATIONS, LOSSES, STEPPING, HIDDEN, DTYPES)
    if case[0] in activations_of(case[1], case[0], len(case[3]))
]


PARTS = {
    "-".join(names): list(part)
    for names, part in itertools.groupby(FULL, key=lambda case: case[:2])
}
"""All cases by activation and loss."""


def networks(loss, first):
    """(activations of the layers, hidden sizes) of a few networks that together have each activation.

    They have 0, 1, 2, 3 and (if that is not enough) 5 hidden layers; the first layer has activation number `first`.
    """
    output, chosen = losses.LOSSES[loss].output, []
    for hidden in (*HIDDEN, (2, 3, 2, 3, 2)):
        free = len(hidden) + (output is None)
        names = tuple(ACTIVATIONS[(first + n) % len(ACTIVATIONS)] for n in range(free))
        chosen.append((names if output is None else (*names, output), hidden))
        first += free
        if len({name for names, _ in chosen for name in names}) == len(ACTIVATIONS):
            break
    return chosen


PRODUCT = {
    f"{loss}-{optimizer}": [
        (names, loss, optimizer, hidden, dtype)
        for m, dtype in enumerate(DTYPES)
        for names, hidden in networks(loss, first=4 * n + 5 * m)
    ]
    for n, (loss, optimizer) in enumerate(itertools.product(LOSSES, STEPPING))
}
"""Each activation and each number of layers with each loss, optimizer and dtype, by loss and optimizer."""


def pairwise(cases):
    """A small subset that contains every pair of values of two factors that the cases contain (greedy)."""

    def pairs(case):
        return set(itertools.combinations(enumerate(case), 2))

    missing, chosen = set().union(*map(pairs, cases)), []
    while missing:
        chosen.append(max(cases, key=lambda case: len(pairs(case) & missing)))
        missing -= pairs(chosen[-1])
    return chosen


ONCE = ("amsgrad", "nadam", "adamax", "adadelta", "quickprop")
"""Optimizers in one case for each dtype: an update sees only the gradient, not the activation or the loss."""

PAIRS = [
    *pairwise([case for case in FULL if case[2] not in ONCE]),
    *(("tanh", "half_sse", optimizer, (3,), dtype) for optimizer in ONCE for dtype in DTYPES),
]


def mixed(n):
    """The n-th quick case, with another activation in each layer."""
    hidden, output = (ACTIVATIONS[n % 11], ACTIVATIONS[(n + 2) % 11]), ACTIVATIONS[(n + 4) % 11]
    loss = LOSSES[n % 6]
    return (*hidden, losses.LOSSES[loss].output or output), loss, STEPPING[n % len(STEPPING)], (3, 2), DTYPES[n // 12]


MIXED = [mixed(n) for n in range(24)]
"""Each optimizer; each activation and each loss with both dtypes; each activation with each loss that allows any."""

EACH_ONCE = MIXED[: len(STEPPING)]
"""Each optimizer, activation and loss, and both dtypes."""


def slowly(cases, quick=()):
    """The cases as parameters of a test; those that are not among the `quick` ones are slow."""
    return [case if case in quick else pytest.param(case, marks=pytest.mark.slow) for case in cases]


def problem(samples, n_in=2, n_out=2, seed=5, loss="mse"):
    """Random inputs in [-1, 1] and targets in (0, 1), whose sum is 1 for softmax_ce."""
    rng = np.random.default_rng(seed)
    X, T = rng.uniform(-1, 1, (samples, n_in)), rng.uniform(0.1, 0.9, (samples, n_out))
    return X, T / T.sum(axis=1, keepdims=True) if loss == "softmax_ce" else T


def make_batch(
    theta, steps, *, solved=0.0, escape=-1.0, every=1, gradient=0.0, **hyperparameters
):
    """A batch in which every run is recorded at every `every`-th step."""
    n, hyperparameters = len(theta), HYPERPARAMETERS | hyperparameters

    def constant(value):
        return np.full(n, float(value))

    record = np.unique(np.append(np.arange(0, steps + 1, every), steps))
    return Batch(
        theta, {name: constant(value) for name, value in hyperparameters.items()}, constant(escape), constant(solved),
        constant(1e6), constant(gradient), np.full(n, steps), np.arange(n), record, record_theta=True,
        keys=np.array([[SEED, run] for run in range(n)], dtype=np.uint64),
    )  # fmt: skip


def everything(trained):
    """The bytes of all arrays that a call of the kernel returns."""
    return [np.ascontiguousarray(a).tobytes() for a in vars(trained).values()]


def arguments(case, samples=5, runs=3, steps=100, sizes=None, bias=True, seed=7, **options):
    """Arguments of `train` for a case; `options` are passed to Trainer."""
    activation, loss, optimizer, hidden, dtype = case
    sizes = sizes or (2, *hidden, 2)
    X, T = problem(samples, sizes[0], sizes[-1], loss=loss)
    n_params = layout.n_params(sizes, bias, options.get("skip", "none"))
    theta = np.random.default_rng(seed).normal(0, 0.7, (runs, n_params)).astype(dtype)
    activations = activations_of(loss, activation, len(sizes) - 2)
    trainer = Trainer(sizes, bias, activations, loss, optimizer, **options)
    epoch = -(-samples // trainer.batch) if trainer.batch else 1
    return trainer, X, T, make_batch(theta, steps * epoch, every=epoch)


def run_both(case, **options):
    """(result of the kernel, list of reference trajectories) for a case; `options` as of `arguments`."""
    trainer, X, T, batch = arguments(case, **options)
    trained: Trained = train(trainer, X, T, batch)
    optimizer, dtype, steps = trainer.optimizer, batch.theta.dtype, int(batch.steps[0])
    epoch = -(-len(X) // trainer.batch) if trainer.batch else 1
    shape = trainer.sizes, trainer.bias, trainer.activations, trainer.loss, trainer.skip, trainer.reduction
    network = reference.Network(*shape)
    decoupled = OPTIMIZERS[optimizer].decay is Decay.DECOUPLED
    switches = ("weight_decay", "noise", "l1", "bias_rate", "warmup", "dropout", "clip")
    used = {name: getattr(trainer, name) for name in switches}
    used["weight_decay"] |= decoupled
    hyperparameters = {name: value for name, value in HYPERPARAMETERS.items() if used.get(name, True)}
    x, t = X.astype(dtype), T.astype(dtype)
    rest = (x, t, steps, optimizer, hyperparameters, trainer.schedule, trainer.batch, trainer.layer_rates)
    order = trainer.decay, trainer.sampled
    return trained, [
        reference.trajectory(network, start, *rest, trainer.shuffled, (SEED, run), *order)[::epoch]
        for run, start in enumerate(batch.theta)
    ]
