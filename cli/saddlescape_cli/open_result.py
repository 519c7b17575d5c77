"""From the FILE or DIR that a user names to open results."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from saddlescape.errors import Fault, SpecError

if TYPE_CHECKING:
    from saddlescape.results import Results


def open_result(path: Path, unfinished: bool = False) -> "Results":
    """Open a result file, or the one in a run's folder; SpecError where there is none.

    With `unfinished` a folder without one is opened as far as its run is.
    """
    from saddlescape import results
    from saddlescape.store import RESULT, is_run, result_of

    file = result_of(path)
    if path.suffix == ".toml":
        remedy = f"run it first: saddlescape run {quote(str(path))}"
        raise SpecError([Fault(str(path), f"must be a result; this is a spec; {remedy}")])
    if not file.is_file() and not (unfinished and is_run(path)):
        remedy = f"finish it with: saddlescape resume {quote(str(path))}" if is_run(path) else f"name a {RESULT}"
        raise SpecError([Fault(str(file), f"must be a result file; there is none; {remedy}")])
    return results.open(path)
