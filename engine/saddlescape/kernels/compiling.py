"""Whether machine code is being made at this moment."""

from threading import Lock

from numba.core import event


class _Count(event.Listener):
    """Compilations in progress, of any thread."""

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
    """Whether a kernel is being compiled, in any thread of this process."""
    return _COUNT.number > 0
