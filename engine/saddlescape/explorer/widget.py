"""The explorer in a notebook.  The only importer of anywidget.

Each view of the widget has a session of its own, as each page of the server has.  Messages of a view come on the thread
on which the kernel handles messages of widgets, and answers go from the session's; the kernel allows that.
"""

import contextvars
import json
import re
import threading
from collections import OrderedDict
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.explorer import given, page
from saddlescape.explorer.document import Document
from saddlescape.explorer.messages import Given, Start, View
from saddlescape.explorer.session import Header, Session
from saddlescape.spec import Sweep, parse
from saddlescape.system.extras import extra

with extra("jupyter"):
    import anywidget
    import traitlets

SESSIONS = 8
"""Maximum number of views at once; the one that was used longest ago gets a new session when it is used again."""

Seen = tuple[Document, View | None, Start | Given | None]

NAME = 64
"""Maximum length of the name that a view gives itself."""


def module() -> str:
    """The ES module of the widget, with its styles."""
    styles = json.dumps("".join(map(page.text, ("explore.css", "widget.css"))))
    named = re.sub(r"^export default", "const explorer =", page.script(), flags=re.M)
    return f"const STYLES = {styles};\n{named}\n{page.text('widget.js')}"


class Explorer(anywidget.AnyWidget):
    """A map of starts that are trained while you move through it: the value of a cell shows it.

    `close` ends all computations; so does the end of the kernel.  A view that disappears ends its own.
    """

    _esm = module()
    place = traitlets.Unicode("").tag(sync=True)
    """What the view shows that was used last, for the next one, such as that of a page that is loaded again."""

    def __init__(self, document: Document) -> None:
        self._document, self._lock = document, threading.RLock()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._last: Session | None = None
        self._context = contextvars.copy_context()
        super().__init__()
        self.on_msg(self._hear)

    @property
    def sweep(self) -> Sweep | None:
        """The view that was asked for last, as a sweep whose runs are those of the map; None without one.

        ``ss.run(widget.sweep)`` computes them again, with the same bits.
        """
        seen, view, _ = self._seen()
        if view is None:
            return None
        own = seen.sweep
        return parse(seen.window(view.window), own.folder, (), own.kept, generation=own.generation)

    @property
    def start(self) -> npt.NDArray[np.float64] | None:
        """The parameters (n_params,) of the start that was trained last, before training; None without one."""
        seen, _, start = self._seen()
        return None if start is None else given.start(seen, start)

    def close(self) -> None:
        """Remove the map from the notebook, and end its threads."""
        for name in list(vars(self).get("_sessions", ())):  # may not be there: a widget that failed is closed, too
            self._end(name)
        super().close()

    def __repr__(self) -> str:
        return f"<saddlescape explorer {self._document.spec.title!r}: run this cell to see the map>"

    def _seen(self) -> Seen:
        return (self._document, None, None) if self._last is None else self._last.shown

    def _hear(self, widget: object, content: Any, buffers: object) -> None:
        """A message of a view: its name, and what it says to its session; all else is nobody's."""
        match content:
            case {"view": str(view), "message": message} if 0 < len(view) <= NAME:
                with self._lock:
                    self._context = contextvars.copy_context()
                    self._answer(view)
                    self._receive(view, message)

    def _receive(self, view: str, message: Any) -> None:
        if message == {"type": "close"}:
            self._end(view)
        elif view not in self._sessions:
            self._begin(view)
        elif message != {"type": "open"}:
            self._sessions.move_to_end(view)
            self._last = self._sessions[view]
            self._last.receive(message)

    def _begin(self, view: str) -> None:
        """A session for a view that has none; the page then asks for what it shows."""
        if len(self._sessions) == SESSIONS:
            self._end(next(iter(self._sessions)))
        self._sessions[view] = Session(self._document, partial(self._answer, view))
        self._sessions[view].greet()

    def _end(self, view: str) -> None:
        with self._lock:
            session = self._sessions.pop(view, None)
        if session is not None:
            session.close()

    def _answer(self, view: str, header: Header | None = None, payload: bytes = b"") -> None:
        """Send a message to a view, from any thread; without a header it only says that its message has come.

        It is sent as an answer to the latest message, because ipykernel handles the next one on the subshell that the
        last answer names; without one, on the main thread, where it would wait for a cell that is running.
        """
        self._context.copy().run(self.send, {"view": view, "message": header}, [payload] if payload else None)
