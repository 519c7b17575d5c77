"""`saddlescape report`: write a result as a page that needs no network."""

from pathlib import Path

import click

from saddlescape_cli.new_file import NewFile


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=NewFile(), help="HTML file; by default FILE as .html.")
def report(file: Path, out: Path | None) -> None:
    """\b
    Examples:
      saddlescape report my-run
      saddlescape report my-run/result.h5 -o page.html

    Write the result FILE, or the finished runs of the folder of a run, as one HTML page that needs no network: its
    table, a plot, a map to zoom into if it has two axes, some runs of each outcome to watch, and how to run it again.
    """
    from saddlescape.explorer.report import report as write
    from saddlescape_cli.open_result import open_result

    out = out or (file / "result.html" if file.is_dir() else file.with_suffix(".html"))
    with open_result(file, unfinished=True) as results:
        click.echo(str(write(results, out if out.suffix else out.with_name(f"{out.name}.html"))))
