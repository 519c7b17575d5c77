"""`saddlescape resume`: go on where a run was stopped."""

from pathlib import Path

import click

from saddlescape_cli.watch import report, watched, workers, working


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--retry-failed", is_flag=True, help="Try the blocks again that have failed before.")
@working
def resume(
    folder: Path,
    retry_failed: bool,
    threads: int | None,
    dask: str | None,
    max_time: float | None,
    accept_versions: bool,
    keep_going: bool,
    as_json: bool,
) -> None:
    """\b
    Example:
      saddlescape resume my-run

    Go on with the run in FOLDER.  The result has the same bits as that of a run that was never stopped.
    """
    from saddlescape.runs.runner import resume as library_resume

    with workers(dask, threads) as team:
        result = watched(
            lambda show, should_stop: library_resume(
                folder,
                threads=threads,
                workers=team,
                accept_versions=accept_versions,
                keep_going=keep_going,
                retry_failed=retry_failed,
                progress=show,
                should_stop=should_stop,
            ),
            max_time,
        )
    report(result, as_json)
