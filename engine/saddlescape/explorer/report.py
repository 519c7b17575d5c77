"""A result as one page that needs no network: table, plot, map, watched starts, and how it was made."""

import hashlib
import math
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from saddlescape import __version__
from saddlescape.errors import SaddlescapeError
from saddlescape.explorer import sentences
from saddlescape.explorer.cells import axes_of
from saddlescape.explorer.of_results import live
from saddlescape.explorer.standalone import BEGINNING, embedded, head, plain, running
from saddlescape.results import Results, opened
from saddlescape.results.outcome_table import LARGE, html
from saddlescape.spec import Sweep
from saddlescape.store import creating, write_all
from saddlescape.system.arithmetic import ieee
from saddlescape.system.shares import percent
from saddlescape.words.colors import COLORS
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIECE = 2**22
"""Bytes of a file that are hashed at once."""


@ieee()
def report(results: Results, path: str | Path) -> Path:
    """Write a page about results: one HTML file that needs no network.

    It has the table of outcomes, a plot, a map to zoom into if the results have two axes, runs of each outcome to
    watch, and the spec.  The runs to watch are trained again, in at most a minute.

    Parameters
    ----------
    results : what `open` or `run` returns, or a selection of it.
    path : the file; only an earlier page of this kind is overwritten.

    Returns
    -------
    Path of the file.

    Raises
    ------
    ArgumentError
        If `results` is anything else.  A `ValueError`, too.
    RefusedError
        If something other than such a page exists at `path`.
    LockedError
        If another process is writing `path`.

    Examples
    --------
    >>> ss.report(ss.open("my-run"), "page.html")  # doctest: +SKIP
    """
    opened(results)
    with creating(Path(path), BEGINNING.encode()) as descriptor:
        write_all(descriptor, html_of(results).encode())
    return Path(path)


def html_of(results: Results) -> str:
    """The page about results."""
    title, sweep = results.title or "results", sentences.sweep_of(results)
    parts = [_outcomes(results, sweep), _plot(results), _explorer(results, sweep), _again(results, sweep)]
    return f"""{head(title)}<body class="report">
<main>
<h1>{plain(title)}</h1>
{"".join(parts)}</main>
{running()}
</body>
</html>
"""


def _paragraph(*texts: str) -> str:
    return f"<p>{' '.join(map(plain, texts))}</p>\n" if texts else ""


def _section(title: str, *parts: str) -> str:
    return f'<section aria-label="{title}">\n<h2>{title}</h2>\n{"".join(parts)}</section>\n'


def _outcomes(results: Results, sweep: Sweep | str) -> str:
    """What was run, and with which outcomes."""
    said, runs = list(sentences.what(results, sweep)), math.prod(results.dims.values())
    if not 0 < runs <= LARGE:
        return _paragraph(*said, f"There is no table of {runs:,} runs.")
    table = results.outcome_table()
    counts = {o: count for o in Outcome if (count := sum(row[o.label] for row in table))}
    items = (
        f'<li><span class="swatch" style="background: {COLORS[o]}"></span><b>{o.label}</b>: '
        f"{sentences.counted(count, 'run')} ({percent(count, sum(counts.values()))}). {plain(o.sentence)}</li>\n"
        for o, count in counts.items()
    )
    scrolled = f'<div class="scroll">{html(table)}</div>\n'
    return f"{_paragraph(*said)}{_section('Outcomes', '<ul class=outcomes>', *items, '</ul>', scrolled)}"


CAPTIONS = {
    "curve": "The fraction of the runs with each outcome, with 95 % intervals.",
    "compare": "The fraction of the runs that are solved, and the median step at which they are.",
    "design": "The outcomes at points in the plane of two axes.",
    "trajectories": "The loss of some runs along their training.",
}


def _plot(results: Results) -> str:
    """The plot that fits the axes; of a map, which the page has below, the curve along its first axis."""
    if not math.prod(results.dims.values()):
        return ""
    try:
        kind, figure = _figure(results)
        from saddlescape.plots import svg
    except SaddlescapeError as lacking:
        return _paragraph(f"The page has no plot: {sentences.reason(results, lacking)}.")
    if figure is None:
        return ""
    return f"<figure>{svg(figure, 'plot', CAPTIONS[kind])}<figcaption>{CAPTIONS[kind]}</figcaption></figure>\n"


def _figure(results: Results) -> "tuple[str, Figure | None]":
    from saddlescape import plots

    kind = plots.fitting(results)
    if kind != "map":
        return kind, plots.plot(results, kind)
    return "curve", None if axes_of(results)[0] == "x" else plots.plot(results, "curve")


def _explorer(results: Results, sweep: Sweep | str) -> str:
    """The map and the watched starts."""
    if isinstance(sweep, str):
        return _paragraph(f"The page has no map and no runs to watch, as the spec cannot be read: {sweep}")
    said, recorded = live(results, sweep)
    if recorded is None:
        return _paragraph(*said)
    return _section("Map" if recorded.tiles else "Runs to watch", _paragraph(*said), embedded("explorer", recorded))


def _again(results: Results, sweep: Sweep | str) -> str:
    """How the result was made, and the command that makes it again."""
    options, files = ((), {}) if isinstance(sweep, str) else (sweep.overrides, sweep.data)
    command = " ".join(["saddlescape run spec.toml", *(f"--set {quote(text)}" for text in options), "-o again"])
    data = "".join(f" and the data file {name} (SHA-256 {digest})" for name, digest in files.items())
    versions = [
        ", ".join(f"{name} {version}" for name, version in each.items()) or "an early version of saddlescape"
        for each in results.software
    ]
    by = [f"The runs were computed by {sentences.listed(versions)}."] if versions else []
    digest = [f"The SHA-256 of {results.path.name} is {_digest(results.path)}."] if results.path.is_file() else []
    return _section(
        "How to run it again",
        _paragraph(f"Put this spec as spec.toml{data} into a folder, and run:"),
        f"<pre>{plain(command)}</pre>\n<pre>{plain(results.spec_text.strip())}</pre>\n",
        _paragraph(*digest, *by, f"This page was made by saddlescape {__version__}."),
    )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
