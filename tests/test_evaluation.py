"""Measures of what networks say of training and test samples, against plain NumPy."""

from pathlib import Path

import numpy as np
import pytest
from kernel_cases import slowly
from tolerances import TRAJECTORY

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.network import evaluation, reference
from saddlescape.network.classes import coding
from saddlescape.plan import Plan
from saddlescape.spec import parse
from saddlescape.words.measures import FROM_OUTPUTS

FIELDS = '["accuracy", "test_loss", "test_accuracy", "rms_error", "hidden", "outputs"]'
CASES = {
    "softmax": """[problem]
name = "blobs"
samples = 20
test_fraction = 0.3
standardize = true
[network]
hidden = [3, 2]
activation = "tanh"
output = "linear"
[training]
loss = "softmax_ce"
""",
    "logits": """[problem]
name = "moons"
samples = 15
noise = 0.1
test_fraction = 0.4
[network]
hidden = [2, 2]
skip = "residual"
output = "linear"
[training]
loss = "bce_logits"
""",
    "signs": """[problem]
name = "spirals"
classes = 3
samples = 15
target_coding = "pm1"
test_fraction = 0.4
[network]
hidden = [2]
skip = "input"
activation = "tanh"
output = "tanh"
dtype = "float32"
[training]
loss = "mse"
reduction = "sum"
""",
}
MORE = f"""optimizer = "gd"
learning_rate = 0.1
steps = 20
[starts]
count = 3
[stop]
solved = 0
[record]
fields = {FIELDS}
steps = "every:5"
runs = "all"
dtype = "float64"
parameters = true
"""


def expected(spec, theta):
    """The measures of one network, from the reference's forward pass."""
    keys, training, problem = spec.network, spec.training, spec.loaded
    shape = spec.sizes, keys.bias, spec.activations
    network = reference.Network(*shape, training.loss, keys.skip, training.reduction)
    theta = theta.astype(np.float64)
    y, y_test = (reference.outputs(network, theta, inputs) for inputs in (problem.X, problem.X_test))

    def right(values, targets):
        if targets.shape[1] == 1:
            return np.mean((values > 0.5) == (targets > 0.5))
        return np.mean(values.argmax(axis=1) == targets.argmax(axis=1))

    return {
        "outputs": y,
        "accuracy": right(y, problem.T),
        "test_accuracy": right(y_test, problem.T_test),
        "test_loss": reference.loss_and_gradient(network, theta, problem.X_test, problem.T_test)[0],
        "rms_error": np.sqrt(np.mean((y - problem.T) ** 2)),
        "hidden": np.hstack(hidden_values(network, theta, problem.X)),
    }


def hidden_values(network, theta, inputs):
    """Values of each hidden layer: written out once more."""
    y, values = inputs, []
    for indices, activation, residual in zip(network.layers[:-1], network.activations[:-1], network.residual[:-1],
                                             strict=True):  # fmt: skip
        weights = theta[indices]
        z = y @ weights[:, : y.shape[1]].T + weights[:, -1]
        y = (np.tanh(z) if activation == "tanh" else 1 / (1 + np.exp(-z))) + (y if residual else 0)
        values.append(y)
    return values


@pytest.mark.parametrize("case", slowly(CASES, ["softmax", "signs"]))
def test_measures_along_a_run_and_at_its_end_are_those_of_numpy(case, tmp_path):
    with ss.open(ss.run(parse(CASES[case] + MORE, tmp_path), tmp_path / "run", threads=1)) as r:
        spec = r.sweep.spec
        data = {name: r[name] for name in ("theta", *FROM_OUTPUTS)}
        ends = {name: r[f"final_{name}"] for name in FROM_OUTPUTS}
        again = ss.replay(r.sweep, (), 2)
    assert data["theta"].shape[:2] == (3, 5)
    tolerance = TRAJECTORY[spec.network.dtype]
    for run in range(3):
        for record in range(5):
            theta = data["theta"][run, record].astype(spec.network.dtype)
            for name, value in expected(spec, theta).items():
                np.testing.assert_allclose(data[name][run, record], value, rtol=tolerance, atol=tolerance, err_msg=name)
    for name in FROM_OUTPUTS:
        np.testing.assert_array_equal(ends[name], data[name][:, -1])
        np.testing.assert_array_equal(again[name], data[name][2])
    assert len(np.unique(data["test_loss"])) == 15


def test_accuracy_of_ties_thresholds_and_nan():
    T = np.array([[0.0], [1.0], [1.0], [0.0]])
    y = np.array([[0.5], [0.5], [0.6], [0.4]])
    assert evaluation.accuracy(y, T, "01") == 0.75
    assert evaluation.accuracy(2 * y - 1, 2 * T - 1, "pm1") == 0.75
    assert np.isnan(evaluation.accuracy(np.where(y == 0.6, np.nan, y), T, "01"))
    one_hot = np.eye(3)[[0, 1, 2, 0]]
    assert evaluation.accuracy(np.ones((2, 4, 3)), one_hot, "01").tolist() == [0.5, 0.5]


def test_which_targets_are_classes():
    assert [coding(np.array(T)) for T in ([[0.0], [1.0]], [[-1.0], [1.0]], np.eye(2), 2 * np.eye(3) - 1)] == [
        "01", "pm1", "01", "pm1",
    ]  # fmt: skip
    for T in ([[0.0], [0.5]], [[1.0], [1.0]], np.zeros((2, 2)), np.ones((2, 2)), [[-1.0, 0.0], [0.0, 1.0]]):
        assert coding(np.array(T)) is None


def test_test_data_of_one_class_have_the_coding_of_the_training_data():
    T = np.array([[-1.0], [1.0], [1.0]])
    assert evaluation.accuracy(np.array([[0.2], [0.3], [-0.1]]), np.ones((3, 1)), "pm1") == 2 / 3
    sweep = ss.sweep([[0.0], [1.0], [2.0]], T, problem={"test_fraction": 0.4}, record={"fields": ["test_accuracy"]})
    assert sweep.spec.test_samples == 1


SINE = '[problem]\nname = "sine"\nsamples = 9\n[record]\nfields = ["{}"]\n'


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("accuracy", 'record.fields: "accuracy" needs targets that are classes: .*; or leave it out'),
        ("test_loss", 'record.fields: "test_loss" needs test data: set problem.test_fraction, or problem.test_file'),
        ("test_accuracy", 'record.fields: "test_accuracy" needs test data'),
    ],
)
def test_measures_that_the_problem_does_not_have_are_refused(field, message):
    with pytest.raises(SpecError, match=message):
        parse(SINE.format(field), Path())
    with pytest.raises(ValueError, match=f"fields: '{field}' needs"):
        ss.replay(parse(SINE.format("loss"), Path()), fields=[field])


def test_hidden_needs_hidden_units():
    with pytest.raises(SpecError, match=r'record\.fields: "hidden" needs a hidden layer'):
        parse(SINE.format("hidden") + "[network]\nhidden = []\n", Path())


AXES = """[problem]
samples = 8
[starts]
count = 2
[training]
steps = 2
[record]
fields = [{0}]
runs = 1
[[axes]]
key = "problem.name"
values = ["moons", "sine"]
{1}
[[axes]]
key = "network.hidden"
values = [[2], []]
{1}
"""


def test_points_without_classes_or_hidden_units_have_nan_there(tmp_path):
    sweep = parse(AXES.format('"accuracy", "hidden"', 'zip = "both"'), tmp_path)
    with ss.open(ss.run(sweep, tmp_path / "run", threads=1)) as r:
        assert r.sizes("final_hidden") == {"both": 2, "run": 2, "sample": 8, "unit": 2}
        assert np.isfinite(r["final_accuracy"][0]).all()
        assert np.isnan(r["final_accuracy"][1]).all()
        assert np.isfinite(r["final_hidden"][0]).all()
        assert np.isnan(r["final_hidden"][1]).all()


def test_names_of_results_without_the_newer_measures_stay():
    sweeps = [parse(AXES.format(f'"{field}"', ""), Path()) for field in ("loss", "hidden")]
    names = [[dimension.name for dimension in Plan(sweep).dimensions] for sweep in sweeps]
    assert names == [["name", "hidden", "run"], ["name", "network_hidden", "run"]]


def test_runs_from_an_array_are_measured_like_those_of_a_sweep():
    spec = parse(CASES["logits"] + MORE, Path()).spec
    theta = np.zeros((2, spec.n_params))
    runs = ss.run_starts(spec, theta)
    assert (runs["final_test_accuracy"] <= 1).all()
    assert runs["final_hidden"].shape == (2, spec.samples, 4)
