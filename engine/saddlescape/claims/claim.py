"""A claim, the experiment that examines it, and what was found."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saddlescape.claims.conditions import Condition
from saddlescape.results import Results
from saddlescape.system.shares import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Check:
    """One thing that must be so for a claim to hold, told with the numbers that decide it."""

    sentence: str
    holds: bool


@dataclass(frozen=True)
class Picture:
    """A figure, and what is said in its place."""

    figure: "Figure"
    alt: str


@dataclass(frozen=True)
class Finding:
    """What the runs say of a claim: its checks, and what its prose is filled with, words and pictures by name."""

    checks: tuple[Check, ...]
    words: Mapping[str, str]
    pictures: Mapping[str, Picture]
    """Of other names than the words."""

    only_when: tuple[Condition, ...] = ()
    """Without which it does not hold, as these runs or those of another claim show."""

    @property
    def verdict(self) -> str:
        """What they come to: "holds", "fails", or "holds only when ..."."""
        if not all(check.holds for check in self.checks):
            return "fails"
        conditions = " and ".join(condition.words for condition in self.only_when)
        return f"holds only when {conditions}" if conditions else "holds"


@dataclass(frozen=True)
class Claim:
    """What is claimed, and the sweep whose result decides."""

    sweep: str
    title: str
    statement: str
    examine: Callable[[Results], Finding]

    @property
    def name(self) -> str:
        """Of the folder that the sweep runs in."""
        return self.sweep.rpartition("/")[2]

    @property
    def key(self) -> str:
        """What its words are told by where those of all claims meet: ``many_starts``."""
        return self.name.partition("-")[2].replace("-", "_")

    @property
    def prose(self) -> str:
        """The explanation, HTML with `$names` for words and pictures."""
        return prose(self.name)


def prose(name: str) -> str:
    """A text of the page, HTML with `$names`."""
    return (Path(__file__).parent / f"prose/{name}.html").read_text(encoding="utf-8")


def point(results: Results, **values: Any) -> tuple[int, ...]:
    """Index along each axis named, in the order of the result's axes, of its value."""
    wanted = [(name, values[name]) for name in results.dims if name in values]
    return tuple(int(np.flatnonzero(results.coords[name] == value)[0]) for name, value in wanted)


def number(value: float | np.number) -> str:
    """A number for people: 20 000, 0.05, 1e-06."""
    return f"{value:,.0f}".replace(",", " ") if value >= 1000 else f"{value:.3g}"


def share(part: int | np.integer, whole: int) -> str:
    """``12 of 256 (5 %)``, ``all 256`` or ``none of 256``."""
    if part in (0, whole):
        return f"{'all' if part else 'none of'} {number(whole)}"
    return f"{number(part)} of {number(whole)} ({percent(part, whole, 0)})"


def hundredths(fraction: float) -> str:
    """A fraction that is no count, such as one that was chosen: ``95 %``."""
    return percent(round(100 * fraction), 100, 0)


def both(names: Iterable[str]) -> str:
    """Names in their order, with "and" before the last."""
    *first, last = list(names) or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def span(low: float | np.floating, high: float | np.floating) -> str:
    """``from 0.3 to 1``, or ``of 1``."""
    return f"from {low:g} to {high:g}" if low < high else f"of {low:g}"


def times(event: npt.NDArray[np.number]) -> npt.NDArray[np.float64]:
    """Steps or times of events, inf where they never came."""
    return np.where(event >= 0, event, np.inf)
