"""`saddlescape info`: what a result holds."""

from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def info(path: Path) -> None:
    """\b
    Examples:
      saddlescape info my-run
      saddlescape info my-run/result.h5

    Say what the result in PATH, a file or a run's folder, holds.
    """
    from saddlescape_cli import table
    from saddlescape_cli.open_result import open_result

    with open_result(path) as results:
        click.echo(results.title)
        click.echo("dimensions: " + ", ".join(f"{name} {size}" for name, size in results.dims.items()))
        click.echo(f"\n{table.text(table.rows(results))}\n\n{results.spec_text.rstrip()}")
