"""`saddlescape bench`: measure how fast a network trains on this machine."""

import click


@click.command()
@click.argument("spec", default="xor")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of the spec; repeatable.")
def bench(spec: str, overrides: tuple[str, ...]) -> None:
    """\b
    Examples:
      saddlescape bench
      saddlescape bench mine.toml --set network.dtype=float32

    Measure the network-steps per second of SPEC (by default xor) on one core and on all cores, and their share of the
    limit that the arithmetic of a step sets on this machine.  Each axis has its last value; solved runs do not stop.
    """
    from saddlescape.spec import load

    sweep = load(spec, overrides)  # before the compiler is loaded, so that an error appears at once
    last = sweep.at(tuple(n - 1 for n in sweep.shape))
    from saddlescape.runs.throughput import peak_steps_per_second, steps_per_second
    from saddlescape.system.resources import cores

    counts = sorted({1, cores()})
    rates, limit = [steps_per_second(last, threads) for threads in counts], peak_steps_per_second(last)
    click.echo("threads  network-steps/s  share of the limit")
    for threads, rate in zip(counts, rates, strict=True):
        click.echo(f"{threads:>7}{rate:>17.3g}{rate / limit / threads:>20.2f}")
