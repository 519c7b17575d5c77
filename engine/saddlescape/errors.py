"""Errors and their exit codes."""

from collections.abc import Iterable
from typing import NamedTuple


class SaddlescapeError(Exception):
    """An error with a message for the user; the command line prints it and exits with `exit_code`."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback: the message, without control characters."""
        text = f"{type(self).__name__}: {self}"
        return ["".join(c if c.isprintable() else "\ufffd" for c in line) for line in text.splitlines()]


class Fault(NamedTuple):
    """One error in a spec: the dotted path of the field, and a message with requirement, value and remedy."""

    path: str
    message: str

    def __str__(self) -> str:
        """One line without control characters, which a malicious spec may contain in names."""
        return "".join(c if c.isprintable() else "\ufffd" for c in f"{self.path:.200}: {self.message}")


class SpecError(SaddlescapeError):
    """All errors of a spec."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class RefusedError(SaddlescapeError):
    """The command would not fit into memory or on the disk, or would overwrite or mix data."""

    exit_code = 3


class CorruptError(SaddlescapeError):
    """A file is damaged or not of the expected kind."""

    exit_code = 4


class MissingExtraError(SaddlescapeError, ImportError):
    """A package of an optional extra is not installed."""


class DeviceError(SaddlescapeError):
    """A device failed, or computed other bits than the processor; committed blocks are kept."""


class Stopped(SaddlescapeError):
    """A computation in memory was stopped, because `should_stop()` returned true; its results are lost."""

    exit_code = 130


class LockedError(SaddlescapeError):
    """Another process is working in the folder, or writing the file."""

    exit_code = 5


class SaddlescapeWarning(UserWarning):
    """A warning about a run that continues; the command line prints it as one line."""
