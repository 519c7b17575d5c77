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
from saddlescape.explore import given, messages
from saddlescape.explore.changes import Changes
from saddlescape.explore.description import describe
from saddlescape.explore.document import Document
from saddlescape.explore.lattice import EVEN, SIDE, Integers, Tile, Window, parent, pieces, points
from saddlescape.explore.train import Stale, path_of, train
from saddlescape.system.arithmetic import ieee

Header = dict[str, Any]
Send = Callable[[Header, bytes], None]

PASSES = 5
"""Number of levels of a view: the first has a start for 256 of the last."""

BATCH_SECONDS = 0.06
"""Seconds that a batch should take, as the cost of the last ones tells."""

MOST = 512
"""Maximum number of tiles of a batch, and of a message."""

KEPT = 2**15
"""Maximum number of tiles that a session keeps: 36 MB."""

REMEMBERED = 2**17
"""Maximum number of tiles known to be on the page."""

VALUES = np.dtype([("loss", "f8"), ("clock", "f8"), ("outcome", "i1")])
Values = npt.NDArray[Any]


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
        self._clear()
        self._changes = Changes(lambda: self._document, self._change, self._tell)
        self._thread = threading.Thread(target=self._work, name="explore", daemon=True)
        self._thread.start()

    @ieee()
    def receive(self, message: object) -> None:
        """Do what the page asks, or send a message of the type "fault" that says what is wrong with it."""
        try:
            asked = messages.read(message)
            if isinstance(asked, messages.Export):
                text = self._document.window(asked.window)
                self._send({"type": "file", "name": "view.toml", "text": text}, b"")
            elif isinstance(asked, messages.Take):
                text = given.text(self._document, asked)
                self._send({"type": "file", "name": "start.toml", "text": text}, b"")
            elif isinstance(asked, messages.Keys | messages.Plane | messages.Cancel):
                self._changes.receive(asked)
            else:
                self._ask(asked)
        except (SaddlescapeError, messages.BadMessage) as fault:
            self._send({"type": "fault", "message": str(fault)}, b"")

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
        self._thread.join()

    @property
    def shown(self) -> tuple[Document, messages.View | None, messages.Start | messages.Given | None]:
        """The document, and the view and the start that the page asked for last."""
        with self._changed:
            return self._document, self._shown, self._chosen

    def __len__(self) -> int:
        """Number of tiles that are kept."""
        return len(self._tiles)

    def _clear(self) -> None:
        self._tiles: OrderedDict[Tile, Values] = OrderedDict()
        self._sent: OrderedDict[Tile, None] = OrderedDict()
        self._cost: float | None = None
        self._compiled = False

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
                    self._clear()
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
        theta, numbers = given.start(job.document, start), given.numbers(job.document, start)
        if isinstance(start, messages.Given):
            place: dict[str, Any] = {"given": True, "on_plane": plane.has(theta)}
        else:
            place = {name: getattr(start, name) for name in ("k", "n", "m")}
        told = path_of(spec, theta, lambda: self._asked != job.number, numbers).told(place)
        self._say(job, {**told[0], "numbers": {key: values[0] for key, values in numbers.items()}}, told[1])

    def _show(self, job: Job, view: Window) -> None:
        """Send the tiles of a view that the page lacks, coarse ones first, and train those that nobody has."""
        levels = [view.coarser(level) for level in reversed(range(PASSES))]
        missing = [[tile for tile in level.tiles() if tile not in self._sent] for level in levels]
        left = sum(tile not in self._tiles for tiles in missing for tile in tiles)
        for tiles in missing:
            for part in pieces([tile for tile in tiles if tile in self._tiles], MOST):
                self._send_tiles(job, part, left)
            waiting = [tile for tile in tiles if tile not in self._tiles]
            while waiting:
                number = self._fitting()
                part, waiting = waiting[:number], waiting[number:]
                self._train(job, part)
                left -= len(part)
                self._send_tiles(job, part, left)
        self._say(job, {"type": "status", "state": "done", "k": view.k, "left": 0.0})

    def _fitting(self) -> int:
        """Number of tiles that take about `BATCH_SECONDS`."""
        return 1 if self._cost is None else int(min(max(1, BATCH_SECONDS / self._cost), MOST))

    def _train(self, job: Job, tiles: list[Tile]) -> None:
        """Train the starts of these tiles of one level, but those that the coarser tiles have, and keep the results."""
        if not self._compiled:
            self._say(job, {"type": "status", "state": "compiling", "k": tiles[0][0], "left": None})
        values, known = zip(*map(self._known, tiles), strict=True)
        todo = ~np.concatenate(known).ravel()
        n, m = (np.concatenate(each)[todo] for each in zip(*map(points, tiles), strict=True))
        began = time.perf_counter()
        data = self._results(job, tiles[0][0], n, m)
        self._cost = (time.perf_counter() - began) / len(tiles) if self._compiled else None
        self._compiled = True
        all_values = np.concatenate(values).ravel()
        for name, new in data.items():
            all_values[name][todo] = new
        for tile, its in zip(tiles, all_values.reshape(-1, SIDE, SIDE), strict=True):
            self._keep(tile, its.copy())

    def _results(self, job: Job, k: int, n: Integers, m: Integers) -> dict[str, npt.NDArray[Any]]:
        """The results of runs; an outcome of -1 where the spec cannot have their numbers."""
        runs = job.document.runs_of(k, n, m)
        data = {name: np.full(len(n), -1 if name == "outcome" else 0, VALUES[name]) for name in VALUES.names or ()}
        there = runs.there
        if there.any():
            numbers = {key: values[there] for key, values in runs.numbers.items()}
            its = train(job.document.spec, runs.theta[there], lambda: self._asked != job.number, numbers)
            for name, values in its.items():
                data[name][there] = values
        return data

    def _known(self, tile: Tile) -> tuple[Values, npt.NDArray[np.bool_]]:
        """The values of a tile that its parent has, and where they are."""
        values, known = np.zeros((SIDE, SIDE), dtype=VALUES), np.zeros((SIDE, SIDE), dtype=bool)
        coarser, where = parent(tile)
        if coarser in self._tiles:
            values[EVEN], known[EVEN] = self._tiles[coarser][where], True
        return values, known

    def _keep(self, tile: Tile, values: Values) -> None:
        self._tiles[tile] = values
        while len(self._tiles) > KEPT:
            self._tiles.popitem(last=False)

    def _send_tiles(self, job: Job, tiles: list[Tile], left: int) -> None:
        """Send tiles of one level; `left` more are to be trained."""
        seconds = None if self._cost is None else left * self._cost
        values = np.stack([self._tiles[tile] for tile in tiles])
        payload = b"".join(np.ascontiguousarray(values[name]).tobytes() for name in VALUES.names or ())
        header = {"type": "tiles", "k": tiles[0][0], "tiles": [tile[1:] for tile in tiles], "left": seconds}
        with self._changed:
            for tile in tiles:
                self._tiles.move_to_end(tile)
                self._sent[tile] = None
            while len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)
        try:
            self._say(job, header, payload)
        except Stale:
            for tile in tiles:
                self._sent.pop(tile, None)
            raise
