"""From data to tables: folders whose data file goes away, and measures of data in results, exports and refined maps."""

import numpy as np
import pytest
from store_cases import commit, filled
from tolerances import PEERS

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.network import evaluation, reference
from saddlescape.plan import Plan
from saddlescape.results.export import export
from saddlescape.results.refine import refine
from saddlescape.runs.runner import resume
from saddlescape.spec import parse
from saddlescape.store import RunFolder

OLD = '[problem]\nfile = "data.csv"\n[starts]\ncount = 12\n[training]\nbatch = 2\nsteps = 20\n'
CSV = "x1,x2,t1\n0,0,0\n1,0,1\n0,1,1\n1,1,0\n"


def test_an_old_folder_goes_on_only_with_its_data(tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 4)
    data, folder = tmp_path / "data.csv", tmp_path / "run"
    data.write_text(CSV)
    old, new = (Plan(parse(OLD, tmp_path, begun=True, generation=generation)) for generation in (1, 3))
    with RunFolder(folder, old) as store:
        for block in list(old)[:-1]:
            commit(store, block, filled(old, block))
    data.rename(tmp_path / "away.csv")
    with pytest.raises(SpecError, match=r"problem\.file: cannot read .*data\.csv'"):
        resume(folder)
    data.write_text(CSV.replace("1,1,0", "1,1,1"))
    with pytest.raises(RefusedError, match=r"data\.csv: must have the same content as when the run in"):
        resume(folder)
    (tmp_path / "away.csv").rename(data)
    with RunFolder.existing(folder) as store:
        assert len(store.committed()) == old.blocks - 1
        assert store.plan.digest == old.digest != new.digest
        assert store.plan.sweep.spec.stop.solved == 0.4
        assert (old.can_fit, old.can_collapse, old.counts_epochs) == (False, False, False)
    with pytest.raises(RefusedError, match=r"contains the run of another spec .events"), RunFolder(folder, new):
        pass


MOONS = """
[problem]
name = "moons"
samples = 24
target_coding = "pm1"
test_fraction = 0.5
[network]
hidden = [3]
activation = "tanh"
output = "tanh"
[starts]
count = 4
[training]
optimizer = "adam"
learning_rate = 0.05
steps = 40
[record]
runs = 2
steps = [20]
fields = ["loss", "accuracy", "test_loss", "test_accuracy", "rms_error", "hidden"]
final_parameters = true
"""
AXES = "".join(
    f'[[axes]]\nkey = "problem.{key}"\nvalues = {values}\n'
    for key, values in {"test_fraction": [0.25, 0.5], "noise": [0.0, 0.4], "standardize": "[false, true]"}.items()
)


@pytest.mark.slow
def test_measures_of_data_are_in_tables_and_exports(tmp_path):
    sweep = parse(MOONS.replace("test_fraction = 0.5\n", "") + AXES, tmp_path)
    r = ss.run(sweep, tmp_path / "out", threads=1)
    assert r["final_hidden"].shape == (2, 2, 2, 4, 18, 3)
    assert np.isnan(r["final_hidden"][1, :, :, :, 12:]).all()
    frame, data = r.to_dataframe(), r.to_xarray(chunks=None)
    export(r, "csv", tmp_path / "runs.csv")
    lines = (tmp_path / "runs.csv").read_text().splitlines()
    assert lines[0].split(",") == frame.columns.tolist()
    assert len(lines) == 1 + len(frame) == 33
    for point in np.ndindex(2, 2, 2):
        spec, problem = sweep.at(point), sweep.at(point).loaded
        network = reference.Network(spec.sizes, True, spec.activations, "half_sse")
        for run, theta in enumerate(r["final_theta"][point]):
            y, y_test = (reference.outputs(network, theta, X) for X in (problem.X, problem.X_test))
            expected = {
                "final_accuracy": ((y > 0) == (problem.T > 0)).mean(),
                "final_test_accuracy": ((y_test > 0) == (problem.T_test > 0)).mean(),
                "final_rms_error": evaluation.rms_error(y, problem.T),
                "final_test_loss": ((y_test - problem.T_test) ** 2).sum() / 2,
            }
            row = frame[(frame["run"] == run)].iloc[np.ravel_multi_index(point, (2, 2, 2))]
            for name, value in expected.items():
                assert row[name] == pytest.approx(value, rel=PEERS)
                assert data[name][(*point, run)] == row[name]


SLICE = """kind = "slice"
base = [0.3, 0.2, 0.1, -0.3, 0.5, 0.1, 0.2, 0.1, -0.2, 0.4, 0.6, 0.3, 0.0]
x = { index = 0, from = -2, to = 2, n = 5 }
y = { index = 9, from = -2, to = 2, n = 5 }
"""


@pytest.mark.slow
def test_refined_maps_have_the_measures_of_the_starts_that_were_run(tmp_path):
    text = MOONS.replace("count = 4\n", SLICE).replace("runs = 2\nsteps = [20]\n", "runs = 0\n")
    sweep = parse(text, tmp_path, ["training.steps=80", "training.learning_rate=0.1", "events.accuracy=0.95"])
    coarse = ss.run(sweep, tmp_path / "out", threads=1)
    assert "fitted" not in coarse.stored("outcome").attrs["flag_meanings"]
    fine = ss.open(refine(coarse, tmp_path / "fine.h5", 1).path)
    whole = ss.run(sweep.finer(1), tmp_path / "whole", threads=1)
    ran = fine["computed"] == 1
    assert 25 < ran.sum() < ran.size
    measures = ("accuracy", "test_loss", "test_accuracy", "rms_error", "hidden")
    for name in ("outcome", *(f"final_{measure}" for measure in measures)):
        np.testing.assert_array_equal(fine[name][ran], whole[name][ran])
