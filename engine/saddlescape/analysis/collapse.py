"""What pulls runs into zero: weight decay, and gradients of single samples that disagree (docs/traps.md)."""

import numpy as np
import numpy.typing as npt

from saddlescape.system.arguments import ArgumentError

Array = npt.NDArray[np.float64]

LEAST_CONSTANT = (1 + np.sqrt(5)) / 8
"""The smallest escape constant of XOR (tanh, -1 and +1) of all starts at distance 1 from zero."""

ROUNDING = 1e-6
"""Imaginary part of a root, relative to its size, up to which it counts as real."""


def decay_holds(constant: npt.ArrayLike, weight_decay: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether weight decay keeps a start at a saddle of fourth order from escaping, to leading order.

    It does if 2 weight_decay constant >= 1: then the start sinks to zero and ends *collapsed*.

    Parameters
    ----------
    constant : time in which the flow without decay escapes from the start, as of `xor_escape_constant`.
    weight_decay : >= 0, on all parameters; the arguments broadcast against each other.

    Raises
    ------
    ArgumentError : `weight_decay` is negative or not a number.
    """
    decay = _decay(weight_decay)
    return np.asarray((decay > 0) & (2 * np.where(decay > 0, decay, 1) * np.asarray(constant) >= 1))


def held_norm(weight_decay: npt.ArrayLike) -> Array:
    """Distance from zero within which weight decay holds every start of XOR (tanh, -1 and +1), to leading order.

    It is ``sqrt(weight_decay (1 + sqrt 5)) / 2``, for 2-h-1 networks of any width and the loss half_sse.

    Raises
    ------
    ArgumentError : `weight_decay` is negative or not a number.
    """
    return np.asarray(np.sqrt(2 * _decay(weight_decay) * LEAST_CONSTANT))


def _decay(weight_decay: npt.ArrayLike) -> Array:
    decay = np.asarray(weight_decay, dtype=np.float64)
    if not np.all(decay >= 0):
        raise ArgumentError(f"weight_decay must be 0 or more; got {weight_decay!r}")
    return decay


def online_growth(learning_rate: npt.ArrayLike, targets: npt.ArrayLike) -> Array:
    """Factor by which an epoch of online gd multiplies the distance from zero, in the direction that grows most.

    The network is linear 1-1-1 without biases, the loss half_sse, and every input 1.  Near zero the step of a sample
    with target t multiplies a + b by 1 + learning_rate t and a - b by 1 - learning_rate t, so the factor is the larger
    absolute value of the two products over the samples, whatever their order.  Below 1, zero attracts.

    Parameters
    ----------
    learning_rate : any shape.
    targets : (samples,); those of inputs x are t x.

    Returns
    -------
    float64, of the shape of `learning_rate`.
    """
    steps = np.multiply.outer(np.asarray(learning_rate, dtype=np.float64), np.asarray(targets, dtype=np.float64))
    return np.asarray(np.maximum(abs((1 + steps).prod(axis=-1)), abs((1 - steps).prod(axis=-1))))


def online_threshold(targets: npt.ArrayLike) -> float:
    """Learning rate above which online gd is pulled into zero: `online_growth` falls below 1; inf if it never does.

    For two `targets` t and s of different signs, where s + t > 0, it is (s + t) / (-s t).
    """
    targets = np.asarray(targets, dtype=np.float64)
    roots = []
    for sign in (1, -1):
        product = np.poly1d([1.0])
        for target in targets:
            product *= np.poly1d([sign * target, 1.0])
        roots += [*(product - 1).roots, *(product + 1).roots]
    real = np.array([root.real for root in roots if abs(root.imag) < ROUNDING * abs(root) and root.real > 0])
    ends = np.append(np.unique(real), np.inf)
    between = np.minimum(ends[:-1] + np.diff(ends) / 2, 2 * ends[:-1])
    pulled = ends[:-1][online_growth(between, targets) < 1]
    return float(pulled[0]) if len(pulled) else float("inf")
