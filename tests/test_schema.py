"""The JSON Schema of a spec accepts what the spec accepts, as far as single keys decide."""

import json
import tomllib

import fastjsonschema
import pytest
import spec_schema

from saddlescape.errors import SpecError
from saddlescape.spec import parse
from saddlescape.spec.keys import ALIASES, KEYS
from saddlescape.system import bundled

XOR = '[problem]\nname = "xor"\n'
AXIS = '[[axes]]\nkey = "starts.scale"\n'
VALID = {
    "integer as float": "[training]\nsteps = 1e4",
    "first name": '[training]\nstepper = "gd"',
    "another name": "[training]\nlr = 0.1",
    "list of activations": '[network]\nhidden = [2, 3]\nactivation = ["tanh", "relu"]',
    "bias constants": "[starts]\nbias_constant = [0, 1]",
    "minibatch": '[training]\nbatch = { size = 2, order = "shuffled" }',
    "records": '[record]\nsteps = "every:9"\nruns = { per_outcome = 3 }',
    "listed records": "[record]\nsteps = [1, 5]\nruns = 7",
    "slice": '[starts]\nkind = "slice"\nbase = [1,1,1,1,1,1,1,1,1]\nx = { index = 0, from = -1, to = 1, n = 3 }\n'
    "y = { index = 1, from = -1, to = 1, n = 3 }",
    "values": AXIS + "values = [0, 1]",
    "design": AXIS + "sobol = { from = 1e-6, to = 10, n = 8, log = true }",
    "element": '[[axes]]\nkey = "training.layer_rates.0"\nlogspace = [0.1, 10, 3]',
}
INVALID = {
    "unknown key": "[training]\nrate = 0.1",
    "unknown table": "[train]\nsteps = 1",
    "word": '[training]\noptimizer = "adm"',
    "type": '[training]\nsteps = "many"',
    "not whole": "[training]\nsteps = 1.5",
    "too small": "[training]\nsteps = 0",
    "too large": "[network]\nhidden = [257]",
    "not positive": "[stop]\ndiverged = 0",
    "activation": '[network]\nactivation = ["tanh", "rel"]',
    "batch": '[training]\nbatch = "all"',
    "records": '[record]\nsteps = "log"',
    "measure": '[record]\nfields = ["los"]',
    "key of an axis": '[[axes]]\nkey = "starts.count"\nvalues = [1]',
    "no key": "[[axes]]\nvalues = [1]",
    "two kinds of values": AXIS + "values = [1]\nlinspace = [0, 1, 2]",
    "no values": AXIS,
    "no element": '[[axes]]\nkey = "training.layer_rates.a"\nvalues = [1]',
    "design": AXIS + "random = { from = 0, n = 8 }",
}


@pytest.fixture(scope="module")
def check():
    return fastjsonschema.compile(json.loads(bundled.schema().read_text(encoding="utf-8")))


def test_the_schema_is_up_to_date():
    assert bundled.schema() == spec_schema.PATH
    assert spec_schema.PATH.read_text(encoding="utf-8") == spec_schema.text(), "write it again: make tables"


@pytest.mark.parametrize("name", bundled.sweeps())
def test_bundled_sweeps_are_valid(check, name):
    check(tomllib.loads(bundled.sweeps()[name].read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
def test_what_a_spec_accepts_is_valid(check, text, tmp_path):
    check(tomllib.loads(XOR + text))
    parse(XOR + text, tmp_path)


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
def test_what_a_spec_refuses_is_invalid(check, text, tmp_path):
    with pytest.raises(fastjsonschema.JsonSchemaException):
        check(tomllib.loads(XOR + text))
    with pytest.raises(SpecError):
        parse(XOR + text, tmp_path)


def test_every_key_is_described():
    tables = spec_schema.schema()["properties"]
    for key in [*KEYS, *ALIASES]:
        section, _, name = key.rpartition(".")
        assert (tables[section]["properties"] if section else tables)[name]["description"]
    assert "$ref" not in spec_schema.text()
