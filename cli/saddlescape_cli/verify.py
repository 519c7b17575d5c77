"""`saddlescape verify`: is everything as it was written?"""

from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> None:
    """\b
    Examples:
      saddlescape verify my-run/result.h5
      saddlescape verify my-run

    Read every byte of PATH, a result file or a run's folder, and say what is not as it was written, with exit code 4.
    """
    from saddlescape import store

    click.echo(store.verify(path))
