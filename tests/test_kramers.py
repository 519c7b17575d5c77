"""Escape over the saddle at zero by noise: Kramers' formula in closed form, and runs of a linear 1-1-1 network."""

from types import SimpleNamespace

import numpy as np
import pytest
from kernel_cases import slowly
from tolerances import INTERVAL, KRAMERS

import saddlescape as ss
from saddlescape.analysis import basin_steps, kramers, mean_time
from saddlescape.runs.basins import left_basin
from saddlescape.runs.prepare import numbers_of, prepare
from saddlescape.system.arguments import ArgumentError

S, MU, RATE = 1.0, 0.2, 0.1
M = np.sqrt(S - MU)


def linear(T, mu=MU, runs=1, every=400, multiple=3, **training):
    """Linear 1-1-1 at temperature T from its minimum, for a multiple of the time of the theory."""
    steps = int(multiple * closed_form(T, mu) / RATE) // every * every
    keys = {"optimizer": "gd", "learning_rate": RATE, "weight_decay": mu, "noise": float(np.sqrt(2 * T / RATE))}
    return ss.sweep(
        np.ones((1, 1)),
        np.full((1, 1), S),
        hidden=[1],
        network={"activation": "linear", "output": "linear", "bias": False},
        starts={"kind": "constant", "scale": float(np.sqrt(S - mu)), "count": runs},
        training={**keys, "steps": steps, **training},
        stop={"solved": 0.0},
        record={"steps": f"every:{every}", "parameters": True, "runs": "all", "fields": ["loss", "left_basin"]},
    )


def closed_form(T, mu=MU):
    return 2 * np.pi / (S - mu) * np.sqrt((S + mu) / (4 * mu)) * np.exp((S - mu) ** 2 / (2 * T))


@pytest.mark.parametrize(("T", "mu"), [(0.06, 0.2), (0.045, 0.2), (0.1, 0.5)])
def test_the_formula_of_a_product_is_in_closed_form(T, mu):
    m = np.sqrt(S - mu)
    found = kramers(linear(T, mu).spec, [m, m], [0, 0])
    expected = [closed_form(T, mu), closed_form(T, mu) / RATE, (S - mu) ** 2 / 2, T]
    np.testing.assert_allclose(found, expected, rtol=100 * INTERVAL)


@pytest.mark.parametrize("case", slowly([(0.045, 500), (0.045, 3000)], [(0.045, 500)]), ids=str)
def test_runs_escape_in_the_time_of_the_theory(case, tmp_path):
    T, runs = case
    sweep = linear(T, runs=runs)
    with ss.run(sweep, tmp_path / "runs") as result:
        theta, steps, left = result.theta, result.record_step, result["final_left_basin"]
        escape = basin_steps(result["left_basin"], steps)
    crossed = theta.sum(axis=-1) < 0
    by_sign = np.where(crossed.any(axis=1), steps[crossed.argmax(axis=1)], -1)
    np.testing.assert_array_equal(escape, by_sign)
    np.testing.assert_array_equal(left == 1, crossed[:, -1])
    measured, theory = mean_time(escape, steps[-1]), kramers(sweep.spec, [M, M], [0, 0]).steps
    assert abs(measured.mean / theory - 1) < KRAMERS
    assert measured.error < KRAMERS / 2 * theory


def test_a_run_is_in_another_basin_at_the_first_record_that_ends_elsewhere():
    """By hand: the minima of 1-1-1 are (m, m) and (-m, -m), and a + b = 0 divides their basins."""
    spec, steps = linear(0.06).spec, [0, 10, 20, 30, 40]
    path = [[[0.9, 0.9], [1, 0.1], [0.5, -0.4], [-0.4, 0.3], [0.5, 0.5]]]
    path += [[[-2, 0.1], [-0.1, -0.1], [np.nan, np.nan], [np.nan, np.nan], [np.nan, np.nan]]]
    path = np.array(path)
    ready = prepare(spec, np.arange(2), theta=path[:, 0])
    left, ends = left_basin(ready, SimpleNamespace(theta=path[:, 1], theta_path=path), np.arange(2))
    np.testing.assert_array_equal(left, [[0, 0, 0, 1, 0], [0, 0, np.nan, np.nan, np.nan]])
    assert ends.tolist() == [0, 0]
    assert basin_steps(left, steps).tolist() == [30, -1]


def test_a_basin_is_that_of_the_runs_own_numbers():
    """Above mu = s zero is the only minimum."""
    spec = linear(0.06).spec
    numbers = numbers_of(spec, 2) | {"training.weight_decay": np.array([0.2, 2.0])}
    path = np.array([[[0.9, 0.9], [-0.9, -0.9]]] * 2)
    ready = prepare(spec, np.arange(2), numbers, theta=path[:, 0])
    left, ends = left_basin(ready, SimpleNamespace(theta=path[:, 1], theta_path=path), np.arange(2))
    assert (left.tolist(), ends.tolist()) == ([[0, 1], [0, 0]], [1, 0])


def test_mean_times_count_what_runs_have_waited():
    assert mean_time([10, -1, 20, -1], 50)[:] == (65, 65 / np.sqrt(2), 2)
    assert mean_time([-1, -1], [5, 6])[0] == np.inf


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: kramers(linear(0.06, optimizer="momentum").spec, [M, M], [0, 0]), "spec must have the optimizer gd"),
        (lambda: kramers(linear(0.06, noise=0.0).spec, [M, M], [0, 0]), "training.noise > 0"),
        (lambda: kramers(linear(0.06).spec, [0, 0], [M, M]), "minimum must have only positive eigenvalues; got -0.8"),
        (lambda: kramers(linear(0.06).spec, [M, M], [-M, -M]), "saddle must have one negative eigenvalue"),
        (lambda: basin_steps(np.zeros((1, 2)), [0, 1, 2]), r"each of 3 steps; got shape \(1, 2\)"),
        (lambda: basin_steps(0.0, 1), r"each of 1 steps; got shape \(\)"),
    ],
)
def test_what_the_theory_does_not_cover_is_refused(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()
