"""Open the result that a user gives as a file or a folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from saddlescape.errors import Fault, SpecError
from saddlescape.system.shell import quote

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
    from saddlescape.store import is_input, is_run, result_of, run_first

    if is_input(path):
        raise SpecError([Fault(str(path), f"must be a result; {run_first(path)}")])
    if not result_of(path).is_file() and not (unfinished and is_run(path)):
        raise SpecError([Fault(str(path), f"must be a result file or the folder of a finished run; {_reason(path)}")])
    return results.open(path)


def merge_it(shard: Path) -> str:
    """What to do with the folder of a finished shard."""
    command = f"saddlescape merge {quote(str(shard))} ... -o result.h5"
    return f"this shard is finished; merge it with the other shards: {command}"


def _reason(path: Path) -> str:
    from saddlescape import store
    from saddlescape.store import RESULT, absent, is_run

    if is_run(path):
        progress = store.status(path)
        if progress.shards[0].of > 1 and progress.done == progress.blocks:
            return merge_it(path)
        return f"this run is not finished; finish it with: saddlescape resume {quote(str(path))}"
    return f"this folder contains no {RESULT} and no run" if path.is_dir() else absent(path)
