"""The compiled draws of starts have the bits of NumPy's generators."""

import numpy as np
import pytest

from saddlescape.kernels import draws
from saddlescape.plan import starts

RUNS = np.array([17, 0, 4095, 2**40, 2**63 - 1])


@pytest.mark.parametrize("method", draws.CUTS)
@pytest.mark.parametrize("seed", [0, 20120425, 2**64 - 1])
@pytest.mark.parametrize("n", [1, 4, 9, 33])
def test_the_same_bits_as_numpys(method, seed, n):
    expected = starts.sample(seed, RUNS, n, method)
    np.testing.assert_array_equal(draws.compiled(seed, RUNS, n, method), expected)
    slow = np.random.Generator(np.random.Philox(key=np.array([seed, 2**40], dtype=np.uint64)))
    if method == "truncated_normal":
        drawn = slow.standard_normal(9 * n)
        np.testing.assert_array_equal(expected[3], drawn[np.abs(drawn) <= starts.CUT][:n])
    else:
        np.testing.assert_array_equal(expected[3], getattr(slow, method)(n))


@pytest.mark.parametrize("method", ["standard_normal", "truncated_normal"])
def test_the_same_bits_in_every_branch(monkeypatch, method):
    """A million numbers; all but one row in 100 are compiled, and with fewer spare words more are left to NumPy."""
    runs, rows = np.arange(50_000), []
    monkeypatch.setattr(
        starts, "sample", lambda *given, sample=starts.sample: rows.append(len(given[1])) or sample(*given)
    )
    compiled = draws.compiled(3, runs, 20, method)
    monkeypatch.setattr(draws, "SPARE", 0)
    few = draws.compiled(3, runs, 20, method)
    expected = starts.sample(3, runs, 20, method)
    np.testing.assert_array_equal(compiled, expected)
    np.testing.assert_array_equal(few, expected)
    assert 100 < rows[0] < len(runs) / 100
    assert rows[1] > rows[0]


def test_another_algorithm_of_numpy_is_followed(monkeypatch):
    monkeypatch.setattr(starts, "sample", lambda seed, runs, n, method: np.full((len(runs), n), 3.0))
    draws.agrees.cache_clear()
    try:
        assert not draws.agrees()
        assert (draws.sample(1, np.arange(5), 4, "standard_normal") == 3).all()
    finally:
        draws.agrees.cache_clear()
    monkeypatch.undo()
    assert draws.agrees()
