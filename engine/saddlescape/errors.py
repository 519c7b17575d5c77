"""What can go wrong for a user, and the exit code each mistake ends with."""

from collections.abc import Iterable
from typing import NamedTuple


class SaddlescapeError(Exception):
    """A failure with a message for the user; the command line prints it and exits with `exit_code`."""

    exit_code = 1


class Fault(NamedTuple):
    """One thing wrong with a spec: the dotted path of the field, and requirement, value and remedy."""

    path: str
    message: str

    def __str__(self) -> str:
        """One printable line: names in a stranger's spec may hold anything, also what a terminal obeys."""
        return "".join(c if c.isprintable() else "\ufffd" for c in f"{self.path:.200}: {self.message}")


class SpecError(SaddlescapeError):
    """Everything that is wrong with a spec, at once."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class RefusedError(SaddlescapeError):
    """The run would not fit into memory or on the disk, or its folder is not ours to write."""

    exit_code = 3


class CorruptError(SaddlescapeError):
    """A file is not what its hash, its schema or its name says."""

    exit_code = 4


class MissingExtraError(SaddlescapeError, ImportError):
    """A package that comes with an extra is not installed."""


class LockedError(SaddlescapeError):
    """Another process works in the run's folder."""

    exit_code = 5


class SaddlescapeWarning(UserWarning):
    """What a user should know of a run that goes on all the same; the command line prints it in a line."""
