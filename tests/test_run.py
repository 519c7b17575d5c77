"""Runs end to end: equal bytes however they came about, and results that open elsewhere."""

import hashlib
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray
from spec_cases import TINY, blocks_of

import saddlescape as ss
from saddlescape.errors import CorruptError, RefusedError, SaddlescapeError, SpecError
from saddlescape.network import layout
from saddlescape.plan import Plan, Shard
from saddlescape.runs.compute import compute
from saddlescape.runs.runner import FailedBlocksError, Interrupted, resume
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome, StopReason

SETTINGS = (
    *("starts.count=64", "training.steps=300", "record.runs=16", "record.steps='log:8'"),
    *("record.parameters=true", "record.final_parameters=true"),
)
WORK = 9 * 4 * 300 * 32
"""Thirty-two runs a block: 22 blocks."""

HUGE = ("record.steps='every:1'", "training.steps=1000000", "record.parameters=true")

HALF = """
import os, sys
import saddlescape as ss
import saddlescape.plan.plan
saddlescape.plan.plan.BLOCK_WORK = int(sys.argv[2])
whole, writes = os.write, []

def write(descriptor, content):
    if bytes(content[:4]) == b"\\x89HDF":
        writes.append(content)
    if len(writes) < 10:
        return whole(descriptor, content)
    whole(descriptor, content[: len(content) // 2])
    print("half a block", flush=True)
    sys.stdin.read()

os.write = write
ss.run("xor", sys.argv[1], overrides=sys.argv[3:], threads=2)
"""


small_blocks = blocks_of(WORK)


@pytest.fixture(scope="module")
def sweep(small_blocks):
    return ss.load("xor", SETTINGS)


@pytest.fixture(scope="module")
def finished(sweep, tmp_path_factory):
    """The folder of an uninterrupted run on one thread."""
    assert Plan(sweep).blocks == 22
    return ss.run(sweep, tmp_path_factory.mktemp("one") / "run", threads=1, keep_blocks=True).parent


@pytest.fixture(scope="module")
def results(finished):
    with ss.open(finished / "result.h5") as opened:
        yield opened


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def committed(folder):
    return sorted((folder / "blocks").glob("*.h5"))


def test_threads_change_no_byte(finished, tmp_path):
    result = ss.run("xor", tmp_path / "three", overrides=SETTINGS, threads=3, keep_blocks=True)
    assert sha256(result) == sha256(finished / "result.h5")
    assert [p.name for p in committed(result.parent)] == [p.name for p in committed(finished)]


def test_a_run_returns_its_results_which_are_also_a_path(sweep, results, finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "copy")
    r = ss.run(sweep, folder, threads=1)
    assert "_source" not in vars(r)  # no file is open yet
    for same in (r, pickle.loads(pickle.dumps(r)), ss.open(r)):
        np.testing.assert_array_equal(same.outcome, results.outcome)
    path = folder / "result.h5"
    assert (str(r), Path(r), r.name, r.parent) == (str(path), path, "result.h5", folder)
    assert r.isel(run=0).path == path
    with pytest.raises(AttributeError, match=r"no variable 'outcom'; it has .*; did you mean 'outcome'"):
        _ = r.outcom
    with r:
        pass
    with pytest.raises(SaddlescapeError, match="this result is closed"):
        _ = r.outcome


def test_a_shard_returns_its_finished_runs(sweep, results, tmp_path):
    parts = [ss.run(sweep, tmp_path / str(k), shard=Shard(k, 2), threads=1) for k in (1, 2)]
    done = [part.outcome >= 0 for part in parts]
    assert (done[0] != done[1]).all()
    np.testing.assert_array_equal(np.where(done[0], parts[0].outcome, parts[1].outcome), results.outcome)
    assert [part.so_far for part in parts] == [(part.sum(), part.size) for part in done]
    assert (parts[0] / "blocks").is_dir()
    with ss.open(ss.merge(parts, tmp_path / "merged.h5")) as merged:
        np.testing.assert_array_equal(merged.outcome, results.outcome)


def test_resume_computes_only_what_is_missing(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "copy")
    (folder / "result.h5").unlink()
    for path in committed(folder)[::9]:
        path.unlink()
    kept = {path: path.stat().st_mtime_ns for path in committed(folder)}
    seen = []
    assert sha256(resume(folder, threads=2, keep_blocks=True, progress=seen.append)) == sha256(finished / "result.h5")
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in committed(folder)}.items()
    assert (seen[0].runs_done, seen[-1].runs_done, seen[-1].runs) == (704 - 3 * 32, 704, 704)


def test_a_flipped_bit_is_computed_again(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "copy")
    content = bytearray(committed(folder)[5].read_bytes())
    content[-100] ^= 4
    committed(folder)[5].write_bytes(content)
    assert sha256(resume(folder, threads=1)) == sha256(finished / "result.h5")
    assert len(list(folder.glob("blocks/*.corrupt"))) == 1


def test_a_killed_run_goes_on(finished, tmp_path):
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", HALF, str(folder), str(WORK), *SETTINGS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout.readline() == "half a block\n"
        killed.kill()
    assert killed.returncode == -9
    assert len(committed(folder)) == 9
    assert len(list(folder.glob("blocks/*.part"))) == 1
    assert not (folder / "result.h5").exists()
    assert sha256(resume(folder, threads=2)) == sha256(finished / "result.h5")
    assert not list(folder.glob("**/*.part"))


def test_a_stopped_run_goes_on(finished, tmp_path, sweep):
    seen = []
    with pytest.raises(Interrupted, match="saddlescape resume") as stopped:
        ss.run(
            sweep,
            tmp_path / "run",
            threads=1,
            progress=seen.append,
            should_stop=lambda: bool(seen) and seen[-1].runs_done > 0,
        )
    assert stopped.value.folder == tmp_path / "run"
    assert 0 < len(committed(tmp_path / "run")) < 22
    assert not (tmp_path / "run/result.h5").exists()
    assert sha256(ss.run(sweep, tmp_path / "run", threads=2)) == sha256(finished / "result.h5")


def test_failed_blocks_are_noted_passed_over_and_tried_again(finished, tmp_path, sweep, monkeypatch):
    def failing(plan, block, *rest, whole=compute):
        if block.number in (3, 20):
            raise MemoryError("no room for the block")
        return whole(plan, block, *rest)

    folder, seen = tmp_path / "run", []
    monkeypatch.setattr("saddlescape.runs.dispatch.compute", failing)
    with pytest.raises(MemoryError):
        ss.run(sweep, folder, threads=1)
    with pytest.raises(FailedBlocksError, match=r"^2 blocks failed, .* MemoryError: no room .*000003\.failed"):
        resume(folder, threads=2, keep_going=True)
    assert len(committed(folder)) == 20
    assert (ss.status(folder).done, ss.status(folder).failed) == (20, 2)
    with pytest.raises(FailedBlocksError, match="--retry-failed"):
        resume(folder, threads=1, progress=seen.append)
    assert seen[-1].steps_done == 0
    with pytest.raises(FailedBlocksError, match=r"^2 blocks failed again, .* Remove the cause before you try again$"):
        resume(folder, threads=2, keep_going=True, retry_failed=True)
    monkeypatch.undo()
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_WORK", WORK)
    assert sha256(resume(folder, threads=2, retry_failed=True)) == sha256(finished / "result.h5")
    assert not list(folder.glob("blocks/*.failed"))


def test_status_tells_how_far_a_run_is(finished, tmp_path, sweep):
    whole = ss.status(finished)
    assert (whole.blocks, whole.done, whole.failed, whole.running, whole.merged) == (22, 22, 0, False, True)
    assert whole.seconds_left == 0
    seen = []

    def look(progress):
        if progress.runs_done and not seen:
            seen.append(ss.status(tmp_path / "run"))

    ss.run(sweep, tmp_path / "run", shard=Shard(2, 3), threads=1, progress=look)
    assert (seen[0].blocks, seen[0].done, seen[0].running, seen[0].merged) == (7, 1, True, False)
    assert seen[0].seconds_left == pytest.approx(6 / seen[0].blocks_per_second)
    with pytest.raises(RefusedError, match="is not a run's folder"):
        ss.status(tmp_path)


def test_status_does_not_trust_the_clock(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "copy")
    for session in ("{}", "[]", "{", '{"began": "2031-01-01T00:00:00+00:00", "ended": "2030-01-01T00:00:00+00:00"}'):
        (folder / "run.json").write_text(session)
        assert (ss.status(folder).blocks_per_second, ss.status(folder).seconds_left) == (None, None)


def test_too_large_a_sweep_is_refused_before_anything(tmp_path):
    with pytest.raises(RefusedError, match="GiB"):
        ss.run("xor", tmp_path / "huge", overrides=["starts.count=1000000", "record.runs='all'", *HUGE])
    assert not (tmp_path / "huge").exists()


def through_h5netcdf(path):
    sweep = ss.load("xor", SETTINGS)
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        sizes = {"scale": 11, "run": 64, "trajectory": 16, "record": len(Plan(sweep).record_at), "parameter": 9}
        assert dict(data.sizes) == sizes
        assert data.scale.values.tolist() == list(sweep.axes[0].values)
        assert data.run.values.tolist() == list(range(64))
        assert data.trajectory_run.values.tolist() == list(range(0, 64, 4))
        assert data.record_step.values[[0, -1]].tolist() == [0, 300]
        assert data.outcome.dims == ("scale", "run")
        assert data.loss.dims == ("scale", "trajectory", "record")
        assert data.outcome.attrs["flag_meanings"].split() == [o.label for o in Outcome][:6]
        assert data.outcome.attrs["flag_values"].tolist() == list(Outcome)[:6]
        assert data.attrs["title"] == "XOR 2-2-1 from zero to large weights"


def through_ncdump(path):
    done = subprocess.run(["ncdump", "-v", "scale", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for line in ("scale = 11 ;", "run = 64 ;", "trajectory = 16 ;", "byte outcome(scale, run) ;"):
        assert line in done.stdout
    assert 'outcome:flag_meanings = "frozen symmetric plateau trapped solved diverged"' in done.stdout
    assert "scale = 0, 1e-12, 1e-09, 1e-06, 0.001, 0.01, 0.1, 0.3, 1, 3, 10 ;" in done.stdout


@pytest.mark.parametrize("read", [through_h5netcdf, *([through_ncdump] if shutil.which("ncdump") else [])])
def test_netcdf_readers_see_names_coordinates_and_flags(finished, read):
    read(finished / "result.h5")


@pytest.mark.parametrize(("point", "run"), [(0, 0), (4, 12), (8, 32), (10, 60)])
def test_replay_is_the_stored_trajectory(results, sweep, point, run):
    stored, again = results.trajectory(point, run), ss.replay(sweep, (point,), run)
    assert stored.keys() == again.keys()
    for name, values in stored.items():
        assert values.tobytes() == again[name].astype(values.dtype).tobytes(), name
    assert stored["theta"].dtype == np.float64


@pytest.mark.parametrize(("point", "run"), [(0, 63), (1, 1), (8, 17), (10, 63)])
def test_start_is_the_stored_start(results, sweep, point, run):
    assert ss.start(sweep, (point,), run).tobytes() == results.start_theta[point, run].tobytes()


def test_a_point_needs_an_index_for_each_axis(sweep):
    with pytest.raises(ValueError, match=r"one index for each of scale; got \(\)$"):
        ss.replay(sweep)


def test_networks_of_one_sweep_keep_their_precision_and_the_places_of_their_parameters(tmp_path):
    axes = {"network.dtype": '["float32", "float64"]', "network.bias": "[true, false]", "network.hidden": "[[], [2]]"}
    text = TINY + "[record]\nfinal_parameters = true\n"
    sweep = parse(text + "".join(f'[[axes]]\nkey = "{k}"\nvalues = {v}\n' for k, v in axes.items()), tmp_path)
    assert Plan(sweep).blocks == 1
    with ss.open(ss.run(sweep, tmp_path / "run", threads=1)) as results:
        names, stored = results["parameter"], results["start_theta"]
        assert results.coords["hidden"].tolist() == ["none", "2"]
        for point in np.ndindex(2, 2, 2):
            spec = sweep.at(point)
            own = [layout.name(place) for place in layout.places(spec.sizes, spec.network.bias)]
            here = np.isin(names, own)
            assert names[here].tolist() == own
            assert (stored[point][3, here] == ss.start(sweep, point, 3)).all()
            assert np.isnan(stored[point][:, ~here]).all()


def test_every_budget_of_a_sweep_has_its_last_record(tmp_path):
    text = TINY.replace("steps = 20\n", "") + '[[axes]]\nkey = "training.steps"\nvalues = [7, 30]\n'
    sweep = parse(text, tmp_path, ["record.steps=log:3"])
    with ss.open(ss.run(sweep, tmp_path / "run", threads=1)) as results:
        assert results["record_step"].tolist() == [0, 1, 5, 7, 30]
        np.testing.assert_array_equal(results["loss"][0, :, 3], results["final_loss"][0].astype(np.float32))


OPTIMIZERS = """
[[axes]]
key = "training.optimizer"
values = ["momentum", "adam"]
[[axes]]
key = "training.batch"
values = ["full", "online", 3]
[[axes]]
key = "training.weight_decay"
values = [0, 0.01]
"""


def test_optimizers_and_batches_are_axes_and_every_run_can_be_remade(tmp_path):
    settings = ("starts.count=9", "training.epochs=30", "record.steps=every:1", "record.parameters=true")
    sweep = parse(TINY.replace("steps = 20\n", "") + OPTIMIZERS, tmp_path, settings)
    with ss.open(ss.run(sweep, tmp_path / "run")) as results:
        assert results.dims == {"optimizer": 2, "batch": 3, "weight_decay": 2, "run": 9}
        assert results.stop_step.reshape(2, 3, -1).max(axis=(0, 2)).tolist() == [30, 120, 60]
        assert results["record_step"].tolist() == [0, 4, 8, 12, 16, 20, 24, 28, 30, *range(32, 121, 4)]
        for point in np.ndindex(2, 3, 2):
            stored, again = results.trajectory(point, 8), ss.replay(sweep, point, 8)
            np.testing.assert_array_equal(stored["theta"], again["theta"])
        assert np.isfinite(results.trajectory((0, 0, 0), 8)["loss"]).sum() == 9
        assert np.isfinite(results.trajectory((0, 1, 0), 8)["loss"]).sum() == 31


FLOW = """
[[axes]]
key = "training.time"
values = [50, 200]
[[axes]]
key = "training.rtol"
values = [1e-4, 1e-8]
"""


def test_the_gradient_flow_has_times_and_every_run_can_be_remade(tmp_path):
    text = TINY.replace("learning_rate = 0.5\nsteps = 20\n", 'optimizer = "flow"\nsteps = 500\n') + FLOW
    settings = ("starts.count=40", "starts.scale=3", "network.activation=tanh")
    sweep = parse(text, tmp_path, (*settings, "record.times=linear:9", "record.parameters=true"))
    path = ss.run(sweep, tmp_path / "run", threads=1)
    with ss.open(path) as results, xarray.open_dataset(path, engine="h5netcdf") as data:
        assert results.dims == {"time": 2, "rtol": 2, "run": 40}
        assert results["record_time"].tolist() == [0, *np.linspace(0, 200, 10)[1:3], 50, *np.linspace(0, 200, 10)[3:]]
        solved = results["outcome"] == Outcome.SOLVED
        assert 0 < solved.sum() < solved.size
        np.testing.assert_array_equal(np.isfinite(results["solve_time"]), solved)
        np.testing.assert_array_equal(results["solve_time"][solved], results["stop_time"][solved])
        assert (results["escape_time"] >= 0)[solved].all()
        budget = results["stop_reason"] == StopReason.BUDGET
        np.testing.assert_array_equal(results["stop_time"][0][budget[0]], 50)
        np.testing.assert_allclose(results["solve_time"][1, 0], results["solve_time"][1, 1], rtol=1e-3)
        assert data["loss"].dims[-1] == "record"
        assert data["solve_time"].dtype == np.float64
        for point in np.ndindex(2, 2):
            stored, again = results.trajectory(point, 39), ss.replay(sweep, point, 39)
            assert stored.keys() == again.keys() >= {"record_time", "theta"}
            for name, values in stored.items():
                assert values.tobytes() == again[name].astype(values.dtype).tobytes(), name


def test_noise_and_shuffled_orders_come_from_the_seed_and_the_run(tmp_path):
    text = TINY + '[[axes]]\nkey = "training.noise"\nvalues = [0, 0.1]\n'
    text += '[[axes]]\nkey = "training.batch"\nvalues = [1, "shuffled"]'
    settings = ["starts.kind=zero", "record.parameters=true", "record.final_parameters=true"]
    sweep = parse(text, tmp_path, settings)
    with ss.open(ss.run(sweep, tmp_path / "run")) as results:
        ends = results.final_theta
        assert results.distinct_starts.tolist() == [[1, 1], [1, 1]]
        assert [len(np.unique(ends[i, j], axis=0)) for i, j in np.ndindex(2, 2)] == [1, 10, 10, 10]
        for point in np.ndindex(2, 2):
            np.testing.assert_array_equal(ss.replay(sweep, point, 7)["theta"][-1], ends[(*point, 7)])
    other = parse(text, tmp_path, [*settings, "starts.seed=2"])
    assert (ss.replay(other, (1, 0), 7)["theta"][-1] != ends[1, 0, 7]).all()


def test_under_multiplicative_steps_zero_is_for_ever(tmp_path):
    text = TINY + '[[axes]]\nkey = "starts.scale"\nvalues = [0, 1]'
    sweep = parse(text, tmp_path, ["problem.name=and", "training.optimizer=multiplicative"])
    with ss.open(ss.run(sweep, tmp_path / "run")) as results:
        assert (results.outcome[0] == Outcome.FROZEN).all()
        assert (results.outcome[1] != Outcome.FROZEN).all()


def test_zero_is_frozen_and_counts_once(results):
    assert (results.outcome[0] == Outcome.FROZEN).all()
    assert results.distinct_starts.tolist() == [1] + [64] * 10
    assert (results.stop_step[0] == 0).all()
    assert not (results.outcome[8:] == Outcome.FROZEN).any()
    assert not results.final_theta[0].any()


def test_the_result_knows_its_sweep(results, finished, sweep, tmp_path):
    assert results.sweep.resolved() == sweep.resolved()
    alone = shutil.copy(finished / "result.h5", tmp_path)
    with ss.open(alone) as opened:
        assert opened.sweep.resolved() == sweep.resolved()
        assert opened.dims == {"scale": 11, "run": 64}


def test_a_trajectory_not_kept_is_an_error(results):
    with pytest.raises(SaddlescapeError, match=r"no trajectory of run 1 was recorded"):
        results.trajectory(3, 1)


def test_what_is_no_result_is_named(tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5")
    h5py.File(tmp_path / "foreign.h5", "w").close()
    with pytest.raises(CorruptError, match=r"text\.h5 is damaged, or no result of saddlescape"):
        ss.open(tmp_path / "text.h5")
    with pytest.raises(CorruptError, match=r"foreign\.h5 is HDF5 but no result of saddlescape"):
        ss.open(tmp_path / "foreign.h5")
    with pytest.raises(SpecError, match="it does not exist"):
        ss.open(tmp_path / "none.h5")
