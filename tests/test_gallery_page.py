"""Numbers in the text of docs/gallery.md, computed from the runs of its sweeps."""

import re
from pathlib import Path

import numpy as np
import pytest
from kolen_pollack import levels
from tolerances import FLOW_PRODUCT

from saddlescape import gallery, plots, results
from saddlescape.analysis import atlas, boundary, box_dimension
from saddlescape.analysis.theory import linear_product
from saddlescape.network.layout import layers
from saddlescape.plots.convergence import loss_ratio
from saddlescape.runs import runner
from saddlescape.runs.outputs import outputs
from saddlescape.spec import load
from saddlescape.words.outcomes import Outcome

PAGE = re.sub(r"\s+", " ", (Path(__file__).parents[1] / "docs/gallery.md").read_text())


def solved(result):
    return result["outcome"] == Outcome.SOLVED


def dimension(inside):
    return box_dimension(boundary(inside))


def slices(runs):
    missed = {n: 100 * (1 - solved(runs[f"figure-{n}"]).mean()) for n in range(3, 12)}
    least, most = min(missed, key=missed.get), max(missed, key=missed.get)
    yield f"The unsolved fraction is {missed[least]:.1f} % (figure {least}) to {missed[most]:.1f} % (figure {most})."


def zooms(runs):
    values = [dimension(solved(runs[f"figure-{n}"])[..., 0]).value for n in (11, 12)]
    yield f"dimension {values[0]:.2f} in figure 11, and {values[1]:.2f} in figure 12."


def monte_carlo(runs):
    result = runs["kolen-pollack-monte-carlo"]
    p, missed, *_ = levels(result)
    full, online = (100 * missed[list(result.coords["batch"]).index(batch)] for batch in ("full", "online"))
    between, end = ends(missed[..., (p >= 2) & (p <= 4)]), ends(missed[..., p == 10])
    exceptions = [tuple(index) for index in np.argwhere(full[..., p < 0.5] >= 10)]
    rates, momenta = result.coords["learning_rate"], result.coords["momentum"]
    assert [(rates[i], momenta[j], p[k]) for i, j, k in exceptions] == [(1, 0, 0.1)]
    yield f"Here it is {between} % for p from 2 to 4, {end} % at p = 10, and below 10 % for p < 0.5 in full-batch"
    yield f"(except for p = 0.1 at rate 1 without momentum, {full[exceptions[0]]:.1f} %,"
    yield f"With online training there is no such low level: {online.min():.0f} % at best."


def ends(fraction):
    return f"{100 * fraction.min():.0f} to {100 * fraction.max():.0f}"


def initialization(runs):
    result = runs["initialization"]
    hits, scale = 100 * solved(result).mean(axis=-1), result.coords["scale"]
    step = np.where(solved(result), result["solve_step"], np.inf)
    middle = np.quantile(step, 0.5, axis=-1, method="inverted_cdf")[:, 1][..., scale == 1]
    assert result.dims["kind"] == 8
    assert list(result.coords["name"]) == ["xor", "moons"]
    near = hits[..., (scale >= 0.5) & (scale <= 2)]
    small = hits[:, 0][..., (scale > 0) & (scale <= 0.1)]
    assert not hits[..., scale == 0].any()
    yield f"from at least {near.min():.0f} % of its starts. At factor 0 none is solved, at 100 at most "
    yield f"at 100 at most {hits[..., scale == 100].max():.0f} %."
    yield f"adam solves at least {small.min():.0f} % at factors from 0.001 to 0.1."
    yield f"at most {hits[0, 1][:, scale == 0.01].max():.0f} % are solved at factor 0.01;"
    yield f"are still solved from at least {hits[1, 1][:, (scale > 0) & (scale <= 0.01)].min():.1f} %."
    (xor, moons) = ((m.min(), m.max()) for m in middle)
    yield f"is {xor[0]:.0f} to {xor[1]:.0f} steps for XOR, and {moons[0]:.0f} to {moons[1]:.0f} for moons."


def depth(runs):
    result = runs["depth"]
    scale, won, n = result.coords["scale"], solved(result).sum(axis=-1), result.dims["run"]
    least = [scale[row > n / 2].min() for row in won]
    assert (np.diff(least) >= 0).all()
    yield f"{least[0]:g} with one hidden layer of four tanh units, {least[-1]:g} with four."
    yield f"At scale {scale[-1]:g} no more than {won[:, -1].max()} of {n} starts are solved at any depth."
    _, labels = plots.escape_times(result).get_legend_handles_labels()
    slopes = [label.rpartition(" ")[2] for label in labels if ": slope " in label]
    assert len(slopes) == len(won)
    yield f"the scale to the power {', '.join(slopes[:-1])} and {slopes[-1]} for one to four layers."


def width(runs):
    result = runs["width"]
    units, scale, won = result.coords["hidden"].astype(int), result.coords["scale"], solved(result).sum(axis=-1)
    n = result.dims["run"]
    assert (won[units == 2] < n).all()
    every = {int(u) for u, row in zip(units, won, strict=True) if (row[(scale >= 0.1) & (scale <= 1)] == n).all()}
    assert every == {int(u) for u in units if u >= 4}
    yield (
        "with two hidden units no scale solves XOR from every start; from four on every one does, "
        "at scales from 0.1 to 1."
    )
    yield f"At scale 0.01 no more than {won[:, scale == 0.01].max()} of {n} is solved."


def activation(runs):
    result = runs["activation"]
    scale, won, n = result.coords["scale"], solved(result).sum(axis=-1), result.dims["run"]
    won = dict(zip(map(str, result.coords["activation"]), won, strict=True))
    least = {name: scale[row > n / 2].min(initial=np.inf) for name, row in won.items()}
    soon = sorted(name for name in least if least[name] == 0.01)
    rest = "whose units have curvature at zero, solve XOR from most starts already at scale 0.01"
    yield f"{', '.join(soon[:-1])} and {soon[-1]}, {rest}"
    yield f"logistic units only from {least['logistic']:g};"
    relus = [won[name][scale == s].item() for name in ("relu", "leaky_relu") for s in (0.001, 1)]
    yield "with relu and leaky relu, scale 0.001 solves {} and {}, scale 1 {} and {} of {} starts".format(
        *(relus[i] for i in (0, 2, 1, 3)), n
    )
    assert max(max(won[name]) for name in ("relu", "leaky_relu")) < n
    assert not won["linear"].any()
    yield "linear units never solve it."


def linear(runs):
    assert runs["linear"].sweep.spec.sizes == (1, 1, 1)
    yield f"in a test they agree to {FLOW_PRODUCT:.0e}.".replace("e-0", "e-")


def linear_modes(runs):
    result = runs["linear-modes"]
    spec, time, theta = result.sweep.spec, result["record_time"], result["theta"][0]
    lines = {line.get_gid(): line.get_ydata() for line in gallery.modes(result).get_lines() if line.get_gid()}
    measured, theory = ([y for name, y in lines.items() if ("theory" in name) is formula] for formula in (False, True))
    left, singular, right = np.linalg.svd(spec.loaded.T.T @ spec.loaded.X, full_matrices=False)
    first, second = (theta[0, layer] for layer in layers(spec.sizes, False))
    whole = linear_product(
        time, (((first @ right.T + second.T @ left) / 2) ** 2).sum(axis=0)[:, None], singular[:, None]
    )
    apart, further = (100 * abs(np.array(measured) - y).max(axis=1) / singular for y in (theory, whole))
    yield "A {}-{}-{} network that starts at scale {:g} learns".format(*spec.sizes, spec.starts.scale)
    words = f"differ by {apart.max():.2f} % of the singular value at most; from the whole of that direction it would be"
    yield f"{words} {further.max():.0f} % in the {('first', 'second', 'third', 'fourth')[further.argmax()]} mode."


def noise(runs):
    result = runs["noise"]
    won = solved(result).mean(axis=-1)
    ends = [result.coords[axis][row > 0.5][[0, -1]] for axis, row in (("noise", won[:, 0]), ("scale", won[0]))]
    (noise, too_noisy), (scale, too_wide) = ends
    yield f"noise that solves most starts within 10 000 steps is {noise:.1g} here, the smallest scale {scale:.1g}."
    yield f"Beyond {too_noisy:.1g} of noise, or of scale, fewer than half are solved."
    assert f"{too_wide:.1g}" == f"{too_noisy:.1g}"


def decay_trap(runs):
    result = runs["decay-trap"]
    decay, outcome = result.coords["weight_decay"], result["outcome"]
    unsolved = decay[~solved(result).any(axis=(1, 2))].min()
    collapsed = decay[(outcome == Outcome.COLLAPSED).all(axis=(1, 2))].min()
    assert (solved(result).any(axis=(1, 2)) == (decay < unsolved)).all()
    yield f"From a decay of {unsolved:.2g} on, no run solves XOR, and from {collapsed:.2g} on every run collapses"


def bifurcation(runs):
    result = runs["bifurcation"]
    rate, exponent = result.coords["learning_rate"], result["final_lyapunov"][:, 0]
    stayed, records = result["outcome"][:, 0] != Outcome.DIVERGED, result["record_step"] > 0
    assert stayed[rate <= 2].all()
    assert not stayed[rate > 2.0001].any()
    assert abs(exponent[rate <= 0.9]).max() < 1e-3
    yield f"the last {records.sum()} of {result.sweep.spec.steps} steps"
    yield f"It is {exponent[np.argmin(abs(rate - 2))]:.2f} at r = 2, ln 3 in theory."
    late = (rate > 1.1999) & (rate < 2.0001)
    yield f"Of the {late.sum()} rates from 1.2 to 2, {100 * (exponent[late] > 0).mean():.0f} % are chaotic."


def edge_of_stability(runs):
    result = runs["edge-of-stability"]
    sharpness, ends, rate = result["sharpness"], result["final_sharpness"], result.coords["learning_rate"]
    first, last = np.median(sharpness[0, :, 0]), np.median(ends[0])
    yield f"from the same {result.dims['run']} starts of a tanh 2-4-1 network at each rate"
    yield f"from a median of {first:.1f} to {last:.1f} at the smallest rate"
    assert (result["final_loss"] < 1e-6).all()
    yield f"the sharpest end at {100 * ends[-1].max() * rate[-1] / 2:.0f} % of 2 / rate at the largest rate"


def stationary_points(runs):
    result = runs["atlas"]
    spec, starts = result.sweep.at((0,)), gallery.STARTS
    two, three = (atlas(result.sweep.at((k,)), starts, descend=False) for k in (0, 1))
    assert two.euler == three.euler == 1
    yield f"and weight decay {spec.training.weight_decay}, from {starts // 1000} 000 starts each"
    yield f"The 2-2-1 network has {len(two)}, {two.orbit.sum()} with those that permutations and sign changes of units"
    solved, wrong, zero = np.unique(two.loss[two.index == 0].round(4))
    yield f"Three objectives belong to minima: {solved:.4f}, which solves XOR; {wrong:.4f}, with outputs near"
    said = outputs(spec, two.theta[abs(two.loss - wrong) < 1e-4], spec.loaded.X)[..., 0]
    assert ((abs(said) < 0.1).sum(axis=1) == 2).all()
    yield f"and zero, objective {zero:.0f}, which weight decay has made a minimum."
    decay = spec.training.weight_decay / 2 * (result["final_theta"] ** 2)
    ends = [result["final_loss"][k] + np.nansum(decay[k], axis=-1) for k in (0, 1)]
    shares = [100 * (abs(ends[0] - loss) < 1e-3).mean() for loss in (solved, wrong)]
    at_zero = (abs(ends[0] - zero) < 1e-3).sum()
    yield f"{shares[0]:.1f} % end in the first, {shares[1]:.1f} % in the second, and {at_zero} runs at zero."
    yield f"there are {len(three)} stationary points, {three.orbit.sum()} with their symmetric copies, but {wrong:.4f}"
    assert (three.index[abs(three.loss - wrong) < 1e-4] == 1).all()
    best, other = np.unique(three.loss[three.index == 0].round(4))
    assert other == 2
    assert (abs(ends[1] - best) < 1e-3).all()
    yield f"All {len(ends[1])} runs end in the one minimum besides zero, of objective {best:.4f}."
    heard = three.theta[three.loss.argmin()][:2]
    assert (abs(heard) < 1e-6).all()


def trainability(runs):
    dimensions = []
    for name in TRAINABILITY:
        inside = loss_ratio(runs[name]) < 1
        law, changed = dimension(inside), ""
        if name in ZOOMS:
            other = loss_ratio(runs[f"{name} {LAST_BIT}"]) < 1
            changed = f" {100 * (inside != other).mean():.1f} %"
            dimensions.append(f"{dimension(other).value:.2f}")
        shown = f"{law.value:.2f}, {law.low:.2f} to {law.high:.2f}"
        yield f"| `{name}` | {100 * inside.mean():.1f} % | {shown} |{changed} |"
    yield f"the last column compares with `saddlescape run gallery/NAME --set {LAST_BIT}`."
    yield f"the dimensions become {', '.join(dimensions[:-1])} and {dimensions[-1]}."
    inside = loss_ratio(runs["trainability"]) < 1
    law, sides = dimension(inside), inside.shape[:2]
    yield f"At {sides[0]} x {sides[1]} rates {100 * inside.mean():.1f} % converge (58 % in an independent replication)"
    yield f"dimension {law.value:.2f}, [error bar](analysis.md#how-rough-the-map-is) {law.low:.2f} to {law.high:.2f};"


def magnification(runs):
    """Magnification of the zooms, from their specs; nothing is run."""
    ends = np.log([[axis.values[:: len(axis.values) - 1] for axis in load(f"gallery/{n}").axes] for n in TRAINABILITY])
    span = np.diff(ends)[..., 0]
    yield f"at the edge of trainability, magnified {(span[0] / span[1]).mean():.0f} times]"
    yield f"The boundary magnified {(span[0] / span[3]).mean() / 1000:.0f} 000 times"
    (side,) = {len(axis.values) for name in ZOOMS for axis in load(f"gallery/{name}").axes}
    yield f"magnified about {(span[:-1] / span[1:]).mean():.0f} times, at {side} x {side} rates;"
    assert len({f"{100 * of_one:.2f}" for of_one in span[3]}) == 1
    yield f"the third spans {100 * span[3, 0]:.2f} % of either rate."
    yield f"Neighbors in the third zoom differ by 10^{np.log10(span[3] / (side - 1)).mean():.0f} of a rate"


ZOOMS = tuple(f"trainability-zoom-{n}" for n in (1, 2, 3))
TRAINABILITY = ("trainability", *ZOOMS)
LAST_BIT = "training.learning_rate=0.003906250000000001"
"""The next float64 after the rate of the specs."""

SWEEPS = {
    slices: [f"figure-{n}" for n in range(3, 12)],
    zooms: ["figure-11", "figure-12"],
    monte_carlo: ["kolen-pollack-monte-carlo"],
    linear_modes: ["linear-modes"],
    **{part: [part.__name__] for part in (depth, width, activation, initialization, linear, noise, bifurcation)},
    decay_trap: ["decay-trap"],
    edge_of_stability: ["edge-of-stability"],
    stationary_points: ["atlas"],
    trainability: [*TRAINABILITY, *(f"{name} {LAST_BIT}" for name in ZOOMS)],
    magnification: [],
}
"""The sweeps, with an override or without, that each part of the page needs."""
QUICK = (slices, zooms, linear, linear_modes, edge_of_stability, magnification)
"""Parts that take a few seconds; the others take minutes."""


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=() if part in QUICK else pytest.mark.slow, id=part.__name__) for part in SWEEPS]
)
def test_sentences_of_the_page_agree_with_the_runs(part, tmp_path):
    runs = {}
    for sweep in SWEEPS[part]:
        name, *changes = sweep.split()
        runs[sweep] = results.open(runner.run(f"gallery/{name}", tmp_path / sweep, overrides=changes))
    sentences = list(part(runs))
    for result in runs.values():
        result.close()
    assert sentences
    assert [sentence for sentence in sentences if sentence not in PAGE] == []


def test_the_other_rate_is_the_next_number():
    rate = load(f"gallery/{ZOOMS[0]}").spec.training.learning_rate
    assert float(LAST_BIT.partition("=")[2]) == np.nextafter(rate, 1)
