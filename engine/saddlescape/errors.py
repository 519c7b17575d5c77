"""Errors for users, with their exit codes."""

from collections.abc import Iterable
from typing import NamedTuple


class SaddlescapeError(Exception):
    """A failure with a message for the user; the command line prints it and exits with `exit_code`."""

    exit_code = 1


class Fault(NamedTuple):
    """One error in a spec: the dotted path of the field, with requirement, value and remedy."""

    path: str
    message: str

    def __str__(self) -> str:
        """One printable line: names in a stranger's spec may hold anything, also what a terminal obeys."""
        return "".join(c if c.isprintable() else "\ufffd" for c in f"{self.path:.200}: {self.message}")


class SpecError(SaddlescapeError):
    """All errors of a spec together."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class RefusedError(SaddlescapeError):
    """The run would not fit into memory or on the disk, or its folder must not be written."""

    exit_code = 3


class CorruptError(SaddlescapeError):
    """A file does not match its hash, its schema or its name."""

    exit_code = 4


class MissingExtraError(SaddlescapeError, ImportError):
    """A package of an optional extra is not installed."""


class LockedError(SaddlescapeError):
    """Another process is working in the run's folder."""

    exit_code = 5


class SaddlescapeWarning(UserWarning):
    """A warning about a run that continues; the command line prints it as one line."""
