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
    what the arithmetic of a step allows this machine.  Each axis is at its last value; runs do not stop when solved.
    """
    from saddlescape.spec import load

    sweep = load(spec, overrides)  # before the compiler is loaded: a fault is told at once
    last = sweep.at(tuple(n - 1 for n in sweep.shape))
    from saddlescape.runs.throughput import peak_steps_per_second, steps_per_second
    from saddlescape.system.resources import cores

    counts = sorted({1, cores()})
    reached, limit = [steps_per_second(last, threads) for threads in counts], peak_steps_per_second(last)
    click.echo("threads  network-steps/s  share of the limit")
    for threads, steps in zip(counts, reached, strict=True):
        click.echo(f"{threads:>7}{steps:>17.3g}{steps / limit / threads:>20.2f}")
