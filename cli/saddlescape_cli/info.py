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

    Print the dimensions, the outcomes and the spec of the result PATH, a file or the folder of a run.
    """
    from saddlescape.results import outcome_table as table
    from saddlescape_cli.open_result import open_result

    with open_result(path) as results:
        click.echo(results.title)
        click.echo("dimensions: " + ", ".join(f"{name} {size}" for name, size in results.dims.items()))
        click.echo(f"\n{table.text(table.rows(results))}\n\n{results.spec_text.rstrip()}")
