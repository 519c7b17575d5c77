"""How the process ends when it is asked to, by Ctrl-C or SIGTERM."""

import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 1.0
"""Seconds in which a command that was asked to stop may end in good order."""
LOOK = 3600.0
"""Seconds that signals are waited for at once; not every system can wait for ever."""


def interrupt(number: int) -> None:
    """End what the main thread is doing."""
    raise KeyboardInterrupt


def begin(thread: threading.Thread) -> None:
    """Start a thread, if there is room for one: without, the main thread alone sees to signals and the time."""
    thread.daemon = True
    with suppress(RuntimeError):
        thread.start()


class Leaving:
    """Ends the process a second after the first Ctrl-C or SIGTERM, whatever it is doing, and at the second one at once.

    A thread waits for the signals, as the main one handles none while it is in compiled code.
    """

    def __init__(self) -> None:
        self.exit_code = 0
        self.ask: Callable[[int], None] = interrupt
        self.words = "\n"
        """Told where the process did not end by itself."""

    def install(self) -> None:
        """Wait for signals from now on; only the main thread may call it, and the second call does nothing."""
        if signal.getsignal(signal.SIGINT) == self._asked:
            return
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        begin(threading.Thread(target=self._wait, args=(reader,)))
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, self._asked)

    @contextmanager
    def asking(self, ask: Callable[[int], None], words: str) -> Iterator[None]:
        """Call ``ask(number)`` at the first signal."""
        before = self.ask, self.words
        self.ask, self.words = ask, words
        try:
            yield
        finally:
            self.ask, self.words = before

    def by(self, seconds: float, exit_code: int) -> threading.Timer:
        """Leave soon after so many seconds from now, unless the timer is cancelled."""
        late = threading.Timer(min(seconds + GRACE, threading.TIMEOUT_MAX), self.leave, [exit_code])
        begin(late)
        return late

    def leave(self, exit_code: int) -> None:
        """End the process now; files that are half written are taken away at the next start."""
        os.write(2, self.words.encode())
        os._exit(exit_code)

    def end(self, exit_code: int) -> None:
        """End the process in good order, but for what the interpreter frees: compiled code takes it seconds."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(exit_code)

    def _asked(self, number: int, frame: object) -> None:
        if not self.exit_code:
            self.exit_code = 128 + number
            self.ask(number)

    def _wait(self, reader: int) -> None:
        first = _next(reader)
        self.leave(128 + (_next(reader, GRACE) or first))


def _next(reader: int, seconds: float = math.inf) -> int:
    """The next of our signals to come, 0 if none did in so many seconds; others, such as alarms, are not for us."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([reader], [], [], min(left, LOOK))[0]:
            number = os.read(reader, 1)[0]
            if number in SIGNALS:
                return number
    return 0


leaving = Leaving()
