"""Claims, their checks and findings, and helpers that write numbers as text."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saddlescape.claims.conditions import Condition
from saddlescape.explorer.recorded import Recorded
from saddlescape.results import Results
from saddlescape.system.shares import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Check:
    """Whether a condition `holds` that a claim needs, and a `sentence` with the numbers that decide it."""

    sentence: str
    holds: bool


@dataclass(frozen=True)
class Picture:
    """A `figure` and its alternative text, `alt`."""

    figure: "Figure"
    alt: str


@dataclass(frozen=True)
class Finding:
    """The result of testing a claim: its `checks`, and `words` and `pictures` to insert into its prose, by name."""

    checks: tuple[Check, ...]
    words: Mapping[str, str]
    pictures: Mapping[str, Picture]
    """No picture has the name of a word."""

    only_when: tuple[Condition, ...] = ()
    """Conditions without which the claim does not hold, as its runs or the runs of another claim show."""

    live: tuple[list[str], Recorded | None] = ([], None)
    """Sentences on a map to zoom into, and the map, if the page has one for the claim."""

    @property
    def verdict(self) -> str:
        """Return "holds", "fails" or "holds only when ..."."""
        if not all(check.holds for check in self.checks):
            return "fails"
        conditions = " and ".join(condition.words for condition in self.only_when)
        return f"holds only when {conditions}" if conditions else "holds"


@dataclass(frozen=True)
class Claim:
    """A claim, its `title` and `statement`; the bundled `sweep` that tests it, whose result `examine` examines.

    `mapped` is a sentence on a map to zoom into, and a function that selects its runs.
    """

    sweep: str
    title: str
    statement: str
    examine: Callable[[Results], Finding]
    mapped: tuple[str, Callable[[Results], Results]] | None = None

    @property
    def name(self) -> str:
        """Name of the folder that the sweep runs in."""
        return self.sweep.rpartition("/")[2]

    @property
    def key(self) -> str:
        """Prefix of its words in texts that use the words of all claims, such as ``many_starts``."""
        return self.name.partition("-")[2].replace("-", "_")

    @property
    def prose(self) -> str:
        """The explanation as HTML, with `$names` for words and pictures."""
        return prose(self.name)


def prose(name: str) -> str:
    """Read a text of the page: HTML with `$names`."""
    return (Path(__file__).parent / f"prose/{name}.html").read_text(encoding="utf-8")


def point(results: Results, **values: Any) -> tuple[int, ...]:
    """Return the index of the value of each named axis, in the order of the result's axes."""
    named = [(name, values[name]) for name in results.dims if name in values]
    return tuple(int(np.flatnonzero(results.coords[name] == value)[0]) for name, value in named)


def number(value: float | np.number) -> str:
    """Format a number: ``20 000``, ``0.05``, ``1e-06``."""
    return f"{value:,.0f}".replace(",", " ") if value >= 1000 else f"{value:.3g}"


def share(part: int | np.integer, whole: int) -> str:
    """Format a count: ``12 of 256 (5 %)``, ``all 256`` or ``none of 256``."""
    if part in (0, whole):
        return f"{'all' if part else 'none of'} {number(whole)}"
    return f"{number(part)} of {number(whole)} ({percent(part, whole, 0)})"


def hundredths(fraction: float) -> str:
    """Format a chosen fraction in percent: ``95 %``."""
    return percent(round(100 * fraction), 100, 0)


def both(names: Iterable[str]) -> str:
    """Join names with commas, and the last one with "and"; without names return "nothing"."""
    *first, last = list(names) or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def span(low: float | np.floating, high: float | np.floating) -> str:
    """Format a range of scales: ``scales from 0.3 to 1`` or ``scale 1``."""
    return f"scales from {low:g} to {high:g}" if low < high else f"scale {low:g}"


def times(event: npt.NDArray[np.number]) -> npt.NDArray[np.float64]:
    """Return the steps or times of events as floats, inf where the event did not occur."""
    return np.where(event >= 0, event, np.inf)
