"""`saddlescape status`: how far a run is."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from saddlescape.store import Status


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(folder: Path, as_json: bool) -> None:
    """\b
    Example:
      saddlescape status my-run

    Say how far the run in FOLDER is, also while it runs.
    """
    from saddlescape.runner import status as library_status

    state = library_status(folder)
    click.echo(json.dumps(asdict(state)) if as_json else "\n".join(lines(state)))


def lines(state: "Status") -> list[str]:
    """What people want to know of a run."""
    left = state.blocks - state.done - state.failed
    where = "running" if state.running else "merged" if state.merged else "stopped" if left else "done"
    rate, seconds = state.blocks_per_second, state.seconds_left
    return [
        f"{where}: {state.done} of {state.blocks} blocks done, {left} left, {state.failed} failed",
        *([f"{rate:.3g} blocks a second"] if rate else []),
        *([f"{seconds:.0f} seconds left"] if seconds and state.running else []),
    ]
