"""Basin boundaries: neighboring starts with different outcomes, and the smallest perturbation that escapes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.runs.from_array import run_starts
from saddlescape.spec import Spec

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]
Label = Callable[[dict[str, npt.NDArray[Any]]], Labels]
"""A function that returns the labels of runs, given the output of `run_starts`."""

CUTS = 31
"""Number of starts run at once in each interval: each pass determines five more bits of the edge."""

SEARCH_BITS = 40
"""Bits of a norm that stay undetermined during the search of directions: the norm is known to 1 part in 4000."""

NORMS = np.geomspace(1e-16, 10, 69)
"""Norms of the kicks that are tried first, four per decade."""


def outcome(runs: dict[str, npt.NDArray[Any]]) -> Labels:
    """Outcomes of the runs."""
    return runs["outcome"]


def escaped(runs: dict[str, npt.NDArray[Any]]) -> Labels:
    """Whether each run left the plateau, or was solved, within its steps."""
    return np.asarray((runs["escape_step"] >= 0) | (runs["solve_step"] >= 0))


@dataclass(frozen=True)
class Line:
    """Starts at positions >= 0 along straight lines: ``start(rows, numbers)`` returns a start on each of the lines."""

    spec: Spec
    start: Callable[[npt.NDArray[np.intp], Floats], Floats]
    label: Label

    def labels(self, rows: npt.NDArray[np.intp], numbers: Floats) -> Labels:
        """Labels of the starts at `numbers` (rows, n) of the lines."""
        starts = self.start(rows.repeat(numbers.shape[1]), numbers.ravel())
        return self.label(run_starts(self.spec, starts)).reshape(numbers.shape)

    def adjacent(self, rows: npt.NDArray[np.intp], low: Floats, high: Floats) -> npt.NDArray[np.bool_]:
        """Whether no start lies between the starts at `low` and at `high`."""
        middle = cuts(low, high, 1)[:, 1]
        before, between, after = (self.start(rows, numbers) for numbers in (low, middle, high))
        return np.asarray((between == before).all(axis=1) | (between == after).all(axis=1))


def cuts(low: Floats, high: Floats, number: int) -> Floats:
    """Both ends, low and high (rows,), and `number` cuts between them, evenly spaced as floating-point numbers."""
    bits = low.view(np.int64)[:, None], high.view(np.int64)[:, None]
    gap, rest = np.divmod(bits[1] - bits[0], number + 1)
    step = np.arange(number + 2)
    return np.asarray((bits[0] + step * gap + step * rest // (number + 1)).view(np.float64))


def narrow(
    line: Line, rows: npt.NDArray[np.intp], low: Floats, high: Floats, first: Labels, last: Labels, bits: int = 0
) -> tuple[Floats, Floats, Labels]:
    """Find an edge on each line between ends with the labels `first` and `last`; return (low, high, label at high).

    The interval is narrowed until no start lies between its ends, or until only `bits` bits of the number are open.
    """
    low, high, last = low.copy(), high.copy(), last.copy()
    i = np.arange(len(rows))
    while i.size:
        numbers = cuts(low[i], high[i], CUTS)
        labels = np.column_stack([line.labels(rows[i], numbers[:, 1:-1]), last[i]])
        k = (labels != first[i, None]).argmax(axis=1)[:, None]
        low[i], high[i] = (np.take_along_axis(numbers, k + side, axis=1)[:, 0] for side in (0, 1))
        last[i] = np.take_along_axis(labels, k, axis=1)[:, 0]
        known = high[i].view(np.int64) - low[i].view(np.int64) <= 1 << bits
        i = i[~(known | line.adjacent(rows[i], low[i], high[i]))]
    return low, high, last


@dataclass(frozen=True)
class Edge:
    """The boundary between the outcomes of `a` and `b`, for each pair.

    Attributes
    ----------
    before, after : (pairs, n_params) float64, neighboring starts: they differ in one parameter, and no other float64
        lies between its two values.
    label_before, label_after : (pairs,) labels of these starts; `label_before` is the label of `a`.
    share : (pairs,) float64, position of `after` on the line from `a` (0) to `b` (1), up to the rounding of starts.
    """

    before: Floats
    after: Floats
    label_before: Labels
    label_after: Labels
    share: Floats


def bisect(spec: Spec, a: npt.ArrayLike, b: npt.ArrayLike, label: Label = outcome) -> Edge:
    """Find neighboring starts with different labels on the straight line from `a` to `b`.

    Each interval is cut at `CUTS` shares, and the search continues before the first of them whose label is not that of
    `a`; of several edges, it finds one.  Shares are evenly spaced as floating-point numbers, not as real numbers, so
    an edge at a distance of 1e-300 from `a` takes no longer.  Starts at neighboring shares differ in many parameters,
    by rounding.  Between them, one parameter after the other changes from the first start to the second, and the
    parameter that changes the label is bisected to the last bit.

    Parameters
    ----------
    a, b : (pairs, n_params) or (n_params,).
    label : returns the labels of runs, given the output of `run_starts`.

    Raises
    ------
    ValueError : `a` and `b` of a pair have the same label.
    """
    a, b = np.broadcast_arrays(*(np.atleast_2d(np.asarray(end, dtype=np.float64)) for end in (a, b)))
    first, last = np.split(label(run_starts(spec, np.concatenate([a, b]))), 2)
    if (alike := np.flatnonzero(first == last)).size:
        raise ValueError(f"a and b must have different labels; in pair {alike[0]} both have {first[alike[0]]}")

    def start(rows: npt.NDArray[np.intp], share: Floats) -> Floats:
        return np.asarray((1 - share)[:, None] * a[rows] + share[:, None] * b[rows])

    every = np.arange(len(a))
    low, high, last = narrow(Line(spec, start, label), every, np.zeros(len(a)), np.ones(len(a)), first, last)
    before, after, last = _neighbors(spec, label, start(every, low), start(every, high), first, last)
    return Edge(before, after, first, last, high)


def _neighbors(
    spec: Spec, label: Label, before: Floats, after: Floats, first: Labels, last: Labels
) -> tuple[Floats, Floats, Labels]:
    """Neighboring starts, which differ in the last bit of one parameter: (before, after, label of after)."""
    pairs, n = before.shape
    stairs = np.where(np.arange(n) < np.arange(n + 1)[:, None], after[:, None], before[:, None])
    labels = np.broadcast_to(last[:, None], (pairs, n + 1)).copy()
    labels[:, 1:n] = label(run_starts(spec, stairs[:, :n].reshape(-1, n))).reshape(pairs, n)[:, 1:]
    labels[:, 0] = first
    row, stair = np.arange(pairs), (labels != first[:, None]).argmax(axis=1)
    before, after, last, changed = stairs[row, stair - 1], stairs[row, stair], labels[row, stair], stair - 1
    open_ = np.arange(pairs)
    while (open_ := open_[_apart(before, after, changed)[open_]]).size:
        index = (open_, changed[open_])
        middle = before[open_]
        middle[np.arange(len(open_)), index[1]] = _between(before[index], after[index])
        new = label(run_starts(spec, middle))
        alike = new == first[open_]
        before[open_[alike]], after[open_[~alike]], last[open_[~alike]] = middle[alike], middle[~alike], new[~alike]
    return before, after, last


def _apart(before: Floats, after: Floats, parameter: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether another float64 lies between the two values of one parameter of each pair."""
    index = np.arange(len(before)), parameter
    return np.asarray(np.nextafter(before[index], after[index]) != after[index])


def _between(low: Floats, high: Floats) -> Floats:
    """The middle between `low` and `high`, counted in floating-point numbers."""
    sign = np.uint64(1 << 63)
    a, b = (np.where(x & sign, ~x, x | sign) for x in (low.view(np.uint64), high.view(np.uint64)))
    middle = np.minimum(a, b) + (np.maximum(a, b) - np.minimum(a, b)) // np.uint64(2)
    return np.asarray(np.where(middle & sign, middle ^ sign, ~middle).view(np.float64))


@dataclass(frozen=True)
class Kicks:
    """Smallest perturbations with which a start escapes.

    Attributes
    ----------
    direction : (directions, n_params) float64, of length 1.
    norm : (directions,) float64, the smallest norm found with which the start escapes; inf if there is none.
    """

    direction: Floats
    norm: Floats

    @property
    def smallest(self) -> int:
        """Index of the direction with the smallest norm."""
        return int(np.argmin(self.norm))


def kicks(
    spec: Spec, start: npt.ArrayLike, directions: npt.ArrayLike | int = 64, *, seed: int = 0, bits: int = 0
) -> Kicks:
    """Find the smallest perturbation in each direction with which a start escapes within the steps of the spec.

    The smallest of `NORMS` with which the start escapes is the upper end of a bisection.  Smaller perturbations are
    missed if they lie between two of `NORMS` with which the start does not escape.

    Parameters
    ----------
    start : (n_params,).
    directions : (directions, n_params), of any length above 0; or the number of directions to draw uniformly on the
        sphere.
    bits : number of bits of the norm to leave undetermined (52: a factor of 2); 0 for the exact norm.

    Raises
    ------
    ValueError : `start` escapes without a kick, or a direction is zero or not finite.
    """
    start = np.asarray(start, dtype=np.float64)
    if isinstance(directions, int):
        directions = np.random.default_rng(seed).standard_normal((directions, start.size))
    directions = np.atleast_2d(np.asarray(directions, dtype=np.float64))
    if not (np.isfinite(directions).all() and directions.any(axis=1).all()):
        raise ValueError("directions must be finite and not zero")
    if escaped(run_starts(spec, start[None]))[0]:
        raise ValueError("start must not escape without a kick")
    return _kicked(spec, start, directions, NORMS, bits)


def _kicked(spec: Spec, start: Floats, directions: Floats, norms: Floats, bits: int) -> Kicks:
    """The smallest kicks with which the start escapes, up to the first of the ascending `norms` that suffices."""
    scaled = np.ldexp(directions, -np.frexp(abs(directions).max(axis=1, keepdims=True))[1])  # squares would overflow
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    line = Line(spec, lambda rows, norm: np.asarray(start + norm[:, None] * unit[rows]), escaped)
    escapes = line.labels(np.arange(len(unit)), np.broadcast_to(norms, (len(unit), len(norms))))
    k, norm = escapes.argmax(axis=1), np.full(len(unit), np.inf)
    rows = np.flatnonzero(escapes.any(axis=1))
    low, high = np.append(0.0, norms)[k[rows]], norms[k[rows]]
    trapped = np.zeros(len(rows), dtype=bool)
    _, norm[rows], _ = narrow(line, rows, low, high, trapped, ~trapped, bits)
    return Kicks(unit, norm)


def smallest_kick(spec: Spec, start: npt.ArrayLike, *, tries: int = 64, rounds: int = 24, seed: int = 0) -> Kicks:
    """Find the smallest perturbation with which a start escapes, by random search over directions.

    `tries` random directions are tried first, then in each of `rounds` as many around the best one, at decreasing
    distances.  The norm is the smallest one in its direction, except for its last `SEARCH_BITS` bits, and an upper
    bound of the smallest norm of all.

    Returns
    -------
    Kicks with one direction.

    Raises
    ------
    ValueError : `start` escapes without a kick.
    """
    start, rng = np.asarray(start, dtype=np.float64), np.random.default_rng(seed)
    best = _smallest(kicks(spec, start, rng.standard_normal((tries, start.size)), bits=SEARCH_BITS))
    for k in range(rounds if np.isfinite(best.norm).all() else 0):
        around = best.direction + 2 ** (-k / 3) / start.size**0.5 * rng.standard_normal((tries, start.size))
        less = best.norm * (1 - 2.0**-12)
        tried = _smallest(_kicked(spec, start, around, less, SEARCH_BITS))
        best = tried if np.isfinite(tried.norm).all() else best
    return best


def _smallest(candidates: Kicks) -> Kicks:
    k = [candidates.smallest]
    return Kicks(candidates.direction[k], candidates.norm[k])
