"""`saddlescape run`: run a sweep."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saddlescape_cli.completing import spec_name
from saddlescape_cli.overriding import overriding
from saddlescape_cli.watch import compute, working

if TYPE_CHECKING:
    from saddlescape.plan import Shard


def part(context: click.Context, option: click.Parameter, text: str | None) -> "Shard | None":
    """The shard I/N."""
    if text is None:
        return None
    from saddlescape.plan import Shard

    number, of = map(int, text.split("/")) if re.fullmatch(r"[0-9]{1,9}/[0-9]{1,9}", text) else (0, 0)
    if not 1 <= number <= of:
        raise click.BadParameter(f"must be I/N, the I-th of N shards, I from 1 to N; got {text!r}")
    return Shard(number, of)


@click.command()
@click.argument("spec", shell_complete=spec_name)
@click.option(
    "-o", "--out", metavar="DIR", type=click.Path(path_type=Path), help="Folder to write; by default the name of SPEC."
)
@overriding
@click.option("--shard", callback=part, metavar="I/N", help="Run only the I-th of N shards; then use merge.")
@click.option("--overwrite", is_flag=True, help="First delete the run in DIR; nothing else is ever replaced.")
@click.option("--dry-run", is_flag=True, help="Check the spec and print its cost; run nothing.")
@working
def run(
    spec: str,
    out: Path | None,
    overrides: tuple[str, ...],
    axes: tuple[str, ...],
    shard: "Shard | None",
    overwrite: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    """\b
    Examples:
      saddlescape run xor -o my-run
      saddlescape run mine.toml --set training.learning_rate=0.1 --set starts.count=100
      saddlescape run mine.toml --axis starts.scale=log:1e-3:1:25 --axis training.optimizer=gd,adam
      saddlescape run mine.toml --dry-run
      saddlescape run mine.toml --shard 3/100 -o shards/3

    Run the sweep SPEC, a TOML file or the name of a bundled sweep, and write the result to DIR/result.h5.  Ctrl-C stops
    the run; to continue it, give the command again, or use saddlescape resume.
    """
    if dry_run and options["dask"]:
        raise click.UsageError("--dry-run estimates the cost on this machine; leave out --dask, or --dry-run")
    if dry_run and options["device"] != "cpu":
        raise click.UsageError("--dry-run estimates the cost on the processor; leave out --device, or --dry-run")
    from saddlescape.spec import load

    sweep = load(spec, (*overrides, *axes))  # before the compiler is loaded, so that an error appears at once
    from saddlescape.store import default_folder

    folder = out or default_folder(spec)
    if dry_run:
        from saddlescape_cli.dry_run import show_cost

        show_cost(sweep, folder, options["threads"], shard, options["as_json"])
        return
    from saddlescape.plan import WHOLE
    from saddlescape.runs.runner import run as library_run

    compute(partial(library_run, sweep, folder, shard=shard or WHOLE, overwrite=overwrite), **options)
