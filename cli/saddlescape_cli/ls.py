"""`saddlescape ls`: list runs and results."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".")
def ls(folder: Path) -> None:
    """\b
    Examples:
      saddlescape ls
      saddlescape ls gallery

    List the runs and results in FOLDER, by default this one, and in its folders and theirs: the state of each, when it
    was written or last continued, and its title.
    """
    from saddlescape.store import entries

    rows = [(str(each.path), each.state, f"{each.when:%Y-%m-%d %H:%M}", each.title) for each in entries(folder)]
    if not rows:
        click.echo(f"{folder}: no runs and no results; make one with: saddlescape run xor", err=True)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
