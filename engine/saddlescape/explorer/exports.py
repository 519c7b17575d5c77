"""Files that a page takes home: one at a time is made, on a thread of its own, until it is done or canceled."""

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from saddlescape.errors import RefusedError, SaddlescapeError
from saddlescape.runs import runner
from saddlescape.runs.dispatch import Progress
from saddlescape.spec import Sweep
from saddlescape.system.arithmetic import ieee

SECONDS = 300.0
"""Maximum time in which a file is made."""

BYTES = 2**26
"""Maximum length of a file."""

INSTEAD = "download the spec of the view, and run it with: saddlescape run view.toml"
"""What to do if a file cannot be made."""

Asked = Callable[[], bool]
Report = Callable[[Progress], None]
Make = Callable[[Asked, Report], bytes]
"""Makes the content of a file: it asks whether to stop, and reports its progress."""


class Exports:
    """The files of one session; `close` ends the thread."""

    def __init__(self, tell: Callable[[dict[str, Any], bytes], None]) -> None:
        self._tell, self._thread, self._stopped = tell, threading.Thread(), threading.Event()

    def begin(self, name: str, make: Make) -> None:
        """Make a file and tell it; messages of the type "exporting" say how much of it is done, the last one None.

        Raises
        ------
        RefusedError
            If another file is being made.
        """
        if self._thread.is_alive():
            raise RefusedError("export: another file is being made; wait for it, or cancel it")
        self._stopped = threading.Event()
        given = (name, make, self._stopped)
        self._thread = threading.Thread(target=self._work, args=given, name="explore", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Make no file any more."""
        self._stopped.set()

    def close(self) -> None:
        """End the thread."""
        self.cancel()
        if self._thread.is_alive():
            self._thread.join()

    def _say(self, name: str, share: float | None) -> None:
        self._tell({"type": "exporting", "name": name, "share": share}, b"")

    @ieee()
    def _work(self, name: str, make: Make, stopped: threading.Event) -> None:
        ends = time.monotonic() + SECONDS
        try:
            self._say(name, 0.0)
            content = make(
                lambda: stopped.is_set() or time.monotonic() > ends,
                lambda progress: self._say(name, progress.runs_done / progress.runs),
            )
            if len(content) > BYTES:
                size = f"{len(content) / 2**20:.0f} MiB, more than {BYTES // 2**20}"
                raise RefusedError(f"export: the file has {size}; zoom in, or {INSTEAD}")
            if not stopped.is_set():
                self._tell({"type": "file", "name": name}, content)
        except Exception as fault:  # the page shows it
            if not stopped.is_set():
                self._tell({"type": "fault", "message": _message(fault)}, b"")
        self._say(name, None)


def _message(fault: Exception) -> str:
    if isinstance(fault, runner.Interrupted):
        return f"export: takes longer than {SECONDS:g} s; zoom in, or {INSTEAD}"
    return str(fault) if isinstance(fault, SaddlescapeError) else f"{type(fault).__name__}: {fault}"


def result_of(sweep: Sweep) -> Make:
    """Runs a sweep, and makes its result file."""

    def make(should_stop: Asked, report: Report) -> bytes:
        with tempfile.TemporaryDirectory(prefix="saddlescape-") as folder:
            return runner.run(sweep, Path(folder) / "view", progress=report, should_stop=should_stop).read_bytes()

    return make
