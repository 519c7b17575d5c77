"""`saddlescape merge`: one result of many shards."""

from collections.abc import Callable
from pathlib import Path

import click

from saddlescape_cli.watch import accepting, report, watched


@click.command()
@click.argument("folders", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The result file; a new one.")
@accepting
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def merge(folders: tuple[Path, ...], out: Path, accept_versions: bool, as_json: bool) -> None:
    """\b
    Example:
      saddlescape merge shards/* -o result.h5

    Make one result of the run whose shards are in FOLDERS, the same bytes as without shards.  Missing blocks, blocks
    that are there twice or of different software, and shards of another sweep are refused.
    """
    from saddlescape.runs.runner import merge as library_merge

    def merged(show: object, should_stop: Callable[[], bool]) -> Path:
        return library_merge(folders, out, accept_versions=accept_versions, should_stop=should_stop)

    result = watched(merged, None)
    report(result, as_json)
