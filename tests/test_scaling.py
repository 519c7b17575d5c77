"""Laws of escape times: planted ones found again through censoring, the likelihood against SciPy's distributions."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import linregress, lognorm, norm
from tolerances import INTERVAL, LIKELIEST, UNITS

from saddlescape.analysis import compare_laws, event_times, fit_scaling, wilson_interval
from saddlescape.outcomes import StopReason

SCALE = np.logspace(-3, -1, 6)


def planted(law, *, runs=300, budget=np.inf, seed=5, scatter=0.6):
    """T = 4 scale^-2 exp(scatter z), or 20 + 3 ln(1 / scale) + scatter z, stopped at `budget`."""
    z = scatter * np.random.default_rng(seed).standard_normal((len(SCALE), runs))
    line = np.log(4) - 2 * np.log(SCALE) if law == "power" else 20 - 3 * np.log(SCALE)
    time = np.exp(line[:, None] + z) if law == "power" else line[:, None] + z
    return np.minimum(time, budget), time <= budget


BUDGET = {"power": 4 * 1e5, "logarithm": 34.0}
PLANTED = {"power": (np.log(4), -2.0), "logarithm": (20.0, 3.0)}
laws_drawn = st.sampled_from(sorted(PLANTED))
laws = pytest.mark.parametrize("law", ["power", "logarithm"])


@laws
def test_a_planted_law_is_found_again_though_many_runs_were_stopped(law):
    time, seen = planted(law, budget=BUDGET[law])
    assert 0.3 < seen.mean() < 0.8
    assert not seen[0].any() or not seen[0].all()
    fit = fit_scaling(SCALE, time, seen, law, resamples=200)
    intercept, slope = PLANTED[law]
    assert fit.low < slope < fit.high
    assert fit.high - fit.low < 0.2 * abs(slope)
    assert abs(fit.intercept - intercept) < 0.1 * intercept
    assert abs(fit.scatter - 0.6) < 0.05
    shown = fit.time(SCALE)
    expected = np.exp(intercept + slope * np.log(SCALE)) if law == "power" else intercept - slope * np.log(SCALE)
    np.testing.assert_allclose(shown, expected, rtol=0.2)


@laws
def test_taking_stops_for_escapes_would_not_find_it(law):
    time, _ = planted(law, budget=BUDGET[law])
    fit = fit_scaling(SCALE, time, np.ones_like(time, dtype=bool), law, resamples=200)
    assert not fit.low < PLANTED[law][1] < fit.high


def test_without_censoring_it_is_least_squares():
    time, seen = planted("power")
    x = np.repeat(np.log(SCALE), time.shape[1])
    line = linregress(x, np.log(time).ravel())
    fit = fit_scaling(SCALE, time, seen, resamples=0)
    np.testing.assert_allclose([fit.slope, fit.intercept], [line.slope, line.intercept], rtol=LIKELIEST)
    assert np.isnan([fit.low, fit.high]).all()


@laws
def test_the_likelihood_is_that_of_scipys_distributions_and_at_its_top(law):
    time, seen = planted(law, runs=40, budget=BUDGET[law])
    fit = fit_scaling(SCALE, time, seen, law, resamples=0)

    def of_runs(intercept, slope, scatter):
        if law == "power":
            spread = lognorm(scatter, scale=np.exp(intercept + slope * np.log(SCALE))[:, None])
        else:
            spread = norm((intercept - slope * np.log(SCALE))[:, None], scatter)
        return np.where(seen, spread.logpdf(time), spread.logsf(time)).sum(axis=0)

    top = of_runs(fit.intercept, fit.slope, fit.scatter)
    np.testing.assert_allclose(fit.log_likelihood, top, rtol=LIKELIEST)
    assert fit.aic == 6 - 2 * fit.log_likelihood.sum()
    found = minimize(lambda p: -of_runs(*p).sum(), [fit.intercept * 1.1, fit.slope * 0.9, fit.scatter * 1.2],
                     method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 5000})  # fmt: skip
    assert -found.fun <= top.sum() + INTERVAL * abs(top.sum())
    np.testing.assert_allclose(found.x, [fit.intercept, fit.slope, fit.scatter], rtol=1e-4)


@laws
@pytest.mark.parametrize("stopped", [False, True])
def test_the_likelihood_tells_the_laws_apart(law, stopped):
    time, seen = planted(law, runs=100, budget=BUDGET[law] if stopped else np.inf)
    found, sign = compare_laws(SCALE, time, seen), 1 if law == "power" else -1
    assert found.better == law
    assert sign * found.aic_difference > 10
    assert sign * found.z > 2.6
    assert found.p < 0.01


def test_times_of_which_both_laws_are_as_far_are_not_decided():
    """Two scales: each law fits both medians; their scatters are as likely if the times of a scale lie close."""
    z = 1e-3 * np.random.default_rng(2).standard_normal((2, 400))
    found = compare_laws([0.01, 0.0100001], 50 * np.exp(z), np.ones((2, 400), dtype=bool))
    assert found.p > 0.05
    assert abs(found.aic_difference) < 1


def test_intervals_hold_the_slope_as_often_as_they_say():
    held = []
    for seed in range(60):
        fit = fit_scaling(SCALE, *planted("power", runs=40, budget=1e5, seed=seed), resamples=100, seed=seed)
        held.append(fit.low <= -2 <= fit.high)
    low, high = wilson_interval(sum(held), len(held), 0.999)
    assert low < 0.95 < high


def test_whole_runs_are_drawn():
    """Runs slow at one scale are so at all: to take their times for independent would make the interval too long."""
    rng = np.random.default_rng(4)
    z = 0.01 * rng.standard_normal((6, 60))
    time = np.exp(rng.standard_normal(60) + z) / SCALE[:, None] ** 2
    whole, mixed = (fit_scaling(SCALE, t, np.ones_like(t), resamples=300) for t in (time, rng.permuted(time, axis=1)))
    expected = 2 * 1.96 * 0.01 / np.sqrt(60 * np.sum((np.log(SCALE) - np.log(SCALE).mean()) ** 2))
    assert abs((whole.high - whole.low) / expected - 1) < 0.25
    assert mixed.high - mixed.low > 50 * expected


def test_the_same_seed_is_the_same_interval_and_another_is_not():
    time, seen = planted("power", runs=30)
    first, again, other = (fit_scaling(SCALE, time, seen, resamples=50, seed=s) for s in (1, 1, 2))
    assert (first.low, first.high) == (again.low, again.high) != (other.low, other.high)


@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(1, 6), st.sampled_from([0.1, 0.5, 1.0]), laws_drawn)
def test_any_times_have_a_law_that_changes_with_their_units(seed, scales, runs, share, law):
    """Whatever was seen: a fit, or why there is none; the same in seconds as in hours, at the scale as at twice it."""
    rng = np.random.default_rng(seed)
    scale = np.sort(10 ** rng.uniform(-6, 0, scales))
    time = np.exp(rng.normal(0, 2, (scales, runs))) / scale[:, None]
    seen = rng.random((scales, runs)) < share
    try:
        fit = fit_scaling(scale, time, seen, law, resamples=2)
    except ValueError as error:
        assert re.search("at two scales|exactly on the law", str(error))  # noqa: PT017
        return
    assert np.isfinite(fit[1:3]).all()
    assert fit.scatter > 0
    hours = fit_scaling(scale, time / 3600, seen, law, resamples=0)
    twice = fit_scaling(2 * scale, time, seen, law, resamples=0)
    for other, factor in ((hours, 1 if law == "power" else 3600), (twice, 1)):
        same = [factor * other.slope, factor * other.scatter]
        np.testing.assert_allclose(same, [fit.slope, fit.scatter], rtol=UNITS)


def test_runs_that_never_escape_and_those_that_need_no_time_are_left_out():
    time, seen = planted("power", runs=30)
    never = event_times([[-1]] * 6, [[0]] * 6, [[StopReason.FIXED_POINT]] * 6)
    more = [np.hstack([a, b, c]) for a, b, c in zip((time, seen), never, ([[0]] * 6, [[True]] * 6), strict=True)]
    fit, alone = fit_scaling(SCALE, *more, resamples=0), fit_scaling(SCALE, time, seen, resamples=0)
    np.testing.assert_allclose(fit[1:3], alone[1:3], rtol=LIKELIEST)
    assert fit.log_likelihood[-2:].tolist() == [0, 0]


def test_one_run_has_no_interval():
    time, seen = planted("power", runs=1)
    fit, decided = fit_scaling(SCALE, time, seen), compare_laws(SCALE, time, seen)
    assert np.isnan([fit.low, fit.high, decided.z, decided.p]).all()
    assert decided.better == "power"


def test_an_interval_that_hangs_on_one_run_is_none():
    time, seen = planted("power", runs=20)
    seen[1:] = False
    seen[1, 0] = True
    fit = fit_scaling(SCALE, time, seen, resamples=200)
    assert np.isfinite(fit.slope)
    assert np.isnan([fit.low, fit.high]).all()


@pytest.mark.parametrize(
    ("scale", "time", "seen", "match"),
    [
        ([1, 2], [1, 2], [True, True], r"time and observed \(scales, runs\)"),
        ([1, 2, 3], [[1], [2]], [[True], [True]], r"scale must be \(scales,\)"),
        ([0, 1], [[1], [2]], [[True], [True]], "leave the point of exact zero out"),
        ([1, 2], [[1, 3], [2, 4]], [[True, True], [False, False]], "seen at two scales or more"),
        ([1, 1], [[1, 3], [2, 4]], np.ones((2, 2)), "seen at two scales or more"),
        ([1, 2], [[1], [2]], [[True], [True]], "lie exactly on the law"),
        ([1, 2], [[1], [np.nan]], [[True], [True]], "not negative"),
    ],
)
def test_what_no_law_can_be_read_from_is_refused(scale, time, seen, match):
    with pytest.raises(ValueError, match=match):
        fit_scaling(scale, time, seen)


def test_a_law_that_is_none_is_refused():
    with pytest.raises(ValueError, match="law must be one of power, logarithm; got 'exponential'"):
        fit_scaling(SCALE, *planted("power"), law="exponential")
