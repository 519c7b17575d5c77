"""`saddlescape bench`: measure how fast a network trains on this machine."""

from pathlib import Path

import click

from saddlescape_cli.completing import spec_name
from saddlescape_cli.new_file import NewFile
from saddlescape_cli.overriding import overriding
from saddlescape_cli.watch import on_device


@click.command()
@click.argument("spec", shell_complete=spec_name, default="xor")
@overriding
@on_device
@click.option(
    "--asm", type=NewFile(), is_flag=False, flag_value=Path("-"), metavar="[FILE]",
    help="Print the machine code, or write it into a new file.",
)  # fmt: skip
@click.option(
    "--against", metavar="REV|SPEC", shell_complete=spec_name,
    help="Compare with a revision of the code, or with another spec.",
)  # fmt: skip
@click.option("--target", metavar="TRIPLE", help="With --asm, a target of LLVM for arm64, such as aarch64-linux-gnu.")
def bench(
    spec: str, overrides: tuple[str, ...], axes: tuple[str, ...], device: str, asm: Path | None, target: str | None,
    against: str | None,
) -> None:
    """\b
    Examples:
      saddlescape bench
      saddlescape bench mine.toml --set network.dtype=float32
      saddlescape bench --device cuda
      saddlescape bench mine.toml --against HEAD~1
      saddlescape bench mine.toml --asm kernel.s

    Measure the network-steps per second of SPEC (by default xor) on one core and on all cores, and their share of the
    limit that the arithmetic of a step sets on this machine; or on a device, with as many batches in flight as in a
    run.  Each axis has its last value; solved runs do not stop.

    With --against, train SPEC with this code and with that of a revision, or SPEC and another spec, in turn in many
    rounds, and print the ratio of their rates with its interval.  Here solved runs stop, as in a run.

    With --asm, print the machine code of the kernel, or write it into FILE, or LLVM IR if FILE ends with .ll; and
    count the instructions on vectors in the loop over ticks (a tick is a step of all lanes) as they stand in the code.
    """
    if target and not asm:
        raise click.UsageError("--target belongs to --asm")
    if asm and device != "cpu":
        raise click.UsageError("--asm does not go with --device: it shows the kernel of processors; leave one out")
    if against is not None:
        if asm or device != "cpu":
            raise click.UsageError("--against does not go with --asm or --device; leave it out, or them")
        from saddlescape_cli.against import compare_speed

        compare_speed(spec, against, (*overrides, *axes))
        return
    from saddlescape.spec import load

    sweep = load(spec, (*overrides, *axes))  # before the compiler is loaded, so that an error appears at once
    last = sweep.at(tuple(n - 1 for n in sweep.shape))
    if asm:
        from saddlescape_cli.asm import write_asm

        write_asm(last, asm, target)
        return
    from saddlescape.runs.throughput import ON_DEVICE, peak_steps_per_second, steps_per_second
    from saddlescape.system.resources import cores

    if device != "cpu":
        from saddlescape.kernels import devices
        from saddlescape.runs.dispatch import in_flight

        used = devices(device)
        threads = in_flight(None, used)
        rate = steps_per_second(last, threads, ON_DEVICE, devices=used)
        click.echo("threads  network-steps/s  device")
        click.echo(f"{threads:>7}{rate:>17.3g}  {', '.join(each.name for each in used)}")
        return
    counts = sorted({1, cores()})
    rates, limit = [steps_per_second(last, threads) for threads in counts], peak_steps_per_second(last)
    click.echo("threads  network-steps/s  share of the limit")
    for threads, rate in zip(counts, rates, strict=True):
        click.echo(f"{threads:>7}{rate:>17.3g}{rate / limit / threads:>20.2f}")
