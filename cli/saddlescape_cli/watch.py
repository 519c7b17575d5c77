"""While a sweep runs: the progress bar, and Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from threading import Event
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

if TYPE_CHECKING:
    from saddlescape.runner import Progress


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks the run to stop in good order; a second one ends the process, as a kill would."""
    asked = Event()

    def ask(*_: object) -> None:
        signal.signal(signal.SIGINT, leave)
        asked.set()

    def leave(*_: object) -> None:
        os.write(2, b"\nstopped at once; what was committed is kept, and saddlescape resume goes on with it\n")
        os._exit(130)

    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def progress_bar() -> Iterator["Callable[[Progress], None] | None"]:
    """Runs done, network-steps per second and time left, on stderr; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with tqdm(unit="run", unit_scale=True, file=sys.stderr) as bar:

        def show(progress: "Progress") -> None:
            bar.total = progress.runs
            bar.update(progress.runs_done - bar.n)
            bar.set_postfix_str(f"{progress.steps_done / max(progress.seconds, 1e-9):.3g} network-steps/s")

        yield show


def watched(work: "Callable[[Callable[[Progress], None] | None, Callable[[], bool]], Path]") -> Path:
    """The result file that `work(progress, should_stop)` writes; ends with exit 130 if interrupted."""
    from saddlescape.runner import Interrupted

    try:
        with stop_on_interrupt() as should_stop, progress_bar() as show:
            return work(show, should_stop)
    except Interrupted as stopped:
        click.echo(str(stopped), err=True)
        sys.exit(stopped.exit_code)


def report(result: Path, as_json: bool) -> None:
    """Print the table of outcomes and where the result is; of a shard's folder, what to do with it."""
    import json

    if result.is_dir():
        words = f"this shard is done; with the others: saddlescape merge {quote(str(result))} ... -o result.h5"
        click.echo(json.dumps({"shard": str(result)}) if as_json else words)
        return
    from saddlescape import results
    from saddlescape_cli import table

    with results.open(result) as opened:
        rows = table.rows(opened)
    if as_json:
        click.echo(json.dumps({"result": str(result), "rows": rows}))
    else:
        click.echo(f"{table.text(rows)}\n\n{result}")
