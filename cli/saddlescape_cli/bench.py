"""`saddlescape bench`: how fast a spec trains on this machine."""

import click


@click.command()
@click.argument("spec", default="xor")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of the spec.")
def bench(spec: str, overrides: tuple[str, ...]) -> None:
    """\b
    Examples:
      saddlescape bench
      saddlescape bench mine.toml --set network.dtype=float32

    Print the network-steps a second that SPEC, by default xor, reaches on one core and on all, and their share of
    what the arithmetic of a step allows this machine.  Axes are left out; runs do not stop when they are solved.
    """
    from saddlescape.spec import load

    base = load(spec, overrides).spec  # before the compiler is loaded: a fault is told at once
    from saddlescape.rate import most, rate
    from saddlescape.runner import cores

    counts = sorted({1, cores()})
    reached, limit = [rate(base, threads) for threads in counts], most(base)
    click.echo("threads  network-steps/s  share of the limit")
    for threads, steps in zip(counts, reached, strict=True):
        click.echo(f"{threads:>7}{steps:>17.3g}{steps / limit / threads:>20.2f}")
