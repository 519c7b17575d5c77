"""Open the result that a user gives as a file or a folder."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from saddlescape.errors import Fault, SpecError

if TYPE_CHECKING:
    from saddlescape.results import Results


def open_result(path: Path, unfinished: bool = False) -> "Results":
    """Open a result file, or the result in the folder of a run.

    Parameters
    ----------
    unfinished : also open the finished part of a run in progress.

    Raises
    ------
    SpecError
        If there is no result.
    """
    from saddlescape import results
    from saddlescape.store import is_run, result_of

    if path.suffix == ".toml":
        remedy = f"this is a spec; run it first: saddlescape run {quote(str(path))}"
        raise SpecError([Fault(str(path), f"must be a result; {remedy}")])
    if not result_of(path).is_file() and not (unfinished and is_run(path)):
        raise SpecError([Fault(str(path), f"must be a result file or the folder of a finished run; {_reason(path)}")])
    return results.open(path)


def _reason(path: Path) -> str:
    from saddlescape.store import RESULT, is_run

    if is_run(path):
        return f"this run is not finished; finish it with: saddlescape resume {quote(str(path))}"
    return f"this folder contains no {RESULT} and no run" if path.is_dir() else "it does not exist"
