"""`saddlescape bench --asm`: write the machine code of a kernel, and print what its hot loop consists of."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from saddlescape.spec import Spec

COLUMNS = ("fused", "multiply", "add", "divide", "sqrt", "loads", "stores", "spills", "reloads")


ENDINGS = (".s", ".asm", ".ll")


def write_asm(spec: "Spec", out: Path, target: str | None) -> None:
    """Write the machine code, or LLVM IR if `out` ends with .ll, into a new file or, if `out` is -, print it.

    A summary is printed, too; beside the code, on stderr.
    """
    from saddlescape.runs.machine_code import machine_code
    from saddlescape.store import creating, write_all

    llvm, printed = out.suffix == ".ll", str(out) == "-"
    if llvm and target:
        raise click.UsageError("LLVM IR is written before a target is chosen; leave out --target")
    if not printed and out.suffix not in ENDINGS:
        raise click.UsageError(f"--asm: FILE must end with .s or .ll; got {str(out)!r}; the spec comes before --asm")
    if out.exists():
        raise click.UsageError(f"{out} exists and is left alone; give --asm another name")
    text = machine_code(spec, target, llvm=llvm)
    if printed:
        click.echo(text, nl=False)
    else:
        with creating(out) as descriptor:
            write_all(descriptor, text.encode())
    if not llvm:
        _summarize(text, err=printed)
    if not printed:
        click.echo(str(out))


def _summarize(text: str, err: bool) -> None:
    """Print what the loops of the code consist of."""
    from saddlescape.runs.machine_code import parts

    heads = "".join(f"{column:>9}" for column in COLUMNS)
    click.echo(f"{'instructions on vectors':<24}{'lines':>13}  bytes{heads}", err=err)
    for part in parts(text):
        counts = "".join(f"{part.counts[column]:>9}" for column in COLUMNS)
        click.echo(f"{part.name:<24}{f'{part.first}-{part.last}':>13}{part.width:>7}{counts}", err=err)
