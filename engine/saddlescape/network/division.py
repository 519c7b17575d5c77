"""Test data, and inputs with mean 0 and standard deviation 1: the same bits on every machine."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from saddlescape.network.problems import KEPT, Problem

Array = npt.NDArray[np.float64]


@lru_cache(KEPT)
def divided(problem: Problem, test: Problem | None, fraction: float | None, seed: int, standardize: bool) -> Problem:
    """The problem with its test data, which are another problem, a fraction of its samples, or none.

    Raises
    ------
    ValueError
        The test data do not fit, or no samples would be left; the message is one line for the user.
    """
    if test is not None:
        problem = _with_test(problem, test)
    elif fraction is not None:
        problem = _held_out(problem, fraction, seed)
    return standardized(problem) if standardize else problem


def _with_test(problem: Problem, test: Problem) -> Problem:
    shape, own = (problem.X.shape[1], problem.T.shape[1]), (test.X.shape[1], test.T.shape[1])
    if own != shape:
        needed = "must have as many inputs and outputs as the training data, {} and {}; got {} and {}"
        raise ValueError(needed.format(*shape, *own))
    return replace(problem, X_test=test.X, T_test=test.T)


def _held_out(problem: Problem, fraction: float, seed: int) -> Problem:
    """Hold out the samples with the smallest of uniform numbers, which the seed determines; the order is kept."""
    samples = len(problem.X)
    n = math.floor(samples * fraction + 0.5)
    if not 0 < n < samples:
        part = "test" if n == 0 else "training"
        raise ValueError(f"must leave a {part} sample; got {fraction:g} of {samples} samples")
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, 2**64 - 2], dtype=np.uint64)))
    is_test = np.zeros(samples, dtype=bool)
    is_test[np.argsort(generator.random(samples), kind="stable")[:n]] = True
    X, T = problem.X, problem.T
    return replace(problem, X=X[~is_test], T=T[~is_test], X_test=X[is_test], T_test=T[is_test])


def standardized(problem: Problem) -> Problem:
    """The problem with inputs of mean 0 and standard deviation 1 over the training samples.

    Test inputs are changed by the same numbers.  An input that is the same in all training samples becomes 0 there, and
    in the test samples the difference from it.
    """
    X = problem.X
    constant = (X[:1] == X).all(axis=0)
    power = -np.frexp(abs(X).max(axis=0))[1]
    scaled = np.ldexp(X, power)  # by a power of 2, which changes no bit; squares then do not overflow
    mean = np.where(constant, scaled[0], _mean(scaled))
    deviation = np.where(constant, np.ldexp(1.0, power), np.sqrt(_mean((scaled - mean) ** 2)))
    X_test = None if problem.X_test is None else (np.ldexp(problem.X_test, power) - mean) / deviation
    return replace(problem, X=(scaled - mean) / deviation, X_test=X_test)


def _mean(values: Array) -> Array:
    """The mean over samples, added from the first to the last."""
    return np.asarray(np.cumsum(values, axis=0)[-1] / len(values))
