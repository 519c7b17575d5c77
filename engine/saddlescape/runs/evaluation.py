"""Loss, gradient, outputs and Hessian-vector products at any points of weight space."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from saddlescape import kernels
from saddlescape.network import layout
from saddlescape.runs.from_array import starts_of
from saddlescape.runs.prepare import hyperparameters, numbers_of, plain_trainer
from saddlescape.runs.prepare import trainer as trainer_of
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError, thread_count
from saddlescape.system.arithmetic import ieee
from saddlescape.words.optimizers import OPTIMIZERS, Decay

Floats = npt.NDArray[np.floating]

PIECE = 2**14
"""Points of one call of the kernel: few enough that their arrays stay in the cache."""


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` computes at points of weight space; what was not asked for is None.

    Attributes
    ----------
    loss : (n_points,) float64, the loss over all samples, without penalties.
    objective : (n_points,) float64, the loss plus the penalties of the parameters; without penalties, `loss` itself.
    gradient : (n_points, n_params) float64, the gradient of the objective; 0 for biases that are held.
    outputs : (n_points, n_samples, n_outputs) float64, as of `outputs` at the inputs of the problem.
    """

    loss: Floats
    objective: Floats
    gradient: Floats | None = None
    outputs: Floats | None = None


@ieee()
def evaluate(
    spec: Spec, theta: npt.ArrayLike, *, gradient: bool = False, outputs: bool = False, threads: int | None = None
) -> Evaluation:
    """Loss of any number of networks and, if asked for, the gradient and the outputs, with the bits of the training.

    The loss alone costs one forward pass.  The GIL is released.

    Parameters
    ----------
    spec : one point of a sweep, such as ``ss.load("xor").spec``, which describes network, problem and objective.
    theta : (n_points, n_params), as of `run_starts`.
    gradient, outputs : whether to compute them.
    threads : by default one per core.

    Returns
    -------
    Evaluation : `loss` has the bits of the measure `loss`, and `gradient` those of the gradient whose norm is the
        measure `grad_norm`: the objective has the penalty `l1`, and `weight_decay` for optimizers that add it to the
        gradient.  With ``network.dtype = "float32"`` they are computed in float32.  Beyond the range of the dtype, they
        are inf or NaN.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type, shape, or values that are not finite real numbers.  A `ValueError`, too.

    Examples
    --------
    >>> ss.evaluate(ss.load("xor").spec, np.zeros((1, 9))).loss  # doctest: +SKIP
    array([0.5])
    """
    points, threads = starts_of(spec, theta), thread_count(threads)
    rows, trainer, slopes, values = points.astype(spec.network.dtype, copy=False), plain_trainer(spec), None, None
    X, T = spec.loaded.X, spec.loaded.T
    if gradient:
        of_objective, numbers = _with_penalties(spec)
        loss, slopes = _in_parts(lambda part: kernels.loss_gradient(of_objective, X, T, part, numbers), threads, rows)
    else:
        (loss,) = _in_parts(lambda part: (kernels.loss(trainer, X, T, part),), threads, rows)
    if outputs:
        (values,) = _in_parts(lambda part: (kernels.outputs(trainer, X, part),), threads, rows)
    return Evaluation(loss, _objective(spec, points, loss), slopes, values)


def objective(spec: Spec, points: npt.NDArray[np.float64]) -> Floats:
    """The objective of `evaluate` at finite points (n_points, n_params), on this thread and without checks."""
    rows = points.astype(spec.network.dtype, copy=False)
    loss = kernels.loss(plain_trainer(spec), spec.loaded.X, spec.loaded.T, rows)
    return _objective(spec, points, loss.astype(np.float64, copy=False))


def _in_parts(function: Callable[..., tuple[Floats, ...]], threads: int, *arrays: Floats) -> list[Floats]:
    """The arrays that a function returns for arrays of points, in float64, computed in pieces on all threads."""
    first, *others = (slice(at, at + PIECE) for at in range(0, len(arrays[0]), PIECE))
    values = function(*(array[first] for array in arrays))
    whole = [np.empty((len(arrays[0]), *value.shape[1:])) for value in values]

    def fill(part: slice, values: tuple[Floats, ...] | None = None) -> None:
        for all_values, some in zip(whole, values or function(*(array[part] for array in arrays)), strict=True):
            all_values[part] = some

    fill(first, values)
    if others:
        with ThreadPoolExecutor(threads) as executor:
            list(executor.map(fill, others))
    return whole


@lru_cache(8)
def _with_penalties(spec: Spec) -> tuple[kernels.Trainer, dict[str, npt.NDArray[np.float64]]]:
    """The variant for the gradient of the objective, and its numbers."""
    numbers = numbers_of(spec, 1)
    full = trainer_of(spec, numbers)
    parts = {name: getattr(full, name) for name in ("weight_decay", "l1", "decay", "bias_rate")}
    return replace(plain_trainer(spec), **parts), hyperparameters(spec, numbers)


def held(spec: Spec) -> npt.NDArray[np.bool_]:
    """Whether each parameter is a bias that is held."""
    return layout.is_bias(*spec.shape) & (spec.training.bias_rate == 0)


@lru_cache(8)
def penalties(spec: Spec) -> tuple[Floats, Floats]:
    """The weight decay in the objective, and l1, of each parameter."""
    keys, coupled = spec.training, OPTIMIZERS[spec.training.optimizer].decay is Decay.COUPLED
    penalized = ~(layout.is_bias(*spec.shape) & (keys.decay == "weights"))
    return penalized * keys.weight_decay * coupled, penalized * keys.l1


def _objective(spec: Spec, theta: Floats, loss: Floats) -> Floats:
    """The loss plus the penalties of the parameters."""
    decay, l1 = penalties(spec)
    if not (decay.any() or l1.any()):
        return loss
    return np.asarray(loss + (theta**2) @ (decay / 2) + abs(theta) @ l1)


@ieee()
def hessian_vector(spec: Spec, theta: npt.ArrayLike, v: npt.ArrayLike, *, threads: int | None = None) -> Floats:
    """Hessian of the objective at each point times a vector, in float64, exact up to rounding.

    A product costs about two gradients; the Hessian is not formed.  The GIL is released.

    Parameters
    ----------
    spec : as for `evaluate`.
    theta : (n_points, n_params).
    v : (n_points, n_params), one vector for each point.
    threads : by default one per core.

    Returns
    -------
    (n_points, n_params) float64 : 0 for biases that are held.  relu, leaky_relu, huber and l1 have the second
        derivative of the piece that contains the point.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type, shape, or values that are not finite real numbers.  A `ValueError`, too.

    References
    ----------
    B. A. Pearlmutter (1994), Fast exact multiplication by the Hessian, Neural Computation 6, 147-160.

    Examples
    --------
    >>> ss.hessian_vector(ss.load("xor").spec, np.zeros((1, 9)), np.eye(9)[8:]).sum()  # doctest: +SKIP
    0.5
    """
    points, vectors, threads = starts_of(spec, theta), starts_of(spec, v, "v"), thread_count(threads)
    if vectors.shape != points.shape:
        raise ArgumentError(f"v must have the shape of theta, {points.shape}; got {vectors.shape}")
    trainer, problem, free, decay = plain_trainer(spec), spec.loaded, ~held(spec), penalties(spec)[0]

    def product(theta: Floats, v: Floats) -> tuple[Floats]:
        v = np.where(free, v, 0.0)
        product = kernels.hessian_vector(trainer, problem.X, problem.T, theta, v)
        return (np.where(free, product + decay * v, 0.0),)

    (products,) = _in_parts(product, threads, points, vectors)
    return products
