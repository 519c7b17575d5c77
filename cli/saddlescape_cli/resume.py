"""`saddlescape resume`: go on where a run was stopped."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from saddlescape_cli.watch import compute, working


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--retry-failed", is_flag=True, help="Try the blocks again that have failed before.")
@working
def resume(folder: Path, **options: Any) -> None:
    """\b
    Example:
      saddlescape resume my-run

    Continue the run in FOLDER.  The result has the same bits as that of a run that was never stopped.
    """
    from saddlescape.runs.runner import resume as library_resume

    compute(partial(library_resume, folder), **options)
