"""Times of escape with runs that were stopped before: a published table, hand counts and the formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm
from tolerances import COVERAGE, INTERVAL, PUBLISHED_3, WILSON_LEAST

from saddlescape.analysis import event_fraction, event_quantiles, event_times, survival_curve, wilson_interval
from saddlescape.words.outcomes import StopReason

# Weeks of remission under 6-mercaptopurine, + for those still in it (Freireich et al. 1963, Blood 21, 699-716), the
# example of Gehan (1965) and of most textbooks; the curve and its interval as in Kalbfleisch & Prentice (1980).
WEEKS = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+".split()  # noqa: SIM905
TIME = np.array([float(week.strip("+")) for week in WEEKS])
SEEN = np.array(["+" not in week for week in WEEKS])
CURVE = [  # time, S, ends of the 95 % interval
    (6, 0.857, 0.620, 0.952), (7, 0.807, 0.563, 0.923), (10, 0.753, 0.503, 0.889), (13, 0.690, 0.432, 0.849),
    (16, 0.627, 0.368, 0.805), (22, 0.538, 0.268, 0.747), (23, 0.448, 0.188, 0.680),
]  # fmt: skip


def test_the_curve_is_the_published_one():
    np.testing.assert_allclose(np.transpose(survival_curve(TIME, SEEN)), CURVE, rtol=0, atol=PUBLISHED_3)


def test_the_curve_by_hand():
    curve = survival_curve([1, 2, 2, 3, np.inf], [True, True, False, True, False])
    assert curve.time.tolist() == [1, 2, 3]
    np.testing.assert_allclose(curve.fraction, [4 / 5, 4 / 5 * 3 / 4, 4 / 5 * 3 / 4 * 1 / 2], rtol=INTERVAL)


def test_quantiles_by_hand():
    found = event_quantiles(TIME, SEEN, [0.1, 0.25, 0.5, 0.7])
    assert found.time.tolist() == [6, 13, 23, np.inf]
    assert found.low.tolist() == [0, 6, 13, 22]  # of 21 runs none may have been among the first tenth
    assert found.high.tolist() == [10, 22, np.inf, np.inf]


def test_a_quantile_that_the_curve_reaches_exactly_is_there():
    for n in (10, 30, 4096):
        found = event_quantiles(np.arange(1.0, n + 1), np.ones(n, dtype=bool), [0.5, 0.1])
        assert found.time.tolist() == [n // 2, -(-n // 10)]


def test_quantiles_of_each_row_are_its_own():
    time, seen = np.stack([[TIME, 2 * TIME], [TIME / 2, TIME]]), np.broadcast_to(SEEN, (2, 2, 21))
    found = event_quantiles(time, seen, [0.25, 0.5])
    assert found.time.tolist() == [[[13, 23], [26, 46]], [[6.5, 11.5], [13, 23]]]
    assert found.low.shape == found.high.shape == (2, 2, 2)


@given(st.lists(st.tuples(st.integers(0, 9) | st.just(np.inf), st.booleans()), min_size=1, max_size=40))
def test_the_curve_and_its_interval_are_those_of_the_formulas(runs):
    """Kaplan and Meier's product over the times of events; Greenwood's variance on the scale of log(-log S)."""
    time, seen = np.array([t for t, _ in runs], dtype=float), np.array([s and t < np.inf for t, s in runs])
    curve, left, spread, expected = survival_curve(time, seen, 0.9), 1.0, 0.0, []
    for t in sorted(set(time[seen])):
        n, d = (time >= t).sum(), (time[seen] == t).sum()
        left *= (n - d) / n
        spread += d / (n * (n - d)) if n > d else np.inf
        z = norm.ppf(0.95) * np.sqrt(spread) / -np.log(left) if left else np.nan
        expected.append((t, left, left ** np.exp(z), left ** np.exp(-z)))
    np.testing.assert_allclose(np.transpose(curve), np.reshape(expected, (-1, 4)), rtol=0, atol=INTERVAL)
    assert (np.diff(curve.fraction) < 0).all()


@pytest.mark.parametrize("confidence", [0, 1, 95, np.nan])
@pytest.mark.parametrize("seen", [True, False])
def test_a_confidence_that_is_none_is_refused(confidence, seen):
    with pytest.raises(ValueError, match="confidence must be between 0 and 1; got"):
        survival_curve([1, 2], [seen, seen], confidence)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(0, 20))
def test_without_censoring_the_curve_counts_those_left(times, never):
    time = np.array([*times, *[np.inf] * never], dtype=float)
    curve = survival_curve(time, np.isfinite(time))
    left = [(time > t).mean() for t in curve.time]
    np.testing.assert_allclose(curve.fraction, left, rtol=0, atol=INTERVAL)


@pytest.mark.parametrize(("runs", "low"), [(4, 0), (10, np.inf)])
def test_what_never_happens_has_no_quantile(runs, low):
    """That four of four wait for ever would happen in 6 % of samples, if half of all had the event."""
    found = event_quantiles(np.full((1, runs), np.inf), np.zeros((1, runs), dtype=bool), 0.5)
    assert (found.time.tolist(), found.low.tolist(), found.high.tolist()) == ([[np.inf]], [[low]], [[np.inf]])


@pytest.mark.parametrize(("runs", "low", "high"), [(10, 5, 5), (6, 5, 5), (5, 0, np.inf)])
def test_times_that_are_all_the_same_have_that_median(runs, low, high):
    """The signs of six runs are alike in 1 of 32 samples, of five in 1 of 16: an interval of 95 % needs six."""
    found = event_quantiles([5] * runs, [True] * runs, 0.5)
    assert (found.time, found.low, found.high) == (5, low, high)


def test_of_what_comes_after_the_last_look_nothing_is_known():
    """Of 40 runs 10 had the event, then one stopped looking: the median is later than that, not infinite."""
    found = event_quantiles(np.r_[np.arange(1, 11), np.full(30, 20)], np.arange(40) < 10, 0.5)
    assert (found.time, found.low, found.high) == (np.inf, 20, np.inf)


@pytest.mark.parametrize("stop", ["never", "together", "at random"])
@pytest.mark.parametrize("runs", [10, 20, 50, 200])
def test_intervals_of_quantiles_hold_them_as_often_as_they_say(runs, stop):
    """Exponential times; all looked at for 1.5, or each for its own time; on average over quantiles before 1.5."""
    rng, q = np.random.default_rng(runs), np.linspace(0.1, 0.7, 7)
    time = rng.exponential(1, (1000, runs))
    last = {"never": np.inf, "together": 1.5, "at random": rng.exponential(2, time.shape)}[stop]
    found = event_quantiles(np.minimum(time, last), time <= last, q)
    held = (found.low <= -np.log(1 - q)) & (-np.log(1 - q) <= found.high)
    assert COVERAGE[0] < held.mean() < COVERAGE[1]


@pytest.mark.parametrize("stop", ["never", "together", "at random"])
@pytest.mark.parametrize("runs", [20, 50, 200])
def test_intervals_of_the_curve_hold_it_as_often_as_they_say(runs, stop):
    rng, times, held = np.random.default_rng(runs), -np.log(1 - np.linspace(0.1, 0.7, 7)), []
    for time in rng.exponential(1, (1000, runs)):
        last = {"never": np.inf, "together": 1.5, "at random": rng.exponential(2, runs)}[stop]
        curve = survival_curve(np.minimum(time, last), time <= last)
        k = np.searchsorted(curve.time, times, "right") - 1
        there = (k >= 0) & np.isfinite(curve.low[k])
        held.extend(((curve.low[k] <= np.exp(-times)) & (np.exp(-times) <= curve.high[k]))[there])
    assert COVERAGE[0] < np.mean(held) < COVERAGE[1]


@pytest.mark.parametrize("n", [5, 8, 20, 100, 1000])
def test_wilsons_interval_holds_fractions_as_often_as_it_says_on_average(n):
    """Exactly, from the binomial law, at fractions that are evenly spaced."""
    p, k = np.arange(0.0005, 1, 0.001), np.arange(n + 1)
    low, high = wilson_interval(k, n)
    held = ((low <= p[:, None]) & (p[:, None] <= high)) * binom.pmf(k, n, p[:, None])
    assert COVERAGE[0] < held.sum(axis=1).mean() < COVERAGE[1]
    assert held.sum(axis=1).min() > WILSON_LEAST


def test_the_quantile_does_not_depend_on_when_one_stopped_looking():
    """Exponential times, looked at for random times: the median is ln 2, and that of what was seen is not."""
    rng = np.random.default_rng(1)
    time, stop = rng.exponential(1, (200, 400)), rng.exponential(2, (200, 400))
    found = event_quantiles(np.minimum(time, stop), time <= stop, 0.5)
    covered = (found.low <= np.log(2)) & (np.log(2) <= found.high)
    low, high = wilson_interval(covered.sum(), covered.size, 0.999)
    assert low < 0.95 < high
    np.testing.assert_allclose(found.time.mean(), np.log(2), rtol=0.02)
    assert np.median(np.minimum(time, stop)[0]) < found.low[0]


REASONS = [StopReason.SOLVED, StopReason.BUDGET, StopReason.FIXED_POINT, StopReason.DIVERGED, StopReason.STIFF,
           StopReason.DIVERGED]  # fmt: skip


@pytest.mark.parametrize("never", [-1, np.nan])
def test_runs_that_can_no_longer_escape_wait_for_ever(never):
    time, seen = event_times([3, never, never, never, never, 2], [9, 20, 0, 5, 7, 5], REASONS)
    assert seen.tolist() == [True, False, False, False, False, True]
    assert time.tolist() == [3, 20, np.inf, np.inf, 7, 2]


def test_the_fraction_is_that_of_each_point():
    event = np.array([[[0, 5], [-1, 2]], [[-1, -1], [-1, 7]]])
    for axis, k, n in ((0, [3, 1], 4), (1, [2, 2], 4), (None, [4], 8)):
        np.testing.assert_array_equal(event_fraction(event, axis, 0.9).value, np.array(k) / n)
    for fraction in (event_fraction(event[:, 0], 0, 0.9), event_fraction(event[:, 0], confidence=0.9)):
        np.testing.assert_array_equal((fraction.low, fraction.high), wilson_interval([2, 0], 2, 0.9))
    np.testing.assert_array_equal(event_fraction(np.where(event < 0, np.nan, event)).value, [0.75, 0.25])


@pytest.mark.parametrize(("axis", "k", "n"), [(0, [3, 5], 10), (None, [4], 10), (-1, [0, 0.5, 1], 1)])
def test_the_interval_of_a_fraction_counts_runs_of_one_number_once(axis, k, n):
    """Three learning rates with the same outcomes give the same interval as one."""
    escaped = np.zeros((2, 10), dtype=bool)
    escaped[0, [1, 2, 4]] = escaped[1, [2, 4, 6, 8, 9]] = True
    event = np.where(escaped, 5, -1)
    for rates in (1, 3):
        fraction = event_fraction(np.repeat(event[:, None], rates, axis=1), axis)
        np.testing.assert_array_equal(np.stack([fraction.low, fraction.high])[:, : len(k)], wilson_interval(k, n))


@pytest.mark.parametrize(
    ("time", "seen", "match"),
    [([], [], "one or more"), ([[1]], [[True]], "must be"), ([1, 2], [True], "must be"), ([-1], [True], "0 or more"),
     ([np.nan], [False], "0 or more"), ([np.inf], [True], "finite where observed")],
)  # fmt: skip
def test_times_that_are_none_are_refused(time, seen, match):
    with pytest.raises(ValueError, match=match):
        survival_curve(time, seen)


@pytest.mark.parametrize("q", [0, 1, -0.5, np.nan, [0.5, 2]])
def test_fractions_that_are_none_are_refused(q):
    with pytest.raises(ValueError, match="q must be between 0 and 1"):
        event_quantiles([[1.0]], [[True]], q)
