"""`saddlescape gallery`: run the sweeps of the gallery and plot them."""

from pathlib import Path

import click

from saddlescape.errors import Fault, SpecError
from saddlescape.words.suggest import hint


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("gallery"), help="Folder; by default ./gallery."
)
@click.option("--threads", type=click.IntRange(min=1), help="Number of threads; by default one per core.")
def gallery(names: tuple[str, ...], out: Path, threads: int | None) -> None:
    """\b
    Examples:
      saddlescape gallery figure-11 noise
      saddlescape gallery -o gallery

    Run the sweeps of the gallery, by default all (some minutes), and write a picture of each to the folder.  Finished
    sweeps are not run again.  NAMES are those that saddlescape sweeps lists as gallery/NAME.
    """
    from saddlescape.gallery import PICTURES, render
    if unknown := [name for name in names if name not in PICTURES]:
        valid = f"must be one of {', '.join(PICTURES)}"
        raise SpecError([Fault(name, f"{valid}{hint(name, PICTURES)}") for name in unknown])
    for picture in render(out, names, threads):
        click.echo(str(picture))
