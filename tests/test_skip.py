"""Skip connections: kernels against the NumPy reference, its gradients against central differences, and exact facts."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import test_flow
from kernel_cases import ACTIVATIONS, DTYPES, LOSSES, TARGET, XOR, activations_of, arguments, pairwise, problem, slowly
from spec_cases import TINY
from standin import StandIn
from test_hessian import second_differences
from test_kernels import expect_equal_to_reference
from test_measures import TOLERANCE, expected_measures
from test_on_device import same
from tolerances import CONSERVED, DIFFERENCES, HESSIAN, SECOND_DIFFERENCES, TRAJECTORY

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.kernels import FIELDS, Trainer, columns, outputs, train
from saddlescape.kernels.hessian import derivatives
from saddlescape.network import layout, reference
from saddlescape.plan import starts
from saddlescape.runs.prepare import plain_trainer
from saddlescape.spec import parse

SIZES = ((2, 2, 2, 2), (2, 3, 3, 2), (2, 2, 3, 2), (2, 3, 3, 3, 2))
"""All hidden layers skipped, from the inputs on; one of two; the first; two of three."""

FULL = [
    (activation, loss, optimizer, sizes[1:-1], dtype, skip)
    for activation in ACTIVATIONS
    for loss in LOSSES
    for optimizer in ("gd", "adam", "lion")
    for sizes in SIZES
    for dtype in DTYPES
    for skip in ("residual", "input")
]
PAIRS = pairwise(FULL[::7])
GRADIENTS = [
    case for case in pairwise([*itertools.product(ACTIVATIONS, LOSSES, SIZES, ("residual", "input"))])
    if case[0] in activations_of(case[1], case[0], 1)
]

QUICK = [
    (("tanh", "half_sse", "gd", (2,), "float64"), {"skip": "residual"}),
    (("gelu", "softmax_ce", "adam", (3, 3, 3), "float32"), {"skip": "residual", "batch": 2, "weight_decay": True}),
    (("logistic", "bce", "momentum", (2, 2), "float64"), {"skip": "residual", "batch": 1, "bias": False}),
    (("sin", "mse", "gd", (2, 3, 3), "float64"), {"skip": "residual", "samples": 9}),
    (("tanh", "half_sse", "gd", (2,), "float64"), {"skip": "input"}),
    (("gelu", "softmax_ce", "rmsprop", (3, 2), "float32"), {"skip": "input", "bias": False, "batch": 2}),
    (("logistic", "bce_logits", "momentum", (3,), "float64"), {"skip": "input", "noise": True, "layer_rates": True}),
    (("softplus", "huber", "gd", (3,), "float64"),
     {"skip": "input", "l1": True, "weight_decay": True, "decay": "weights", "bias_rate": True}),
]  # fmt: skip
WIDE = [
    (("tanh", "mse", "gd", (), "float64"), {"sizes": (40, 30, 30, 30), "skip": "residual"}),
    (("tanh", "mse", "gd", (), "float64"), {"sizes": (40, 40, 40, 3), "skip": "input"}),
]  # fmt: skip
"""With loops that are not unrolled."""


FEW = ("tanh", "softplus")
"""Activations of the cases that are quick to compile."""


def marked(cases, few):
    """The cases; those whose activation is not one of `few`, or which are wide, are slow."""
    return [pytest.param(*each, marks=() if each[0][0] in few and each not in WIDE else pytest.mark.slow)
            for each in cases]  # fmt: skip


@pytest.mark.parametrize(("case", "options"), marked([*QUICK, *WIDE], FEW))
def test_trajectories_equal_the_reference(case, options):
    steps = {} if "sizes" not in options else {"steps": 12, "runs": 2}
    expect_equal_to_reference(case, **{**steps, **options})


@pytest.mark.slow
@pytest.mark.parametrize("case", PAIRS, ids=str)
def test_every_pair_equals_the_reference(case):
    expect_equal_to_reference(case[:-1], skip=case[-1])


@pytest.mark.parametrize(("activation", "loss", "sizes", "skip"), GRADIENTS, ids=str)
def test_gradients_of_the_reference_equal_central_differences(activation, loss, sizes, skip):
    X, T = problem(5, loss=loss)
    network = reference.Network(sizes, True, activations_of(loss, activation, len(sizes) - 2), loss, skip)
    theta = np.random.default_rng(4).normal(0, 0.9, layout.n_params(sizes, True, skip))
    step = 1e-6 * np.eye(len(theta))
    ends = [[reference.loss_and_gradient(network, theta + sign * d, X, T)[0] for d in step] for sign in (1, -1)]
    _, gradient, _ = reference.loss_and_gradient(network, theta, X, T)
    np.testing.assert_allclose(gradient, np.subtract(*ends) / 2e-6, rtol=0, atol=DIFFERENCES)


@pytest.mark.parametrize(("sizes", "dtype"), [((2, 2, 2, 2), "float64"), ((2, 3, 3, 2), "float32")])
def test_outputs_are_those_that_the_definition_gives(sizes, dtype):
    """Written out: y = f(W y + b) + y where the widths are equal; outputs W y + D x + b."""
    X, _ = problem(5)
    rng = np.random.default_rng(2)
    widths = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = [rng.normal(0, 0.7, shape) for shape in widths]
    biases, direct = [rng.normal(0, 0.7, n) for n in sizes[1:]], rng.normal(0, 0.7, (sizes[-1], sizes[0]))
    for skip in ("residual", "input"):
        y = X
        for W, b in zip(weights[:-1], biases, strict=False):
            value = np.tanh(y @ W.T + b)
            y = value + y if skip == "residual" and W.shape[0] == W.shape[1] else value
        expected = y @ weights[-1].T + biases[-1] + (X @ direct.T if skip == "input" else 0)
        last = [weights[-1], direct] if skip == "input" else [weights[-1]]
        rows = [*([W, b[:, None]] for W, b in zip(weights[:-1], biases, strict=False)), [*last, biases[-1][:, None]]]
        theta = np.concatenate([np.hstack(row).ravel() for row in rows]).astype(dtype)
        activations = ("tanh",) * (len(sizes) - 2) + ("linear",)
        actual = outputs(Trainer(sizes, True, activations, "mse", "gd", skip=skip), X.astype(dtype), theta[None])[0]
        np.testing.assert_allclose(actual, expected, rtol=TRAJECTORY[dtype], atol=TRAJECTORY[dtype])


SHAPES = [((2, 2, 2, 2), "residual"), ((2, 3, 3, 2), "residual"), ((2, 3, 2), "input")]


@pytest.mark.parametrize("shape", slowly(SHAPES, [SHAPES[0], SHAPES[2]]), ids=str)
def test_hessians_equal_second_differences(shape):
    sizes, skip = shape
    X, T = problem(3)
    activations = ("tanh",) * (len(sizes) - 2) + ("logistic",)
    points = np.random.default_rng(3).normal(0, 0.9, (2, layout.n_params(sizes, True, skip)))
    actual = derivatives(Trainer(sizes, True, activations, "mse", "adam", skip=skip), X, T, points)
    network = reference.Network(sizes, True, activations, "mse", skip)
    for theta, gradient, hessian in zip(points, actual.gradient, actual.hessian, strict=True):
        np.testing.assert_allclose(gradient, reference.loss_and_gradient(network, theta, X, T)[1], atol=HESSIAN)
        differences = second_differences(network, theta, X, T)
        np.testing.assert_allclose(hessian, differences, rtol=0, atol=SECOND_DIFFERENCES * max(1.0, abs(hessian).max()))


@pytest.mark.device
@pytest.mark.parametrize(("case", "options"), marked([*QUICK, *WIDE], ["tanh"]))
def test_a_thread_of_a_device_computes_the_bits_of_a_lane(case, options):
    trainer, X, T, batch = arguments(case, **{"runs": 5, "steps": 10, **options})
    batch = replace(batch, fields=FIELDS, tolerance=0.1)
    assert not same(train(trainer, X, T, batch), train(trainer, X, T, batch, device=StandIn()))


@pytest.mark.parametrize(("sizes", "skip"), [((3, 2, 2), "input")])
def test_measures_have_the_bits_of_the_reference(sizes, skip):
    case = ("tanh", "half_sse", "momentum", sizes[1:-1], "float64")
    trainer, X, T, batch = arguments(case, sizes=sizes, runs=3, steps=20, skip=skip)
    trained = train(trainer, X, T, replace(batch, fields=FIELDS, tolerance=TOLERANCE))
    odd, column = [True] * (len(sizes) - 2), columns(FIELDS, len(sizes) - 1)
    for run, start in enumerate(batch.theta):
        for record, theta in enumerate(trained.theta_path[run]):
            for name, expected in expected_measures(sizes, True, odd, theta, start, skip).items():
                np.testing.assert_array_equal(trained.measures[run, record, column[name]], expected, name)


def rumelhart(skip, *changes):
    """XOR with one hidden unit, from 40 normal starts."""
    return parse(TINY, Path(), ["network.hidden=[1]", f"network.skip={skip}", "training.steps=5000",
                                "training.learning_rate=0.5", "starts.count=40", *changes])  # fmt: skip


def test_one_hidden_unit_solves_xor_only_with_connections_from_the_inputs(tmp_path):
    """The network of Rumelhart, Hinton and Williams (1986, figure 2), with one hidden unit and direct connections."""
    solved = {}
    for skip in ("none", "input"):
        with ss.open(ss.run(rumelhart(skip), tmp_path / skip, threads=1)) as results:
            solved[skip] = int((results["solve_step"] >= 0).sum())
    assert solved["none"] == 0
    assert solved["input"] >= 30


def test_the_network_of_the_figure_solves_xor():
    """Thresholds 1.5 and 0.5, weights 1 from the inputs to both units, -2 from the hidden one, 20 times as large."""
    assert layout.layers((2, 1, 1), True, "input")[1].tolist() == [[3, 4, 5, 6]]
    names = [layout.name(place) for place in layout.places((2, 1, 1), True, "input")]
    assert names == ["w1[0,0]", "w1[0,1]", "b1[0]", "w2[0,0]", "s2[0,0]", "s2[0,1]", "b2[0]"]
    trainer = Trainer((2, 1, 1), True, ("logistic", "logistic"), "half_sse", "gd", skip="input")
    theta = 20.0 * np.array([[1, 1, -1.5, -2, 1, 1, -0.5]])
    assert (abs(outputs(trainer, XOR, theta)[0] - TARGET) < 0.001).all()


FAULTS = [
    ("network.skip=residual", "network.hidden=[3]", "network.skip: changes nothing, as no hidden layer is as wide as"),
    (
        "network.skip=input",
        "network.hidden=[]",
        "network.skip: changes nothing, as without hidden layers the inputs are",
    ),
    ("network.skip=dense", "network.hidden=[2]", "network.skip: must be 'none', 'residual' or 'input'"),
]


@pytest.mark.parametrize(("skip", "hidden", "message"), FAULTS)
def test_connections_that_skip_nothing_are_refused(skip, hidden, message):
    with pytest.raises(SpecError) as error:
        parse(TINY, Path(), [skip, hidden])
    assert message in str(error.value)


def test_an_axis_of_skips_must_change_something():
    axis = '[[axes]]\nkey = "network.skip"\nvalues = ["none", "residual"]\n'
    assert len(parse(TINY + axis, Path()).structures) == 2
    with pytest.raises(SpecError, match=r"network\.skip changes nothing"):
        parse(TINY + axis, Path(), ["network.hidden=[3]"])


def test_results_of_both_kinds_keep_their_parameters_apart(tmp_path):
    """With hidden layers of 2 and 3 units, w2[0,2] is a weight from the third hidden unit, never one from an input."""
    axes = '[[axes]]\nkey = "network.skip"\nvalues = ["none", "input"]\n'
    axes += '[[axes]]\nkey = "network.hidden"\nvalues = [[2], [3]]\n[record]\nfinal_parameters = true\n'
    sweep = parse(TINY + axes, tmp_path)
    with ss.open(ss.run(sweep, tmp_path / "run", threads=1)) as results:
        names = results["parameter"].tolist()
        assert {"w2[0,2]", "s2[0,0]", "s2[0,1]"} < set(names)
        for point in ((0, 0), (0, 1), (1, 0), (1, 1)):
            spec = sweep.structure(point)
            own = [layout.name(place) for place in layout.places(*spec.shape)]
            stored = results["final_theta"][(*point, 3)]
            assert [name for name, value in zip(names, stored, strict=True) if np.isfinite(value)] == own
            again = ss.replay(sweep, point, 3)
            np.testing.assert_array_equal(stored[np.isfinite(stored)], again["theta"][-1])


def ends(text, *changes):
    """A spec with ten starts, and its results."""
    spec = parse(TINY, Path(), ["training.steps=300", text, *changes]).spec
    return spec, ss.run_starts(spec, starts.draw(spec, np.arange(10)))


@pytest.mark.parametrize(
    ("kind", "activation"), [pytest.param("tied", "logistic", marks=pytest.mark.slow), ("mirrored", "tanh")]
)
def test_equal_units_stay_equal_between_hidden_layers_but_not_where_they_are_joined_to_inputs(kind, activation):
    both = (f"starts.kind={kind}", f"network.activation={activation}", "network.skip=residual")
    spec, inner = ends("network.hidden=[4, 4]", *both)
    assert layout.residual(spec.sizes, "residual") == [False, True]
    assert (inner["final_separation"] == 0).all()
    spec, joined = ends("network.hidden=[2, 2]", *both)
    assert layout.residual(spec.sizes, "residual") == [True, True]
    assert (joined["final_separation"] > 0).all()


def test_at_zero_weights_from_the_inputs_move_only_if_inputs_and_errors_are_correlated():
    zero = ("network.skip=input", "starts.kind=zero", "starts.seed=", "network.hidden=[2]")
    _, xor = ends("problem.name=xor", *zero)
    assert not xor["final_theta"].any()
    spec, disjunction = ends("problem.name=or", *zero)
    moved = (disjunction["final_theta"] != 0).all(axis=0)
    names = [layout.name(place) for place in layout.places(*spec.shape)]
    assert {name for name, each in zip(names, moved, strict=True) if each} >= {"s2[0,0]", "s2[0,1]", "b2[0]"}
    assert (disjunction["solve_step"] > 0).all()


@pytest.mark.slow
def test_weights_past_a_linear_layer_leave_its_imbalance_conserved():
    trainer = Trainer((2, 3, 2), True, ("linear", "linear"), "half_sse", "flow", skip="input")
    X, T = problem(4)
    theta = np.random.default_rng(5).normal(0, 0.7, (3, layout.n_params((2, 3, 2), True, "input")))
    path = train(trainer, X, T, test_flow.make_batch(theta, np.linspace(0, 2, 4), end=2.0)).theta_path
    balance = np.array([[reference.imbalance((2, 3, 2), True, each, "input")[0] for each in run] for run in path])
    assert (abs(path[:, -1] - path[:, 0]).max(axis=1) > 0.1).all()
    np.testing.assert_allclose(balance, np.broadcast_to(balance[:, :1], balance.shape), rtol=0, atol=CONSERVED)


def test_a_residual_branch_at_zero_is_the_identity_and_learns():
    """With weights and biases of the second hidden layer at zero, the network has the outputs of one without it."""
    both = ("starts.kind=he_normal", "network.activation=tanh", "training.steps=2000", "stop.solved=0.1")
    scales = "starts.layer_scales=[1.0, 0.0, 1.0]"
    spec, results = ends("network.hidden=[4, 4]", "network.skip=residual", scales, *both)
    zero = layout.layers(*spec.shape)[1].ravel()
    theta = starts.draw(spec, np.arange(10))
    assert not theta[:, zero].any()
    shallow = Trainer((2, 4, 1), True, ("tanh", "logistic"), "half_sse", "gd")
    expected = outputs(shallow, XOR, np.delete(theta, zero, axis=1))
    np.testing.assert_array_equal(outputs(plain_trainer(spec), XOR, theta), expected)
    assert (results["final_theta"][:, zero] != 0).all()
    assert (results["solve_step"] > 0).sum() >= 8
