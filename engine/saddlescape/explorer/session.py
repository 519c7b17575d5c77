"""One page's session: it receives what the page asks for, and sends tiles of the map, coarse ones first.

A session knows no transport: `receive` takes a plain dict, and `send(header, payload)` gets a dict and bytes.  One
thread does all the work; a second one only trains the runs that end at the point of a plane.  The latest view wins:
whatever arrives makes the thread leave its batch at the end of a slice of the kernel, and only what the page still
waits for is computed.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import SaddlescapeError
from saddlescape.explorer import given, messages
from saddlescape.explorer.changes import Changes
from saddlescape.explorer.description import describe
from saddlescape.explorer.document import Document
from saddlescape.explorer.exports import Exports, result_of
from saddlescape.explorer.lattice import SIDE, Integers, Tile, Window, points
from saddlescape.explorer.recorded import Told
from saddlescape.explorer.tiles import VALUES, Tiles, Values, cut, inside, lacks, let_wait
from saddlescape.explorer.train import Stale, path_of, train
from saddlescape.explorer.view_page import Seen, view_page
from saddlescape.explorer.watched import thinned
from saddlescape.spec import parse
from saddlescape.system.arithmetic import ieee

Header = dict[str, Any]
Send = Callable[[Header, bytes], None]

FIRST = 4
"""Maximum number of tiles of the first, coarsest level of a view: 16 x 16 starts."""

BATCH_SECONDS = 0.06
"""Seconds that a batch should take, as the cost of the last ones tells."""

MOST = 512
"""Maximum number of tiles of a batch, and of a message."""

MOST_RUNS = MOST * SIDE * SIDE
"""Maximum number of runs of a batch."""

AT_ONCE = 0.5
"""Seconds below which a pass is trained at once, without starts that wait."""

KEPT = 2**15
"""Maximum number of tiles that a session keeps: 36 MB."""

WATCHED = 16
"""Maximum number of watched starts that an exported page has: the last ones."""

REMEMBERED = 2**17
"""Maximum number of tiles known to be on the page."""


@dataclass(frozen=True)
class Job:
    """What the page waits for: the path of a start, or else a view.

    Attributes
    ----------
    number : of the last request; the job is stale as soon as there is another one.
    generation : number of changes of the spec.
    """

    number: int
    generation: int
    document: Document
    start: messages.Start | messages.Given | None
    view: Window | None


class Session:
    """The session of one page; `close` ends its thread."""

    def __init__(self, document: Document, send: Send) -> None:
        self._document, self._send, self._generation = document, send, 0
        self._view: Window | None = None
        self._start: messages.Start | messages.Given | None = None
        self._shown: messages.View | None = None
        self._chosen: messages.Start | messages.Given | None = None
        self._changed, self._asked, self._closed = threading.Condition(), 0, False
        self._clear(0)
        self._changes = Changes(lambda: self._document, self._change, self._tell)
        self._exports = Exports(self._send)
        self._thread = threading.Thread(target=self._work, name="explore", daemon=True)
        self._thread.start()

    @ieee()
    def receive(self, message: object) -> None:
        """Do what the page asks, or send a message of the type "fault" that says what is wrong with it."""
        try:
            asked = messages.read(message)
            if isinstance(asked, messages.Export):
                self._export(asked)
            elif isinstance(asked, messages.Stop):
                self._exports.cancel()
            elif isinstance(asked, messages.Take):
                text = given.text(self._document, asked)
                self._send({"type": "file", "name": "start.toml", "text": text}, b"")
            elif isinstance(asked, messages.Keys | messages.Plane | messages.Cancel):
                self._changes.receive(asked)
            else:
                self._ask(asked)
        except (SaddlescapeError, messages.BadMessage) as fault:
            self._send({"type": "fault", "message": str(fault)}, b"")

    def _export(self, asked: messages.Export) -> None:
        document, view, sweep = self._document, asked.window, self._document.sweep
        text = document.window(view)
        if asked.to == "spec":
            self._send({"type": "file", "name": "view.toml", "text": text}, b"")
        elif asked.to == "result":
            run = parse(text, sweep.folder, (), sweep.kept, generation=sweep.generation)
            self._exports.begin("view.h5", result_of(run))
        else:
            is_known = self._of == self._generation
            paths = list(self._watched.values()) if is_known else []
            seen = Seen(document, view, self._tiles.get if is_known else lambda tile: None, paths)
            self._exports.begin("view.html", lambda stop, report: view_page(seen).encode())

    def greet(self) -> None:
        """Send what the page needs before it asks for anything."""
        self._send({"type": "spec", "generation": self._generation, **describe(self._document)}, b"")

    def close(self) -> None:
        """End the thread, which abandons its batch."""
        with self._changed:
            self._closed = True
            self._asked += 1
            self._changed.notify()
        self._changes.close()
        self._exports.close()
        self._thread.join()

    @property
    def shown(self) -> tuple[Document, messages.View | None, messages.Start | messages.Given | None]:
        """The document, and the view and the start that the page asked for last."""
        with self._changed:
            return self._document, self._shown, self._chosen

    def __len__(self) -> int:
        """Number of tiles that are kept."""
        return len(self._tiles)

    def _clear(self, generation: int) -> None:
        self._of = generation
        self._watched: OrderedDict[tuple[int, ...], Told] = OrderedDict()
        self._tiles = Tiles(KEPT)
        self._sent: OrderedDict[Tile, int] = OrderedDict()  # the number of its starts that the page knows
        self._cost: float | None = None
        self._compiled = self._traced = False

    def _tell(self, header: Header) -> None:
        self._send({**header, "generation": self._generation}, b"")

    def _change(self, changed: Document) -> None:
        with self._changed:
            self._document, self._generation, self._asked = changed, self._generation + 1, self._asked + 1
            self._view = self._start = self._shown = self._chosen = None
        self.greet()

    def _ask(self, asked: messages.View | messages.Start | messages.Given | messages.Forget) -> None:
        with self._changed:
            if isinstance(asked, messages.Forget):
                for tile in asked.window.tiles():
                    self._sent.pop(tile, None)
                return
            if isinstance(asked, messages.Start | messages.Given):
                self._start = self._chosen = asked
            else:
                self._view, self._shown = asked.window, asked
            self._asked += 1
            self._changed.notify()

    # The rest runs on the thread.

    def _work(self) -> None:
        generation = 0
        with ieee():
            while (job := self._next()) is not None:
                if job.generation != generation:
                    self._clear(job.generation)
                    generation = job.generation
                try:
                    if job.start is not None:
                        self._trace(job, job.start)
                    elif job.view is not None:
                        self._show(job, job.view)
                except Stale:
                    continue
                except Exception as fault:  # the page shows it, and may ask for something else
                    kind = "" if isinstance(fault, SaddlescapeError) else f"{type(fault).__name__}: "
                    self._send({"type": "fault", "message": f"{kind}{fault}"}, b"")
                self._finish(job)

    def _next(self) -> Job | None:
        """Wait for work; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._start is not None or self._view is not None)
            if self._closed:
                return None
            return Job(self._asked, self._generation, self._document, self._start, self._view)

    def _finish(self, job: Job) -> None:
        """Forget what was done, unless the page has asked for something else of its kind."""
        with self._changed:
            if job.start is not None and self._start is job.start:
                self._start = None
            elif job.start is None and self._view is job.view:
                self._view = None

    def _say(self, job: Job, header: Header, payload: bytes = b"") -> None:
        """Send a message of a job; Stale if nobody waits for it."""
        if self._asked != job.number:
            raise Stale
        self._send({**header, "generation": job.generation}, payload)

    def _trace(self, job: Job, start: messages.Start | messages.Given) -> None:
        spec, plane = job.document.spec, job.document.plane
        if not self._traced:
            self._say(job, {"type": "status", "state": "compiling", "left": None})
        theta, numbers = given.start(job.document, start), given.numbers(job.document, start)
        if isinstance(start, messages.Given):
            place: dict[str, Any] = {"given": True, "on_plane": plane.has(theta)}
        else:
            place = {name: getattr(start, name) for name in ("k", "n", "m")}
        path = path_of(spec, theta, lambda: self._asked != job.number, numbers)
        self._traced = True
        told = path.told(place)
        if isinstance(start, messages.Start):
            self._watched[start.k, start.n, start.m] = thinned(path).told(place)
            while len(self._watched) > WATCHED:
                self._watched.popitem(last=False)
        self._say(job, {**told[0], "numbers": {key: values[0] for key, values in numbers.items()}}, told[1])

    def _show(self, job: Job, view: Window) -> None:
        """Send the tiles of a view that the page lacks, coarse ones first, and train those that nobody has.

        Where a pass takes long, starts outside the view are left out, and the starts wait around which coarser ones
        agree, until the boundaries are trained.
        """
        levels = [view]
        while len(levels[0].tiles()) > FIRST:
            levels.insert(0, levels[0].coarser(1))
        self._left, self._stage = sum(map(self._tiles.left, levels)), ""
        for level in levels:
            self._pass(job, level, may_wait=level is not levels[0])
        if self._stage:
            self._stage = "rest"
            for level in levels[1:]:
                self._pass(job, level, may_wait=False)
        self._say(job, {"type": "status", "state": "done", "k": view.k, "left": 0.0})

    def _pass(self, job: Job, level: Window, may_wait: bool) -> None:
        """Send the tiles of one level that the page lacks, after training those of their starts that do not wait."""
        tiles = [tile for tile in level.tiles() if self._sent.get(tile, 0) < SIDE * SIDE]
        if not tiles:
            return
        values = np.stack([self._tiles.known(tile) for tile in tiles])
        todo = lacks(values)
        if self._stage or self._cost is None or todo.sum() * self._cost > AT_ONCE:
            todo &= inside(level, tiles)
        if may_wait and todo.sum() * (self._cost or 0) > AT_ONCE:
            todo &= ~let_wait(values, cut(self._tiles.agreed(level), level, tiles))
            self._stage = "boundaries"
        number = todo.sum(axis=(1, 2))
        for where in (np.flatnonzero(number == 0), np.flatnonzero(number)):
            while len(where):
                fitting = np.searchsorted(np.cumsum(number[where[:MOST]]), self._fitting(), side="right")
                part, where = np.split(where, [max(1, int(fitting))])
                its = [tiles[tile] for tile in part]
                if number[part[0]]:
                    values[part] = self._trained(job, its, values[part], todo[part])
                self._send_tiles(job, its, values[part])

    def _fitting(self) -> int:
        """Number of runs that take about `BATCH_SECONDS`."""
        return SIDE * SIDE if self._cost is None else int(min(max(SIDE * SIDE, BATCH_SECONDS / self._cost), MOST_RUNS))

    def _trained(self, job: Job, tiles: list[Tile], values: Values, todo: npt.NDArray[np.bool_]) -> Values:
        """The values of tiles of one level after training those of their starts that are to do."""
        if not self._compiled:
            self._say(job, {"type": "status", "state": "compiling", "k": tiles[0][0], "left": None})
        n, m = (np.stack(each).reshape(todo.shape)[todo] for each in zip(*map(points, tiles), strict=True))
        data = self._results(job, tiles[0][0], n, m)
        self._left -= len(n)
        for name, new in data.items():
            values[name][todo] = new
        return values

    def _results(self, job: Job, k: int, n: Integers, m: Integers) -> dict[str, npt.NDArray[Any]]:
        """The results of runs; an outcome of -1 where the spec cannot have their numbers."""
        runs = job.document.runs_of(k, n, m)
        data = {name: np.full(len(n), -1 if name == "outcome" else 0, VALUES[name]) for name in VALUES.names or ()}
        there = runs.there
        if there.any():
            numbers = {key: values[there] for key, values in runs.numbers.items()}
            began = time.perf_counter()
            its = train(job.document.spec, runs.theta[there], lambda: self._asked != job.number, numbers)
            self._cost = (time.perf_counter() - began) / int(there.sum()) if self._compiled else None
            self._compiled = True
            for name, values in its.items():
                data[name][there] = values
        return data

    def _send_tiles(self, job: Job, tiles: list[Tile], values: Values) -> None:
        """Keep tiles of one level, and send those of which the page knows fewer starts."""
        for tile, its in zip(tiles, values, strict=True):
            self._tiles.keep(tile, its.copy())
        known = np.count_nonzero(~lacks(values), axis=(1, 2))
        new = np.flatnonzero(known > [self._sent.get(tile, 0) for tile in tiles])
        if not len(new):
            return
        tiles, values = [tiles[tile] for tile in new], values[new]
        seconds = None if self._cost is None else max(0, self._left) * self._cost
        payload = b"".join(np.ascontiguousarray(values[name]).tobytes() for name in VALUES.names or ())
        header = {"type": "tiles", "k": tiles[0][0], "tiles": [tile[1:] for tile in tiles], "left": seconds}
        with self._changed:
            for tile, number in zip(tiles, known[new].tolist(), strict=True):
                self._sent[tile] = number
                self._sent.move_to_end(tile)
            while len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)
        try:
            self._say(job, {**header, "stage": self._stage}, payload)
        except Stale:
            with self._changed:
                for tile in tiles:
                    self._sent.pop(tile, None)
            raise
