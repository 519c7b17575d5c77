"""`saddlescape plot`: plot a result."""

from pathlib import Path
from typing import Any

import click

from saddlescape.words.kinds import ALIASES
from saddlescape_cli.choice import Choice
from saddlescape_cli.new_file import NewFile

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


STYLES = ("screen", "paper")


class Kind(Choice):
    """A kind of plot, by its name or another name of it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(ALIASES.get(value, value), param, ctx)


def _size(context: click.Context, option: click.Parameter, value: str | None) -> tuple[float, float] | None:
    """Width and height in inches, from WxH."""
    if value is None:
        return None
    try:
        width, height = map(float, value.lower().split("x"))
    except ValueError:
        raise click.BadParameter(f"must be WxH in inches, such as 3.25x2.5; got {value!r}") from None
    return width, height


def _values(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Texts of values by axis, from KEY=VALUE,VALUE."""
    pairs = [text.partition("=") for text in texts]
    for text, (key, _, values) in zip(texts, pairs, strict=True):
        if not key.strip() or not values.strip():
            raise click.BadParameter(f"must be KEY=VALUE, such as scale=0.1; got {text!r}")
    return {key.strip(): [value.strip() for value in values.split(",")] for key, _, values in pairs}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=Kind(KINDS), help="Kind of plot; by default chosen by the axes of the result.")
@click.option("--at", "at", metavar="KEY=VALUE", multiple=True, callback=_values, help="Select a value of an axis.")
@click.option("--facet", metavar="KEY", multiple=True, help="Draw a panel for each value of an axis.")
@click.option("--pool", metavar="KEY", multiple=True, help="Count the runs of all values of an axis together.")
@click.option("--measures", metavar="X,Y", callback=_plane, help="Measures of a portrait; by default separation,loss.")
@click.option("--style", type=Choice(STYLES), help="paper: sizes and fonts for print.  [default: screen]")
@click.option("--size", metavar="WxH", callback=_size, help="Width and height in inches.")
@click.option("--title", metavar="TEXT", help='Instead of the title of the sweep; "" for none.')
@click.option("--dpi", type=float, default=150, show_default=True, help="Pixels in an inch of a PNG file.")
@click.option("-o", "--out", type=NewFile(), help="PNG, SVG or PDF file; by default FILE as .png.")
def plot(
    file: Path,
    kind: str | None,
    at: dict[str, list[str]],
    measures: tuple[str, str] | None,
    out: Path | None,
    dpi: float,
    **options: Any,
) -> None:
    """\b
    Examples:
      saddlescape plot my-run/result.h5
      saddlescape plot my-run/result.h5 --kind trajectories -o paths.svg
      saddlescape plot my-run/result.h5 --measures param_norm,loss
      saddlescape plot my-run --at optimizer=adam --pool seed
      saddlescape plot my-run --style paper --title "" -o figure.pdf

    Plot the result FILE; for the folder of a run in progress, plot the finished runs.  saddlescape info tells of the
    picture how it was made.

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

    plots.check_look(options["style"], options["size"])
    target, _ = plots.checked(out or (file / "result.png" if file.is_dir() else file.with_suffix(".png")), dpi)
    with open_result(file, unfinished=True) as results:
        chosen = {key: plots.value_at(results, key, values) for key, values in at.items()}
        figure = plots.plot(results, kind, at=chosen, measures=measures, **options)
    click.echo(str(plots.save(figure, target, dpi)))
