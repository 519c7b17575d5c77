"""End the process at Ctrl-C or SIGTERM."""

import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 1.0
"""Seconds that a command has to end by itself after a signal."""
LOOK = 3600.0
"""Maximum seconds of one wait for signals; some systems cannot wait without a limit."""
TIME_IS_UP = 75
"""Exit code when the time of ``--max-time`` is up: EX_TEMPFAIL of sysexits.h, which `os` lacks on Windows."""


def interrupt(number: int) -> None:
    """Interrupt the main thread."""
    raise KeyboardInterrupt


def begin(thread: threading.Thread) -> None:
    """Start a daemon thread, if the system allows it; without it, only the main thread handles signals and the time."""
    thread.daemon = True
    with suppress(RuntimeError):
        thread.start()


class Leaving:
    """Ends the process a second after the first Ctrl-C or SIGTERM, or immediately at the second one.

    A thread waits for the signals, as the main thread handles none while it runs compiled code.
    """

    def __init__(self) -> None:
        self.exit_code = 0
        self.ask: Callable[[int], None] = interrupt
        self.message = "\n"
        """Printed if the process does not end by itself."""

    def install(self) -> None:
        """Wait for signals from now on; must be called by the main thread; a second call does nothing."""
        if signal.getsignal(signal.SIGINT) == self._asked:
            return
        reader, self._writer = socket.socketpair()  # Windows cannot wait for a pipe with a time limit
        self._writer.setblocking(False)
        begin(threading.Thread(target=self._wait, args=(reader,)))
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, self._asked)

    @contextmanager
    def asking(self, ask: Callable[[int], None], message: str) -> Iterator[None]:
        """Call ``ask(number)`` at the first signal."""
        before = self.ask, self.message
        self.ask, self.message = ask, message
        try:
            yield
        finally:
            self.ask, self.message = before

    def by(self, seconds: float, exit_code: int) -> threading.Timer:
        """End the process after this many seconds and `GRACE`, unless the timer is canceled."""
        late = threading.Timer(min(seconds + GRACE, threading.TIMEOUT_MAX), self.leave, [exit_code])
        begin(late)
        return late

    def leave(self, exit_code: int) -> None:
        """End the process now; the next run deletes incomplete files."""
        os.write(2, self.message.encode())
        os._exit(exit_code)

    def end(self, exit_code: int) -> None:
        """Flush the output and end the process, without freeing memory, which takes seconds for compiled code."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(exit_code)

    def _asked(self, number: int, frame: object) -> None:
        if not self.exit_code:
            self.exit_code = 128 + number
            self.ask(number)

    def _wait(self, reader: socket.socket) -> None:
        first = _next(reader)
        self.leave(128 + (_next(reader, GRACE) or first))


def _next(reader: socket.socket, seconds: float = math.inf) -> int:
    """The next of `SIGNALS`, or 0 if none came within this many seconds; other signals, such as alarms, are ignored."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        reader.settimeout(min(left, LOOK))
        with suppress(TimeoutError):
            if (number := reader.recv(1)[0]) in SIGNALS:
                return number
    return 0


leaving = Leaving()
