"""`saddlescape sweeps`: list the bundled sweeps."""

import click


@click.command()
def sweeps() -> None:
    """\b
    Example:
      saddlescape sweeps

    List the names and titles of the bundled sweeps.  Run one by its name: saddlescape run xor
    """
    from saddlescape.spec import bundled

    titles = bundled()
    width = max(map(len, titles), default=0)
    for name, title in titles.items():
        click.echo(f"{name:<{width}}  {title}")
