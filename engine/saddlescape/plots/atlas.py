"""An atlas of stationary points as a graph."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from saddlescape.plots.common import Values, new_axes
from saddlescape.plots.look import settings

if TYPE_CHECKING:
    from saddlescape.analysis import Atlas

LARGEST = 220.0
"""Area of the point that most starts led to, in square points; areas are proportional to the root of their number."""

SHIFT, GOLDEN = 0.03, (5**0.5 - 1) / 2
"""Largest shift of a level, and the ratio whose multiples differ most modulo 1."""

COLORS = ("#009E73", "#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#D55E00")
"""Colors of the indices 0, 1, ...; the last also of all higher ones."""


def places(atlas: "Atlas") -> Values:
    """Positions (points, 2) in the graph: x from about 0 to 1, y the number of the level.

    The points of a level are evenly spaced, in the order of the mean x of the points that descents from them reach.
    Each level is shifted by up to `SHIFT`, so that fewer lines pass through points of other levels.
    """
    x, rows = np.full(len(atlas), 0.5), np.arange(len(atlas))
    start, end = atlas.edges[atlas.edges[:, 1] >= 0, :2].T
    for level in range(atlas.level.max(initial=-1) + 1):
        own = rows[atlas.level == level]
        below = np.array([x[end[start == point]].mean() if (start == point).any() else 0.0 for point in own])
        x[own[np.argsort(below.round(9), kind="stable")]] = (np.arange(len(own)) + 0.5) / len(own)
    return np.column_stack([x + SHIFT * (2 * (GOLDEN * atlas.level % 1) - 1), atlas.level])


@settings()
def atlas(atlas: "Atlas", ax: Axes | None = None) -> Axes:
    """Draw the stationary points of `atlas`, each level of equal loss in a row, and the descents between them.

    Rows are evenly spaced; their labels are the loss.  Color shows the index, area how many starts the search led to
    the point.  Open circles are points that use fewer hidden units than there are; triangles are at infinity.
    """
    from saddlescape.analysis.points import Kind  # loads the compiler, which an atlas has needed

    ax, at = ax or new_axes(), places(atlas)
    x, y = at.T
    edges = np.unique(atlas.edges[atlas.edges[:, 1] >= 0, :2], axis=0)
    lines = LineCollection(list(at[edges]), colors="0.78", linewidths=0.6, antialiaseds=False, zorder=1, gid="descents")
    ax.add_collection(lines)
    area = 12 + LARGEST * np.sqrt(atlas.multiplicity / atlas.multiplicity.max(initial=1))
    far = atlas.kind == Kind.AT_INFINITY
    fewer = (atlas.units >= 0) & (atlas.units < sum(atlas.spec.network.hidden))
    for index in range(min(atlas.index.max(initial=-1) + 1, len(COLORS))):
        color, last = COLORS[index], index == len(COLORS) - 1
        own = (np.minimum(atlas.index, len(COLORS) - 1) == index) & ~far
        minima = index == 0 and not (atlas.kind[own] == Kind.FLAT).any()
        label = "minimum" if minima else f"index {index}{' and higher' * last}"
        face = [color if filled else "w" for filled in ~fewer[own]]
        ax.scatter(x[own], y[own], s=area[own], c=face, edgecolors=color, linewidths=1.2, zorder=2, gid=label)
        if own.any():
            ax.scatter([], [], s=40, c=color, label=label)
    if far.any():
        ax.scatter(x[far], y[far], s=40, marker="v", c="0.4", zorder=2, label="at infinity", gid="at infinity")
    if fewer.any():
        ax.scatter([], [], s=40, c="w", edgecolors="k", label="uses fewer units")
    _label(ax, atlas)
    return ax


def _label(ax: Axes, atlas: "Atlas") -> None:
    levels, first = np.unique(atlas.level, return_index=True)
    ax.set_yticks(levels, [f"{loss:.4f}" for loss in atlas.loss[first]], fontsize="small")
    ax.set(xticks=[], xlim=(-0.03, 1.03), ylabel="objective (rows evenly spaced)")
    sizes = "-".join(map(str, atlas.spec.sizes))
    ax.set_title(f"{sizes}: {len(atlas)} points, {atlas.orbit.sum()} with symmetric copies")
    if len(atlas):
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4, frameon=False, fontsize="small")
