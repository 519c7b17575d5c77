"""The section on axes of docs/spec.md agrees with the code."""

import re
from pathlib import Path

from saddlescape.spec.axes import FIXED, KINDS, MAX_DIMENSIONS
from saddlescape.spec.designs import Design
from saddlescape.spec.keys import ELEMENTS
from saddlescape.spec.points import MAX_STRUCTURES

PAGE = (Path(__file__).parents[1] / "docs/spec.md").read_text()


def test_the_page_lists_the_kinds_of_axes():
    axes = PAGE.split("## Axes")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+) =", axes, re.MULTILINE)) == set(KINDS)
    designs = re.findall(r"^\| `(?:random|sobol) = {(.*?)}`", axes, re.MULTILINE)
    assert [keys.split(", ") for keys in designs] == 2 * [[f.alias or name for name, f in Design.model_fields.items()]]
    for key in (*FIXED, *(f"`{key}." for key in ELEMENTS), str(MAX_STRUCTURES), f"{MAX_DIMENSIONS} dimensions"):
        assert key in axes
