"""Changes of the document that a page asks for, in their order.

A change that needs no training is made at once.  For the others, such as a plane through the end of a run, a thread
trains, while the page still shows the present document; a new plane takes the place of those that are waited for.
"""

import threading
from collections.abc import Callable
from typing import Any

from saddlescape.errors import SaddlescapeError
from saddlescape.explorer import messages
from saddlescape.explorer.document import Document
from saddlescape.explorer.points import Point, is_trained
from saddlescape.explorer.train import Asked, Stale
from saddlescape.system.arithmetic import ieee

Change = messages.Keys | messages.Plane


class Changes:
    """The changes of one session; `close` ends the thread."""

    def __init__(
        self,
        document: Callable[[], Document],
        change: Callable[[Document], None],
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._document, self._change, self._tell = document, change, tell
        self._news, self._waiting, self._closed = threading.Condition(), list[Change](), False
        self._thread = threading.Thread(target=self._work, name="explore", daemon=True)
        self._thread.start()

    def receive(self, asked: Change | messages.Cancel) -> None:
        """Make a change, or have it made after those that are waited for; SaddlescapeError if it cannot be made now.

        Each change that another plane replaces, or that is canceled, gets a message of the type "canceled".
        """
        with self._news:
            if not isinstance(asked, messages.Keys):
                left = [each for each in self._waiting if isinstance(each, messages.Plane)]
                self._waiting = [each for each in self._waiting if each not in left]
                for _ in left:
                    self._tell({"type": "canceled"})
            if isinstance(asked, messages.Cancel):
                return
            if self._waiting or self._is_slow(asked):
                self._waiting.append(asked)
                self._tell({"type": "status", "state": "finding", "point": self._point(asked)})
                self._news.notify()
                return
            made = self._made(asked, lambda: False)
        self._change(made)

    def close(self) -> None:
        """End the thread, which abandons its training."""
        with self._news:
            self._closed, self._waiting = True, []
            self._news.notify()
        self._thread.join()

    def _point(self, asked: Change) -> Point:
        return _point(asked) if isinstance(asked, messages.Plane) else self._document().point

    def _is_slow(self, asked: Change) -> bool:
        shown = self._document()
        is_same = isinstance(asked, messages.Plane) and _point(asked) == shown.point and asked.at in (None, shown.at)
        return is_trained(self._point(asked)) and not is_same

    def _made(self, asked: Change, stale: Asked) -> Document:
        shown = self._document()
        if isinstance(asked, messages.Keys):
            return shown.changed(asked.all, stale)
        return shown.through(asked.x, asked.y, _point(asked), asked.at, stale)

    @ieee()
    def _work(self) -> None:
        while (asked := self._next()) is not None:
            self._make(asked)

    def _next(self) -> Change | None:
        with self._news:
            self._news.wait_for(lambda: self._closed or bool(self._waiting))
            return None if self._closed else self._waiting[0]

    def _make(self, asked: Change) -> None:
        """Make a change, unless it is canceled; it is waited for until the page has been told."""
        try:
            made = self._made(asked, lambda: not self._is_waited_for(asked))
        except Stale:
            return
        except Exception as fault:  # the page shows it, and may ask for something else
            kind = "" if isinstance(fault, SaddlescapeError) else f"{type(fault).__name__}: "
            with self._news:
                if self._is_waited_for(asked):
                    self._tell({"type": "fault", "message": f"{kind}{fault}"})
                    self._waiting.pop(0)
            return
        with self._news:
            if self._is_waited_for(asked):
                self._change(made)
                self._waiting.pop(0)

    def _is_waited_for(self, asked: Change) -> bool:
        return bool(self._waiting) and self._waiting[0] is asked


def _point(asked: messages.Plane) -> Point:
    return tuple(asked.point) if isinstance(asked.point, list) else asked.point
