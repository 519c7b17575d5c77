"""`saddlescape info`: print a summary of a result."""

from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def info(path: Path) -> None:
    """\b
    Examples:
      saddlescape info my-run
      saddlescape info my-run/result.h5
      saddlescape info figure.png

    Print the dimensions, the digests, the outcomes and the spec of the result PATH, a file or the folder of a run; of a
    picture that saddlescape plot saved, print the digests of what it shows, and the command that makes it.
    """
    from saddlescape.system import figures

    if figures.is_figure(path):
        _echo(figures.read(path))
        return
    from saddlescape.results import outcome_table as table
    from saddlescape_cli.open_result import open_result

    with open_result(path) as results:
        click.echo(results.title)
        click.echo("dimensions: " + ", ".join(f"{name} {size}" for name, size in results.dims.items()))
        _echo(results.digests)
        click.echo(f"\n{table.text(table.rows(results))}\n\n{results.spec_text.rstrip()}")


def _echo(entries: dict[str, str]) -> None:
    for name, value in entries.items():
        click.echo(f"{name}: {value}")
