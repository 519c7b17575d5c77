"""What the page of the gallery says in numbers, counted from the runs of its sweeps."""

import re
from pathlib import Path

import numpy as np
import pytest

from saddlescape import plots, results
from saddlescape.analysis import boundary, box_dimension
from saddlescape.plots.convergence import loss_ratio
from saddlescape.runs import runner
from saddlescape.words.outcomes import Outcome

PAGE = re.sub(r"\s+", " ", (Path(__file__).parents[1] / "docs/gallery.md").read_text())


def solved(result):
    return result["outcome"] == Outcome.SOLVED


def dimension(inside):
    return box_dimension(boundary(inside))


def slices(runs):
    missed = {n: 100 * (1 - solved(runs[f"figure-{n}"]).mean()) for n in range(3, 12)}
    least, most = min(missed, key=missed.get), max(missed, key=missed.get)
    yield f"Not solved are {missed[least]:.1f} % (figure {least}) to {missed[most]:.1f} % (figure {most})."


def zooms(runs):
    found = [dimension(solved(runs[f"figure-{n}"])[..., 0]).value for n in (11, 12)]
    yield f"dimension {found[0]:.2f} in figure 11, and {found[1]:.2f} in figure 12."


def depth(runs):
    result = runs["depth"]
    scale, won, n = result.coords["scale"], solved(result).sum(axis=-1), result.dims["run"]
    least = [scale[row > n / 2].min() for row in won]
    assert (np.diff(least) >= 0).all()
    yield f"{least[0]:g} with one hidden layer of four tanh units, {least[-1]:g} with four."
    yield f"At scale {scale[-1]:g} no more than {won[:, -1].max()} of {n} starts are solved at any depth."
    _, labels = plots.escape_times(result).get_legend_handles_labels()
    slopes = [label.rpartition(" ")[2] for label in labels if ": power " in label]
    assert len(slopes) == len(won)
    yield f"the scale to the power {', '.join(slopes[:-1])} and {slopes[-1]} for one to four layers."


def width(runs):
    result = runs["width"]
    units, scale, won = result.coords["hidden"].astype(int), result.coords["scale"], solved(result).sum(axis=-1)
    n = result.dims["run"]
    assert (won[units == 2] < n).all()
    every = {int(u) for u, row in zip(units, won, strict=True) if (row[(scale >= 0.1) & (scale <= 1)] == n).all()}
    assert every == {int(u) for u in units if u >= 4}
    said = "with two hidden units no scale solves XOR from every start; from four on every one does, at scales from "
    yield f"{said}0.1 to 1."
    yield f"At scale 0.01 no more than {won[:, scale == 0.01].max()} of {n} is solved."


def activation(runs):
    result = runs["activation"]
    scale, won, n = result.coords["scale"], solved(result).sum(axis=-1), result.dims["run"]
    won = dict(zip(map(str, result.coords["activation"]), won, strict=True))
    least = {name: scale[row > n / 2].min(initial=np.inf) for name, row in won.items()}
    soon = sorted(name for name in least if least[name] == 0.01)
    many = "whose units have curvature at zero, solve XOR from most starts already of scale 0.01"
    yield f"{', '.join(soon[:-1])} and {soon[-1]}, {many}"
    yield f"logistic units only from {least['logistic']:g};"
    relus = [won[name][scale == s].item() for name in ("relu", "leaky_relu") for s in (0.001, 1)]
    yield "of relu and leaky relu scale 0.001 solves {} and {}, scale 1 {} and {} of {} starts".format(
        *(relus[i] for i in (0, 2, 1, 3)), n
    )
    assert max(max(won[name]) for name in ("relu", "leaky_relu")) < n
    assert not won["linear"].any()
    yield "linear units never solve it."


def noise(runs):
    result = runs["noise"]
    won = solved(result).mean(axis=-1)
    ends = [result.coords[axis][row > 0.5][[0, -1]] for axis, row in (("noise", won[:, 0]), ("scale", won[0]))]
    (noise, too_noisy), (scale, too_wide) = ends
    yield f"noise that solves most starts within 10 000 steps is {noise:.1g} here, the least scale {scale:.1g}."
    yield f"Beyond {too_noisy:.1g} of noise, or of scale, fewer than half are solved."
    assert f"{too_wide:.1g}" == f"{too_noisy:.1g}"


def trainability(runs):
    for name in TRAINABILITY:
        inside = loss_ratio(runs[name]) < 1
        law = dimension(inside)
        yield f"| `{name}` | {100 * inside.mean():.1f} % | {law.value:.2f} [{law.low:.2f}, {law.high:.2f}] |"


TRAINABILITY = ("trainability", *(f"trainability-zoom-{n}" for n in (1, 2, 3)))
SWEEPS = {
    slices: [f"figure-{n}" for n in range(3, 12)],
    zooms: ["figure-11", "figure-12"],
    **{said: [said.__name__] for said in (depth, width, activation, noise)},
    trainability: TRAINABILITY,
}
QUICK = (slices, zooms)
"""A few seconds; the others take minutes."""


@pytest.mark.parametrize(
    "said", [pytest.param(said, marks=() if said in QUICK else pytest.mark.slow, id=said.__name__) for said in SWEEPS]
)
def test_the_page_says_what_the_runs_say(said, tmp_path):
    runs = {name: results.open(runner.run(f"gallery/{name}", tmp_path / name)) for name in SWEEPS[said]}
    sentences = list(said(runs))
    for result in runs.values():
        result.close()
    assert sentences
    assert [sentence for sentence in sentences if sentence not in PAGE] == []
