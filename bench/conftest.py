"""Print the rates of all benchmarks of a run, with their ratios to the baseline of the run, and the costs of blocks."""

import pytest

BASELINE = "batched NumPy"
RATES = {}
COSTS = {}
"""Microseconds per block and per run, by case and part (`test_host`)."""


@pytest.fixture(scope="session")
def costs():
    return COSTS


@pytest.fixture(autouse=True)
def like_with_like(request):
    """Group benchmarks that name no group by their function, so that a table compares cases of one task."""
    if "benchmark" in request.fixturenames:
        request.getfixturevalue("benchmark").group = request.function.__name__


@pytest.fixture
def note(benchmark):
    """Return a function that saves the median rate of a finished benchmark."""

    def save(shape, dtype, who, network_steps, **extra):
        rate = network_steps / benchmark.stats.stats.median
        benchmark.extra_info.update(network_steps_per_second=float(f"{rate:.4g}"), **extra)
        RATES.setdefault((shape, dtype), {})[who] = rate

    return save


def pytest_terminal_summary(terminalreporter):
    for (shape, dtype), rates in RATES.items():
        base = rates.get(BASELINE)
        cells = [f"{who} {rate / 1e6:.3g}" + (f" ({rate / base:.1f} x)" if base else "") for who, rate in rates.items()]
        terminalreporter.write_line(f"{shape} {dtype}, million network-steps/s: {', '.join(cells)}")
    for case, parts in COSTS.items():
        cells = [f"{part} {block:.0f} ({run:.3g})" for part, (block, run) in parts.items()]
        terminalreporter.write_line(f"{case}, microseconds per block (per run) besides training: {', '.join(cells)}")
