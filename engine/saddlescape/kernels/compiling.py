"""Whether Numba is compiling at this moment."""

import gc
from threading import Lock

from numba.core import event


class _Count(event.Listener):
    """The number of compilations in progress in all threads; while there are any, no garbage is collected.

    A compilation makes so many objects that the search for garbage takes a sixth of its time.
    """

    def __init__(self) -> None:
        self.number, self._lock, self._collects = 0, Lock(), False

    def on_start(self, event: event.Event) -> None:
        with self._lock:
            if self.number == 0:
                self._collects = gc.isenabled()
                gc.disable()
            self.number += 1

    def on_end(self, event: event.Event) -> None:
        with self._lock:
            self.number -= 1
            if self.number == 0 and self._collects:
                gc.enable()


_COUNT = _Count()
event.register("numba:compile", _COUNT)


def compiling() -> bool:
    """Whether any thread of this process is compiling a kernel."""
    return _COUNT.number > 0
