"""`saddlescape compare`: print two results side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from saddlescape.analysis.comparison import Comparison

MOST = 40
"""Points that are printed, at most."""


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--outcome", default="solved", show_default=True, help="The outcome whose fractions are compared.")
def compare(a: Path, b: Path, outcome: str) -> None:
    """\b
    Examples:
      saddlescape compare one two
      saddlescape compare one/result.h5 two/result.h5 --outcome trapped

    Print the settings that differ between two results A and B with the same axes, and at each point the fractions of
    the starts with an outcome, with 95 % intervals, their difference, and the p-value of a test that there is none.
    """
    from saddlescape.analysis.comparison import compare as compared
    from saddlescape_cli.open_result import open_result

    with open_result(a) as one, open_result(b) as other:
        found = compared(one, other, outcome)
    if found.settings:
        click.echo(
            _aligned([["setting", "A", "B"], *([key, *values] for key, values in found.settings.items())], "<<<")
        )
    else:
        click.echo("The settings are the same.")
    click.echo(f"\nstarts that are {outcome}\n{_table(found)}")
    test = "McNemar's exact test of the same starts" if found.paired else "Fisher's exact test"
    click.echo(f"p: {test}, adjusted for {len(found.points)} points by Holm's method; intervals: 95 %")


def _table(found: "Comparison") -> str:
    heads = [*found.points[0], "A", "", "B", "", "B - A", "", "p"]
    rows = [
        [*(f"{value:.6g}" if isinstance(value, float) else str(value) for value in point.values())]
        for point in found.points
    ]
    for k, row in enumerate(rows):
        for value, low, high in (each[:3] for each in (found.a, found.b, found.difference)):
            sign = "+" if value is found.difference.value else ""
            ends = "-" if low[k] != low[k] else f"{100 * low[k]:{sign}.1f} to {100 * high[k]:{sign}.1f}"
            row += [f"{100 * value[k]:{sign}.1f} %", ends]
        p = found.difference.p[k]
        row.append("-" if p != p else f"{p:.2g}")
    left_out = [[f"... {len(rows) - MOST} more"] + [""] * (len(heads) - 1)] if len(rows) > MOST else []
    shown = [*rows[: MOST // 2], *left_out, *rows[-(MOST // 2) :]] if left_out else rows
    return _aligned([heads, *shown], ">" * len(heads))


def _aligned(rows: list[list[str]], sides: str) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
