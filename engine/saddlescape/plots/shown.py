"""Figures and axes that a notebook shows, without pyplot and its global state."""

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that a notebook shows if it is the value of a cell, or given to ``display``."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


class ShownAxes(Axes):
    """Axes whose figure a notebook shows."""

    def _repr_png_(self) -> bytes | None:
        figure = self.get_figure()
        return figure._repr_png_() if isinstance(figure, ShownFigure) else None


def new_figure(**options: Any) -> ShownFigure:
    """An empty figure; the options are those of `matplotlib.figure.Figure`."""
    return ShownFigure(**{"layout": "constrained", **options})


def single(**options: Any) -> Axes:
    """The only axes of a new figure."""
    return new_figure(**options).add_subplot(axes_class=ShownAxes)
