"""Run a sweep, or extend a run, and open its results."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from saddlescape.plan import WHOLE, Shard
from saddlescape.results.results import Results, open
from saddlescape.runs import more as extending
from saddlescape.runs import runner
from saddlescape.runs.bar import progress_bar
from saddlescape.runs.dispatch import Progress, Workers
from saddlescape.spec import Sweep
from saddlescape.system.arithmetic import ieee


class Run(Results):
    """The results of a run, opened on first use.

    They can also be used as the path of the result, which `run` returned in earlier versions: `os.fspath`, `str` and
    the methods of `pathlib.Path`.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._chosen = path, {}

    def __getattr__(self, name: str) -> Any:
        if name == "_source" and "_path" in vars(self):
            self._source = open(self._path)._source
            return self._source
        if not name.startswith("_") and hasattr(Path, name) and name not in self:
            return getattr(self._path, name)
        return super().__getattr__(name)

    def __fspath__(self) -> str:
        return str(self._path)

    def __str__(self) -> str:
        return str(self._path)

    def __truediv__(self, name: str) -> Path:
        return self._path / name


@ieee()
def run(
    source: str | Path | Sweep,
    out: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    shard: Shard = WHOLE,
    device: str = "cpu",
    threads: int | None = None,
    workers: Workers | None = None,
    accept_versions: bool = False,
    keep_going: bool = False,
    keep_blocks: bool = False,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | bool | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Run:
    """Run a sweep in a folder; if it was run there before, only the missing blocks are computed.

    Parameters
    ----------
    source : a TOML file, the name of a bundled sweep, or a loaded sweep.
    out : the folder; by default the name of the file or of the bundled sweep, or ``run`` for a loaded sweep.
    overrides : such as ``["training.learning_rate=0.1"]``; see `load`.
    shard : the part of the sweep to run; `merge` combines all shards into one result.
    device : "cpu", "cuda" for all NVIDIA GPUs, or "cuda:N" for one; the result has the same bytes.
    threads : by default one per core; with devices, the number of blocks in flight, by default 24 for each.
    workers : workers to use instead of threads, such as ``cluster.connect(...)``.
    accept_versions : continue even if other versions of the software computed the existing blocks.
    keep_going : continue when a block fails.
    keep_blocks : keep the files of blocks beside the result, which has all of them; by default they are deleted at the
        end.  The blocks of a shard always stay, for `merge`.
    overwrite : first delete the run that the folder contains, whatever its spec; other files and folders are refused.
    progress : called with a `Progress` after each slice of work, from any thread.  By default, a progress bar is shown
        in a terminal and in a notebook; false shows none, true always shows one.
    should_stop : called after each slice of work; when it returns true, the run stops cleanly.

    Returns
    -------
    Run : the results, as of `open`; for a shard, its finished runs.  They are also a path, of ``out/result.h5`` or, for
        a shard, of its folder, such as `merge` takes.

    Raises
    ------
    ArgumentError, SpecError, RefusedError, LockedError
        Before anything is computed.
    FailedBlocksError
        At the end, with `keep_going`, if blocks failed.  Without it, the error of the first such block ends the run.
    DeviceError
        If a device fails, or computes other bits than the processor; the same call continues the run.
    Interrupted
        If `should_stop()` returned true; the same call continues the run, and ``open(out)`` reads its finished part.

    Examples
    --------
    >>> r = ss.run("xor", "my-run", overrides=["starts.count=100"])  # doctest: +SKIP
    >>> r.outcome.shape  # doctest: +SKIP
    (11, 100)
    """
    with nullcontext(progress) if callable(progress) else progress_bar(progress) as report:
        path = runner.run(
            source, out, overrides=overrides, shard=shard, device=device, threads=threads, workers=workers,
            accept_versions=accept_versions, keep_going=keep_going, keep_blocks=keep_blocks, overwrite=overwrite,
            progress=report, should_stop=should_stop,
        )  # fmt: skip
    return Run(path)


@ieee()
def more(
    folder: str | Path,
    *,
    count: int | None = None,
    axes: Sequence[str] = (),
    device: str = "cpu",
    threads: int | None = None,
    accept_versions: bool = False,
    keep_going: bool = False,
    keep_blocks: bool = False,
    progress: Callable[[Progress], None] | bool | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Run:
    """Extend a finished run by more starts, more values of axes, or further axes: only what is new is computed.

    The result takes the place of the old one, with the same bytes as that of one run of the bigger sweep.  Old runs are
    trained again only where the bigger sweep records more of them, or trains them by another kernel.

    Parameters
    ----------
    folder : the folder of the run.
    count : the new number of starts at each point.
    axes : such as ``["starts.scale=0,0.1,1"]``: all values of an axis, old ones included.  A further axis contains the
        value that its key had.
    device, threads, accept_versions, keep_going, keep_blocks, progress, should_stop : as for `run`.

    Returns
    -------
    Run : the results of the bigger run, as of `run`.

    Raises
    ------
    ArgumentError, SpecError, RefusedError, LockedError, CorruptError
        Before anything is computed: also if the run is not finished, if an axis lacks an old value, or if other
        versions of the software computed the old result, unless `accept_versions`.
    FailedBlocksError, DeviceError, Interrupted
        As for `run`; the old result stays, and the same call continues.

    Examples
    --------
    >>> r = ss.more("my-run", count=1000, axes=["starts.scale=0,0.1,1"])  # doctest: +SKIP
    """
    with nullcontext(progress) if callable(progress) else progress_bar(progress) as report:
        extended = extending.more(
            folder, count=count, axes=axes, device=device, threads=threads,
            accept_versions=accept_versions, keep_going=keep_going, keep_blocks=keep_blocks,
            progress=report, should_stop=should_stop,
        )  # fmt: skip
    return Run(extended.path)
