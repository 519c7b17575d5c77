"""`saddlescape init`: write a spec for a data file."""

from contextlib import ExitStack
from pathlib import Path

import click

from saddlescape.system.shell import quote
from saddlescape_cli.new_file import NewFile


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=NewFile(), help="TOML file, new; by default DATA as .toml.")
@click.option(
    "--target", "targets", metavar="NAME", multiple=True,
    help="Column with a target; by default t1, t2, ..., or else the last.",
)  # fmt: skip
def init(data: Path, out: Path | None, targets: tuple[str, ...]) -> None:
    """\b
    Examples:
      saddlescape init mine.csv
      saddlescape init flowers.csv --target species
      saddlescape run mine.toml

    Write a spec with comments for DATA, a CSV file, whose first line names the columns, or an NPZ file with arrays X
    and T.  The activation of the outputs, the loss, and when a run is solved, fit the targets.

    Unless the columns are x1,x2,..,t1,.. (inputs and targets), all of numbers, these are also written, as
    OUT-numbers.csv: columns of words become a column of 0 and 1 for each word.
    """
    from saddlescape.spec import draft
    from saddlescape.store import creating, write_all

    spec = out or data.with_suffix(".toml")
    with ExitStack() as all_or_none:
        for path, content in draft(data, spec, targets).items():
            write_all(all_or_none.enter_context(creating(path)), content)
    click.echo(f"{spec}: edit it, then: saddlescape run {quote(str(spec))}")
