"""The page of the file format names every variable of a result, its dimensions and type, and every code."""

import re
from pathlib import Path

import numpy as np
import pytest
from spec_cases import TINY

from saddlescape.plan import Plan
from saddlescape.spec import parse
from saddlescape.store.schema import coordinates, variables
from saddlescape.words.measures import MEASURES
from saddlescape.words.outcomes import Outcome, StopReason

PAGE = (Path(__file__).parents[1] / "docs/file-format.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in row.split("|")[1:-1]]
    for row in re.findall(r"^\| .*", PAGE.split("| variable |")[1].split("`parameter` holds names")[0], re.MULTILINE)
]
AXIS = '[[axes]]\nkey = "starts.scale"\nvalues = [0, 1]\n'
PLANS = {
    "plain": "",
    "everything": f"[record]\nparameters = true\nfinal_parameters = true\nfields = {list(MEASURES)}\n",
    "by outcome": "[record]\nruns = { per_outcome = 2 }\n",
    "refined": "",
}


def plan(name, text=TINY):
    return Plan(parse(text + PLANS[name] + AXIS, Path()), refined=name == "refined")


FLOW = TINY.replace("learning_rate = 0.5\nsteps = 20", 'stepper = "flow"\ntime = 5.0')


def told(name, dims):
    """(dimensions, type) that the page tells of a variable; one that some have otherwise has a row without a name."""
    final = name.removeprefix("final_")
    if final in MEASURES and not any(f"`{name}`" in row[0] for row in ROWS):
        name = "final_" if final != name else "loss"
    rows = [n for n, row in enumerate(ROWS) if f"`{name}`" in row[0]]
    assert len(rows) == 1, f"{name} has {len(rows)} rows"
    other = rows[0] + 1
    if other < len(ROWS) and not ROWS[other][0] and dims[0] != "trajectory":
        return ROWS[other][1:3]
    return ROWS[rows[0]][1:3]


@pytest.mark.parametrize("one", [*map(plan, PLANS), plan("plain", FLOW)], ids=[*PLANS, "flow"])
def test_every_variable_has_a_row_with_its_dimensions_and_type(one):
    assert len(variables(one)) > 8
    for variable in variables(one):
        dims, dtype = told(variable.name, variable.dims)
        extra = MEASURES[found].dims if (found := variable.name.removeprefix("final_")) in MEASURES else ()
        assert ("...", *variable.dims[1:]) == (*dims.split(", "), *extra), variable.name
        if re.fullmatch(r"(int|float)\d+", dtype):
            assert np.dtype(variable.dtype).name == dtype, variable.name
    for along in coordinates(one):
        assert along.name in ("scale", "run", "record", "trajectory") or f"`{along.name}`" in PAGE


def test_every_code_is_told():
    rows = re.findall(r"^\| (\d) \| (\w+) \| [^|]+ \| (\d) \| (\w+) \|", PAGE, re.MULTILINE)
    assert [(int(code), name) for code, name, _, _ in rows] == [(o.value, o.label) for o in Outcome]
    assert [(int(code), name) for _, _, code, name in rows] == [(r.value, r.label) for r in StopReason]
