"""Measures along a run: bits of the kernel against the NumPy reference, exact values, and conserved quantities."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import make_batch, problem, slowly
from spec_cases import TINY
from tolerances import TRAJECTORY

import saddlescape as ss
from saddlescape.kernels import FIELDS, Trainer, columns, outputs, train
from saddlescape.network import layout, reference
from saddlescape.spec import parse
from saddlescape.system.rounding import rounded
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.measures import AFTER, MEASURES

TOLERANCE = 0.3
"""Large enough that some units of a random layer form a group, and small enough that others do not."""


def expected_measures(sizes, bias, odd, theta, start, skip="none"):
    """The measures of a state by name, without loss and gradient norm, which have separate tests."""
    difference = theta.astype(np.float64) - start.astype(np.float64)
    return {
        "separation": reference.separation(sizes, bias, theta, odd, skip),
        "param_norm": reference.norm(theta),
        "distance": reference.norm(difference),
        "layer_norm": reference.layer_norm(sizes, bias, theta, skip),
        "imbalance": reference.imbalance(sizes, bias, theta, skip),
        "effective_width": reference.effective_width(sizes, bias, theta, odd, 0, skip),
        "effective_width_tol": reference.effective_width(sizes, bias, theta, odd, TOLERANCE, skip),
        "cosine": reference.cosine(sizes, bias, theta, skip),
    }


def starts_of(sizes, bias, dtype):
    """Normal, zero, tiny and huge starts, and starts with equal, mirrored and almost equal units."""
    theta = np.random.default_rng(3).normal(0, 1, (9, layout.n_params(sizes, bias)))
    theta[1] = 0
    if len(sizes) > 2 and sizes[1] > 1:
        a, b, *_ = layout.unit_vectors(sizes, bias, 0)
        theta[2][b], theta[3][b], theta[4][b] = theta[2][a], -theta[3][a], theta[4][a] * 1.1
    theta[5] *= 1e-30
    theta[6] *= 1e6
    theta[7, : sizes[0] + bias] = 0
    return theta.astype(dtype)


CASES = [
    ((2, 2), (), True, "float64"),
    ((2, 3, 2), ("tanh",), True, "float64"),
    ((2, 3, 2), ("logistic",), False, "float32"),
    ((2, 3, 2, 2), ("tanh", "logistic"), False, "float64"),
    ((2, 3, 2, 2), ("logistic", "erf"), True, "float32"),
    ((2, 2, 3, 2, 2), ("relu", "tanh", "tanh"), True, "float64"),
    ((3, 12, 1), ("sin",), True, "float64"),
]
"""Sizes, activations of hidden layers, biases, dtype: depths 0 to 3, odd layers and others."""


def followed(sizes, activations, bias, dtype):
    """(starts, result of the kernel with every field recorded)."""
    X, T = problem(4, sizes[0], sizes[-1])
    trainer = Trainer(sizes, bias, (*activations, "linear"), "half_sse", "momentum")
    theta = starts_of(sizes, bias, dtype)
    return theta, train(trainer, X, T, every_field(make_batch(theta, 40, every=10)))


def every_field(batch):
    return replace(batch, fields=FIELDS, tolerance=TOLERANCE)


@pytest.mark.parametrize("case", slowly(CASES, [CASES[0], CASES[2], CASES[5]]), ids=str)
def test_every_measure_has_the_bits_of_the_reference(case):
    sizes, activations, bias, dtype = case
    starts, trained = followed(sizes, activations, bias, dtype)
    odd, column, compared = [ACTIVATIONS[name].odd for name in activations], columns(FIELDS, len(sizes) - 1), 0
    for run, start in enumerate(starts):
        for record in np.flatnonzero(np.isfinite(trained.theta_path[run]).all(axis=1)):
            theta = trained.theta_path[run, record]
            for name, expected in expected_measures(sizes, bias, odd, theta, start).items():
                actual = trained.measures[run, record, column[name]]
                np.testing.assert_array_equal(actual, expected, f"{name} of run {run}, record {record}")
                compared += 1
    assert compared >= 8 * 5 * 8


def test_every_measure_of_the_kernel_has_a_reference():
    theta = np.ones(layout.n_params((2, 2, 1), True))
    references = {"loss", "grad_norm", *expected_measures((2, 2, 1), True, [False], theta, theta)}
    assert references == set(FIELDS), f"missing: measure, in the reference, {set(FIELDS) - references}"


def test_every_field_of_the_spec_is_known_everywhere_and_documented():
    page = (Path(__file__).parents[1] / "docs/measures.md").read_text()
    assert list(MEASURES) == [*FIELDS, *AFTER]
    assert re.findall(r"^\| `(\w+)` \| (.*?) ?\|", page, re.MULTILINE) == [
        (name, ", ".join(f"`{dim}`" for dim in measure.dims)) for name, measure in MEASURES.items()
    ]


OUTPUTS = [
    ((2, 2), (), "softmax_ce", "linear", "float64"),
    ((2, 3, 3), ("tanh",), "softmax_ce", "linear", "float32"),
    ((2, 3, 2, 2), ("sin", "gelu"), "bce_logits", "linear", "float64"),
    ((2, 3, 1), ("softplus",), "bce", "logistic", "float64"),
    ((3, 5, 2), ("erf",), "huber", "tanh", "float32"),
]


@pytest.mark.parametrize(("sizes", "activations", "loss", "output", "dtype"), OUTPUTS, ids=str)
@pytest.mark.parametrize("samples", slowly([1, 7], [7]))
def test_outputs_equal_the_reference(sizes, activations, loss, output, dtype, samples):
    X, _ = problem(samples, sizes[0], sizes[-1])
    network = reference.Network(sizes, True, (*activations, output), loss)
    theta = starts_of(sizes, True, dtype)[[0, 1, 2, 3, 4, 5, 7]]
    actual = outputs(Trainer(sizes, True, (*activations, output), loss, "gd"), X, theta.reshape(7, 1, -1))
    assert (actual.shape, actual.dtype) == ((7, 1, samples, sizes[-1]), dtype)
    expected = [reference.outputs(network, one, X.astype(dtype)) for one in theta]
    np.testing.assert_allclose(actual[:, 0], expected, rtol=TRAJECTORY[dtype], atol=TRAJECTORY[dtype])


def test_outputs_along_a_run_tell_when_it_is_solved(tmp_path):
    text = '[record]\nfields = ["loss", "outputs"]\nsteps = "every:1"\ndtype = "float64"\nruns = "all"\n'
    changes = ["starts.count=40", "starts.scale=2.0", "training.steps=3000", "training.optimizer=momentum"]
    with ss.open(ss.run(parse(TINY + text, tmp_path, changes), tmp_path / "run", threads=1)) as r:
        worst = abs(r["outputs"] - r.sweep.spec.loaded.T).max(axis=(2, 3))
        assert r.sizes("final_outputs") == {"run": 40, "sample": 4, "output": 1}
        assert (r["sample"].tolist(), r["output"].tolist()) == ([0, 1, 2, 3], [0])
        solved = r["solve_step"] >= 0
        assert 0 < solved.sum() < 40
        below = worst < r.sweep.spec.stop.solved
        np.testing.assert_array_equal(below.any(axis=1), solved)
        np.testing.assert_array_equal(below[solved].argmax(axis=1), r["solve_step"][solved])
        ends = r["outputs"][np.arange(40), r["stop_step"]]
        np.testing.assert_array_equal(ends, r["final_outputs"])
        np.testing.assert_array_equal(ss.replay(r.sweep, (), 3)["outputs"][: r["stop_step"][3]],
                                      r["outputs"][3, : r["stop_step"][3]])  # fmt: skip


DEEP = """[record]
fields = ["loss", "imbalance", "layer_norm", "effective_width_tol", "cosine", "distance"]
dtype = "float64"
tolerance = 0.3
[[axes]]
key = "network.hidden"
values = [[], [2], [3, 2]]
"""


def test_measures_of_a_sweep_over_depths_are_those_of_each_run_again(tmp_path):
    sweep = parse(TINY + DEEP, tmp_path)
    with ss.open(ss.run(sweep, tmp_path / "run", threads=1)) as results:
        assert results.sizes("imbalance") == {"hidden": 3, "trajectory": 10, "record": 21, "hidden_layer": 2}
        assert results.sizes("final_layer_norm") == {"hidden": 3, "run": 10, "layer": 3}
        assert (results["layer"].tolist(), results["hidden_layer"].tolist()) == ([1, 2, 3], [1, 2])
        for depth in range(3):
            stored, again = results.trajectory(depth, 7), ss.replay(sweep, (depth,), 7)
            assert stored.keys() == again.keys() - {"theta"}
            for name, values in stored.items():
                own = again[name].shape[1] if again[name].ndim > 1 else 0
                np.testing.assert_array_equal(values[:, :own] if own or values.ndim > 1 else values, again[name], name)
                assert values.ndim == 1 or np.isnan(values[:, own:]).all()
                if name != "record_step":
                    np.testing.assert_array_equal(results[f"final_{name}"][depth, 7], values[20], name)
        assert np.isfinite(results["distance"]).all()
        assert results["distance"][:, :, 0].tolist() == [[0.0] * 10] * 3


def test_keep_bits_bounds_the_error_of_stored_values(tmp_path):
    text = TINY + "[record]\nparameters = true\nkeep_bits = 7\n"
    sweep = parse(text, tmp_path)
    with ss.open(ss.run(sweep, tmp_path / "run", threads=1)) as results:
        assert results.stored("theta").attrs["_QuantizeBitRoundNumberOfSignificantBits"] == 7
        stored, again = results.trajectory((), 7), ss.replay(sweep, (), 7)
        for name in ("loss", "grad_norm", "theta"):
            off = abs(stored[name] / again[name] - 1)
            assert 2**-10 < off.max() <= 2**-8
            assert not (np.frexp(stored[name])[0] * 2**8 % 1).any()


@settings(max_examples=300, derandomize=True)
@given(st.floats(allow_subnormal=False, min_value=-1e300, max_value=1e300), st.integers(1, 52))
def test_rounding_is_to_the_nearest_and_even(value, bits):
    near = rounded(np.array([value]), bits)[0]
    unit = 2.0 ** (np.frexp(value)[1] - 1 - bits)
    assert near == np.round(value / unit) * unit  # numpy rounds ties to even
    assert rounded(np.array([near]), bits)[0] == near


def test_nan_infinity_and_zero_are_not_rounded():
    odd = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0])
    np.testing.assert_array_equal(rounded(odd, 3), odd)
    assert rounded(np.array([1 + 2**-3, 1 + 3 * 2**-3]), 2).tolist() == [1.0, 1.5]


def test_unknown_fields_of_a_replay_are_named():
    with pytest.raises(ValueError, match=r"fields must be chosen from loss, .*; got los"):
        ss.replay("xor", (8,), 3, fields=["los"])
