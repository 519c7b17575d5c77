"""`saddlescape init`: write a spec for a data file."""

from pathlib import Path
from shlex import quote

import click


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="TOML file, new; by default DATA as .toml.")
def init(data: Path, out: Path | None) -> None:
    """\b
    Example:
      saddlescape init mine.csv
      saddlescape run mine.toml

    Write a spec with comments for DATA, a CSV file whose first line is x1,x2,..,t1,.. (inputs and targets) or an NPZ
    file with arrays X and T.  The activation of the outputs, the loss, and when a run is solved, fit the targets.
    """
    from saddlescape.spec import draft
    from saddlescape.store import creating, write_all

    spec = out or data.with_suffix(".toml")
    text = draft(data, spec)
    with creating(spec) as descriptor:
        write_all(descriptor, text.encode())
    click.echo(f"{spec}: edit it, then: saddlescape run {quote(str(spec))}")
