"""The page of faults and the tests that inject them agree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from saddlescape.errors import SaddlescapeError
from saddlescape.runs.runner import FailedBlocksError, Interrupted
from saddlescape_cli.leaving import SIGNALS
from saddlescape_cli.watch import TIME_IS_UP

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs/reliability.md").read_text()
FAULTS, CODES = re.split(r"^## ", PAGE, flags=re.MULTILINE)


def rows(text):
    return [row.strip("| ").split(" | ") for row in re.findall(r"^\| .* \|$", text, re.MULTILINE)][2:]


def test_rows_are_the_marked_faults_of_tests():
    texts = [path.read_text() for path in TESTS.glob("test_*.py") if path != Path(__file__)]
    marked = {name for text in texts for name in re.findall(r'^@pytest\.mark\.fault\("(.*)"\)', text, re.MULTILINE)}
    assert {name for name, _, _ in rows(FAULTS)} == marked


def test_every_fault_was_tried_and_nothing_lost():
    assert all(int(tried.replace(",", "")) > 0 and lost == "0" for _, tried, lost in rows(FAULTS))


def test_exit_codes_agree_with_the_page():
    listed = {int(code) for row in rows(CODES) for code in row[0].split(", ")}
    kinds = [*SaddlescapeError.__subclasses__(), FailedBlocksError, Interrupted]
    ours = {0, TIME_IS_UP, *(kind.exit_code for kind in kinds), *(128 + number for number in SIGNALS)}
    assert listed == ours


SUITE = """
import pytest

@pytest.mark.fault("flips")
def test_flips(tried):
    tried(3)

@pytest.mark.fault("kills")
@pytest.mark.parametrize("lost", [False, True])
def test_kills(tried, lost):
    tried()
    assert not lost
"""


def test_the_suite_writes_the_counts_into_the_page(tmp_path):
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(SUITE)
    head = "| fault | tried | lost |\n| --- | --- | --- |\n"
    (tmp_path / "page.md").write_text(f"Before.\n\n{head}| old | 1 | 0 |\n\nAfter.\n")
    command = [sys.executable, "-m", "pytest", "-n", "2", "--faults", "page.md", "test_it.py"]
    subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "page.md").read_text() == f"Before.\n\n{head}| flips | 3 | 0 |\n| kills | 2 | 1 |\n\nAfter.\n"
