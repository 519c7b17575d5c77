"""`saddlescape more`: extend a finished run."""

from pathlib import Path
from typing import Any

import click

from saddlescape_cli.overriding import adding_axes
from saddlescape_cli.watch import compute, working_here


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=1), help="The new number of starts at each point (starts.count).")
@adding_axes
@working_here
def more(folder: Path, count: int | None, axes: tuple[str, ...], **options: Any) -> None:
    """\b
    Examples:
      saddlescape more my-run --count 100000
      saddlescape more my-run --axis starts.scale=0,0.1,1,10
      saddlescape more my-run --axis training.optimizer=momentum,adam

    Extend the finished run in FOLDER: compute only what is new, and write the bytes of one run of the bigger sweep to
    FOLDER/result.h5.  Values of an axis include its old ones; a further axis includes the value that its key had.  The
    old result stays until then; if stopped, give the command again, or use saddlescape resume.
    """
    if count is None and not axes:
        raise click.UsageError("nothing to add; give --count, the new number of starts, or --axis KEY=VALUES")
    from saddlescape.runs.more import more as library_more

    def work(**own: Any) -> Path:
        extended = library_more(folder, count=count, axes=[axis.partition(".")[2] for axis in axes], **own)
        click.echo(str(extended), err=True)
        return extended.path

    compute(work, **options)
