"""`saddlescape plot`: a picture of a result."""

from pathlib import Path

import click

from saddlescape.errors import SaddlescapeError
from saddlescape_cli.drawing import drawing

KINDS = ("curve", "map", "trajectories", "portrait", "scaling", "solved", "convergence", "design")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(KINDS), help="By default what suits.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Picture; by default FILE as .png.")
def plot(file: Path, kind: str | None, out: Path | None) -> None:
    """\b
    Examples:
      saddlescape plot my-run/result.h5
      saddlescape plot my-run/result.h5 --kind trajectories -o paths.svg

    Draw the result FILE: outcomes as a curve, a map or a design, trajectories, runs in the plane of two measures,
    escape times with the law that fits, or the fraction solved.  The picture is a PNG, SVG or PDF, by the ending of
    its name.
    """
    with drawing("plot"):
        from saddlescape import plots
    from saddlescape_cli.open_result import open_result

    with open_result(file) as results:
        figure = plots.plot(results, kind)
    out = out or (file / "result.png" if file.is_dir() else file.with_suffix(".png"))
    try:
        figure.savefig(out, dpi=150)
    except (OSError, ValueError) as failure:
        raise SaddlescapeError(f"{out}: cannot be written; {failure}") from None
    click.echo(str(out))
