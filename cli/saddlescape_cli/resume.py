"""`saddlescape resume`: continue an interrupted run."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from saddlescape_cli.watch import compute, working


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--retry-failed", is_flag=True, help="Also compute blocks that failed before.")
@working
def resume(folder: Path, **options: Any) -> None:
    """\b
    Example:
      saddlescape resume my-run

    Continue the interrupted run in FOLDER, or its extension by saddlescape more.  The result has the same bits as
    without the interruption.
    """
    from saddlescape.runs.more import resume as library_resume
    from saddlescape.store import result_of

    result = result_of(folder)
    before = result.stat().st_mtime_ns if result.is_file() else None
    compute(partial(library_resume, folder), **options)
    if before is not None and result.stat().st_mtime_ns == before:
        click.echo(f"{folder} is finished", err=True)
