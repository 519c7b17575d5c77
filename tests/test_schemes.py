"""Published initializations: their formulas, moments and limits by layer, and the same bits wherever they are drawn."""

import math
from pathlib import Path

import numpy as np
import pytest
from spec_cases import TINY
from tolerances import ORTHOGONAL, QUOTIENT, STANDARD_ERRORS, SUMMED

import saddlescape as ss
from saddlescape.kernels import draws
from saddlescape.network import layout
from saddlescape.plan import Plan, starts
from saddlescape.plan import plan as plans
from saddlescape.plan.schemes import SCHEMES
from saddlescape.runs.compute import compute
from saddlescape.spec import parse
from saddlescape.words.starts import STARTS

SEED, KINDS = 20120425, [name for name, its in STARTS.items() if not its.shapes]
RUNS = np.array([17, 0, 4095, 2**40])


def spec(kind, hidden="[4]", rest="", network=""):
    text = f'[problem]\nname = "xor"\n[network]\nhidden = {hidden}\n{network}\n[starts]\nkind = "{kind}"\n{rest}'
    return parse(text, Path()).spec


def matrices(s, theta):
    """The weights (runs, units, inputs) and biases (runs, units) of each layer."""
    for indices in layout.layers(*s.shape):
        yield theta[:, indices[:, :-1]], theta[:, indices[:, -1]]


def normals(n):
    return np.array(
        [np.random.Generator(np.random.Philox(key=[SEED, run])).standard_normal(n) for run in RUNS.astype(np.uint64)]
    )


def uniforms(n):
    return np.array(
        [np.random.Generator(np.random.Philox(key=[SEED, run])).uniform(-1, 1, n) for run in RUNS.astype(np.uint64)]
    )


WIDTHS = {
    "glorot_uniform": lambda fan_in, fan_out: math.sqrt(6 / (fan_in + fan_out)),
    "glorot_normal": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "he_uniform": lambda fan_in, fan_out: math.sqrt(6 / fan_in),
    "he_normal": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "lecun_uniform": lambda fan_in, fan_out: math.sqrt(3 / fan_in),
    "lecun_normal": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "torch": lambda fan_in, fan_out: 1 / math.sqrt(fan_in),
}
"""Half-widths of uniform, standard deviations of normal weights, as published."""

TRUNCATED = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))
"""Variance of standard normal numbers between -2 and 2."""


def moments(kind, fan_in, fan_out, last):
    """Variance and largest size of the weights, then of the biases, of a layer; no limit is infinite."""
    match kind:
        case "truncated_normal":
            return (TRUNCATED, 2), (TRUNCATED, 2)
        case "orthogonal":
            return (1 / max(fan_in, fan_out), 1), (0, 0)
        case "sparse":
            return (1e-4 * (1 - math.ceil(0.1 * fan_out) / fan_out), math.inf), (0, 0)
        case "nguyen_widrow" if last:
            return (1 / 12, 0.5), (1 / 12, 0.5)
        case "nguyen_widrow":
            length = 0.7 * fan_out ** (1 / fan_in)
            return (length**2 / fan_in, length), (length**2 / 3, length)
    width = WIDTHS[kind](fan_in, fan_out)
    weights = (width**2, math.inf) if kind.endswith("_normal") else (width**2 / 3, width)
    return weights, weights if kind == "torch" else (0, 0)


def expect_moments(values, variance, largest):
    """The mean over a layer, which is independent between runs, within five of its standard errors."""
    for power, expected in ((1, 0), (2, variance)):
        mean = (values**power).reshape(len(values), -1).mean(axis=1)
        assert abs(mean.mean() - expected) <= STANDARD_ERRORS * mean.std() / math.sqrt(len(mean)) + QUOTIENT
    assert np.abs(values).max() <= largest * (1 + QUOTIENT)
    if 0 < largest < math.inf:
        assert np.abs(values).max() >= 0.99 * largest


@pytest.mark.parametrize("kind", SCHEMES)
def test_a_million_weights_have_the_moments_and_limits_of_the_paper(kind):
    s = spec(kind)
    theta = starts.draw(s, np.arange(84_000), sampler=draws.sample)
    assert 84_000 * 12 > 10**6
    for layer, (W, b) in enumerate(matrices(s, theta)):
        weights, biases = moments(kind, W.shape[2], W.shape[1], layer == 1)
        expect_moments(W, *weights)
        expect_moments(b, *biases)


@pytest.mark.parametrize("kind", WIDTHS)
def test_a_scheme_is_the_plain_draw_times_the_width_of_its_layer(kind):
    s = spec(kind, "[3, 5]", "scale = 3")
    plain = normals(s.n_params) if kind.endswith("_normal") else uniforms(s.n_params)
    layers = zip(matrices(s, starts.draw(s, RUNS)), matrices(s, plain), strict=True)
    for (W, b), (W0, b0) in layers:
        width = WIDTHS[kind](W.shape[2], W.shape[1])
        np.testing.assert_allclose(W, 3 * width * W0, rtol=SUMMED)
        np.testing.assert_allclose(b, 3 * width * b0 * (kind == "torch"), rtol=SUMMED)


def test_truncated_normal_is_the_normal_draw_without_its_large_numbers():
    s = spec("truncated_normal", "[30]")
    kept = [row[np.abs(row) <= 2][: s.n_params] for row in normals(2 * s.n_params)]
    np.testing.assert_array_equal(starts.draw(s, RUNS), kept)


@pytest.mark.parametrize("hidden", ["[2]", "[3, 7]", "[7, 3]", "[64, 64]", "[1]", "[]"])
def test_orthogonal_weights_are_orthonormal_to_the_last_digits(hidden):
    s = spec("orthogonal", hidden)
    layers = zip(matrices(s, starts.draw(s, RUNS)), matrices(s, normals(s.n_params)), strict=True)
    for (W, b), (G, _) in layers:
        few = min(W.shape[1:])
        across = W @ W.transpose(0, 2, 1) if len(W[0]) == few else W.transpose(0, 2, 1) @ W
        np.testing.assert_allclose(across, np.tile(np.eye(few), (4, 1, 1)), rtol=0, atol=ORTHOGONAL)
        assert not b.any()
        for ours, gaussian in zip(W, G, strict=True):
            tall = gaussian if len(gaussian) >= len(gaussian.T) else gaussian.T
            Q, R = np.linalg.qr(tall)
            expected = Q * np.sign(np.diag(R))
            amplified = np.linalg.cond(tall) * SUMMED
            np.testing.assert_allclose(ours, expected if tall is gaussian else expected.T, atol=amplified)


@pytest.mark.parametrize(
    ("sparsity", "units", "zeros"), [(None, 7, 1), (0.5, 7, 4), (0.1, 10, 1), (0, 4, 0), (1, 4, 4)]
)
def test_sparse_weights_are_zero_for_as_many_units_of_each_input(sparsity, units, zeros):
    s = spec("sparse", f"[{units}]", "" if sparsity is None else f"sparsity = {sparsity}")
    theta = starts.draw(s, np.arange(2000), sampler=draws.sample)
    W, b = next(matrices(s, theta))
    assert ((W == 0).sum(axis=1) == zeros).all()
    assert not b.any()
    plain = next(matrices(s, starts.draw(spec("normal", f"[{units}]"), np.arange(2000))))[0]
    np.testing.assert_array_equal(W, np.where(W == 0, 0, 0.01 * plain))
    share = (W == 0).mean(axis=0)
    assert np.abs(share - zeros / units).max() <= STANDARD_ERRORS * math.sqrt(0.25 / 2000)


def test_nguyen_widrow_units_have_directions_of_one_length():
    s = spec("nguyen_widrow", "[5, 3]")
    *hidden, (V, c) = matrices(s, starts.draw(s, RUNS))
    *plain, (V0, c0) = matrices(s, uniforms(s.n_params))
    for (W, b), (W0, b0) in zip(hidden, plain, strict=True):
        length = 0.7 * W.shape[1] ** (1 / W.shape[2])
        expected = length * W0 / np.linalg.norm(W0, axis=2, keepdims=True)
        np.testing.assert_allclose(W, expected, rtol=SUMMED)
        np.testing.assert_allclose(b, length * b0, rtol=SUMMED)
    np.testing.assert_array_equal(V, V0 / 2)
    np.testing.assert_array_equal(c, c0 / 2)


def test_the_gain_of_he_is_that_of_its_layers_activation():
    s = spec("he_normal", "[4, 4]", network='activation = ["relu", "leaky_relu"]\noutput = "linear"')
    layers = zip(matrices(s, starts.draw(s, RUNS)), matrices(s, normals(s.n_params)), (2, 2 / 1.0001, 2), strict=True)
    for (W, _), (W0, _), square in layers:
        np.testing.assert_allclose(W, math.sqrt(square / W.shape[2]) * W0, rtol=SUMMED)


@pytest.mark.parametrize("hidden", ["[2]", "[20, 3]"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_start_has_the_same_bits_alone_and_among_others(kind, hidden):
    s = spec(kind, hidden)
    together = starts.draw(s, np.arange(60), sampler=draws.sample)
    np.testing.assert_array_equal(starts.draw(s, np.arange(60)), together)
    for run in (0, 17, 59):
        np.testing.assert_array_equal(starts.draw(s, np.array([run])), together[run : run + 1])


def test_schemes_are_an_axis_whose_blocks_have_the_starts_of_single_runs(monkeypatch):
    monkeypatch.setattr(plans, "BLOCK_RUNS", 7)
    values = ", ".join(f'"{kind}"' for kind in KINDS)
    text = TINY.replace('kind = "normal"\n', "").replace("steps = 20", "steps = 1")
    text += f'[record]\nfinal_parameters = true\n[[axes]]\nkey = "starts.kind"\nvalues = [{values}]\n'
    sweep = parse(text, Path())
    plan = Plan(sweep)
    assert plan.blocks > len(KINDS)
    for block in plan:
        (kind, first), theta = block.start, compute(plan, block)["start_theta"][0]
        alone = [starts.draw(sweep.at(kind), np.array([run]))[0] for run in range(first, first + len(theta))]
        np.testing.assert_array_equal(theta, alone)
    np.testing.assert_array_equal(
        ss.start(sweep, KINDS.index("orthogonal"), 9),
        starts.draw(sweep.at(KINDS.index("orthogonal")), np.array([9]))[0],
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [("KaimingNormal", "he_normal"), ("xavier_uniform_", "glorot_uniform"), ("HeUniform", "he_uniform"),
     ("trunc_normal", "truncated_normal"), ("TruncatedNormal", "truncated_normal")],
)  # fmt: skip
def test_names_of_other_software(name, kind):
    assert spec(name).starts.kind == kind
