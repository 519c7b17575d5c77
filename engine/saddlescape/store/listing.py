"""The runs and results in a folder and its subfolders."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from saddlescape.errors import SaddlescapeError
from saddlescape.store.folder import RESULT, SESSION
from saddlescape.store.plan_file import PLAN, read_plan
from saddlescape.store.result_file import ResultFile
from saddlescape.store.status import status

DEPTH = 3
"""Levels of folders that are looked into: a run of the gallery is ``gallery/depth/plan.json``."""


@dataclass(frozen=True)
class Entry:
    """A run, or a result without the folder of its run.

    Attributes
    ----------
    path : the folder of the run, or the file of the result.
    state : "finished"; "result" without a run; "running", "stopped" or, of a shard, "computed", with the share of the
        blocks that are done; "unreadable" if it is damaged or something else.
    when : when the result was written or, without a result, when the run was begun or last continued; local time.
    title : the title of the sweep; of something unreadable, the reason.
    """

    path: Path
    state: str
    when: datetime
    title: str


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the runs and results in a folder and `DEPTH` levels of folders, sorted by path."""
    levels = ["*/" * depth for depth in range(DEPTH)]
    runs = {path.parent for level in levels for path in folder.glob(level + PLAN)}
    files = {path for level in levels for path in folder.glob(f"{level}*.h5")}
    for path in sorted(runs | {path for path in files if runs.isdisjoint((path.parent, path.parent.parent))}):
        try:
            yield (_run if path in runs else _result)(path)
        except (SaddlescapeError, OSError) as failure:
            yield Entry(path, "unreadable", _time(path), str(failure).partition("\n")[0])


def _run(folder: Path) -> Entry:
    title, progress = str(read_plan(folder)["spec"].get("title", "")), status(folder)
    if progress.merged:
        return Entry(folder, "finished", _time(folder / RESULT), title)
    word = "running" if progress.running else "computed" if progress.done == progress.blocks else "stopped"
    session = folder / SESSION
    began = _time(session if session.exists() else folder / PLAN)
    return Entry(folder, f"{word}, {100 * progress.done // progress.blocks} %", began, title)


def _result(path: Path) -> Entry:
    with closing(ResultFile(path)) as source:
        return Entry(path, "result", _time(path), str(json.loads(source.text("resolved")).get("title", "")))


def _time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime).astimezone()  # a link may lead nowhere
