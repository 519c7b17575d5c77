"""Figures and axes that a notebook shows, without pyplot and its global state."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from saddlescape.plots.crowded import restore, thin
from saddlescape.plots.look import PlotError, settings, sized

LEAST = 0.4
"""Smallest width and height of a panel in inches."""

TINY = "size: {:g}x{:g} inches is too small for what the figure shows; make it larger, or use at or pool"


class ShownFigure(Figure):
    """A figure that a notebook shows if it is the value of a cell, or given to ``display``."""

    made: dict[str, str]
    """What the figure shows and how it was made, by name; `save` writes it into the file."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw without tick labels that lie on others; PlotError if the figure is too small for its panels."""
        with _thinned(self):
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


@contextmanager
def _thinned(figure: Figure) -> Iterator[None]:
    """Leave out tick labels that lie on others."""
    engine = figure.get_layout_engine()
    if engine is not None:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "constrained_layout not applied", UserWarning)
            try:
                engine.execute(figure)
            except UserWarning:
                raise PlotError(TINY.format(*figure.get_size_inches())) from None
    boxes = [ax.get_window_extent() for ax in figure.axes if ax.get_label() != "<colorbar>"]
    if min((min(box.width, box.height) for box in boxes), default=np.inf) < LEAST * figure.dpi:
        raise PlotError(TINY.format(*figure.get_size_inches()))
    before = thin(figure)
    try:
        yield
    finally:
        restore(before)


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
