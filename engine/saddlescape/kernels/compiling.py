"""Whether Numba is compiling at this moment."""

from threading import Lock

from numba.core import event


class _Count(event.Listener):
    """The number of compilations in progress in all threads."""

    def __init__(self) -> None:
        self.number, self._lock = 0, Lock()

    def on_start(self, event: event.Event) -> None:
        with self._lock:
            self.number += 1

    def on_end(self, event: event.Event) -> None:
        with self._lock:
            self.number -= 1


_COUNT = _Count()
event.register("numba:compile", _COUNT)


def compiling() -> bool:
    """Whether any thread of this process is compiling a kernel."""
    return _COUNT.number > 0
