"""`saddlescape sweeps`: what is there to run."""

import click


@click.command()
def sweeps() -> None:
    """\b
    Example:
      saddlescape sweeps

    List the bundled sweeps; run one by its name.
    """
    from saddlescape.spec import bundled

    titles = bundled()
    width = max(map(len, titles), default=0)
    for name, title in titles.items():
        click.echo(f"{name:<{width}}  {title}")
