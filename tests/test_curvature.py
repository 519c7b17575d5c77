"""Measures of derivatives along runs: against plain NumPy and LAPACK, closed forms of 1-1-1, and published counts."""

from pathlib import Path

import numpy as np
import pytest
from kernel_cases import TARGET, XOR
from spec_cases import PRODUCT, TINY
from tolerances import CLOSED_FORM, EIGENVALUES, NTK_DIFFERENCES

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.kernels import Trainer, curvature, derivatives, kernel_condition
from saddlescape.kernels.eigenvalues import LANES, bisect, scale_down, tridiagonalize
from saddlescape.network import layout, reference
from saddlescape.spec import parse
from saddlescape.words.measures import CURVATURE, DERIVED, TANGENT_KERNEL

NETWORK = Trainer((2, 2, 1), True, ("tanh", "tanh"), "half_sse", "gd")


def eigenvalues(matrices):
    """All eigenvalues (n_matrices, n) of symmetric matrices by the kernel."""
    count, n, _ = matrices.shape
    values = np.empty((n, count))
    for first in range(0, count, LANES):
        a = np.zeros((n, n, LANES))
        group = np.moveaxis(matrices[first : first + LANES], 0, -1)
        a[..., : group.shape[-1]] = group
        diagonal, off, scale, found = np.zeros((n, LANES)), np.zeros((n, LANES)), np.zeros(LANES), np.zeros(LANES)
        scale_down(a, scale)
        tridiagonalize(a, diagonal, off, np.zeros((3, n, LANES)))
        for number in range(n):
            bisect(diagonal, off, number, found)
            values[number, first : first + LANES] = (found * scale)[: group.shape[-1]]
    return values.T


def matrices(n, count=11):
    """Random symmetric matrices, some of low rank, diagonal, zero, and of extreme sizes."""
    a = np.random.default_rng(n).normal(0, 1, (count, n, n))
    a = a + a.swapaxes(1, 2)
    a[1] = np.outer(a[1, 0], a[1, 0])
    a[2] = np.diag(a[2, 0])
    a[3] = 0
    a[4] *= 1e-200
    a[5] *= 1e200
    a[6] = -np.eye(n)
    return a


@pytest.mark.parametrize("n", [1, 2, 3, 9, 20])
def test_eigenvalues_are_those_of_lapack(n):
    a = matrices(n)
    size = abs(a).max(axis=(1, 2))[:, None]
    size[3] = 1
    np.testing.assert_allclose(eigenvalues(a) / size, np.linalg.eigvalsh(a) / size, rtol=0, atol=EIGENVALUES)


def test_an_eigenvalue_depends_only_on_its_matrix():
    a = matrices(5)
    together = eigenvalues(a)
    for k, matrix in enumerate(a):
        np.testing.assert_array_equal(eigenvalues(np.stack([a[9], matrix]))[1], together[k])


RECORD = f"""[record]
fields = {[*DERIVED, "outputs"]}
steps = "every:5"
runs = "all"
dtype = "float64"
parameters = true
"""
CASES = {
    "relu": ('loss = "mse"\nweight_decay = 0.02\ndecay = "weights"\n', 'activation = "relu"\noutput = "linear"\n'),
    "logits": ('loss = "bce_logits"\nl1 = 0.01\n', 'activation = "relu"\noutput = "linear"\ndtype = "float32"\n'),
    "adamw": ('optimizer = "adamw"\nweight_decay = 0.1\n', 'activation = "tanh"\nskip = "input"\n'),
}
RELU = ("relu", "logits")
FEW = "samples times outputs"


def run_of(case, folder):
    training, network = CASES[case]
    text = TINY.replace("[network]\nhidden = [2]\n", f"[network]\nhidden = [3, 2]\n{network}")
    fields = RECORD if case in RELU else RECORD.replace("'dead_units', ", "")
    text = text.replace("learning_rate = 0.5\n", f"learning_rate = 0.005\n{training}")
    text = text.replace("count = 10", "count = 3\nscale = 0.5")
    return ss.open(ss.run(parse(text + fields, folder), folder / "run", threads=1))


@pytest.mark.parametrize("case", CASES)
def test_measures_along_a_run_are_those_of_numpy(case, tmp_path):
    with run_of(case, tmp_path) as r:
        spec, names = r.sweep.spec, [name for name in DERIVED if name in r]
        paths = {name: r[name] for name in (*names, "theta")}
        ends = {name: r[f"final_{name}"] for name in names}
        again = ss.replay(r.sweep, (), 2)
    for run in range(3):
        start = paths["theta"][run, 0].astype(spec.network.dtype)
        for record in range(5):
            theta = paths["theta"][run, record].astype(spec.network.dtype)
            for name, value in expected(spec, theta, start).items():
                off = NTK_DIFFERENCES if name in TANGENT_KERNEL else EIGENVALUES
                np.testing.assert_allclose(paths[name][run, record], value, rtol=off, atol=off, err_msg=name)
    for name in names:
        np.testing.assert_array_equal(ends[name], paths[name][:, -1])
        np.testing.assert_array_equal(again[name], paths[name][2])
    assert len(np.unique(paths["sharpness"])) >= 10


def expected(spec, theta, start):
    """The measures of one network from `derivatives`, differences of the reference's outputs, and its own layers."""
    keys, training, problem = spec.network, spec.training, spec.loaded
    theta, start = (point.astype(np.float64) for point in (theta, start))
    trainer = Trainer(spec.sizes, keys.bias, spec.activations, training.loss, "gd", skip=keys.skip)
    at = derivatives(trainer, problem.X, problem.T, theta[None])
    coupled = training.optimizer != "adamw"
    marked = 1.0 - layout.is_bias(*spec.shape) * (training.decay == "weights")
    hessian = at.hessian[0] + coupled * training.weight_decay * np.diag(marked)
    g = at.gradient[0] + coupled * training.weight_decay * marked * theta + training.l1 * marked * np.sign(theta)
    kernel, first = (tangent_kernel(spec, point) for point in (theta, start))
    values = np.linalg.eigvalsh(kernel)
    found = {
        "sharpness": np.linalg.eigvalsh(hessian)[-1],
        "hessian_trace": np.trace(hessian),
        "curvature_along_step": g @ hessian @ g / (g @ g),
        "ntk_change": np.linalg.norm(kernel - first) / np.linalg.norm(first),
    }
    if values[0] > 1e-6 * values[-1]:
        found["ntk_condition"] = values[-1] / values[0]
    if "relu" in spec.activations:
        found["dead_units"] = dead_units(spec, theta)
    return found


def tangent_kernel(spec, theta, step=1e-6):
    """J J^T from central differences of the reference's outputs, of logits without their link."""
    network = reference.Network(spec.sizes, spec.network.bias, spec.activations, "half_sse", spec.network.skip)
    high, low = (
        [reference.outputs(network, theta + way * unit, spec.loaded.X).ravel() for unit in np.eye(len(theta))]
        for way in (step, -step)
    )
    jacobian = (np.array(high) - low).T / (2 * step)
    return jacobian @ jacobian.T


def dead_units(spec, theta):
    values, dead = spec.loaded.X, []
    for rows in layout.layers(*spec.shape)[:-1]:
        weights = theta[rows]
        values = np.maximum(values @ weights[:, : values.shape[1]].T + weights[:, -1], 0)
        dead.append((values == 0).all(axis=0).sum())
    return dead


def test_curvature_depends_only_on_its_point():
    points = np.random.default_rng(4).normal(0, 2, (LANES + 3, 9))
    decay, marked = np.linspace(0, 1, len(points)), np.ones(9)
    together = curvature(NETWORK, XOR, TARGET, points, decay, decay, marked)
    for k, theta in enumerate(points):
        alone = curvature(NETWORK, XOR, TARGET, theta[None], decay[k : k + 1], decay[k : k + 1], marked)
        for name in ("sharpness", "trace", "along_gradient"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[k])


def test_at_the_saddle_of_xor_curvature_is_exact_and_steps_have_none():
    zeros = np.zeros((1, 9))
    at = curvature(NETWORK, 2 * XOR - 1, 2 * TARGET - 1, zeros, zeros[:, 0] + 0.25, zeros[:, 0], np.ones(9))
    np.testing.assert_allclose(at.sharpness, 4.25, rtol=EIGENVALUES)
    assert at.trace == 4 + 9 * 0.25
    assert np.isnan(at.along_gradient)


def test_condition_numbers_of_regular_singular_and_zero_kernels():
    jacobian = np.array([[[2.0, 0, 0], [0, 1, 0]], [[1, 1, 0], [1, 1, 0]], [[0, 0, 0], [0, 0, 0]]])
    np.testing.assert_allclose(kernel_condition(jacobian), [4, np.inf, np.nan], rtol=EIGENVALUES)


ONE = '[problem]\nfile = "one.csv"\n' + PRODUCT


def flow_of_product(tmp_path, s):
    """A path of the flow of (s - a b)^2 / 2 to its minimum."""
    (tmp_path / "one.csv").write_text(f"x1,t1\n1,{s}\n")
    more = '[training]\noptimizer = "flow"\ntime = 60\nrtol = 1e-13\natol = 1e-18\n[stop]\nsolved = 0\n'
    return parse(ONE + more + '[record]\ntimes = "log:30"\n', tmp_path).spec


@pytest.mark.parametrize("s", [0.6, -1.5])
def test_closed_forms_of_the_linear_network_of_two_weights(s, tmp_path):
    spec, starts = flow_of_product(tmp_path, s), np.random.default_rng(2).normal(0, 1, (6, 2))
    paths = ss.trace(spec, starts, [*CURVATURE, "ntk_change", "outputs"])
    for (a, b), path in zip(starts, paths, strict=True):
        c, u = a * a - b * b, path["outputs"][:, 0, 0]
        assert abs(u[-1] - s) < CLOSED_FORM
        assert path["sharpness"][-1] == pytest.approx(np.sqrt(c * c + 4 * s * s), rel=CLOSED_FORM)
        assert path["hessian_trace"][-1] == pytest.approx(np.sqrt(c * c + 4 * s * s), rel=CLOSED_FORM)
        kernel = (1 + path["ntk_change"] * np.sign(np.sqrt(c * c + 4 * u * u) - a * a - b * b)) * (a * a + b * b)
        np.testing.assert_allclose(kernel, np.sqrt(c * c + 4 * u * u), rtol=CLOSED_FORM)




def test_refused_where_they_make_no_sense():
    with pytest.raises(SpecError, match=r'record\.fields: "dead_units" needs a hidden layer of relu units'):
        parse(TINY + '[record]\nfields = ["dead_units"]\n', Path())
    with pytest.raises(SpecError, match=r'"dead_units" needs a hidden layer; leave it out'):
        parse(TINY.replace("[2]", "[]") + '[record]\nfields = ["dead_units"]\n', Path())
    with pytest.raises(SpecError, match=f'"ntk_condition" needs at most 3 {FEW}, the number of parameters; got 4'):
        parse(TINY.replace("[2]", "[]") + '[record]\nfields = ["ntk_condition"]\n', Path())


def test_layers_without_relu_and_diverged_runs_have_nan(tmp_path):
    axes = '[[axes]]\nkey = "network.activation"\nvalues = ["relu", "tanh"]\n'
    text = TINY + '[record]\nfields = ["dead_units", "sharpness"]\n' + axes
    with ss.open(ss.run(parse(text, tmp_path), tmp_path / "run", threads=1)) as r:
        assert r.sizes("final_dead_units") == {"activation": 2, "run": 10, "hidden_layer": 1}
        assert np.isin(r["final_dead_units"][0], [0, 1, 2]).all()
        assert np.isnan(r["final_dead_units"][1]).all()
    spec = parse(TINY.replace("[training]", '[training]\noptimizer = "gd"'), tmp_path).spec
    huge = curvature(NETWORK, XOR, TARGET, np.full((1, 9), np.inf), np.zeros(1), np.zeros(1), np.ones(9))
    assert np.isnan([huge.sharpness, huge.trace, huge.along_gradient]).all()
    assert spec.n_params == 9


def polar_grid(folder, directions=240, rings=16):
    """A file of samples that stand for the plane: in all directions, from near zero to far away; the target is 0."""
    angle, radius = np.meshgrid(2 * np.pi * np.arange(directions) / directions, np.logspace(-2, 4, rings))
    rows = np.column_stack([(radius * np.cos(angle)).ravel(), (radius * np.sin(angle)).ravel(), 0 * angle.ravel()])
    np.savetxt(folder / "plane.csv", rows, delimiter=",", header="x1,x2,t1", comments="")


BORN = """[problem]
file = "plane.csv"
[network]
hidden = [{units}, 1]
activation = "relu"
output = "linear"
[training]
optimizer = "gd"
learning_rate = 1e-300
steps = 1
[stop]
diverged = 1e300
[record]
fields = ["dead_units"]
"""


@pytest.mark.parametrize(("units", "share"), [(2, 1 / 8), (3, 5 / 64)])
def test_a_relu_unit_of_the_second_layer_is_born_dead_as_often_as_published(units, share, tmp_path):
    polar_grid(tmp_path)
    spec, count = parse(BORN.format(units=units), tmp_path).spec, 4000
    theta = np.random.default_rng(7).normal(0, 1, (count, spec.n_params))
    dead = ss.run_starts(spec, theta)["final_dead_units"]
    assert set(np.unique(dead[:, 1])) == {0, 1}
    assert (dead[:, 0] == 0).all()
    assert abs(dead[:, 1].mean() - share) < 3 * np.sqrt(share * (1 - share) / count)
