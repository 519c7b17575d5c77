"""`saddlescape bench --asm`: write the machine code of a kernel, and print what its hot loop consists of."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from saddlescape.spec import Spec

COLUMNS = ("fused", "multiply", "add", "divide", "sqrt", "loads", "stores", "spills", "reloads")


def write_asm(spec: "Spec", out: Path, target: str | None) -> None:
    """Write the machine code, or LLVM IR if `out` ends with .ll, into a new file, and print a summary."""
    from saddlescape.runs.machine_code import machine_code, parts
    from saddlescape.store import creating, write_all

    llvm = out.suffix == ".ll"
    if llvm and target:
        raise click.UsageError("LLVM IR is written before a target is chosen; leave out --target")
    if out.exists():
        raise click.UsageError(f"{out} exists and is left alone; give --asm another name")
    text = machine_code(spec, target, llvm=llvm)
    with creating(out) as descriptor:
        write_all(descriptor, text.encode())
    if not llvm:
        click.echo(f"{'instructions on vectors':<24}{'lines':>13}  bytes" + "".join(f"{c:>9}" for c in COLUMNS))
        for part in parts(text):
            counts = "".join(f"{part.counts[column]:>9}" for column in COLUMNS)
            click.echo(f"{part.name:<24}{f'{part.first}-{part.last}':>13}{part.width:>7}{counts}")
    click.echo(str(out))
