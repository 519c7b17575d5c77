"""`saddlescape gallery`: pictures of what others have found, and of what is asked first."""

from pathlib import Path

import click

from saddlescape.errors import Fault, SpecError
from saddlescape.words.suggest import hint


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("gallery"), help="Folder; by default ./gallery."
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads; by default one for each core.")
def gallery(names: tuple[str, ...], out: Path, threads: int | None) -> None:
    """\b
    Examples:
      saddlescape gallery figure-11 noise
      saddlescape gallery -o gallery

    Run the sweeps of the gallery, all or those of these NAMES, and draw a picture of each into the folder.  What is
    done already is kept.  All of them take some minutes; saddlescape sweeps lists them.
    """
    from saddlescape.gallery import PICTURES, render
    if unknown := [name for name in names if name not in PICTURES]:
        told = f"is not in the gallery; there are {', '.join(PICTURES)}"
        raise SpecError([Fault(name, f"{told}{hint(name, PICTURES)}") for name in unknown])
    for picture in render(out, names, threads):
        click.echo(str(picture))
