"""Published trainings with held biases and with decay of weights alone; the theory of weight decay at zero."""

from pathlib import Path

import numpy as np
import pytest
from kernel_cases import slowly
from tolerances import CONSERVED, DECAYING, DIFFERENCES, HESSIAN, PRINTED_6, PRINTED_9, SCHEDULED

from saddlescape.analysis import xor_escape_constant
from saddlescape.analysis.points import Kind, derivatives, report
from saddlescape.network import reference
from saddlescape.runs.compute import train_starts
from saddlescape.runs.prepare import hyperparameters, prepare
from saddlescape.spec import NUMERIC, parse


def trained(spec, start, steps):
    """Losses (records,) and parameters (records, n_params) of a run at these steps."""
    one = np.arange(1)
    result = prepare(spec, one, theta=np.array([start]), recorded=one, record_at=np.array(steps)).train()
    return result.measures[0, :, 0], result.theta_path[0]


MAZUR = """[problem]
file = "one.csv"
[training]
optimizer = "gd"
learning_rate = 0.5
bias_rate = 0
steps = 10000
[stop]
solved = 0
[record]
parameters = true
"""


def test_held_biases_give_the_numbers_of_mazur(tmp_path):
    """M. Mazur (2015), A step by step backpropagation example: 2-2-2 logistic units, whose biases are not trained.

    The error that he prints after 10 000 rounds is that of the last forward pass, before its step.
    """
    (tmp_path / "one.csv").write_text("x1,x2,t1,t2\n0.05,0.1,0.01,0.99\n")
    start = [0.15, 0.20, 0.35, 0.25, 0.30, 0.35, 0.40, 0.45, 0.60, 0.50, 0.55, 0.60]
    loss, theta = trained(parse(MAZUR, tmp_path).spec, start, [0, 1, 9999, 10000])
    first = [0.149780716, 0.19956143, 0.24975114, 0.29950229, 0.35891648, 0.408666186, 0.511301270, 0.561370121]
    np.testing.assert_allclose(loss[0], 0.298371109, rtol=0, atol=PRINTED_9)
    np.testing.assert_allclose(theta[1, [0, 1, 3, 4, 6, 7, 9, 10]], first, rtol=0, atol=10 * PRINTED_9)
    np.testing.assert_allclose(loss[2], 0.0000351085, rtol=0, atol=PRINTED_9 / 10)
    np.testing.assert_array_equal(theta[:, [2, 5, 8, 11]], [[0.35, 0.35, 0.6, 0.6]] * 4)


MOONS = """[problem]
file = "moons.npz"
[network]
hidden = [3]
activation = "{}"
output = "linear"
[training]
loss = "softmax_ce"
reduction = "sum"
optimizer = "gd"
learning_rate = 0.01
weight_decay = 0.01
decay = "weights"
steps = 20000
[stop]
solved = 0
[record]
parameters = true
"""

PRINTED = {
    "tanh": {0: 0.432387, 1000: 0.068947},  # later, two implementations differ: a 2-cycle, whose phase rounding decides
    "logistic": {0: 0.628571, 1000: 0.088431, 2000: 0.079598, 3000: 0.078604, 19000: 0.078155},
    "relu": {0: 0.560274, 1000: 0.072179, 2000: 0.071301, 3000: 0.071159, 19000: 0.071219},
}
"""D. Britz (2015), Implementing a neural network from scratch (wildml.com), and its variants with other activations."""


def write_moons(path):
    """scikit-learn's make_moons(200, noise=0.2) with numpy.random.seed(0)."""
    rng, t = np.random.RandomState(0), np.linspace(0, np.pi, 100)
    order = np.arange(200)
    rng.shuffle(order)
    moons = [[np.cos(t), np.sin(t)], [1 - np.cos(t), 0.5 - np.sin(t)]]
    X = np.hstack(moons).T[order] + rng.normal(0, 0.2, (200, 2))
    np.savez(path, X=X, T=np.eye(2)[order // 100])


@pytest.mark.parametrize("activation", PRINTED)
def test_decay_of_weights_alone_gives_the_printed_digits(activation, tmp_path):
    """The printed loss is the mean cross-entropy plus 0.005 |W|^2 / 200; its gradient is that of the sum."""
    write_moons(tmp_path / "moons.npz")
    rng = np.random.RandomState(0)
    w1, w2 = rng.randn(2, 3) / np.sqrt(2), rng.randn(3, 2) / np.sqrt(3)
    start = np.concatenate([np.vstack([w, np.zeros(w.shape[1])]).T.ravel() for w in (w1, w2)])
    printed = PRINTED[activation]
    spec = parse(MOONS.format(activation), tmp_path).spec
    loss, theta = trained(spec, start, [step + 1 for step in printed])
    weights = np.delete(theta, [2, 5, 8, 12, 16], axis=1)
    found = (loss + 0.005 * (weights**2).sum(axis=1)) / 200
    np.testing.assert_allclose(found, list(printed.values()), rtol=0, atol=PRINTED_6)


SCHEDULES = {
    ("step", 40): ("schedule_steps = 3\nschedule_decay = 0.5", [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]),
    ("constant", 40): ("warmup = 4", [0.25, 0.5, 0.75, 1, 1, 1]),
    ("step", 41): ("warmup = 4\nschedule_steps = 3\nschedule_decay = 0.5", [0.25, 0.5, 0.75, 0.5, 0.5, 0.5, 0.25]),
    ("one_cycle", 5): (
        "", [0.040000000000000036, 0.9504846320134737, 0.6112620219362893, 0.18825834605023697, 4e-06]
    ),
    ("one_cycle", 40): (
        "",
        [
            0.040000000000000036, 0.059443372665041294, 0.11619830424103306, 0.2056668477062631, 0.32060079375909445,
            0.45168887762882304, 0.5883111223711768, 0.7193992062409054, 0.8343331522937368, 0.923801695758967,
            0.9805566273349586, 1.0, 0.9968561175222016, 0.9874640062350873, 0.9719417773875232, 0.9504846320134737,
        ],
    ),
}  # fmt: skip
"""Rates of PyTorch 2.13 for a rate of 1: `StepLR(step_size=3, gamma=0.5)`, `LinearLR(start_factor=1/4, total_iters=3)`,
both in a `ChainedScheduler`, and `OneCycleLR(max_lr=1, total_steps=5 or 40, cycle_momentum=False)`."""


@pytest.mark.parametrize(("name", "steps"), SCHEDULES)
def test_schedules_are_those_of_torch(name, steps):
    """The factors of the reference, and those of steps of gd, which are this multiple of the rate and the gradient."""
    text, factors = SCHEDULES[name, steps]
    keys = f'optimizer = "gd"\nschedule = "{name}"\nlearning_rate = 0.001\nsteps = {steps}\n{text}'
    spec = parse(f'[problem]\nname = "and"\n[network]\nhidden = []\noutput = "linear"\n[training]\n{keys}', Path()).spec
    values = hyperparameters(spec, {key: np.full(1, spec.number(key)) for key in NUMERIC})
    own = {key: float(value[0]) for key, value in values.items()}
    actual = [reference.schedule(name, t, own) for t in range(len(factors))]
    np.testing.assert_allclose(actual, factors, rtol=SCHEDULED)
    path = trained(spec.changed("record", parameters=True), [0.3, -0.2, 0.1], range(len(factors) + 1))[1]
    moved, gradients = -np.diff(path, axis=0) / 0.001, derivatives(spec, path).gradient[:-1]
    stepped = (moved * gradients).sum(axis=1) / (gradients**2).sum(axis=1)
    np.testing.assert_allclose(stepped, factors, rtol=SCHEDULED, atol=SCHEDULED)


def test_a_run_that_warms_up_is_not_at_a_fixed_point():
    """At first, the steps are too small to change a bit."""
    keys = 'optimizer = "gd"\nlearning_rate = 1e-3\nwarmup = 1e30\nsteps = 50'
    text = '[problem]\nname = "xor"\n[training]\n{}'
    slow = train_starts(parse(text.format(keys), Path()).spec, np.full((1, 9), 0.3))
    assert (slow["stop_step"] == 50).all()
    assert (slow["start_theta"] == slow["final_theta"]).all()


XOR = """[problem]
name = "xor"
coding = "pm1"
[network]
activation = "tanh"
output = "tanh"
[training]
optimizer = "flow"
weight_decay = {}
time = {}
steps = 1000000
"""


def decayed(decay, time=1.0, text=""):
    return parse(XOR.format(decay, time) + text, Path()).spec


@pytest.mark.parametrize("decay", [1e-3, 0.1])
def test_weight_decay_turns_the_saddle_into_a_minimum(decay):
    found = report(decayed(decay), np.zeros((1, 9)))
    np.testing.assert_allclose(found.spectrum, [[decay] * 8 + [4 + decay]], rtol=HESSIAN)
    assert (found.kind[0], found.index[0], found.degeneracy[0]) == (Kind.MINIMUM, 0, 0)
    assert report(decayed(0), np.zeros((1, 9))).kind[0] == Kind.FLAT
    free = report(decayed(decay, text='decay = "weights"\n'), np.zeros((1, 9)))
    np.testing.assert_allclose(free.spectrum, [[0, 0] + [decay] * 6 + [4]], rtol=HESSIAN, atol=HESSIAN)


def test_starts_in_a_ball_are_held_and_its_radius_is_sharp():
    """Within sqrt(decay (1 + sqrt 5)) / 2 of zero no start escapes; just outside, the fastest direction does."""
    decay, shape = 1e-3, np.array([1, np.sqrt(5) / 2 - 0.5])
    bias, out = shape / np.linalg.norm(shape) / np.sqrt(2)
    fastest = np.array([0.5, 0.5, bias, 0, 0, 0, out, 0, 0])
    np.testing.assert_allclose(xor_escape_constant(fastest, "pm1"), (1 + np.sqrt(5)) / 8, rtol=CONSERVED)
    radius = np.sqrt(decay * (1 + np.sqrt(5))) / 2
    directions = np.random.default_rng(4).normal(size=(30, 9))
    directions = np.vstack([directions / np.linalg.norm(directions, axis=1)[:, None], fastest])
    held, free = (train_starts(decayed(decay, 8 / decay), factor * radius * directions) for factor in (0.97, 1.03))
    assert (held["escape_step"] < 0).all()
    assert abs(held["final_theta"]).max() < radius / 10
    assert free["escape_step"][-1] >= 0


def test_decay_in_the_flow_is_exact():
    """In a linear network, a^2 - b^2 is multiplied by exp(-2 decay t); without it, it is conserved."""
    text = '[problem]\nname = "linear"\nsamples = 3\ninputs = 1\noutputs = 1\n[network]\nhidden = [1]\nbias = false\n'
    keys = 'activation = "linear"\noutput = "linear"\n[training]\noptimizer = "flow"\nweight_decay = 0.2\ntime = 3\n'
    spec = parse(f"{text}{keys}[stop]\nsolved = 0\n", Path()).spec
    runs = train_starts(spec, np.random.default_rng(3).normal(0, 1, (9, 2)))
    before, after = (np.diff(runs[name] ** 2, axis=1) for name in ("start_theta", "final_theta"))
    np.testing.assert_allclose(after, np.exp(-2 * 0.2 * 3) * before, rtol=CONSERVED)


@pytest.mark.parametrize("which", slowly(["all", "weights"], ["weights"]))
def test_the_flow_follows_the_objective(which):
    """Against SciPy's solver of eighth order."""
    from scipy.integrate import solve_ivp

    keys = f'[training]\noptimizer = "flow"\nweight_decay = 0.3\ndecay = "{which}"\ntime = 5\n[stop]\nsolved = 0\n'
    spec = parse(f'[problem]\nname = "xor"\n{keys}', Path()).spec
    start = np.random.default_rng(8).normal(0, 1, (1, 9))
    runs = train_starts(spec, start)
    path = solve_ivp(lambda t, x: -derivatives(spec, x[None]).gradient[0], (0, 5), start[0], "DOP853", rtol=1e-12,
                     atol=1e-15)  # fmt: skip
    np.testing.assert_allclose(runs["final_theta"][0], path.y[:, -1], rtol=DECAYING, atol=DECAYING)
    grad = derivatives(spec, runs["final_theta"]).gradient
    np.testing.assert_allclose(runs["final_grad_norm"], np.linalg.norm(grad, axis=1), rtol=HESSIAN)


MEASURED = ["l1 = 0.01", 'l1 = 0.01\nweight_decay = 0.1\ndecay = "weights"', "bias_rate = 0"]


@pytest.mark.parametrize("keys", slowly(MEASURED, MEASURED[1:]))
def test_what_a_run_measures_is_of_the_objective(keys):
    spec = parse(f'[problem]\nname = "xor"\n[training]\nlearning_rate = 0.01\nsteps = 20\n{keys}\n', Path()).spec
    runs = train_starts(spec, np.random.default_rng(2).normal(0, 1, (5, 9)))
    there = derivatives(spec, runs["final_theta"])
    np.testing.assert_allclose(runs["final_grad_norm"], np.linalg.norm(there.gradient, axis=1), rtol=HESSIAN)
    direction = np.random.default_rng(3).normal(size=9)
    direction[[2, 5, 8]] *= spec.training.bias_rate
    ahead, behind = (derivatives(spec, runs["final_theta"] + 1e-6 * sign * direction).loss for sign in (1, -1))
    np.testing.assert_allclose((ahead - behind) / 2e-6, there.gradient @ direction, atol=DIFFERENCES)


def test_points_with_held_biases_are_those_of_the_weights():
    """Runs of gd stop by their gradient, at minima of the loss as a function of the weights."""
    keys = 'optimizer = "gd"\nlearning_rate = 1\nbias_rate = 0\nweight_decay = 0.01\nsteps = 100000\n[stop]\nsolved = 0'
    spec = parse(f'[problem]\nname = "and"\n[training]\n{keys}\ngradient = 1e-9', Path()).spec
    runs = train_starts(spec, np.random.default_rng(1).normal(0, 2, (6, 9)))
    found, biases = report(spec, runs["final_theta"]), [2, 5, 8]
    assert (found.theta[:, biases] == runs["start_theta"][:, biases]).all()
    assert set(found.kind) == {Kind.MINIMUM}
    least = np.where(found.spectrum > 0.001, found.spectrum, np.inf).min(axis=1)
    assert (found.moved < 2 * runs["final_grad_norm"] / least).all(), "a Newton step"
