"""`saddlescape refine`: refine a map where its outcomes differ."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from saddlescape.system.shares import percent
from saddlescape_cli.new_file import NewFile
from saddlescape_cli.watch import accepting, on_device, on_threads, watched


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--levels", type=click.IntRange(1, 12), default=1, show_default=True, help="How many times to double it.")
@click.option("--band", type=click.FloatRange(min=0), help="Also refine where solve steps differ by this fraction.")
@click.option("-o", "--out", type=NewFile(), help="New file; by default NAME-refined.h5 for NAME.h5.")
@on_device
@on_threads
@accepting
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def refine(
    file: Path,
    levels: int,
    band: float | None,
    out: Path | None,
    device: str,
    threads: int | None,
    accept_versions: bool,
    as_json: bool,
) -> None:
    """\b
    Examples:
      saddlescape refine my-slice/result.h5 --levels 4
      saddlescape refine my-slice/result.h5 --levels 2 --band 0.5 -o fine.h5

    Refine the slice in the result FILE: double its resolution, and run only the starts in cells whose corners have
    different outcomes.
    """
    from saddlescape.results.refine import Refined
    from saddlescape.results.refine import refine as library_refine
    from saddlescape_cli.open_result import open_result

    refined: list[Refined] = []
    with open_result(file) as results:
        target = out or results.path.with_name(f"{results.path.stem}-refined.h5")

        def work(show: object, should_stop: Callable[[], bool]) -> Path:
            refined.append(
                library_refine(
                    results,
                    target,
                    levels,
                    band=band,
                    device=device,
                    threads=threads,
                    accept_versions=accept_versions,
                    should_stop=should_stop,
                )
            )
            return target

        watched(work, None)
    starts, run = refined[0].starts, refined[0].run
    if as_json:
        click.echo(json.dumps({"result": str(target), "starts": starts, "run": run}))
    else:
        click.echo(f"{target}\n{run:,} of {starts:,} starts were run, {percent(run, starts)}")
