"""`saddlescape merge`: merge shards into one result."""

from collections.abc import Callable
from pathlib import Path

import click

from saddlescape_cli.new_file import NewFile
from saddlescape_cli.watch import accepting, report, watched


@click.command()
@click.argument("folders", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--out", type=NewFile(), required=True, help="The result, a new file.")
@accepting
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def merge(folders: tuple[Path, ...], out: Path, accept_versions: bool, as_json: bool) -> None:
    """\b
    Example:
      saddlescape merge shards/* -o result.h5

    Merge the shards in FOLDERS into one result, with the same bytes as the result of a run without shards.  It is an
    error if blocks are missing or duplicate, belong to another sweep, or were computed by different versions of the
    software.
    """
    from saddlescape.runs.runner import merge as library_merge

    def merged(show: object, should_stop: Callable[[], bool]) -> Path:
        return library_merge(folders, out, accept_versions=accept_versions, should_stop=should_stop)

    result = watched(merged, None)
    report(result, as_json)
