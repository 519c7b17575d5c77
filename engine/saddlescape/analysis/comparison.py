"""Two results side by side: the settings that differ, and the fractions of an outcome at each point."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.analysis.difference import Difference, fraction_difference, holm
from saddlescape.analysis.escape import Fraction, wilson_interval
from saddlescape.results import Results, opened
from saddlescape.store import side_by_side
from saddlescape.system.arguments import ArgumentError
from saddlescape.words.outcomes import Outcome
from saddlescape.words.suggest import hint

POOLED = ("x", "y", "run")
"""Dimensions whose runs are counted together."""


TABLES = ("problem", "network", "starts")
"""Tables of the spec that decide which start a run has."""


@dataclass(frozen=True)
class Comparison:
    """Fractions of the starts with one outcome in two results.

    Attributes
    ----------
    settings : the keys of the spec that differ, each with both values as text.
    points : the values of the axes at each point, by name.
    a, b : the fraction at each point, with Wilson's interval; (points,).
    difference : b - a at each point, with Newcombe's interval and p-values adjusted for all points by Holm's method.
        Where all runs of a point are the same start, intervals and p-values are NaN.
    paired : whether runs of the same number have the same start in both results; the test is then McNemar's, otherwise
        Fisher's.
    """

    settings: dict[str, tuple[str, str]]
    points: list[dict[str, Any]]
    a: Fraction
    b: Fraction
    difference: Difference
    paired: bool


def compare(a: Results, b: Results, outcome: str = "solved") -> Comparison:
    """Compare the fractions of the starts that have an outcome in two results with the same axes.

    Parameters
    ----------
    a, b : what `saddlescape.open` returns; the difference is that of b minus that of a.
    outcome : its name.

    Raises
    ------
    ArgumentError : there is no such outcome, the results have other axes, or are not opened.
    """
    a, b = opened(a, "a"), opened(b, "b")
    labels = [each.label for each in Outcome]
    if outcome not in labels:
        raise ArgumentError(f"outcome must be one of {', '.join(labels)}; got {outcome!r}{hint(outcome, labels)}")
    if (of_a := _axes(a)) != (of_b := _axes(b)):
        remedy = "compare results of sweeps with the same axes; --axis KEY=VALUES runs a sweep with another one"
        raise ArgumentError(f"{b.path} must have the axes of {a.path}: {_told(of_a)}; got {_told(of_b)}; {remedy}")
    event, other = (_events(each, labels.index(outcome)) for each in (a, b))
    paired = event.shape == other.shape and all(a.resolved[name] == b.resolved[name] for name in TABLES)
    found = fraction_difference(event, other, paired=paired)
    one, two = _alike(a), _alike(b)
    low, high, p = (np.where(one | two, np.nan, values) for values in found[1:])
    difference = Difference(found.value, low, high, holm(p))
    settings = side_by_side(a.resolved, b.resolved)
    return Comparison(settings, _points(a), _fraction(event, one), _fraction(other, two), difference, paired)


def _axes(results: Results) -> dict[str, list[Any]]:
    """The values of each axis, also of a selection, by name."""
    return {name: results[name].tolist() for dim in _dims(results) for name in results.along[dim]}


def _told(axes: dict[str, list[Any]]) -> str:
    """The axes for a message."""
    return ", ".join(f"{name} ({', '.join(map(str, values))})"[:80] for name, values in axes.items()) or "none"


def _dims(results: Results) -> list[str]:
    return [dim for dim in results.dims if dim not in POOLED]


def _points(results: Results) -> list[dict[str, Any]]:
    dims = _dims(results)
    values = {dim: [(name, results[name].tolist()) for name in results.along[dim]] for dim in dims}
    return [
        {name: each[i] for dim, i in zip(dims, index, strict=True) for name, each in values[dim]}
        for index in np.ndindex(*(results.dims[dim] for dim in dims))
    ]


def _events(results: Results, code: int) -> npt.NDArray[np.bool_]:
    """Whether each run has the outcome, (points, runs)."""
    points = math.prod(results.dims[dim] for dim in _dims(results))
    return np.asarray(results["outcome"].reshape(points, -1) == code)


def _alike(results: Results) -> npt.NDArray[np.bool_]:
    """Whether all runs of each point are the same start."""
    return np.asarray(results["distinct_starts"] == 1).reshape(-1)


def _fraction(event: npt.NDArray[np.bool_], alike: npt.NDArray[np.bool_]) -> Fraction:
    k, n = event.sum(axis=-1), event.shape[-1]
    low, high = (np.where(alike, np.nan, end) for end in wilson_interval(k, n))
    return Fraction(k / n, low, high)
