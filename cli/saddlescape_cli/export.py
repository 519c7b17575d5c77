"""`saddlescape export`: write a result in another format."""

from pathlib import Path

import click

from saddlescape_cli.choice import Choice
from saddlescape_cli.new_file import NewFile

FORMATS = ("csv", "npz", "parquet")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", type=Choice(FORMATS), help="Format; by default the extension of --out.")
@click.option("-o", "--out", type=NewFile(), help="New file; by default FILE with another extension.")
def export(file: Path, to: str | None, out: Path | None) -> None:
    """\b
    Examples:
      saddlescape export my-run/result.h5 --to csv
      saddlescape export my-run/result.h5 -o runs.parquet

    Export the result FILE as a table with one row per run (csv, parquet), or all its variables as arrays (npz).  FILE
    may also be the folder of a run; of one in progress, the finished runs are exported.
    """
    from saddlescape.results.export import export as library_export
    from saddlescape_cli.open_result import open_result

    to = to or (out.suffix.removeprefix(".") if out else "")
    if to not in FORMATS:
        formats = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        got = f"; got {out}" if out else ""
        raise click.UsageError(f"the format is missing; give --to {formats}, or --out with such an extension{got}")
    with open_result(file, unfinished=True) as results:
        done = "" if results.so_far is None else "so far {:,} of {:,} runs".format(*results.so_far)
        whole = file / "result-{}-of-{}.x".format(*results.so_far) if results.so_far else results.path
        target = out or whole.with_suffix(f".{to}")
        library_export(results, to, target)
    if done:
        click.echo(done, err=True)
    click.echo(str(target))
