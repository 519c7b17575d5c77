"""Figures and axes that a notebook shows, without pyplot and its global state."""

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.look import settings, sized


class ShownFigure(Figure):
    """A figure that a notebook shows if it is the value of a cell, or given to ``display``."""

    made: dict[str, str]
    """What the figure shows and how it was made, by name; `save` writes it into the file."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


class ShownAxes(Axes):
    """Axes whose figure a notebook shows."""

    def _repr_png_(self) -> bytes | None:
        figure = self.get_figure()
        return figure._repr_png_() if isinstance(figure, ShownFigure) else None


def new_figure(figsize: tuple[float, float], **options: Any) -> ShownFigure:
    """An empty figure of a size in inches, which the style may change; the options are those of Matplotlib's."""
    with settings():
        return ShownFigure(figsize=sized(*figsize), **{"layout": "constrained", **options})


def single(figsize: tuple[float, float], **options: Any) -> Axes:
    """The only axes of a new figure."""
    figure = new_figure(figsize, **options)
    with settings():
        return figure.add_subplot(axes_class=ShownAxes)
