"""`saddlescape plot`: a picture of a result."""

from pathlib import Path

import click

from saddlescape.errors import SaddlescapeError
from saddlescape_cli.choice import Choice

KINDS = ("curve", "map", "trajectories", "portrait", "scaling", "solved", "convergence", "design", "spectrum")


def _plane(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, str] | None:
    """The two measures of a plane."""
    if value is None:
        return None
    if len(measures := value.split(",")) != 2:
        raise click.BadParameter(f"must be two measures X,Y, such as separation,loss; got {value!r}")
    return measures[0].strip(), measures[1].strip()


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=Choice(KINDS), help="By default what suits.")
@click.option("--measures", metavar="X,Y", callback=_plane, help="Plane of a portrait; by default separation,loss.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Picture; by default FILE as .png.")
def plot(file: Path, kind: str | None, measures: tuple[str, str] | None, out: Path | None) -> None:
    """\b
    Examples:
      saddlescape plot my-run/result.h5
      saddlescape plot my-run/result.h5 --kind trajectories -o paths.svg
      saddlescape plot my-run/result.h5 --measures param_norm,loss

    Draw the result FILE, or what is there so far of the run in the folder FILE: outcomes as a curve, a map or a
    design, trajectories, runs in the plane of two measures, escape times with the law that fits, the fraction solved,
    or the spectrum of the Hessian where runs stopped.  The picture is a PNG, SVG or PDF, by the ending of its name.
    """
    if measures and kind not in (None, "portrait"):
        raise click.UsageError(f"--measures goes with --kind portrait; got --kind {kind}")
    from saddlescape import plots
    from saddlescape_cli.open_result import open_result

    with open_result(file, unfinished=True) as results:
        figure = plots.figure_of(plots.portrait(results, measures)) if measures else plots.plot(results, kind)
    out = out or (file / "result.png" if file.is_dir() else file.with_suffix(".png"))
    out = out if out.suffix else out.with_name(f"{out.name}.png")
    try:
        out = plots.save(figure, out)
    except ValueError as failure:
        raise SaddlescapeError(f"{out}: cannot be written; {failure}") from None
    click.echo(str(out))
