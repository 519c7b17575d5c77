"""The variables of a result agree with the vocabulary from which the page is generated."""

from pathlib import Path

import pytest
from spec_cases import MEASURED, TINY

from saddlescape.plan import Plan
from saddlescape.spec import parse
from saddlescape.store.schema import coordinates, variables
from saddlescape.words.measures import MEASURES
from saddlescape.words.variables import VARIABLES

PAGE = (Path(__file__).parents[1] / "docs/file-format.md").read_text(encoding="utf-8")
AXIS = '[[axes]]\nkey = "starts.scale"\nvalues = [0, 1]\n'
PLANS = {
    "plain": "",
    "everything": f"[record]\nparameters = true\nfinal_parameters = true\nfields = {list(MEASURES)}\n",
    "by outcome": "[record]\nruns = { per_outcome = 2 }\n",
    "refined": "",
}


def plan(name, text=TINY):
    text = MEASURED if name == "everything" else text
    return Plan(parse(text + PLANS[name] + AXIS, Path()), refined=name == "refined")


FLOW = TINY.replace("learning_rate = 0.5\nsteps = 20", 'optimizer = "flow"\ntime = 5.0')


@pytest.mark.parametrize("one", [*map(plan, PLANS), plan("plain", FLOW)], ids=[*PLANS, "flow"])
def test_every_variable_has_the_dimensions_and_type_of_the_vocabulary(one):
    assert len(variables(one)) > 8
    for variable in variables(one):
        row = VARIABLES[variable.name]
        assert ("...", *variable.dims[1:]) == row.dims, variable.name
        assert variable.dtype == (row.dtype or "float64"), variable.name
        assert variable.attrs["long_name"] == row.long_name
    for along in coordinates(one):
        assert along.name in ("scale", "run", "record", "trajectory") or f"`{along.name}`" in PAGE
