"""When events are seen: exactly in full batches; in others late, as the file says, while recorded losses are exact."""

import numpy as np
import pytest
from spec_cases import TINY

import saddlescape as ss
from saddlescape.network import reference
from saddlescape.network.plateau import plateau_loss
from saddlescape.plan import Plan
from saddlescape.spec import parse
from saddlescape.store.schema import variables
from saddlescape.words.outcomes import ESCAPE_DROP
from saddlescape.words.variables import WITH_DROPOUT

SPEC = TINY.replace("steps = 20", "steps = 800").replace("learning_rate = 0.5", "learning_rate = 2.0")
SPEC = f"""{SPEC}optimizer = "gd"
[record]
steps = "every:4"
runs = 10
dtype = "float64"
"""


def run(folder, batch):
    out = ss.run(parse(SPEC, folder, (f"training.batch={batch}",)), folder / str(len(list(folder.iterdir()))))
    return ss.open(out)


def first_below(loss, at, limit):
    return [at[below.argmax()] if below.any() else -1 for below in loss < limit]


@pytest.mark.parametrize("batch", [1, 2])
def test_losses_at_each_epoch_tell_what_events_in_batches_are_late_for(tmp_path, batch):
    found, spec = run(tmp_path, batch), parse(SPEC, tmp_path).spec
    limit = (1 - ESCAPE_DROP) * plateau_loss(spec.loaded, "half_sse", "logistic")
    first = first_below(found["loss"], found["record_step"], limit)
    seen, start = found["escape_step"], ss.start(parse(SPEC, tmp_path), (), 0)
    assert (np.where(seen < 0, np.inf, seen) >= first).all()
    assert (seen > first).any()
    network = reference.Network((2, 2, 1), True, spec.activations, "half_sse")
    path = reference.trajectory(
        network, start, spec.loaded.X, spec.loaded.T, 800, "gd", {"learning_rate": 2.0}, batch=batch
    )
    assert first_below(np.array([[state[1] for state in path[::4]]]), np.arange(0, 801, 4), limit) == first[:1]


@pytest.mark.parametrize(("batch", "late"), [(2, True), ("'shuffled'", True), (4, False), ("'full'", False)])
def test_the_file_says_where_events_are_late(tmp_path, batch, late):
    data = run(tmp_path, batch).to_xarray()
    comments = [data[name].attrs["comment"] for name in ("escape_step", "solve_step")]
    assert [("not to be compared" in comment) for comment in comments] == [late, late]


def test_the_file_says_that_dropout_looks_after_each_epoch(tmp_path):
    text = SPEC.replace("[record]", 'batch = 2\ndropout = {}\n[record]').replace("steps = 800", "steps = 4")
    axis = '[[axes]]\nkey = "training.dropout"\nvalues = [0, 0.5]\n'
    sweeps = [parse(text.format(0.5), tmp_path), parse(text.replace("dropout = {}\n", "") + axis, tmp_path)]
    comments = [next(v.attrs["comment"] for v in variables(Plan(s)) if v.name == "solve_step") for s in sweeps]
    words = ("below the limit: late", "; with dropout looked for at the end of each epoch")
    assert [[word in comment for word in words] for comment in comments] == [[False, False], [True, True]]
    assert comments[0] == f"-1: never; in batches {WITH_DROPOUT}"


def test_a_batch_of_all_samples_is_a_full_one(tmp_path):
    whole, parts = run(tmp_path, "'full'"), run(tmp_path, 4)
    names = ("outcome", "escape_step", "stop_step", "final_loss", "loss")
    assert [parts[name].tobytes() for name in names] == [whole[name].tobytes() for name in names]
