"""Each word is declared once: what is missing of one that was added is told by its name."""

import re
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
import pytest
from spec_cases import MEASURED, TINY
from tolerances import POINTWISE

import saddlescape as ss
from saddlescape.kernels import activations as kernel_activations
from saddlescape.kernels import losses as kernel_losses
from saddlescape.kernels import measures as kernel_measures
from saddlescape.kernels import schedules as kernel_schedules
from saddlescape.kernels import update_rules
from saddlescape.network import plateau, problems, reference
from saddlescape.plan import Plan
from saddlescape.plan import starts as draws
from saddlescape.spec import parse
from saddlescape.spec.sections import Training
from saddlescape.words import activations, losses, measures, optimizers, schedules, starts, suggest
from saddlescape.words import problems as words
from saddlescape.words.outcomes import StopReason
from saddlescape.words.variables import GROUPS, RESERVED, reserved

HOMES = {
    "activation, in the kernels": (activations.ACTIVATIONS, kernel_activations.ACTIVATIONS, set()),
    "activation, in the reference": (activations.ACTIVATIONS, reference.ACTIVATIONS, set()),
    "loss, in the kernels": (losses.LOSSES, kernel_losses.LOSSES, set()),
    "loss, in the reference": (losses.LOSSES, reference.LOSSES, set()),
    "loss, its plateau": (losses.LOSSES, plateau.BEST, set()),
    "optimizer, in the kernels": (optimizers.OPTIMIZERS, update_rules.RULES, set()),
    "optimizer, in the reference": (optimizers.OPTIMIZERS, reference.RULES, {"flow"}),
    "schedule, in the kernels": (schedules.SCHEDULES, kernel_schedules.SCHEDULES, {"constant"}),
    "schedule, in the reference": (schedules.SCHEDULES, reference.SCHEDULES, set()),
    "kind of start, its draw": (starts.STARTS, draws.DIRECTIONS, {"slice", "file"}),
    "problem, its targets": (words.PROBLEMS, problems.LOGIC, {"encoder", *words.DRAWN}),
    "measure, in the kernels": (measures.MEASURES, kernel_measures.FUNCTIONS, set(measures.AFTER)),
    "hyperparameter, a key of training": (optimizers.HYPERPARAMETERS, Training.model_fields, set()),
}
"""Words, where each must be, and those that need not be."""


@pytest.mark.parametrize("what", HOMES)
def test_every_word_has_its_parts(what):
    declared, there, spared = HOMES[what]
    missing = declared.keys() - spared - set(there)
    assert not missing, f"missing: {what}, {', '.join(sorted(missing))}"
    if "key of" not in what:
        extra = set(there) - declared.keys()
        assert not extra, f"no row in words: {what}, {', '.join(sorted(extra))}"


def test_optimizers_take_numbers_that_are_declared():
    taken = {name for its in optimizers.OPTIMIZERS.values() for name in its.hyperparameters}
    assert taken == optimizers.HYPERPARAMETERS.keys()
    for name, its in optimizers.HYPERPARAMETERS.items():
        Training(**{name: its.default})
        assert Training.model_fields[name].default == its.default


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_what_a_row_tells_of_an_activation_is_so(name):
    its, z = activations.ACTIVATIONS[name], np.linspace(-40, 40, 8001)
    values, slopes = reference.activate(name, z)
    assert (values[4000], slopes[4000]) == pytest.approx((its.value, its.slope), rel=POINTWISE)
    assert its.range[0] - 1e-15 <= values.min()
    assert values.max() <= its.range[1] + 1e-15
    assert its.odd == np.allclose(values[::-1], -values, rtol=POINTWISE)
    assert its.complement == np.allclose(values[::-1], 1 - values, rtol=0, atol=POINTWISE)


def test_a_measure_without_a_function_in_the_kernels_is_refused_by_name(monkeypatch):
    monkeypatch.delitem(kernel_measures.FUNCTIONS, "distance")
    with pytest.raises(ValueError, match=r"must be of loss, .*; got 'distance'"):
        kernel_measures.mask(["loss", "distance"])


def test_measures_of_the_network_have_no_dimension_of_layers():
    networks = {name for name, its in measures.MEASURES.items() if not its.dims} - {*measures.AFTER}
    assert kernel_measures.OF_NETWORK.keys() == networks
    assert kernel_measures.OF_LAYER.keys() == measures.MEASURES.keys() - networks - set(measures.AFTER)


def test_no_alias_is_a_word_or_belongs_to_two_of_a_table():
    for table in suggest.TABLES:
        aliases = [alias for row in table.values() for alias in row.aliases]
        assert len(set(aliases)) == len(aliases)
        assert not table.keys() & set(aliases)


def test_the_stop_codes_of_the_kernel_are_those_of_the_words():
    state = import_module("saddlescape.kernels.state")
    assert {reason.name: reason.value for reason in StopReason} == {
        reason.name: getattr(state, reason.name) for reason in StopReason
    }


def zipped(name):
    text = TINY.replace("count = 10", "count = 2").replace("steps = 20", "steps = 2")
    for key in ("starts.scale", "stop.solved"):
        text += f'[[axes]]\nkey = "{key}"\nvalues = [0.25, 0.5]\nzip = "{name}"\n'
    return text


def test_a_zip_never_takes_a_name_that_a_result_has():
    for name in RESERVED:
        assert [d.name for d in Plan(parse(zipped(name), Path())).dimensions] == [f"zip_{name}", "run"]


@pytest.mark.parametrize("name", GROUPS)
def test_a_zip_of_the_name_of_a_group_is_merged_and_opened(name, tmp_path):
    with ss.open(ss.run(parse(zipped(name), tmp_path), tmp_path / "run", threads=1)) as r:
        assert list(r.dims) == [f"zip_{name}", "run"]
        assert r["scale"].tolist() == [0.25, 0.5]


def test_every_name_that_a_result_writes_is_reserved(tmp_path):
    names, of_steps = set(), set(measures.FROM_STARTS)
    for more in ("", 'optimizer = "flow"\ntime = 5.0\n'):
        text = MEASURED.replace("learning_rate = 0.5\n", more) if more else MEASURED
        fields = [name for name in measures.MEASURES if not (more and name in of_steps)]
        record = f"[record]\nparameters = true\nfinal_parameters = true\nfields = {fields}\n"
        with h5py.File(ss.run(parse(text + record, tmp_path), tmp_path / f"run{len(more)}", threads=1)) as file:
            names |= set(file)
    assert names <= reserved(measures.MEASURES)
    later = {name for name, its in measures.MEASURES.items() if its.later}
    assert names - RESERVED == {"unit", *later, *(f"final_{name}" for name in later)}
    assert names >= {"entry", "provenance", "outcome", "theta", "record_time", "hidden_layer", "sample"}


def test_every_measure_of_the_end_is_the_same_without_trajectories(tmp_path):
    record = f"[record]\nparameters = true\nfinal_parameters = true\nfields = {[*measures.MEASURES]}\nruns = "
    sweeps = (parse(MEASURED + record + runs, tmp_path) for runs in ("0", "10"))
    few, every = (ss.run(sweep, tmp_path / f"run{n}", threads=1) for n, sweep in enumerate(sweeps))
    for name in measures.MEASURES:
        np.testing.assert_array_equal(few[f"final_{name}"], every[f"final_{name}"], err_msg=name)


def test_a_run_has_escaped_at_a_loss_of_five_percent_below_the_plateau(tmp_path):
    """Five percent stands here once more, by itself: escape steps that people have published mean it."""
    text = TINY.replace("steps = 20", "steps = 400").replace("learning_rate = 0.5", "learning_rate = 2.0")
    text += '[record]\nsteps = "every:1"\nruns = "all"\ndtype = "float64"\n'
    with ss.open(ss.run(parse(text, tmp_path), tmp_path / "run", threads=1)) as r:
        below = r["loss"] < 0.95 * plateau.plateau_loss(r.sweep.spec.loaded, "half_sse", "logistic")
        assert below.any(axis=1).sum() > 1
        np.testing.assert_array_equal(r["escape_step"], np.where(below.any(axis=1), below.argmax(axis=1), -1))
        assert "0.95" in r.stored("escape_step").attrs["long_name"]
    page = (Path(__file__).parents[1] / "docs/spec.md").read_text()
    assert "has escaped when its loss is 5 % below" in page


def test_the_comments_of_the_first_sweep_name_every_word():
    comments = set(re.findall(r"\w+", (Path(__file__).parents[1] / "data/sweeps/xor.toml").read_text()))
    for table in (words.PROBLEMS, activations.ACTIVATIONS, starts.STARTS, losses.LOSSES, optimizers.OPTIMIZERS):
        assert not table.keys() - comments
