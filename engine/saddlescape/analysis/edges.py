"""Basin boundaries: neighbouring starts with different outcomes, and the smallest perturbation that escapes."""

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
"""What is told apart of runs, from what `run_starts` gives of them."""

CUTS = 31
"""Starts that are tried at once in each interval: five more bits of the edge are known after each pass."""

SEARCH_BITS = 40
"""Bits of norms that are left open while directions are searched: these are known to a 4000th."""

NORMS = np.geomspace(1e-16, 10, 69)
"""Norms of kicks that are tried first: four a decade."""


def outcome(found: dict[str, npt.NDArray[Any]]) -> Labels:
    """What has become of the runs."""
    return found["outcome"]


def escaped(found: dict[str, npt.NDArray[Any]]) -> Labels:
    """Whether a run left the plateau, or was solved, within its steps."""
    return np.asarray((found["escape_step"] >= 0) | (found["solve_step"] >= 0))


@dataclass(frozen=True)
class Line:
    """Starts at numbers >= 0 along straight lines: ``start(rows, numbers)`` are those on these lines."""

    spec: Spec
    start: Callable[[npt.NDArray[np.intp], Floats], Floats]
    label: Label

    def labels(self, rows: npt.NDArray[np.intp], numbers: Floats) -> Labels:
        """What becomes of the starts at `numbers` (rows, n) of the lines."""
        tried = self.start(rows.repeat(numbers.shape[1]), numbers.ravel())
        return self.label(run_starts(self.spec, tried)).reshape(numbers.shape)

    def meets(self, rows: npt.NDArray[np.intp], low: Floats, high: Floats) -> npt.NDArray[np.bool_]:
        """Whether no start lies between those at `low` and at `high`."""
        middle = cuts(low, high, 1)[:, 1]
        before, between, after = (self.start(rows, numbers) for numbers in (low, middle, high))
        return np.asarray((between == before).all(axis=1) | (between == after).all(axis=1))


def cuts(low: Floats, high: Floats, number: int) -> Floats:
    """`number` cuts between low and high (rows,), and these: evenly spaced as floating-point numbers, not as reals."""
    bits = low.view(np.int64)[:, None], high.view(np.int64)[:, None]
    gap, rest = np.divmod(bits[1] - bits[0], number + 1)
    step = np.arange(number + 2)
    return np.asarray((bits[0] + step * gap + step * rest // (number + 1)).view(np.float64))


def narrow(
    line: Line, rows: npt.NDArray[np.intp], low: Floats, high: Floats, first: Labels, last: Labels, bits: int = 0
) -> tuple[Floats, Floats, Labels]:
    """(low, high, label at high) of an edge on each of these lines, between ends that are labelled `first` and `last`.

    Narrowed until no start lies between, or until only so many `bits` of the number are open.
    """
    low, high, last = low.copy(), high.copy(), last.copy()
    i = np.arange(len(rows))
    while i.size:
        at = cuts(low[i], high[i], CUTS)
        found = np.column_stack([line.labels(rows[i], at[:, 1:-1]), last[i]])
        k = (found != first[i, None]).argmax(axis=1)[:, None]
        low[i], high[i] = (np.take_along_axis(at, k + side, axis=1)[:, 0] for side in (0, 1))
        last[i] = np.take_along_axis(found, k, axis=1)[:, 0]
        known = high[i].view(np.int64) - low[i].view(np.int64) <= 1 << bits
        i = i[~(known | line.meets(rows[i], low[i], high[i]))]
    return low, high, last


@dataclass(frozen=True)
class Edge:
    """The boundary between the outcomes of `a` and `b`, for each pair.

    Attributes
    ----------
    before, after : (pairs, n_params) float64, neighbours: they differ in one parameter, between whose two values no
        other float64 lies.
    label_before, label_after : (pairs,) their labels; label_before is that of `a`.
    share : (pairs,) float64, position of `after` on the line from `a` (0) to `b` (1), up to the rounding of starts.
    """

    before: Floats
    after: Floats
    label_before: Labels
    label_after: Labels
    share: Floats


def bisect(spec: Spec, a: npt.ArrayLike, b: npt.ArrayLike, label: Label = outcome) -> Edge:
    """Find neighbouring starts with different labels on the straight line from `a` to `b`.

    Each interval is cut at `CUTS` shares, and the first of them with another label than `a` is kept; where there are
    several edges, one is found.  Shares are spaced as floating-point numbers: an edge 1e-300 off `a` takes no longer.
    Starts at neighbouring shares differ in many parameters, by roundings; between them, one parameter after the other
    goes from one start to the other, and the one with which the label changes is narrowed to the last bit.

    Parameters
    ----------
    a, b : (pairs, n_params) or (n_params,).
    label : gives the labels of runs from the output of `run_starts`.

    Raises
    ------
    ValueError : `a` and `b` of a pair have the same label.
    """
    a, b = np.broadcast_arrays(*(np.atleast_2d(np.asarray(end, dtype=np.float64)) for end in (a, b)))
    first, last = np.split(label(run_starts(spec, np.concatenate([a, b]))), 2)
    if (alike := np.flatnonzero(first == last)).size:
        raise ValueError(f"a and b must have different ends; of pair {alike[0]} both have {first[alike[0]]}")

    def start(rows: npt.NDArray[np.intp], share: Floats) -> Floats:
        return np.asarray((1 - share)[:, None] * a[rows] + share[:, None] * b[rows])

    every = np.arange(len(a))
    low, high, last = narrow(Line(spec, start, label), every, np.zeros(len(a)), np.ones(len(a)), first, last)
    before, after, last = _neighbours(spec, label, start(every, low), start(every, high), first, last)
    return Edge(before, after, first, last, high)


def _neighbours(
    spec: Spec, label: Label, before: Floats, after: Floats, first: Labels, last: Labels
) -> tuple[Floats, Floats, Labels]:
    """(before, after, label of after) that differ in the last bit of one parameter, from starts that differ in more."""
    pairs, n = before.shape
    stairs = np.where(np.arange(n) < np.arange(n + 1)[:, None], after[:, None], before[:, None])
    found = np.broadcast_to(last[:, None], (pairs, n + 1)).copy()
    found[:, 1:n] = label(run_starts(spec, stairs[:, :n].reshape(-1, n))).reshape(pairs, n)[:, 1:]
    found[:, 0] = first
    row, stair = np.arange(pairs), (found != first[:, None]).argmax(axis=1)
    before, after, last, turned = stairs[row, stair - 1], stairs[row, stair], found[row, stair], stair - 1
    open_ = np.arange(pairs)
    while (open_ := open_[_apart(before, after, turned)[open_]]).size:
        at = (open_, turned[open_])
        middle = before[open_]
        middle[np.arange(len(open_)), at[1]] = _between(before[at], after[at])
        said = label(run_starts(spec, middle))
        alike = said == first[open_]
        before[open_[alike]], after[open_[~alike]], last[open_[~alike]] = middle[alike], middle[~alike], said[~alike]
    return before, after, last


def _apart(before: Floats, after: Floats, turned: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether another number lies between those of one parameter."""
    row = np.arange(len(before))
    return np.asarray(np.nextafter(before[row, turned], after[row, turned]) != after[row, turned])


def _between(low: Floats, high: Floats) -> Floats:
    """Numbers half-way, counted in floating-point numbers."""
    sign = np.uint64(1 << 63)
    a, b = (np.where(of & sign, ~of, of | sign) for of in (low.view(np.uint64), high.view(np.uint64)))
    middle = np.minimum(a, b) + (np.maximum(a, b) - np.minimum(a, b)) // np.uint64(2)
    return np.asarray(np.where(middle & sign, middle ^ sign, ~middle).view(np.float64))


@dataclass(frozen=True)
class Kicks:
    """How far a start must be perturbed to escape.

    Attributes
    ----------
    direction : (directions, n_params) float64, of length 1.
    norm : (directions,) float64, the smallest norm found with which it escapes; inf if there is none.
    """

    direction: Floats
    norm: Floats

    @property
    def smallest(self) -> int:
        """Number of the direction with the smallest norm."""
        return int(np.argmin(self.norm))


def kicks(
    spec: Spec, start: npt.ArrayLike, directions: npt.ArrayLike | int = 64, *, seed: int = 0, bits: int = 0
) -> Kicks:
    """The smallest perturbation in each direction with which a start escapes within the steps of the spec.

    `NORMS` are tried first; then the first of them with which the start escapes is narrowed to the last bit, or until
    only this many `bits` are undecided (52: a factor of 2).  Smaller perturbations are missed if they lie between two
    of `NORMS` with which it does not escape.

    Parameters
    ----------
    start : (n_params,).
    directions : (directions, n_params), of any length above 0, or how many to draw uniformly on the sphere.

    Raises
    ------
    ValueError : `start` escapes by itself, or a direction is zero or not finite.
    """
    start = np.asarray(start, dtype=np.float64)
    if isinstance(directions, int):
        directions = np.random.default_rng(seed).standard_normal((directions, start.size))
    directions = np.atleast_2d(np.asarray(directions, dtype=np.float64))
    if not (np.isfinite(directions).all() and directions.any(axis=1).all()):
        raise ValueError("directions must be finite and not zero")
    if escaped(run_starts(spec, start[None]))[0]:
        raise ValueError("start must not escape by itself; it needs no kick")
    return _kicked(spec, start, directions, NORMS, bits)


def _kicked(spec: Spec, start: Floats, directions: Floats, norms: Floats, bits: int) -> Kicks:
    """The smallest kicks up to the first of these ascending `norms` that frees the start, which is stuck."""
    scaled = np.ldexp(directions, -np.frexp(abs(directions).max(axis=1, keepdims=True))[1])  # squares would overflow
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    line = Line(spec, lambda rows, norm: np.asarray(start + norm[:, None] * unit[rows]), escaped)
    free = line.labels(np.arange(len(unit)), np.broadcast_to(norms, (len(unit), len(norms))))
    k, norm = free.argmax(axis=1), np.full(len(unit), np.inf)
    freed = np.flatnonzero(free.any(axis=1))
    low, high = np.append(0.0, norms)[k[freed]], norms[k[freed]]
    stuck = np.zeros(len(freed), dtype=bool)
    _, norm[freed], _ = narrow(line, freed, low, high, stuck, ~stuck, bits)
    return Kicks(unit, norm)


def smallest_kick(spec: Spec, start: npt.ArrayLike, *, tries: int = 64, rounds: int = 24, seed: int = 0) -> Kicks:
    """The smallest perturbation found with which a start escapes: its norm and direction, by random search.

    So many directions are tried by `kicks`, then in each of the rounds as many around the best one, nearer and nearer.
    The norm is the smallest of that direction but for its last `SEARCH_BITS`, and an upper bound of the smallest.

    Returns
    -------
    Kicks with one direction.

    Raises
    ------
    ValueError : `start` escapes by itself.
    """
    start, rng = np.asarray(start, dtype=np.float64), np.random.default_rng(seed)
    best = _smallest(kicks(spec, start, rng.standard_normal((tries, start.size)), bits=SEARCH_BITS))
    for k in range(rounds if np.isfinite(best.norm).all() else 0):
        around = best.direction + 2 ** (-k / 3) / start.size**0.5 * rng.standard_normal((tries, start.size))
        less = best.norm * (1 - 2.0**-12)
        tried = _smallest(_kicked(spec, start, around, less, SEARCH_BITS))
        best = tried if np.isfinite(tried.norm).all() else best
    return best


def _smallest(found: Kicks) -> Kicks:
    k = [found.smallest]
    return Kicks(found.direction[k], found.norm[k])
