"""While a sweep runs: its options, and its signals to stop."""

import math
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from saddlescape_cli.leaving import TIME_IS_UP, leaving
from saddlescape_cli.open_result import merge_it

if TYPE_CHECKING:
    from saddlescape.runs.dispatch import Progress, Workers

UNITS = (86400, 3600, 60, 1)
AT_ONCE = "\nstopped at once; finished blocks are kept; continue with saddlescape resume\n"


def duration(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """Seconds of a duration such as 90s, 55m or 1h30m."""
    if text is None:
        return None
    parts = re.fullmatch(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", text, re.ASCII)
    seconds = sum(int(n or 0) * unit for n, unit in zip(parts.groups(), UNITS, strict=True)) if parts else 0
    if not seconds:
        raise click.BadParameter(f"must be a duration such as 90s, 55m or 1h30m; got {text!r}")
    return float(seconds)


accepting = click.option(
    "--accept-versions", is_flag=True, help="Also use blocks computed by other versions of the software."
)


def device_name(context: click.Context, option: click.Parameter, text: str) -> str:
    """The name of a device."""
    from saddlescape.system.arguments import ArgumentError
    from saddlescape.system.arguments import device_name as checked

    try:
        return checked(text)
    except ArgumentError as error:
        raise click.BadParameter(str(error).removeprefix("device ")) from None


on_device = click.option(
    "--device",
    metavar="NAME",
    default="cpu",
    callback=device_name,
    help="cpu (default), cuda for all NVIDIA GPUs, or cuda:N for GPU N.",
    shell_complete=lambda context, option, text: [name for name in ("cpu", "cuda", "cuda:0") if name.startswith(text)],
)


on_threads = click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Number of threads; by default one per core. With a GPU, number of blocks in flight; by default 24 for each.",
)


on_cluster = click.option(
    "--dask", metavar="ADDRESS", help="Use a Dask cluster, tcp://HOST:PORT, or processes, local:N."
)


def working(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that computes blocks, on this machine or others."""
    return on_cluster(working_here(command))


def working_here(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that computes blocks on this machine."""
    options = (
        on_device,
        on_threads,
        click.option("--max-time", callback=duration, metavar="TIME", help="Stop after this time: 90s, 55m, 1h30m."),
        accepting,
        click.option("--keep-going", is_flag=True, help="Continue when a block fails."),
        click.option("--keep-blocks", is_flag=True, help="Keep the blocks beside the result, which has all of them."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def workers(dask: str | None, threads: int | None) -> Iterator["Workers | None"]:
    """The workers of ``--dask``; without it None, which stands for threads of this process."""
    if dask is None:
        yield None
        return
    if threads and not dask.startswith("local:"):
        raise click.UsageError("--threads is for this machine; set those of other workers with: dask worker --nthreads")
    from saddlescape.runs import cluster

    with cluster.connect(dask, threads) as connected:
        if not connected.threads():
            click.echo(f"{dask} has no workers yet; the run waits for them", err=True)
        yield connected


def compute(
    work: Callable[..., Path],
    *,
    device: str,
    threads: int | None,
    max_time: float | None,
    as_json: bool,
    dask: str | None = None,
    **options: bool,
) -> None:
    """Call `work`, the library's `run` or `resume`, with the options of `working`, and print the outcomes."""
    if dask and device != "cpu":
        raise click.UsageError("--device is for this machine; leave out --dask, or --device")
    with workers(dask, threads) as team:
        work = partial(work, device=device, threads=threads, **({"workers": team} if team else {}), **options)
        result = watched(lambda show, should_stop: work(progress=show, should_stop=should_stop), max_time)
    report(result, as_json)


class Stop:
    """Whether a run should stop, and the exit code with the reason."""

    def __init__(self, seconds: float) -> None:
        self._asked, self._end = Event(), time.monotonic() + seconds
        self.exit_code = TIME_IS_UP

    def ask(self, number: int) -> None:
        """Stop because of a signal."""
        self.exit_code = 128 + number
        self._asked.set()

    def __call__(self) -> bool:
        return self._asked.is_set() or time.monotonic() > self._end


@contextmanager
def stop_when_asked(max_time: float | None) -> Iterator[Stop]:
    """Ask the run to stop cleanly at Ctrl-C, SIGTERM and the end of the time; end the process soon after."""
    seconds = math.inf if max_time is None else max_time
    stop = Stop(seconds)
    leaving.install()
    with leaving.asking(stop.ask, AT_ONCE):
        late = leaving.by(seconds, TIME_IS_UP)
        yield stop
        late.cancel()


def watched(
    work: "Callable[[Callable[[Progress], None] | None, Callable[[], bool]], Path]", max_time: float | None
) -> Path:
    """Call `work(progress, should_stop)`, which returns the path of its result.

    If it is stopped, exit with code 130 after Ctrl-C, 143 after SIGTERM, and 75 after `max_time` seconds.
    """
    from saddlescape.runs.bar import progress_bar
    from saddlescape.runs.runner import Interrupted

    try:
        with stop_when_asked(max_time) as should_stop, progress_bar() as show:
            return work(show, should_stop)
    except Interrupted as stopped:
        click.echo(str(stopped), err=True)
        leaving.message = ""
        sys.exit(should_stop.exit_code)


def report(result: Path, as_json: bool) -> None:
    """Print the table of outcomes and the path of the result; for the folder of a shard, how to merge it."""
    import json

    if result.is_dir():
        click.echo(json.dumps({"shard": str(result)}) if as_json else merge_it(result))
        return
    from saddlescape import results
    from saddlescape.results import outcome_table as table

    with results.open(result) as opened:
        rows = table.rows(opened)
    if as_json:
        click.echo(json.dumps({"result": str(result), "rows": rows}))
    else:
        click.echo(f"{table.text(rows)}\n\n{result}")
