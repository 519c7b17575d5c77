"""Pictures of the bundled sweeps of the gallery."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from saddlescape import plots, results
from saddlescape.analysis import atlas, boundary, box_dimension, held_norm, xor_escape_constant
from saddlescape.analysis.theory import linear_product
from saddlescape.network.layout import layers
from saddlescape.plan import starts
from saddlescape.plots.common import entitle
from saddlescape.plots.convergence import loss_ratio
from saddlescape.plots.made import note
from saddlescape.plots.shown import new_figure
from saddlescape.results import Results
from saddlescape.runs import runner
from saddlescape.spec import load
from saddlescape.store import own_folder
from saddlescape.words.outcomes import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRAME = "#D55E00"
"""Color of the frame of a zoom: neither on the color map nor close to gray."""

STARTS = 20_000
"""Starts of the search for stationary points."""

Draw = Callable[[Results], "Axes | Figure"]


def product(result: Results) -> "Axes":
    """Plot the product of both weights of a linear network along the flow, and the formula of Saxe et al. (2013).

    With two samples of error 1 - ab, the flow is twice as fast as the flow of the loss (1 - ab)^2 / 2.
    """
    scale, time, theta = result.coords["scale"], result["record_time"], result["theta"][:, 0]
    names = [f"from {value:g}" for value in scale]
    measured = dict(zip(names, theta.prod(axis=-1), strict=True))
    theory = {name: linear_product(2 * time, value**2, 1.0) for name, value in zip(names, scale, strict=True)}
    ax = plots.beside_theory(time, measured, theory)
    ax.set(xlabel="time", ylabel="product of the weights")
    entitle(ax, result)
    return ax


def modes(result: Results) -> "Axes":
    """Plot the strength of each mode of a linear network with a hidden layer along the flow, and the formula.

    Inputs are unit vectors, targets the columns of U S V'; the strength of a mode is u' W2 W1 v.  Near zero both W1 v
    and W2' u grow towards their mean.  The formula of Saxe et al. (2013) starts from the square of the part of this
    mean that is orthogonal to the means of the stronger modes, which are learned first.
    """
    spec, time, theta = result.sweep.spec, result["record_time"], result["theta"][0]
    left, singular, right = np.linalg.svd(spec.loaded.T.T @ spec.loaded.X, full_matrices=False)
    first, second = (theta[:, layer] for layer in layers(*spec.shape))
    into, out_of = first @ right.T, second.swapaxes(1, 2) @ left
    start = np.diag(np.linalg.qr((into[0] + out_of[0]) / 2).R) ** 2
    names = [f"mode {number}, singular value {value:.3g}" for number, value in enumerate(singular, start=1)]
    measured = dict(zip(names, (into * out_of).sum(axis=1).T, strict=True))
    theory = dict(zip(names, linear_product(time, start[:, None], singular[:, None]), strict=True))
    ax = plots.beside_theory(time, measured, theory)
    ax.set(xlabel="time", ylabel="strength of the mode")
    entitle(ax, result)
    return ax


def solved_slice(result: Results) -> "Axes":
    """Plot the outcomes of a slice, with the dimension of the boundary of the solved starts."""
    return _with_dimension(plots.map(result), result, result["outcome"][..., 0] == Outcome.SOLVED)


def trainability(result: Results, zoom: str = "") -> "Axes":
    """Plot where training converges, with the dimension of the boundary and the frame of the sweep `zoom`."""
    ax = _with_dimension(plots.convergence(result), result, loss_ratio(result) < 1)
    if zoom:
        ends = [np.log([axis.values[0], axis.values[-1]]) for axis in load(f"gallery/{zoom}").axes]
        cells = (np.log(result.coords[name]) for name in plots.axis_names(result))
        x, y = (np.interp(end, cell, np.arange(len(cell))) for end, cell in zip(ends, cells, strict=True))
        ax.plot(x[[0, 1, 1, 0, 0]], y[[0, 0, 1, 1, 0]], color=FRAME, scalex=False, scaley=False, gid=zoom)
    return ax


def decay_trap(result: Results) -> "Axes":
    """Plot the outcomes over weight decay and distance, and the distances within which half and all starts are held.

    A start is held if 2 decay c >= 1; c is the escape constant of its direction over the square of its distance.
    """
    ax, (decay, scale) = plots.map(result), (result.coords[name] for name in plots.axis_names(result))
    directions = starts.draw(result.sweep.spec, np.arange(result.dims["run"]), 1.0)
    half = np.sqrt(2 * decay * np.median(xor_escape_constant(directions, "pm1")))
    cells = np.arange(len(scale))
    for name, dashes, limit in (("half", "--", half), ("all", ":", held_norm(decay))):
        shown = (limit >= scale[0]) & (limit <= scale[-1])
        height = np.interp(np.log(limit[shown]), np.log(scale), cells)
        ax.plot(np.arange(len(decay))[shown], height, dashes, color="k", scalex=False, scaley=False, gid=name)
    lines = "theory: half (dashed) and all (dotted) of the starts below are held"
    entitle(ax, result, lines)
    return ax


def _with_dimension(ax: "Axes", result: Results, inside: npt.NDArray[np.bool_]) -> "Axes":
    dimension = box_dimension(boundary(inside))
    value = f"{dimension.value:.2f}, error bar {dimension.low:.2f} to {dimension.high:.2f}"
    entitle(ax, result, f"box-counting dimension of the boundary {value}")
    return ax


def stationary_points(result: Results) -> "Figure":
    """Plot the atlas of each network of a sweep beside the others, from the starts of the sweep."""
    number, *_ = result.sweep.shape
    figure = new_figure(figsize=(5.5 * number, 6))
    for ax, point in zip(figure.subplots(1, number, squeeze=False)[0], range(number), strict=True):
        plots.atlas(atlas(result.sweep.at((point,)), STARTS), ax)
    entitle(figure, result)
    return figure


PICTURES: dict[str, Draw] = {
    **{f"figure-{number}": solved_slice for number in range(3, 14)},
    "kolen-pollack-monte-carlo": partial(plots.solved, missed=True),
    "width": plots.solved,
    "depth": plots.solved,
    "activation": plots.solved,
    "initialization": plots.compare,
    "linear": product,
    "linear-modes": modes,
    "noise": plots.map,
    "decay-trap": decay_trap,
    "atlas": stationary_points,
    "bifurcation": plots.bifurcation,
    "edge-of-stability": plots.sharpness,
    "trainability": partial(trainability, zoom="trainability-zoom-1"),
    "trainability-zoom-1": partial(trainability, zoom="trainability-zoom-2"),
    "trainability-zoom-2": partial(trainability, zoom="trainability-zoom-3"),
    "trainability-zoom-3": trainability,
}
"""The function that draws each bundled sweep of the gallery, by name."""


def render(folder: str | Path, names: Sequence[str] = (), threads: int | None = None) -> Iterator[Path]:
    """Run sweeps of the gallery (by default all) in folders under `folder`; yield the path of the picture of each.

    Finished sweeps are not run again.
    """
    folder = Path(folder)
    own_folder(folder)
    for name in names or PICTURES:
        with results.open(runner.run(f"gallery/{name}", folder / name, threads=threads)) as result:
            figure = plots.figure_of(PICTURES[name](result))
            note(figure, result, name, f"saddlescape gallery {name}")
            picture = plots.save(figure, folder / f"{name}.png", dpi=100)
        yield picture
