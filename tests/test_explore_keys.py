"""The keys that the explorer changes: fields made from the words of the spec, and what a change does to the plane."""

from pathlib import Path

import numpy as np
import pytest
from spec_cases import TINY
from test_explore_lattice import SLICE, SPECS, check_window
from test_explore_session import VIEW, begin, is_done, page  # noqa: F401

from saddlescape.errors import RefusedError, SpecError
from saddlescape.explorer.description import describe
from saddlescape.explorer.document import document
from saddlescape.explorer.keys import FIRST, SETTABLE, fields
from saddlescape.explorer.lattice import Window
from saddlescape.explorer.messages import BadMessage, read
from saddlescape.spec import parse
from saddlescape.spec.checks import Idle
from saddlescape.spec.keys import KEYS
from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.losses import LOSSES
from saddlescape.words.optimizers import OPTIMIZERS, owners
from saddlescape.words.problems import PROBLEMS


def opened(text=SPECS["momentum"]):
    return document(parse(text, Path()))


def listed(shown):
    return {field["key"]: field for field in fields(shown.spec)}


def test_fields_are_made_from_the_words_of_the_spec():
    its = listed(opened())
    assert [*its][:7] == [key for key in FIRST if key not in ("training.time", "training.epochs")]
    rate, hidden, batch = (its[key] for key in ("training.learning_rate", "network.hidden", "training.batch"))
    assert (rate["kind"], rate["value"], rate["ends"], rate["range"]) == ("number", 3.0, {"gt": 0}, "> 0")
    assert rate["sentence"] == "r, the step size"
    assert (its["training.momentum"]["ends"], its["training.steps"]["kind"]) == ({"ge": 0, "le": 1}, "integer")
    assert (hidden["kind"], hidden["value"], hidden["ends"]) == ("list", [2], {"ge": 1, "le": 256})
    assert (batch["kind"], [word for word, _ in batch["words"]]) == ("text", ["full", "online"])
    assert (its["network.bias"]["kind"], its["network.bias"]["value"]) == ("check", True)
    for key, words in {
        "training.optimizer": OPTIMIZERS, "training.loss": LOSSES, "network.activation": ACTIVATIONS,
        "network.output": ACTIVATIONS, "problem.name": PROBLEMS,
    }.items():  # fmt: skip
        assert its[key]["kind"] == "choice"
        assert [word for word, _ in its[key]["words"]] == [*words]
    assert dict(its["training.optimizer"]["words"])["gd"] == "theta - r g"
    assert its["training.loss"]["sentence"] == "the loss"
    for field in its.values():
        assert field["sentence"]
        assert not {*"`*[]"} & {*field["sentence"].replace("[]", "")}
    assert not {key for key in KEYS if "file" in key or key.startswith(("starts", "record"))} & {*SETTABLE}
    assert not {"training.noise", "training.dropout"} & {*SETTABLE}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_only_keys_that_the_spec_uses_are_fields(optimizer):
    its = listed(opened().changed({"training.optimizer": optimizer}))
    names = {name for its in OPTIMIZERS.values() for name in its.hyperparameters} - {"noise"}
    assert {name for name in names if f"training.{name}" in its} == {n for n in names if optimizer in owners(n)}


def test_keys_that_nothing_uses_are_no_fields():
    text = SPECS["momentum"]
    given = "base = [0.7, 0.4, -0.9, -0.9, -0.5, 0, -0.3, 0.9, 0]"
    plain = text.replace("hidden = [2]", "hidden = [2]\nbias = false").replace(given, "base = [1, 1, 1, 1, 1, 1]")
    its = listed(opened(plain.replace("index = 8", "index = 0")))
    assert not {"training.bias_rate", "training.decay", "problem.bits", "training.schedule_decay"} & {*its}
    assert "training.decay" in listed(opened(text.replace("momentum = 0.7", "momentum = 0.7\nl1 = 0.1")))
    assert "network.activation" not in listed(opened().changed({"network.hidden": []}))
    flow = listed(opened().changed({"training.optimizer": "flow"}))
    assert not {"training.batch", "training.schedule", "training.warmup", "training.layer_rates"} & {*flow}
    assert {"training.time", "training.rtol", "training.weight_decay"} <= {*flow}
    epochs = listed(opened(text.replace("steps = 120", "epochs = 120")))
    assert ("training.epochs" in epochs, "training.steps" in epochs) == (True, False)


def test_keys_that_are_axes_of_the_map_are_no_fields():
    shown = opened().through("log:training.learning_rate", "training.layer_rates.0", "slice")
    keys = {field["key"] for field in describe(shown)["fields"]}
    assert not {"training.learning_rate", "training.layer_rates"} & keys
    assert "training.momentum" in keys


def faults(key, value):
    try:
        opened().changed({key: value})
    except RefusedError as error:
        return [error]
    except SpecError as error:
        return error.faults
    return ()


def test_every_field_can_be_set_and_none_is_idle():
    for key, field in listed(opened()).items():
        values = [word for word, _ in field["words"]] or [field["value"], 1, 0.5, True, [1, 1], False]
        found = [faults(key, value) for value in values]
        assert () in found, key
        assert not [fault for each in found for fault in each if isinstance(fault, Idle) and fault.path == key]


def test_a_change_and_back_is_the_spec_that_was_opened():
    first = opened()
    adam = first.changed({"training.optimizer": "adam", "training.beta1": 0.5})
    assert adam.changes == {"training.optimizer": "adam", "training.beta1": 0.5}
    assert adam.spec.training.optimizer == "adam"
    back = adam.changed({"training.optimizer": "momentum"})
    assert back.spec.training == first.spec.training
    assert back.spec.training.momentum == 0.7
    assert back.changes == {}
    unset = first.changed({"training.momentum": ""})
    assert (unset.changes, unset.spec.training.momentum) == ({"training.momentum": ""}, 0.9)
    assert unset.changed({"training.momentum": None}).spec.resolved() == first.spec.resolved()


def test_a_word_gets_the_keys_that_it_needs():
    parity = opened().changed({"problem.name": "parity"})
    assert (parity.spec.sizes, parity.changes) == ((3, 2, 1), {"problem.name": "parity", "problem.bits": 3})
    assert opened().changed({"problem.name": "teacher"}).spec.sizes == (2, 2, 1)
    assert opened().changed({"training.schedule": "step"}).spec.training.schedule_steps == 100


@pytest.mark.parametrize(
    ("values", "line"),
    [({"training.l1": -1}, "training.l1: must be at least 0"),
     ({"training.beta1": 0.5}, 'training.beta1: belongs to optimizer = "adam"'),
     ({"training.loss": "bce_logits"}, 'training.loss: "bce_logits" needs output = "linear"'),
     ({"training.optimizer": "adamm"}, "did you mean 'adam'"),
     ({"network.hidden": [2, 0]}, "network.hidden[1]: must be at least 1"),
     ({"training.layer_rates": [1, 2, 3]}, "training.layer_rates: must have 2 values"),
     ({"training.batch": "shuffled"}, "depends on more than its start"),
     ({"problem.name": "xor", "network.hidden": [], "network.bias": False, "problem.bits": 1}, "problem.bits"),
     ({"problem.file": "other.csv"}, "problem.file: cannot be changed on the page"),
     ({"title": "mine"}, "title: cannot be changed"), ({"training.noise": 0.1}, "training.noise: cannot be changed")],
    ids=str,
)  # fmt: skip
def test_a_fault_is_that_of_a_run_and_changes_nothing(begin, page, values, line):  # noqa: F811
    session = begin()
    session.receive({"type": "keys", "values": values})
    ((fault, _),) = page.heard
    assert fault["type"] == "fault"
    assert line in fault["message"]
    session.greet()
    ((spec, _),) = page.of("spec")
    assert (spec["generation"], spec["changes"]) == (0, {})


@pytest.mark.parametrize(
    "values",
    [[], {"training.momentum": float("nan")}, {"training.momentum": 1e301}, {"training.momentum": 10**400},
     {"training.optimizer": "a" * 41}, {"k" * 41: 1}, {"network.hidden": [1] * 33}, {"network.hidden": [[1]]},
     {"network.hidden": {"a": 1}}, {str(k): 1 for k in range(65)}],
    ids=lambda values: repr(values)[:30],
)  # fmt: skip
def test_values_are_bounded(values):
    with pytest.raises(BadMessage, match="values"):
        read({"type": "keys", "values": values})


def test_another_network_keeps_what_it_can_of_the_plane():
    first = opened()
    wide = first.changed({"network.hidden": [3]})
    spec = describe(wide)
    assert [spec["parameters"][spec["axes"][name]] for name in "xy"] == ["b2[0]", "b1[1]"]
    assert (spec["ends"], spec["skew"], spec["point"]) == (first.ends, first.plane.skew, 0)
    assert "do not fit this network" in spec["note"]
    base = [value for index, value in enumerate(wide.plane.base) if index not in spec["axes"].values()]
    assert len({*base}) == len(base) == 11
    assert wide.points == ["zero", "solution"]
    again = wide.changed({"training.learning_rate": 1.0})
    assert (again.plane, again.point, again.fits) == (wide.plane, 0, False)
    zero = wide.through(0, 1, "zero").changed({"network.hidden": [4]})
    assert (zero.point, {*zero.plane.base}) == ("zero", {0.0})
    back = wide.changed({"network.hidden": None})
    assert (back.plane, back.point, back.changes, describe(back)["note"]) == (first.plane, "slice", {}, "")
    flat = describe(first.changed({"network.hidden": []}))
    assert [flat["parameters"][flat["axes"][name]] for name in "xy"] == ["w1[0,0]", "w1[0,1]"]
    drawn = opened(TINY).changed({"network.hidden": [3]})
    assert (drawn.point, drawn.fits, describe(drawn)["note"]) == (0, True, "")
    with pytest.raises(RefusedError, match="at least two parameters"):
        opened(TINY.replace('name = "xor"', 'name = "sine"\nsamples = 9')).changed(
            {"network.hidden": [], "network.bias": False}
        )


WIDE = {"network.hidden": [3]}
CHANGES = [
    {"network.hidden": [3, 2], "network.activation": "tanh"}, {"training.optimizer": "adam", "training.beta1": 0.5},
    {"network.dtype": "float32", "network.bias": False}, {"problem.name": "moons", "problem.samples": 6},
    {"training.batch": "online", "training.steps": 8}, {"training.layer_rates": [1, 0.5], "training.clip": 0.1},
]  # fmt: skip


@pytest.mark.parametrize("values", [WIDE, *(pytest.param(each, marks=pytest.mark.slow) for each in CHANGES)], ids=str)
def test_an_exported_window_of_a_changed_spec_has_the_runs_of_the_tiles_to_the_bit(values):
    check_window(opened(SLICE).changed(values), Window(-2, (-3, 4), (-2, 5)))


def test_a_network_of_another_shape_is_trained_and_traced(begin, page):  # noqa: F811
    session = begin(SLICE)
    session.receive({"type": "keys", "values": WIDE})
    session.receive({**VIEW, "n": [-3, 4], "m": [-2, 5]})
    page.until(is_done)
    session.receive({"type": "start", "k": -3, "n": 16, "m": 24})
    page.until(lambda header: header["type"] == "path")
    ((header, payload),), ((spec, _),) = page.of("path"), page.of("spec")
    theta = np.frombuffer(payload, "f8", 13, 16 * header["records"])
    assert (theta[12], theta[5]) == (2, 24 * 2.0 ** (spec["skew"] - 3))


def test_a_page_is_told_of_its_fields_at_once():
    spec = describe(opened(SLICE).changed({"training.learning_rate": 0.25}))
    assert spec["changes"] == {"training.learning_rate": 0.25}
    assert [field["value"] for field in spec["fields"] if field["key"] == "training.learning_rate"] == [0.25]
