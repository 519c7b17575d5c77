"""`saddlescape plot`: plot a result."""

from pathlib import Path

import click

from saddlescape.errors import SaddlescapeError
from saddlescape_cli.choice import Choice

KINDS = (
    *("curve", "map", "trajectories", "portrait", "scaling", "solved", "compare", "convergence", "design", "spectrum"),
    "bifurcation",
    "sharpness",
    "landscape",
)


def _plane(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, str] | None:
    """The two measures of a plane, from X,Y."""
    if value is None:
        return None
    if len(measures := value.split(",")) != 2:
        raise click.BadParameter(f"must be two measures X,Y, such as separation,loss; got {value!r}")
    return measures[0].strip(), measures[1].strip()


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=Choice(KINDS), help="Kind of plot; by default chosen by the axes of the result.")
@click.option("--measures", metavar="X,Y", callback=_plane, help="Measures of a portrait; by default separation,loss.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="PNG, SVG or PDF file; by default FILE as .png.")
def plot(file: Path, kind: str | None, measures: tuple[str, str] | None, out: Path | None) -> None:
    """\b
    Examples:
      saddlescape plot my-run/result.h5
      saddlescape plot my-run/result.h5 --kind trajectories -o paths.svg
      saddlescape plot my-run/result.h5 --measures param_norm,loss

    Plot the result FILE; for the folder of a run in progress, plot the finished runs.

    \b
    Kinds:
      curve          fraction of starts with each outcome along an axis
      map            outcomes over two axes, or a slice
      design         outcomes at points in the plane of two zipped axes
      solved         fraction solved along an axis, a line per value of another
      compare        the same with the median solve step below, a line per word
      scaling        escape times against the scale, with a power law
      convergence    where late losses are below the first loss, over two axes
      trajectories   loss of single runs over training (record.runs)
      portrait       single runs in the plane of two measures
      spectrum       eigenvalues of the Hessian (record.final_parameters)
      bifurcation    late values of the first measure along an axis (record.fields)
      sharpness      sharpness of single runs over training (record.fields)
      landscape      loss on the plane of zero and two solved runs (record.final_parameters)
    """
    if measures and kind not in (None, "portrait"):
        raise click.UsageError(f"--measures needs --kind portrait; got --kind {kind}")
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
