"""`saddlescape export`: a result in another format."""

from pathlib import Path

import click

from saddlescape_cli.choice import Choice

FORMATS = ("csv", "npz", "parquet")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", type=Choice(FORMATS), help="Format; by default the ending of the new file.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="New file; by default FILE with another ending.")
def export(file: Path, to: str | None, out: Path | None) -> None:
    """\b
    Examples:
      saddlescape export my-run/result.h5 --to csv
      saddlescape export my-run/result.h5 -o runs.parquet

    Write the result FILE as a table with a row a run (csv, parquet), or all of its variables as arrays (npz).
    """
    from saddlescape.results.export import export as library_export
    from saddlescape_cli.open_result import open_result

    to = to or (out.suffix.removeprefix(".") if out else "")
    if to not in FORMATS:
        raise click.UsageError(f"--to: is missing; choose one of {', '.join(FORMATS)}, or give -o such an ending")
    with open_result(file) as results:
        target = out or results.path.with_suffix(f".{to}")
        library_export(results, to, target)
    click.echo(str(target))
