"""The comparison with other tools: each cell has its source, and each no its reason."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs/comparison.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and "**" not in line][1:]
TOOLS = ("xyzpy", "emcee", "Hydra", "Attractors.jl", "W&B", "scikit-learn", "PyTorch")


@pytest.mark.parametrize("row", [row for row in ROWS if set(row[0]) != {"-"}], ids=lambda row: row[0][:30])
def test_each_cell_has_its_source_and_each_no_its_reason(row):
    _, elsewhere, here = row
    assert elsewhere == "-" or re.search(r"\]\(https://", elsewhere)
    assert re.search(r"\]\([\w-]+\.md", here)
    assert not here.startswith("no") or ": " in here


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_is_compared(tool):
    assert sum(f"[{tool}](" in row[1] for row in ROWS) >= 3
