"""`saddlescape status`: print the progress of a run."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from saddlescape.store import Status

SHOWN = 5
"""Maximum number of failures in the text; JSON contains all."""


@click.command()
@click.argument("folders", metavar="FOLDER...", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def status(folders: tuple[Path, ...], as_json: bool) -> None:
    """\b
    Examples:
      saddlescape status my-run
      saddlescape status shards/*

    Print the progress of the run in FOLDER, which may be running, or of its extension by saddlescape more.  Shards of
    one run are summed; if the folders contain several runs, each is printed, with --json as one line.  Folders without
    a run are reported and skipped.
    """
    from saddlescape import store
    from saddlescape.errors import SaddlescapeError

    states: list[Status] = []
    failures: list[SaddlescapeError] = []
    for folder in folders:
        try:
            states.append(store.status(store.at_work(folder)))
        except SaddlescapeError as failure:
            failures.append(failure)
        except OSError as refusal:
            failures.append(SaddlescapeError(f"{refusal.filename or folder}: {refusal.strerror or refusal}"))
    runs = store.by_run(states)
    for run in runs:
        if as_json:
            click.echo(json.dumps(asdict(run)))
        elif len(runs) == 1:
            click.echo("\n".join(lines(run)))
        else:
            click.echo("\n  ".join([heading(run), *lines(run)]))
    for error in failures[:-1]:
        click.echo(f"error: {error}", err=True)
    if failures:
        raise failures[-1]


def heading(state: "Status") -> str:
    """The folder of a run, or the first one of its shards and their number."""
    first, *others = state.folders
    return f"{first} and {len(others)} more:" if others else f"{first}:"


def lines(state: "Status") -> list[str]:
    """The progress of a run as lines of text."""
    left = max(0, state.blocks - state.done - state.failed)
    state_name = "running" if state.running else "merged" if state.merged else "stopped" if left else "done"
    rate, seconds = state.blocks_per_second, state.seconds_left
    failures = [f"{note}: {reason}" for note, reason in state.failures.items()]
    return [
        f"{state_name}: {state.done} of {state.blocks} blocks done, {left} left, {state.failed} failed",
        *([f"{rate:.3g} blocks per second"] if rate else []),
        *([f"{duration(seconds)} left at this rate"] if seconds and left else []),
        *failures[:SHOWN],
        *(["..."] if failures[SHOWN:] else []),
    ]


def duration(seconds: float) -> str:
    """A duration in its two largest units, such as 3d4h, 1h30m, 5m20s, 42s."""
    whole = max(1, round(seconds))
    parts = zip("dhms", (whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60), strict=True)
    return "".join([f"{number}{unit}" for unit, number in parts if number][:2])
