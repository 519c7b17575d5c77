"""`saddlescape resume`: go on where a run was stopped."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--threads", type=click.IntRange(min=1), help="Threads; by default one for each core.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def resume(folder: Path, threads: int | None, as_json: bool) -> None:
    """\b
    Example:
      saddlescape resume my-run

    Go on with the run in FOLDER.  The result has the same bits as that of a run that was never stopped.
    """
    from saddlescape.runner import resume as library_resume
    from saddlescape_cli.watch import report, watched

    result = watched(
        lambda show, should_stop: library_resume(
            folder, threads=threads, progress=show, should_stop=should_stop
        )
    )
    report(result, as_json)
