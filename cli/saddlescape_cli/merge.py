"""`saddlescape merge`: one result of many shards."""

from pathlib import Path

import click


@click.command()
@click.argument("folders", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The result file; a new one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def merge(folders: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """\b
    Example:
      saddlescape merge shards/* -o result.h5

    Make one result of the run whose shards are in FOLDERS, the same bytes as without shards.  Missing blocks, blocks
    that are there twice, and shards of another sweep are refused.
    """
    from saddlescape.runner import merge as library_merge
    from saddlescape_cli.watch import report, watched

    result = watched(lambda show, should_stop: library_merge(folders, out, should_stop=should_stop), None)
    report(result, as_json)
