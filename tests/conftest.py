"""The table of faults: a test marked ``fault("name")`` counts the faults that it injected; a failure is a loss."""

import contextlib
import re
from collections import Counter
from pathlib import Path

import pytest

with contextlib.suppress(ImportError):  # the environments of some lanes lack it
    from hypothesis import HealthCheck, settings

    # A busy machine may take longer than any limit.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")

FAULT = "fault"


def pytest_addoption(parser):
    parser.addoption("--faults", metavar="PAGE", type=Path, help="write the table of faults into this page")


@pytest.fixture
def tried(request, record_property):
    """Return a function to call after a fault, or after `number` of them, that lost nothing."""
    name = request.node.get_closest_marker("fault").args[0]
    record_property(FAULT, (name, 0))
    return lambda number=1: record_property(FAULT, (name, number))


def pytest_terminal_summary(terminalreporter, config):
    tried, lost = Counter(), Counter()
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, number in (value for key, value in report.user_properties if key == FAULT):
            tried[name] += number
            lost[name] += number == 0 and report.failed
    if not tried:
        return
    rows = [f"| {name} | {tried[name]:,} | {lost[name]} |" for name in sorted(tried)]
    table = "\n".join(["| fault | tried | lost |", "| --- | --- | --- |", *rows])
    terminalreporter.write_line(f"\n{table}")
    if page := config.getoption("--faults"):
        text, tables = re.subn(r"\| fault \|.*\n(\|.*\n)+", table.replace("\\", r"\\") + "\n", page.read_text())
        assert tables == 1, f"{page} must have the table"
        page.write_text(text)
