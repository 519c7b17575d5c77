"""The view of a page, as a page of its own in one file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from saddlescape import __version__
from saddlescape.explorer.description import describe
from saddlescape.explorer.document import Document
from saddlescape.explorer.lattice import SIDE, Tile, Window
from saddlescape.explorer.numbers import Number
from saddlescape.explorer.recorded import Recorded, Told
from saddlescape.explorer.standalone import embedded, head, plain, running
from saddlescape.network import layout
from saddlescape.words.outcomes import Outcome

LEVELS = 5
"""Levels of a view that a page has: that of the view, and coarser ones."""


@dataclass(frozen=True)
class Seen:
    """What a page shows.

    Attributes
    ----------
    tile : the values of a tile, if they are known.
    paths : of the starts that were watched.
    """

    document: Document
    view: Window
    tile: Callable[[Tile], Any]
    paths: Iterable[Told]


def view_page(seen: Seen) -> str:
    """The page of a view."""
    document, view = seen.document, seen.view
    spec = {**describe(document), **_limits(document, view), "type": "spec", "generation": 0, "fields": None}
    tiles, trained = _tiles(seen)
    starts = (view.n[1] - view.n[0] + 1) * (view.m[1] - view.m[0] + 1)
    done = f"{trained:,} of {starts:,} starts of this view were trained"
    paths = [_labeled(document, *told) for told in seen.paths]
    shown = embedded("explorer", Recorded(spec, tiles, paths, done))
    title = f"{spec['title']} ({spec['network']})"
    text = document.window(view)
    return f"""{head(title)}<body class="report">
<main>
<h1>{plain(title)}</h1>
<p>{done}. This page shows them, and the starts that were watched; it trains no others.</p>
{shown}
<section aria-label="How to run it again">
<h2>How to run it again</h2>
<p>Put this spec as view.toml into a folder, beside its data file if it names one, and run:</p>
<pre>saddlescape run view.toml</pre>
<pre>{plain(text.strip())}</pre>
<p>This page was made by saddlescape {__version__}.</p>
</section>
</main>
{running()}
</body>
</html>
"""


def _limits(document: Document, view: Window) -> dict[str, Any]:
    """The levels of the page, and the ends of both axes, where the view ends."""
    ends = {side: [low, high] for side, (low, high, _) in zip("xy", view.sides(document.plane), strict=True)}
    return {"levels": [view.k, view.k + LEVELS - 1], "ends": ends}


def _tiles(seen: Seen) -> tuple[list[Told], int]:
    """The messages of all tiles that are known, coarse ones first, and the number of starts of the view among them."""
    told, trained = [], 0
    for level in (seen.view.coarser(up) for up in reversed(range(LEVELS))):
        known = [(tile, values) for tile in level.tiles() if (values := seen.tile(tile)) is not None]
        if not known:
            continue
        values = np.stack([each for _, each in known])
        values["outcome"][values["outcome"] < -1] = -2
        trained = sum(_inside(level, tile, each) for (tile, _), each in zip(known, values, strict=True))
        payload = b"".join(np.ascontiguousarray(values[name]).tobytes() for name in ("loss", "clock", "outcome"))
        places = [tile[1:] for tile, _ in known]
        told.append(({"type": "tiles", "generation": 0, "k": level.k, "tiles": places, "left": None}, payload))
    return told, trained if told and told[-1][0]["k"] == seen.view.k else 0


def _inside(level: Window, tile: Tile, values: Any) -> int:
    """The number of trained starts of a tile that lie in a window."""
    (left, right), (low, high) = (
        (max(ends[0] - SIDE * at, 0), min(ends[1] - SIDE * at, SIDE - 1) + 1)
        for ends, at in zip((level.n, level.m), tile[1:], strict=True)
    )
    return int(np.count_nonzero(values["outcome"][left:right, low:high] >= 0))


def _labeled(document: Document, header: dict[str, Any], payload: bytes) -> Told:
    """The message of a watched start, with a label: the outcome, the clock and the place."""
    spec, plane = document.spec, document.plane
    clock = np.frombuffer(payload, "f8", header["records"])[-1]
    at = (np.ldexp([float(header["n"])], header["k"]), np.ldexp([float(header["m"])], header["k"] + plane.skew))
    names = [layout.name(place) for place in layout.places(*spec.shape)]
    sides = zip((plane.x, plane.y), at, strict=True)
    places = [
        f"{axis.key} = {axis.values(along)[0]:.6g}" if isinstance(axis, Number) else f"{names[axis]} = {along[0]:.6g}"
        for axis, along in sides
    ]
    outcome = next(each.label for each in Outcome if each == header["outcome"])
    label = f"{outcome}, {'time' if spec.flows else 'step'} {clock:g}: {', '.join(places)}"
    return {**header, "generation": 0, "label": label}, payload
