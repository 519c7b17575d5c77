"""The spec: defaults, axes, and every message a user can meet."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from saddlescape.errors import SpecError
from saddlescape.plan import Plan
from saddlescape.spec import NUMERIC, bundled, load, parse

XOR = '[problem]\nname = "xor"\n'
MOONS = '[problem]\nname = "moons"\nsamples = 9\n'
AXIS = '[[axes]]\nkey = "starts.scale"\n'
KIND = '[[axes]]\nkey = "starts.kind"\nvalues = '
BIASES = '[[axes]]\nkey = "starts.biases"\nvalues = [true, false]\n'
FLOW = '[training]\noptimizer = "flow"\n'
SINGLE = '[network]\ndtype = "float32"\n'
SLICE = '[starts]\nkind = "slice"\nbase = [1,1,1,1,1,1,1,1,1]\n'


def faults(text, *overrides, folder=Path()):
    with pytest.raises(SpecError) as caught:
        parse(text, folder, overrides)
    return str(caught.value)


def test_defaults_are_those_of_the_bundled_example():
    example, minimal = load("xor").resolved(), parse(XOR, Path()).resolved()
    del example["axes"], minimal["axes"], example["title"], minimal["title"]
    example["starts"]["scale"] = 1.0
    assert example == minimal


def test_keys_that_came_later_leave_the_digest_of_older_specs_alone():
    """Golden, from the first version: what every later version makes of a spec that it could read."""
    resolved = json.dumps(load("xor-slice").resolved(), sort_keys=True).encode()
    assert hashlib.sha256(resolved).hexdigest() == "08d9f999cdbc3c9c07b7aa21f46662a2e8231f0084c057f06529c5d46268aa80"


def test_problems_are_axes():
    drawn = '[problem]\nname = "linear"\nsamples = 5\ninputs = 3\noutputs = 2\nhidden = 2\n'
    names = '[[axes]]\nkey = "problem.name"\nvalues = ["linear", "teacher"]\n'
    sweep = parse(f'{drawn}{names}[[axes]]\nkey = "problem.seed"\nvalues = [1, 2]', Path())
    loaded = {(p.name, p.T.tobytes()) for p in (spec.loaded for spec in sweep.structures)}
    assert len(loaded) == 4
    assert sweep.structures[0].sizes == (3, 2, 2)
    assert {"samples", "seed", "hidden"} <= sweep.resolved()["problem"].keys()


def test_bundled_sweeps():
    assert set(bundled()) >= {"xor", "xor-slice", "claims/1-xor"}
    assert load("claims/1-xor").spec.problem.name == "xor"
    with pytest.raises(SpecError, match="no bundled sweep; did you mean 'claims/1-xor'"):
        load("claims/1-xo")
    sweep = load("xor-slice")
    assert (sweep.shape, sweep.spec.starts.x.index, sweep.spec.starts.y.from_) == ((), 8, -10.0)
    assert load("xor").axes[0].values[:2] == (0.0, 1e-12)


def test_lists_are_resolved_as_lists():
    network = '[network]\nhidden = [2, 2]\nactivation = ["tanh", "relu"]\n'
    steps = parse(XOR + network + "[record]\nsteps = [0, 3]", Path()).resolved()
    assert (steps["record"]["steps"], steps["network"]["activation"]) == ([0, 3], ["tanh", "relu"])
    assert parse(XOR + FLOW + "[record]\ntimes = [1, 2.5]", Path()).resolved()["record"]["times"] == [1.0, 2.5]


def test_a_point_of_a_grid():
    text = (
        XOR + '[[axes]]\nkey = "network.hidden"\nvalues = [[2], [4, 3]]\n' + AXIS + "logspace = [1e-3, 10, 5]"
    )
    sweep = parse(text, Path())
    point = sweep.at((1, 4))
    assert (sweep.shape, point.sizes, point.starts.scale) == ((2, 5), (2, 4, 3, 1), 10.0)
    assert sweep.at((0, 2)).n_params == 9
    np.testing.assert_array_equal(sweep.numeric("starts.scale")[0], sweep.axes[1].values)
    assert sweep.numeric("stop.solved").shape == (1, 1)


def test_activations_of_layers():
    one = parse(XOR + '[network]\nhidden = [3, 2]\nactivation = "gelu"\noutput = "tanh"', Path()).spec
    each = parse(XOR + '[network]\nhidden = [3, 2]\nactivation = ["erf", "sin"]', Path()).spec
    assert one.activations == ("gelu", "gelu", "tanh")
    assert each.activations == ("erf", "sin", "logistic")
    text = XOR + '[network]\nhidden = [2, 2]\n[[axes]]\nkey = "network.activation"\nvalues = ["tanh", ["relu", "erf"]]'
    assert parse(text, Path()).at((1,)).activations == ("relu", "erf", "logistic")
    one_hot = '[problem]\nname = "encoder"\nsize = 4\n[network]\noutput = "linear"\n[training]\nloss = "softmax_ce"'
    assert parse(one_hot, Path()).spec.training.loss == "softmax_ce"


def test_every_numeric_key_is_an_axis():
    owner = {"epsilon": "adam", "beta1": "adam", "beta2": "adam", "smoothing": "rmsprop", "momentum": "momentum"}
    owner |= {"rtol": "flow", "atol": "flow", "momentum_decay": "nadam", "growth_max": "quickprop"}
    for key in NUMERIC:
        name = key.split(".")[1]
        optimizer = "rprop" if name[:4] in ("eta_", "step") else owner.get(name, "gd")
        schedule = {"schedule_decay": "exponential", "schedule_steps": "step"}.get(name, "constant")
        low = {"eta_plus": 1.0, "schedule_steps": 1.0, "rtol": 0.025}.get(name, 0.25)
        training = f'[training]\noptimizer = "{optimizer}"\nschedule = "{schedule}"\n'
        text = f'{XOR}{training}[[axes]]\nkey = "{key}"\nvalues = [{low}, {2 * low}]'
        assert parse(text, Path()).numeric(key)[1] == 2 * low


def test_overrides():
    sweep = parse(XOR, Path(), ["training.learning_rate=0.1", "problem.name=and", "record.steps=every:9"])
    spec = sweep.spec
    assert (spec.training.learning_rate, spec.problem.name, spec.record.steps) == (0.1, "and", "every:9")


IDLE = {
    ("training.optimizer=sign", "training.weight_decay=0.1"): "training.weight_decay: belongs to .*; leave it out",
    ("training.optimizer=flow", "training.l1=0.1"): 'training.l1: does not go with optimizer = "flow", as .*; leave it out',  # noqa: E501
    ("training.optimizer=flow", "training.bias_rate=0"): "training.bias_rate: does not go with .*; leave it out",
    ("training.optimizer=flow", "training.warmup=9"): "training.warmup: does not go with .*; leave it out",
    ("training.schedule=cosine", "training.schedule_steps=5"): "training.schedule_steps: belongs to .*; leave it out",
    ("network.bias=false", "training.bias_rate=0"): "training.bias_rate: changes nothing, as there are no biases",
    ("training.optimizer=gd", 'training.decay="weights"'): "training.decay: changes nothing, as neither",
    ("training.stepper=flow", "training.learning_rate=1"): "training.learning_rate: does not go with .*; leave it out",
    ("training.optimizer=flow", "record.steps=[1]"): "record.steps: does not go with .*; leave it out",
    ("training.optimizer=gd", "training.beta2=0.5"): 'training.beta2: belongs to optimizer = "adam" .*; leave it out',
    ("training.optimizer=gd", "record.times=[1]"): 'record.times: belongs to optimizer = "flow"; leave it out',
    ("training.schedule=cosine", "training.schedule_decay=0.5"): "training.schedule_decay: belongs to .*; leave it out",
    ("problem.name=and", "problem.bits=3"): 'problem.bits: belongs to name = "parity"; leave it out',
    ("starts.kind=zero", "starts.direction=[1]"): 'starts.direction: belongs to kind = "ray"; .*; leave it out',
}


@pytest.mark.parametrize("words", IDLE, ids=" ".join)
def test_what_is_said_is_used_or_refused_however_it_is_said(words):
    """By --set, in the file, or in the file and left idle by --set, which then has to unset it."""
    (choice, idle), message = words, IDLE[words]
    key, value = idle.split("=")
    section, name = key.split(".")
    said = f"{name} = {value}\n" if section == "problem" else f"[{section}]\n{name} = {value}\n"
    assert re.fullmatch(f"{message}.*", faults(XOR, choice, idle))
    left_idle = message.replace("leave it out", f"unset it with --set {key}=")
    assert re.fullmatch(f"{left_idle}.*", faults(XOR + said, choice))
    unset, never = parse(XOR + said, Path(), [choice, f"{key}="]), parse(XOR, Path(), [choice])
    assert unset.resolved() == never.resolved()


@pytest.mark.parametrize(
    ("text", "idle", "message"),
    [
        ('[starts]\nkind = "zero"', "starts.scale=3", "starts.scale: changes nothing, as these starts have no scale"),
        ('[starts]\nkind = "zero"', "starts.seed=3", "starts.seed: changes nothing, as nothing is drawn"),
        ("[network]\nbias = false", "starts.biases=false", "starts.biases: changes nothing, as no bias is drawn"),
        ("[network]\nhidden = []", "network.activation=tanh", "network.activation: changes nothing, as there are no"),
        ('[[axes]]\nkey = "training.stepper"\nvalues = ["gd", "sign"]', "training.beta1=0", "training.beta1: changes"),
    ],
)
def test_a_key_that_is_set_changes_something(text, idle, message):
    told = faults(XOR + text, idle)
    assert told.startswith(message)
    assert told.endswith("; leave it out")


LEFT_IDLE = {
    ("training.optimizer", '"gd", "momentum"', '"adam"'): ("training.beta2 = 0.5", 'it belongs to optimizer = "adam"'),
    ("training.schedule", '"constant", "cosine"', '"exponential"'): ("training.schedule_decay = 0.5", "it belongs to"),
    ("problem.name", '"and", "or"', '"parity"'): ("problem.bits = 3", 'it belongs to name = "parity"'),
    ("starts.kind", '"zero", "constant"', '"ray"'): (f"starts.direction = {[1] * 9}", 'it belongs to kind = "ray"'),
    ("starts.kind", '"zero"', '"normal"'): ("starts.scale = 3", "these starts have no scale"),
    ("network.bias", "false", "true"): ("starts.biases = false", "no bias is drawn"),
    ("network.hidden", "[]", "[2]"): ('network.activation = "tanh"', "there are no hidden units"),
}
"""An axis: its key, values that leave a key idle, a value that uses it; and that key, with the reason."""


@pytest.mark.parametrize(("axis", "idle"), LEFT_IDLE.items(), ids=str)
def test_a_key_that_no_value_of_an_axis_uses_is_refused(axis, idle):
    """In the file, by --set or by another axis; but not where one value of the axis uses it."""
    (choice, unused, used), (said, reason) = axis, idle
    key, _, value = said.partition(" = ")
    text = f'{{}}[[axes]]\nkey = "{choice}"\nvalues = [{{}}]\n'
    base = XOR.replace('name = "xor"', "") if choice == "problem.name" else XOR
    table = f"{base}[{key.split('.')[0]}]\n" if "problem" not in key else base
    written = table + said.split(".", 1)[1] + "\n"
    message = re.escape(f"{key}: changes nothing, as {reason}") + ".*; leave it out"
    assert re.fullmatch(message, faults(text.format(written, unused)))
    assert re.fullmatch(message, faults(text.format(base, unused), f"{key}={value}"))
    another = f'[[axes]]\nkey = "{key}"\nvalues = [{value}]\n'
    as_axis = re.escape(f"axes: {key} changes nothing, as {reason}") + ".*; remove this axis"
    assert re.fullmatch(as_axis, faults(text.format(base, unused) + another))
    for everywhere in (text.format(written, f"{unused}, {used}"), text.format(base, f"{unused}, {used}") + another):
        assert parse(everywhere, Path()).axes[0].key == choice
    begun = parse(text.format(written, unused), Path(), begun=True)
    assert begun.axes[0].key == choice, "runs that an earlier version began go on"


@pytest.mark.parametrize(
    ("section", "said", "reason"),
    [
        ('starts]\nkind = "zero"', "scale = 3", "these starts have no scale"),
        ('starts]\nkind = "zero"', "seed = 3", "nothing is drawn"),
        ("network]\nhidden = []", 'activation = "tanh"', "there are no hidden units"),
        ('starts]\nkind = "slice"', "count = 3", "each point of a slice is one start"),
    ],
)
def test_a_key_of_the_file_that_changes_nothing_is_refused_unless_it_is_the_default(section, said, reason):
    text, key = f"{XOR}[{section}\n", f"{section.partition(']')[0]}.{said.split()[0]}"
    if "slice" in section:
        text += "base = [1,1,1,1,1,1,1,1,1]\nx = {index=0,from=0,to=1,n=2}\ny = {index=1,from=0,to=1,n=2}\n"
    assert faults(f"{text}{said}") == f"{key}: changes nothing, as {reason}; leave it out"
    default = parse(text, Path()).resolved()[key.split(".")[0]][key.split(".")[1]]
    written = f"{text}{said.split()[0]} = {json.dumps(default)}"
    assert parse(written, Path()).resolved() == parse(text, Path()).resolved()


def test_a_measure_of_hidden_layers_needs_one_at_some_point():
    text = XOR + '[record]\nfields = ["cosine"]\n[[axes]]\nkey = "network.hidden"\nvalues = [{}]'
    assert faults(text.format("[]")).startswith('record.fields: "cosine" needs a hidden layer; leave it out')
    assert parse(text.format("[], [2]"), Path()).shape == (2,)


def test_an_element_that_is_an_axis_is_not_advised_to_be_unset():
    axis = '[[axes]]\nkey = "training.layer_rates.0"\nvalues = [1, 2]\n'
    told = faults(XOR + axis, "training.stepper=flow")
    assert re.fullmatch("training.layer_rates: does not go with .*; leave it out", told)


def test_a_key_that_is_set_may_be_used_at_one_point_alone():
    axis = '[[axes]]\nkey = "training.optimizer"\nvalues = ["gd", "adam"]\n'
    axis += '[[axes]]\nkey = "starts.kind"\nvalues = ["zero", "normal"]\n'
    spec = parse(XOR + axis, Path(), ["training.beta2=0.5", "starts.scale=2"]).structures[-1]
    assert (spec.training.optimizer, spec.training.beta2, spec.starts.scale) == ("adam", 0.5, 2)


def test_an_override_without_a_value_unsets_a_key():
    text = XOR + "[training]\nsteps = 7\n[network]\nhidden = [3, 4]\n"
    assert parse(text, Path(), ["training.steps=", "network.hidden="]).resolved() == parse(XOR, Path()).resolved()
    assert parse(text, Path(), ["training.steps=9", "training.steps="]).spec.steps == parse(XOR, Path()).spec.steps
    assert "problem.name: is missing" in faults(XOR, "problem.name=")
    assert "network.hidden.0: must be set to a TOML value" in faults(text, "network.hidden.0=")


def test_all_faults_at_once():
    text = (
        '[problem]\nname = "xorr"\n[training]\nlearning_rate = 0\nsteps = 1.5\n[strats]\n'
        + AXIS
        + "values = [-1]"
    )
    paths = [line.split(":")[0] for line in faults(text).splitlines()]
    assert paths == [
        "axes[0].values[0]",
        "problem.name",
        "training.learning_rate",
        "training.steps",
        "strats",
    ]


def test_faults_of_axes_overrides_keys_and_combinations_come_at_once():
    text = (
        '[problem]\nname = "xor"\n[training]\nsteps = 0\nloss = "bce"\n[network]\nhidden = []\n'
        '[starts]\nkind = "slice"\nx = {index=0,from=0,to=1,n=0}\ny = {index=1,from=0,to=1,n=2}\n'
    )
    for key, values in (
        ("problem.coding", '["01", "pm1"]'),
        ("network.output", '["logistic", "tanh"]'),
        ("network.activation", '["relu", "tanh"]'),
        ("starts.scale", "[1, -1]"),
        ("starts.seed", "[1, 2]"),
    ):
        text += f'[[axes]]\nkey = "{key}"\nvalues = {values}\n'
    assert faults(text, "stop.solved=-1", "title").splitlines() == [
        "axes[3].values[1]: must be at least 0.0; got -1",
        "title: must be KEY=VALUE, for example training.learning_rate=0.1",
        "starts.x.n: must be at least 1; got 0",
        "training.steps: must be at least 1; got 0",
        "stop.solved: must be at least 0.0; got -1",
        "starts.base: is missing; kind = \"slice\" needs it",
        "axes: starts.seed changes nothing, as nothing is drawn; remove this axis",
        "axes: network.activation changes nothing, as there are no hidden units; remove this axis",
        'training.loss: "bce" needs output = "logistic"; got \'tanh\' (where network.output = "tanh")',
        'training.loss: "bce" needs targets from 0 to 1; got -1; use "mse" (where problem.coding = "pm1")',
    ]


def test_a_fault_of_many_combinations_is_told_once():
    text = XOR + SLICE + "x = {index=0,from=0,to=1,n=2}\ny = {index=1,from=0,to=1,n=2}\n"
    axes = '[[axes]]\nkey = "network.hidden"\nvalues = [[2], [3], [4]]\n[[axes]]\nkey = "network.bias"\nvalues = '
    assert faults(f"{text}{axes}[true, false]").splitlines() == [
        "starts.base: must have 6 values, one for each parameter of the network; got 9 "
        "(where network.hidden = [2], network.bias = false)"
    ]


def test_an_axis_that_only_some_points_heed_is_no_fault():
    text = f'{XOR}{AXIS}values = [1, 2]\n[[axes]]\nkey = "starts.kind"\nvalues = ["zero", "normal"]'
    assert parse(text, Path()).shape == (2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ]", "TOML: must be valid TOML; .*line 1, column 5"),
        ("schema = 2\n" + XOR, "schema: must be 1; got 2"),
        ("", "problem.name: is missing; give a name"),
        ("problem = 3", r"problem: must be a table; write \[problem\]; got 3"),
        (XOR + 'file = "a.csv"', "problem.file: cannot be combined with problem.name"),
        (XOR + "bits = 3", 'problem.bits: belongs to name = "parity"'),
        ('[problem]\nname = "parity"', "problem.bits: is missing"),
        ('[problem]\nname = "random"\ninputs = 2\noutputs = 1', 'problem.samples: is missing; name = "random"'),
        (XOR + "seed = 3", 'problem.seed: belongs to name = "random" .* or "moons" or .*; leave it'),
        ('[problem]\nname = "linear"\nhidden = 3', 'problem.hidden: belongs to name = "teacher"; leave it out'),
        ('[problem]\nname = "teacher"\nhidden = 3\ncoding = "pm1"', "coding: belongs to the logic problems"),
        ('[problem]\nname = "encoder"\nsize = 4\ncoding = "pm1"', "problem.coding: belongs to the logic problems"),
        (MOONS + "turns = 2", 'problem.turns: belongs to name = "spirals"; leave it out'),
        (MOONS + "target_scale = 2", 'problem.target_scale: belongs to name = "random" or "linear" or "teacher" or "sine"'),  # noqa: E501
        (MOONS + "balance = 1", "problem.balance: must be less than 1.0; got 1"),
        (MOONS + "noise = -1", "problem.noise: must be at least 0.0; got -1"),
        (MOONS + "balance = 0.01", "problem.balance: must leave a sample for each class; got 9 samples of 2 classes and"),  # noqa: E501
        ('[problem]\nname = "blobs"\nsamples = 2', "problem.samples: must leave a sample for each class; got 2 samples of 3"),  # noqa: E501
        ('[problem]\nname = "blobs"\nclasses = 2', 'problem.samples: is missing; name = "blobs" needs it'),
        ('[problem]\nname = "sine"\nsamples = 9\ncoding = "pm1"', "problem.coding: belongs to the logic problems and to moons"),  # noqa: E501
        (MOONS + 'input_coding = "pm1"', 'problem.input_coding: belongs to name = "xor"'),
        (XOR + 'coding = "pm1"\ninput_coding = "pm1"\ntarget_coding = "01"', "problem.coding: changes nothing, as input_coding and"),  # noqa: E501
        (XOR + 'input_coding = "pm1"\nstandardize = true', "problem.input_coding: changes nothing, as inputs are standardized"),  # noqa: E501
        (MOONS + "input_scale = 2\nstandardize = true", "problem.input_scale: changes nothing, as inputs are standardized"),  # noqa: E501
        (MOONS + "test_fraction = 1", "problem.test_fraction: must be less than 1.0; got 1"),
        (MOONS + "test_fraction = 0.01", "problem.test_fraction: must leave a test sample; got 0.01 of 9 samples"),
        (MOONS + "test_fraction = 0.99", "problem.test_fraction: must leave a training sample; got 0.99 of 9 samples"),
        (MOONS + "test_seed = 1", "problem.test_seed: belongs to problem.test_fraction; leave it out"),
        (MOONS + 'test_file = "a.csv"', "problem.test_file: belongs to problem.file; leave it out; to hold out"),
        ('[problem]\nfile = "a.csv"\ntest_file = "a.csv"', "problem.test_file: must be another file than problem.file"),
        ('[problem]\nfile = "a.csv"\ntest_file = "b.csv"\ntest_fraction = 0.5', "problem.test_file: cannot be combined with"),  # noqa: E501
        ('[problem]\nname = "make_moons"', "problem.name: must be .*; got 'make_moons'; did you mean 'moons'?"),
        ('[problem]\nfile = "none.csv"', "problem.file: cannot read .*No such file"),
        (XOR + "[network]\nactivaton = 1", "network.activaton: is not a key; did you mean 'activation'?"),
        (XOR + "[network]\nhidden = [257]", r"network.hidden\[0\]: must be at most 256; got 257"),
        (XOR + f"[network]\nhidden = {[1] * 9}", "network.hidden: must have at most 8 values"),
        (XOR + "[network]\nbias = 1", "network.bias: must be true or false; got 1"),
        (XOR + "[starts]\nscale = inf", "starts.scale: must be a finite number; got inf"),
        (XOR + "[starts]\nscale = -1", "starts.scale: must be at least 0.0; got -1"),
        (XOR + "[starts]\ncount = 1_000_000_001", "starts.count: must be at most 1000000000"),
        (XOR + "[starts]\nseed = -1", "starts.seed: must be at least 0; got -1"),
        (XOR + "[training]\nmomentum = 1.5", "training.momentum: must be at most 1.0; got 1.5"),
        (XOR + "[starts]\nlayer_scales = [1]", "starts.layer_scales: must have 2 values, one for each layer of weights; got 1"),  # noqa: E501
        (XOR + "[starts]\nlayer_scales = [1, -1]", r"starts.layer_scales\[1\]: must be at least 0.0; got -1"),
        (XOR + "[starts]\nbias_constant = [1]", "starts.bias_constant: must have 2 values, one for each layer of weights; got 1"),  # noqa: E501
        (XOR + '[starts]\nbias_constant = "1"', "starts.bias_constant: must be a finite number, or a list of them; got '1'"),  # noqa: E501
        (XOR + "[starts]\nbias_constant = [1, 1e301]", r"starts.bias_constant: must be at most 1e\+300 in size"),
        (XOR + "[starts]\nbias_constant = 1e301", r"starts.bias_constant: must be at most 1e\+300 in size"),
        (XOR + "[starts]\nbias_constant = 1\nbias_scale = 2", "starts.bias_scale: changes nothing, as no bias is drawn"),  # noqa: E501
        (XOR + "[starts]\nbias_constant = 1\nbiases = false", "starts.bias_constant: changes nothing, as biases = false sets"),  # noqa: E501
        (XOR + "[starts]\nbias_scale = 1\n[network]\nbias = false", "starts.bias_scale: changes nothing, as no bias is"),  # noqa: E501
        (XOR + "[starts]\nbias_constant = 1\n[network]\nbias = false", "starts.bias_constant: changes nothing, as no bias"),  # noqa: E501
        (XOR + '[starts]\nkind = "zero"\ncentre = 1', "starts.centre: changes nothing, as these starts have no scale"),
        (XOR + '[starts]\nkind = "zero"\nlayer_scales = [1, 2]', "starts.layer_scales: changes nothing, as these starts"),  # noqa: E501
        (XOR + '[[axes]]\nkey = "starts.bias_constant"\nvalues = [[0, 1]]', r"axes\[0\].values\[0\]: must be a number"),
        (XOR + '[[axes]]\nkey = "starts.bias_constant.1"\nvalues = [0, 1]', "must be an element of starts.bias_constant"),  # noqa: E501
        (XOR + '[training]\noptimizer = "gd"\nmomentum = 0.5', 'training.momentum: belongs to optimizer = "momentum"'),
        (XOR + '[training]\nstepper = "rprop"\nweight_decay = 1', 'training.weight_decay: belongs to optimizer = "gd"'),
        (XOR + '[training]\nstepper = "rprop"\nstep_max = 1e-9', "training.step_min: must be at most step_max = 1e-09"),
        (XOR + "[training]\nschedule_decay = 0.5", 'training.schedule_decay: belongs to schedule = "exponential"'),
        (XOR + '[training]\nschedule = "exponential"\nschedule_decay = 1.5', "must be greater than 0 and at most 1 with .*; got 1.5"),  # noqa: E501
        (XOR + '[training]\nschedule = "step"', "schedule_steps: is missing; .*, for example schedule_steps = 100"),
        (XOR + '[training]\nschedule = "step"\nschedule_steps = 9\nschedule_decay = 0', "greater than 0 and at most 1"),
        (XOR + '[training]\nreduction = "samples"', "training.reduction: must be 'sum' or 'mean'; got 'samples'"),
        (XOR + "[training]\nepochs = 5\nsteps = 20", "training.epochs: cannot be combined with steps; got both"),
        (XOR + "[training]\nbatch = 0", 'batch: must be "full", "online", "shuffled", "sampled", a number .*; got 0'),
        (XOR + '[starts]\ndirection = []', "starts.direction: must have at least 1 value; got 0"),
        (XOR + "[starts]\nx = {index = 1, to = 2, n = 3}", "starts.x.from: is missing; add from = ..."),
        (XOR + "[training]\nbatch = 5", 'training.batch: must be at most 4, the number.*; got 5; or write "full"'),
        (XOR + "[training]\nbatch = 3\nsteps = 7", "must be a multiple of 2, the steps of an epoch; got 7; or write epochs = 4"),  # noqa: E501
        (XOR + '[training]\nbatch = "online"\n[stop]\ngradient = 1e-9', 'stop.gradient: needs batch = "full"'),
        (XOR + '[training]\nlayer_rates = [1]', "training.layer_rates: must have 2 values, one for each layer of weights; got 1"),  # noqa: E501
        (XOR + '[training]\nloss = "bce"\n[network]\noutput = "tanh"', 'training.loss: "bce" needs output'),
        (XOR + '[network]\nactivation = "tan"', "activation: must be 'logistic', .*; did you mean 'tanh'?"),
        (XOR + '[network]\nactivation = ["tanh", 3]', "network.activation: must be 'logistic', .*got .'tanh', 3."),
        (XOR + '[network]\nhidden = [2, 2]\nactivation = ["tanh"]', "network.activation: must have 2 names.*; got 1"),
        (XOR + '[training]\nloss = "bce_logits"', '"bce_logits" needs output = "linear"; got .logistic'),
        (XOR + '[network]\noutput = "linear"\n[training]\nloss = "softmax_ce"', "add up to 1 in .*; got 0 in sample 0"),
        (XOR + 'coding = "pm1"\n[training]\nloss = "bce"', 'training.loss: "bce" needs targets from 0 to 1; got -1'),
        (XOR + "[training]\nrtol = 0.01", 'training.rtol: belongs to optimizer = "flow"'),
        (XOR + FLOW + "learning_rate = 1", 'training.learning_rate: does not go with optimizer = "flow"'),
        (XOR + FLOW + "epochs = 5", 'training.epochs: does not go with optimizer = "flow"'),
        (XOR + FLOW + 'batch = "online"', 'training.batch: does not go with optimizer = "flow"'),
        (XOR + FLOW + 'schedule = "cosine"', 'training.schedule: does not go with optimizer = "flow"'),
        (XOR + FLOW + "layer_rates = [1, 2]", 'training.layer_rates: does not go with optimizer = "flow"'),
        (XOR + FLOW + "noise = 0.1", 'training.noise: belongs to optimizer = "gd"'),
        (XOR + FLOW + "rtol = 1e-14", "training.rtol: must be at least 1e-13; got 1e-14"),
        (XOR + FLOW + "time = 0", "training.time: must be greater than 0.0; got 0"),
        (XOR + FLOW + '[network]\ndtype = "float32"', 'network.dtype: must be "float64" with optimizer = "flow"'),
        (XOR + FLOW + "[record]\nsteps = [5]", 'record.steps: does not go with optimizer = "flow"'),
        (XOR + FLOW + "[record]\ntimes = [2, 2]", "record.times: must be increasing"),
        (XOR + FLOW + "[record]\ntimes = [1, 2000]", "record.times: must end by the last time, 1000.0; got 2000.0"),
        (XOR + FLOW + '[record]\ntimes = "every:2"', 'record.times: must be "log:N", "linear:N" or a list of times'),
        (XOR + "[record]\ntimes = [1]", 'record.times: belongs to .*; leave it out and write record.steps'),
        (XOR + '[[axes]]\nkey = "training.optimizer"\nvalues = ["gd", "flow"]', "cannot be an axis with optimizer"),
        (XOR + FLOW + '[[axes]]\nkey = "training.learning_rate"\nvalues = [1, 2]', "axes: training.learning_rate changes nothing, .*; remove this axis"),  # noqa: E501
        (XOR + '[record]\nsteps = "log:0"', 'record.steps: must be "log:N", "every:N" or a list'),
        (XOR + "[record]\nsteps = [1, 5, 2]", "record.steps: must be increasing; got 2 after 5"),
        (XOR + "[record]\nsteps = [20001]", "record.steps: must end by the last step, 20000; got 20001"),
        (XOR + '[record]\nfields = ["los"]', r"record.fields\[0\]: must be .*; did you mean 'loss'?"),
        (XOR + "[record]\nruns = -1", 'record.runs: must be "all", a number of runs'),
        (XOR + '[starts]\nfile = "a.npy"', 'starts.file: belongs to kind = "file"'),
        (XOR + '[starts]\nkind = "file"', 'starts.file: is missing; kind = "file" needs it'),
        (XOR + '[starts]\nkind = "ray"\ndirection = [1]', "starts.direction: must have 9 values.*; got 1"),
        (XOR + SLICE + "x = {index=9,from=0,to=1,n=2}\ny = {index=0,from=0,to=1,n=2}", "starts.x.index: must be less than 9"),  # noqa: E501
        (XOR + SLICE + "x = {index=1,from=0,to=1,n=2}\ny = {index=1,from=0,to=1,n=2}", "starts.y.index: must differ"),
        (XOR + SLICE + "x = {index=1,frm=0,to=1,n=2}", "starts.x.frm: is not a key; did you mean 'from'?"),
        (XOR + '[axes]\nkey = "starts.scale"', r"axes: must be tables; write \[\[axes\]\]"),
        (XOR + '[[axes]]\nkey = "starts.scal"\nvalues = [1]', r"axes\[0\].key: .*did you mean 'starts.scale'?"),
        (XOR + "[[axes]]\nkey = [1]\nvalues = [1]", r"axes\[0\].key: must be a key of the spec; got \[1\]"),
        (XOR + '[[axes]]\nkey = "record.runs"\nvalues = [1]', r"axes\[0\].key: cannot be an axis"),
        (XOR + "[[axes]]\nvalues = [1]", r"axes\[0\].key: is missing; add the key that varies"),
        (XOR + '[training]\nsteps = "50"', "training.steps: must be an integer; got '50'; remove the quotes"),
        (XOR + '[training]\nsteps = "many"', "training.steps: must be an integer; got 'many'$"),
        (XOR + AXIS, r"axes\[0\]: must have one of values, linspace, logspace, random, sobol; got 0"),
        (XOR + AXIS + "values = [1]\nlinspace = [0, 1, 2]", r"axes\[0\]: must have one of .*; got 2"),
        (XOR + AXIS + "values = []", r"axes\[0\].values: must be a list of 1 to"),
        (XOR + AXIS + "linspace = [0, 1]", r"axes\[0\].linspace: must be \[from, to, n\]"),
        (XOR + AXIS + "logspace = [0, 1, 3]", r"axes\[0\].logspace: must run between numbers greater than 0"),
        (XOR + AXIS + "values = [0, 1, 1]", r"axes\[0\].values: must differ from each other; got 1.0 twice"),
        (XOR + AXIS + "linspace = [1, 1, 3]", r"axes\[0\].linspace: must differ from each other; got 1.0 twice"),
        (XOR + KIND + '["normal", "slice"]', 'starts.kind: cannot be an axis with kind = "slice", which shapes'),
        (XOR + KIND + '["file"]', 'starts.kind: cannot be an axis with kind = "file", which shapes'),
        (XOR + '[starts]\nkind = "slice"\n' + KIND + '["normal"]', 'starts.kind: cannot be an axis with kind = "slice"'),  # noqa: E501
        (XOR + '[starts]\nkind = "zero"\n' + AXIS + "values = [1, 2]", "axes: starts.scale changes nothing"),
        (XOR + "[network]\nbias = false\n" + BIASES, "axes: starts.biases changes nothing, as no bias is drawn"),
        ('title = "a\\u0000b"\n' + XOR, "title: must be one line of at most 1000 characters"),
        (XOR + '[record]\nfields = ["loss", "loss"]', "record.fields: must differ from each other; got loss, loss"),
        (XOR + '[network]\nhidden = []\n[record]\nfields = ["cosine"]', 'record.fields: "cosine" needs a hidden layer'),
        (XOR + "[record]\ntolerance = 0.1", 'record.tolerance: belongs to fields with "effective_width_tol"'),
        (XOR + "[record]\nruns = { per_outcome = 0 }", r"record.runs: must be .* per_outcome = N"),
        (XOR + "[record]\nkeep_bits = 53", "record.keep_bits: must be at most 52; got 53"),
        (XOR + "[training]\nsteps = 1_000_000_000\n[record]\nsteps = \"every:9\"", "record.steps: must be at most 10000000 records; got 111111111"),  # noqa: E501
        (XOR + '[record]\nsteps = "log:999999999"', "record.steps: must be at most 10000000 records"),
        (XOR + SLICE + "x = {index=0,from=1,to=1,n=2}\ny = {index=1,from=0,to=1,n=2}", "starts.x.to: must differ from 'from'"),  # noqa: E501
        (XOR + SLICE + "x = {index=0,from=1,to=1,n=1}\ny = {index=1,from=0,to=1,n=1}", "starts.y.to: must be from = 0 where n = 1"),  # noqa: E501
        (XOR + SLICE + "x = {index=0,from=-1e308,to=1e308,n=2}", r"starts.x: must be at most 1e\+300 in size"),
        (XOR + "[starts]\nscale = 1e301", r"starts.scale: must be at most 1e\+300 in size with dtype"),
        (XOR + SINGLE + AXIS + "values = [1, 1e31]", r'starts.scale: must be at most 1e\+30 in size with dtype = "float32"'),  # noqa: E501
        (XOR + SINGLE + "[training]\nlearning_rate = 1e-31", "training.learning_rate: must be 0 or at least 1e-30 with"),  # noqa: E501
        (XOR + SINGLE + f'[starts]\nkind = "ray"\ndirection = {[1e31] * 9}', r"starts.direction: must be at most 1e\+30"),  # noqa: E501
        (XOR + (AXIS + "values = [1]\n") * 2, r"axes\[1\].key: must differ from the other axes"),
    ],
)  # fmt: skip
def test_message(text, message):
    assert re.search(message, faults(text))


def test_override_messages():
    assert "training.rate: is not a key" in faults(XOR, "training.rate=1")
    assert "steps: must be KEY=VALUE" in faults(XOR, "steps")
    assert "starts.scale: is an axis of this sweep" in faults(XOR + AXIS + "values = [1]", "starts.scale=2")
    assert "title: must be set to a TOML value or a bare word" in faults(XOR, "title=a b")


@pytest.mark.parametrize(
    ("override", "table"),
    [
        ("axes.starts.scale=0,0.1,1", "values = [0, 0.1, 1]"),
        ("axes.starts.scale=[0, 0.1, 1]", "values = [0, 0.1, 1]"),
        ("axes.starts.scale = log:1e-3:1:25", "logspace = [1e-3, 1, 25]"),
        ("axes.starts.scale=lin:0:1:5", "linspace = [0, 1, 5]"),
    ],
)
def test_an_override_adds_or_changes_an_axis(override, table):
    expected = parse(XOR + AXIS + table, Path()).resolved()
    assert parse(XOR, Path(), [override]).resolved() == expected
    assert parse(XOR + AXIS + "sobol = { from = 1, to = 2, n = 9 }", Path(), [override]).resolved() == expected


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("training.optimizer", "gd,adam", ("gd", "adam")),
        ("training.batch", "online, 2", ("online", 2)),
        ("network.hidden", "[2],[3,3]", ((2,), (3, 3))),
        ("network.hidden", "[[2]]", ((2,),)),
        ("network.bias", "true,false", (True, False)),
        ("training.layer_rates.0", "0.5,2", (0.5, 2)),
    ],
)
def test_values_of_an_axis_are_toml_or_bare_words(key, values, expected):
    (axis,) = parse(XOR, Path(), [f"axes.{key}={values}"]).axes
    assert (axis.key, tuple(tuple(v) if isinstance(v, list) else v for v in axis.values)) == (key, expected)


def test_an_axis_that_is_changed_keeps_its_place_and_its_zip():
    zipped = XOR + AXIS + 'values = [1, 2]\nzip = "a"\n' + '[[axes]]\nkey = "starts.seed"\nvalues = [3, 4]\nzip = "a"'
    sweep = parse(zipped, Path(), ["axes.starts.scale=5,6"])
    assert [(axis.key, axis.values, axis.zip) for axis in sweep.axes] == [
        ("starts.scale", (5, 6), "a"),
        ("starts.seed", (3, 4), "a"),
    ]


@pytest.mark.parametrize("override", ["starts.scale=", "axes.starts.scale="])
def test_an_override_without_a_value_removes_an_axis(override):
    sweep = parse(XOR + AXIS + "values = [0, 1]", Path(), [override, "starts.scale=3"])
    assert (sweep.axes, sweep.spec.starts.scale) == ((), 3)


def test_messages_of_axes_that_overrides_set():
    assert "axes.starts.scale.values: must differ from each other; got 1" in faults(XOR, "axes.starts.scale=1,1")
    assert "axes.starts.scale.values[1]: must be a number" in faults(
        XOR + AXIS + "values = [0]", "axes.starts.scale=1,a"
    )
    assert "axes.starts.scale.linspace: must be [from, to, n]" in faults(XOR, "axes.starts.scale=lin:0:1:x")
    for text in ("(1 2)", "log:1:2", "lin:0:1:2:3"):
        assert "must be set to values, such as 0,0.1,1 or log" in faults(XOR, f"axes.starts.scale={text}")
    assert "axes.starts.seed: must be an axis of this sweep, to be removed" in faults(XOR, "axes.starts.seed=")
    assert "got 'starts.scal'; did you mean 'starts.scale'?" in faults(XOR, "axes.starts.scal=1")
    assert "change it with --axis starts.scale=VALUES" in faults(XOR + AXIS + "values = [1]", "starts.scale=2")


def test_starts_file_messages(tmp_path):
    np.save(tmp_path / "short.npy", np.ones((2, 8)))
    np.save(tmp_path / "nan.npy", np.full((2, 9), np.nan))
    np.save(tmp_path / "two.npy", np.ones((2, 9)))
    (tmp_path / "no.npy").write_text("no")
    start = XOR + '[starts]\nkind = "file"\nfile = '
    assert "must have shape (count, 9); got (2, 8)" in faults(start + '"short.npy"', folder=tmp_path)
    assert "must be finite; start 0 is not" in faults(start + '"nan.npy"', folder=tmp_path)
    assert "is not an NPY file" in faults(start + '"no.npy"', folder=tmp_path)
    assert "must end in .npy" in faults(start + '"a.txt"', folder=tmp_path)
    assert "cannot read" in faults(start + '"gone.npy"', folder=tmp_path)
    told = faults(start + '"two.npy"\ncount = 3', folder=tmp_path)
    assert "starts.count: must equal the number of rows in the file, 2; got 3" in told


def test_data_files_are_read_once_and_told_by_their_content(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "s.npy")]
    for path in paths[:2]:
        path.write_text("x1,t1\n0,0\n1,1\n")
    np.save(paths[2], np.ones((3, 4)))
    text = '[network]\nhidden = [1]\n[starts]\nkind = "file"\nfile = "s.npy"\n'
    for key, values in (("problem.file", '["a.csv", "b.csv"]'), ("training.steps", "[1, 2]")):
        text += f'[[axes]]\nkey = "{key}"\nvalues = {values}\n'
    read = []
    monkeypatch.setattr(Path, "read_bytes", lambda path, real=Path.read_bytes: read.append(path) or real(path))
    sweep = parse(text, tmp_path)
    assert sorted(read) == paths
    assert sweep.data == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert "data" not in parse(XOR, Path()).resolved()
    for path in paths:
        before = path.read_bytes()
        path.write_bytes(before.replace(b"1,1", b"1,0") if path.suffix == ".csv" else before[:-1] + b"\x40")
        assert Plan(parse(text, tmp_path)).digest != Plan(sweep).digest
        path.write_bytes(before)
    assert Plan(parse(text, tmp_path)).digest == Plan(sweep).digest


def test_a_misspelt_file_is_suggested(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text("")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/a.v2.toml").write_text("")
    for wrong, meant in {
        **dict.fromkeys(("mine", "mine.tml", "mnie.toml", "mnie"), "mine.toml"),
        **dict.fromkeys(("runs/a.v2", "runs/a.v3.toml"), "runs/a.v2.toml"),
        "xro": "xor",
    }.items():
        with pytest.raises(SpecError, match=f"; did you mean '{re.escape(meant)}'\\?$"):
            load(wrong)
    with pytest.raises(SpecError, match=r"No such file or directory$"):
        load("yours.toml")


def test_source_messages(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b"\xe9")
    (tmp_path / "big.toml").write_bytes(b"#" * (2**20 + 1))
    for source, message in [("xorr", "did you mean 'xor'?"), (tmp_path / "no.toml", "No such file"),
                            (tmp_path / "latin.toml", "must be UTF-8"), (tmp_path / "big.toml", "at most 1048576")]:  # fmt: skip  # noqa: E501
        with pytest.raises(SpecError, match=re.escape(message)):
            load(source)
