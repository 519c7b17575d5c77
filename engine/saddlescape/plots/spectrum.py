"""The loss around a point: eigenvalues of the Hessian, and cross sections."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddlescape.plots.common import CYCLE, Values
from saddlescape.plots.look import settings
from saddlescape.plots.shown import new_figure, single

ZERO = 1e-6
"""Eigenvalues smaller than this fraction of the largest one count as zero."""

SIGNS = {-1: "negative", 0: "zero", 1: "positive"}


@settings()
def eigenvalue_lines(eigenvalues: Mapping[str, Values], ax: Axes | None = None) -> Axes:
    """Draw the `eigenvalues` (n,) of each Hessian, by its name, in a separate row, with equal eigenvalues stacked.

    The text to the right of each row contains the numbers of negative, zero and positive eigenvalues.
    """
    size = (7, 0.9 + 0.8 * len(eigenvalues))
    ax = ax or single(figsize=size)
    for row, (color, (name, values)) in enumerate(zip(CYCLE, eigenvalues.items(), strict=False)):
        largest = max(abs(values).max(), np.finfo(float).tiny)
        shown = (values / largest).round(3)
        height = np.array([np.count_nonzero(shown[:i] == v) for i, v in enumerate(shown)])
        ax.plot(shown, -row + 0.1 * height, "o", color=color, gid=name)
        counts = ", ".join(f"{n} {word}" for word, n in signs(values).items())
        ax.text(1.15, -row, f"{name}: {counts}\nlargest {largest:.4g}", color=color, va="center")
    ax.axvline(0, color="k", linewidth=0.8)
    ax.set(yticks=[], xlabel="eigenvalue / largest", xlim=(-1.1, 1.1), ylim=(0.6 - len(eigenvalues), 0.95))
    return ax


def signs(values: Values) -> dict[str, int]:
    """Numbers of negative, zero and positive eigenvalues, by the words of `SIGNS`."""
    sign = np.where(abs(values) < ZERO * abs(values).max(), 0, np.sign(values))
    return {word: int(np.count_nonzero(sign == s)) for s, word in SIGNS.items()}


@settings()
def cuts(distance: Values, losses: Mapping[str, Mapping[str, Values]]) -> Figure:
    """Draw `losses` against the `distance` from a point: by the title of each panel, the losses of each line."""
    figure = new_figure(figsize=(0.8 + 3.9 * len(losses), 3.6))
    for ax, (title, lines) in zip(figure.subplots(1, len(losses), squeeze=False)[0], losses.items(), strict=True):
        for color, (name, values) in zip(CYCLE, lines.items(), strict=False):
            ax.plot(distance, values, color=color, label=name, gid=name)
        ax.set_title(title)
        ax.legend(frameon=False)
    figure.supxlabel("distance from zero")
    figure.supylabel("loss")
    return figure
