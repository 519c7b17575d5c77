"""Counts and intervals against hand counts, published values and scipy."""

import numpy as np
import pytest
from scipy.stats import binomtest
from tolerances import INTERVAL, PUBLISHED

from saddlescape.analysis import outcome_counts, wilson_interval
from saddlescape.words.outcomes import Outcome


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_wilson_equals_scipy(confidence):
    pairs = [(k, n) for n in (1, 2, 7, 100, 4096) for k in {0, 1, n // 3, n - 1, n}]
    low, high = wilson_interval(*np.transpose(pairs), confidence=confidence)
    exact = [binomtest(k, n).proportion_ci(confidence, method="wilson") for k, n in pairs]
    np.testing.assert_allclose(low, [e.low for e in exact], rtol=0, atol=INTERVAL)
    np.testing.assert_allclose(high, [e.high for e in exact], rtol=0, atol=INTERVAL)


def test_wilson_as_published():
    # Newcombe (1998), Statist. Med. 17, 857-872, table I, method 3.
    low, high = wilson_interval([81, 15, 0, 1], [263, 148, 20, 29])
    np.testing.assert_allclose(low, [0.2553, 0.0624, 0.0, 0.0061], atol=PUBLISHED)
    np.testing.assert_allclose(high, [0.3662, 0.1605, 0.1611, 0.1718], atol=PUBLISHED)


def test_wilson_ends_are_exact():
    low, high = wilson_interval([0, 5], 5)
    assert low[0] == 0
    assert high[1] == 1


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (0, 0), (np.nan, 3)])
def test_wilson_refuses_impossible_counts(k, n):
    with pytest.raises(ValueError, match="0 <= k <= n"):
        wilson_interval(k, n)


@pytest.mark.parametrize("confidence", [0, 1, 95, np.nan])
def test_wilson_refuses_impossible_confidence(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson_interval(1, 2, confidence)


def test_counts_keep_one_axis():
    outcome = np.zeros((2, 3, 4), dtype=np.int8)
    outcome[0, 1] = Outcome.SOLVED
    outcome[1, :, 0] = Outcome.TRAPPED
    assert outcome_counts(outcome, 0).tolist() == [[8, 0, 0, 0, 4, 0, 0, 0], [9, 0, 0, 3, 0, 0, 0, 0]]
    assert outcome_counts(outcome, 1)[:, Outcome.SOLVED].tolist() == [0, 4, 0]
    assert outcome_counts(outcome, None).tolist() == [[17, 0, 0, 3, 4, 0, 0, 0]]
