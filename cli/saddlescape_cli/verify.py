"""`saddlescape verify`: check every byte of a result or a run."""

from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> None:
    """\b
    Examples:
      saddlescape verify my-run/result.h5
      saddlescape verify my-run

    Read every byte of PATH, a result file or the folder of a run.  If anything has changed since it was written, print
    it and exit with code 4.
    """
    from saddlescape import store

    click.echo(store.verify(path))
