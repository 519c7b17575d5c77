"""A run that is extended has the bytes of one run of the bigger sweep, and trains only what is new."""

import itertools
import json
import os
import shutil
import signal
from functools import partial
from multiprocessing import get_context

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spec_cases import DRAWN, TINY, blocks_of
from system import interpose

import saddlescape as ss
from saddlescape.errors import CorruptError, RefusedError, SaddlescapeError
from saddlescape.plan import Shard
from saddlescape.runs.more import changed, more, resume
from saddlescape.runs.runner import Interrupted
from saddlescape.runs.sides import NEW, sides
from saddlescape.spec import parse
from saddlescape.store import verify
from saddlescape.system import software
from saddlescape_cli.main import cli

AXIS = '[[axes]]\nkey = "starts.scale"\nvalues = [0.1, 1.0]\n'
RECORDED = '[record]\nruns = 4\nfields = ["loss", "separation"]\n'
CHOSEN = "[record]\nruns = {per_outcome = 2}\nparameters = true\nfinal_parameters = true\n"
SLICE = """kind = "slice"
base = [1, 1, 0, 1, 1, 0, 1, 1, 0]
x = { index = 0, from = -2, to = 2, n = 5 }
y = { index = 3, from = -2, to = 2, n = 4 }
"""
TEACHER = TINY.replace('"xor"', '"teacher"\nsamples = 6\ninputs = 2\noutputs = 1\nhidden = 2')
MOONS = TINY.replace('"xor"', '"moons"\nsamples = 8')

CASES = {
    "starts": (TINY, 40, [], 0),
    "values of an axis": (TINY + AXIS, None, ["starts.scale=1,0,0.1"], 0),
    "an axis": (TINY, None, ["training.learning_rate=0.1,0.5"], 0),
    "all of them": (TINY + AXIS, 25, ["starts.scale=1,0.1,0.3", "training.learning_rate=0.5,0.1"], 0),
    "numbers that share a dimension": (
        TINY + "".join(AXIS.replace("starts.scale", key) + 'zip = "a"\n' for key in ("starts.scale", "stop.solved")),
        None, ["starts.scale=1,0.2,0.1", "stop.solved=1,0.5,0.1"], 0,
    ),
    "a value that was not set": (TINY.replace('"normal"', '"sparse"'), 20, ["starts.sparsity=0.1,0.6"], 0),
    "a slice": (TINY.replace(DRAWN, SLICE), None, ["training.learning_rate=0.1,0.5"], 0),
    "trajectories": (TINY.replace("count = 10", "count = 30") + AXIS + RECORDED, 70, [], 2),
    "trajectories by outcome": (TINY + AXIS + CHOSEN, 40, ["starts.scale=0.1,1,2"], 4),
    "records at other steps": (TINY + RECORDED, None, ["training.steps=20,40"], 4),
    "a flow": (
        TINY.replace("learning_rate = 0.5\nsteps = 20", 'optimizer = "flow"\ntime = 5') + RECORDED,
        30, ["starts.scale=0.1,1"], 1,
    ),
    "noise in minibatches": (
        TINY.replace("steps = 20", 'epochs = 10\nnoise = 0.1\nbatch = {size = 2, order = "shuffled"}') + AXIS,
        30, [], 0,
    ),
    "networks": (
        TINY + '[[axes]]\nkey = "network.hidden"\nvalues = [[2], [1]]\n' + RECORDED + "parameters = true\n",
        20, ["network.hidden=[1],[2],[3,2]"], 2,
    ),
    "decay": (TINY, None, ["training.weight_decay=0,0.1"], 10),
    "another kernel": (TINY.replace("count = 10", "count = 3"), None, ["training.bias_rate=1,0.5"], 3),
    "fits": (TEACHER + AXIS, 40, ["starts.scale=0.1,1,2"], 0),
    "a first fit": (TEACHER.replace("count = 10", "count = 1"), 40, [], 0),
    "fits by outcome": (TEACHER + AXIS + CHOSEN, 40, [], 5),
    "fits of classes": (MOONS + AXIS + CHOSEN, 40, [], None),
    "types of numbers": (
        TINY.replace("[2]", '[2]\ndtype = "float32"') + CHOSEN, 20, ["network.dtype=float32,float64"], 2,
    ),
}  # fmt: skip
"""Spec, new number of starts, axes, and how many old runs are trained again in blocks of a few runs."""
OWN_KERNELS = ("networks", "fits", "a first fit", "fits by outcome", "fits of classes", "types of numbers")

small_blocks = blocks_of(9 * 4 * 20 * 7)


def both(folder, text, count, axes):
    """The path of a run, and the bytes of one run of the bigger sweep."""
    (folder / "spec.toml").write_text(text)
    ss.run(folder / "spec.toml", folder / "run", threads=1)
    sweep = ss.load(folder / "spec.toml", changed([], count, axes))
    return folder / "run", ss.run(sweep, folder / "one", threads=1).read_bytes()


@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.slow) if c in OWN_KERNELS else c for c in CASES])
def test_an_extended_run_has_the_bytes_of_one_run(tmp_path, case):
    text, count, axes, again = CASES[case]
    run, one = both(tmp_path, text, count, axes)
    with ss.open(run) as before:
        old = before["outcome"].size
    extended = more(run, count=count, axes=axes, threads=2)
    assert extended.path.read_bytes() == one
    assert ss.open(run)["outcome"].size == extended.runs == old + extended.new
    assert extended.kept + extended.trained == extended.runs
    assert again is None or extended.trained == extended.new + again
    assert resume(run, threads=1).read_bytes() == one
    assert not [*run.glob("growing"), *run.glob("blocks")]


NUMBERS = {"starts.scale": [1.0, 0.1, 0.0], "training.learning_rate": [0.5, 0.1, 2.0], "stop.diverged": [1e6, 10.0]}
"""Keys that keep the kernel, with their values in `TINY` first."""


@st.composite
def growths(draw):
    """A spec, a larger number of starts or None, and axes; the runs of a block."""
    count, tile = draw(st.integers(1, 12)), draw(st.sampled_from([1, 3, 7, 1000]))
    record = draw(st.sampled_from(["", RECORDED, CHOSEN]))
    text, axes = TINY.replace("count = 10", f"count = {count}"), []
    for key in draw(st.lists(st.sampled_from(sorted(NUMBERS)), unique=True)):
        own, *others = NUMBERS[key]
        values = draw(st.permutations([own, *draw(st.lists(st.sampled_from(others), unique=True))]))
        more_values = draw(st.permutations(NUMBERS[key]))
        if old := draw(st.booleans()):
            text += f'[[axes]]\nkey = "{key}"\nvalues = {values}\n'
        if draw(st.booleans()) or not old:
            axes.append(f"{key}={','.join(map(str, more_values))}")
    return text + record, draw(st.none() | st.integers(count, 30)), axes, tile


EXAMPLES = 8
"""Three hundred were tried once."""


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(growths())
def test_any_extended_run_has_the_bytes_of_one_run(tmp_path_factory, growth):
    text, count, axes, tile = growth
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("saddlescape.plan.plan.BLOCK_WORK", 9 * 4 * 20 * tile)
        run, one = both(tmp_path_factory.mktemp("any"), text, count, axes)
        if ss.open(run).sweep.resolved() != ss.open(run.parent / "one").sweep.resolved():
            assert more(run, count=count, axes=axes, threads=1).path.read_bytes() == one


@pytest.fixture(scope="module")
def bigger(tmp_path_factory, small_blocks):
    """A finished run, and the bytes of one run with 40 starts."""
    return both(tmp_path_factory.mktemp("bigger"), TINY + RECORDED, 40, [])


@pytest.fixture
def run(bigger, tmp_path):
    """A copy of the run."""
    return shutil.copytree(bigger[0], tmp_path / "run")


def test_words_of_python_and_of_the_command_line_are_the_same(run, bigger, tmp_path):
    with ss.more(run, count=40, threads=1) as results:
        assert results.dims == {"run": 40}
        assert results.path.read_bytes() == bigger[1]
    copy = shutil.copytree(bigger[0], tmp_path / "copy")
    done = CliRunner().invoke(cli, ["more", str(copy), "--count", "40", "--threads", "1", "--json"])
    assert done.exit_code == 0
    assert done.stderr == "40 runs: 10 kept, 30 trained\n"
    assert (copy / "result.h5").read_bytes() == bigger[1]
    with ss.more(run, axes=["starts.scale=0,1"]) as results:
        assert results.sweep.overrides == ("starts.count=40", "axes.starts.scale=0,1")


@pytest.mark.parametrize(
    ("before", "count", "axes", "after"),
    [
        (["starts.count=5", "stop.solved=1"], 9, ["starts.scale=0"], ["starts.count=9", "stop.solved=1", "+"]),
        (["axes.starts.scale=1"], 9, ["starts.scale=0"], ["starts.count=9", "+"]),
        (["stop.solved=1", "axes.a=1"], 9, ["starts.scale=0"], ["stop.solved=1", "starts.count=9", "axes.a=1", "+"]),
    ],
)
def test_overrides_are_those_that_one_run_would_have(before, count, axes, after):
    assert changed(before, count, axes) == tuple("axes.starts.scale=0" if text == "+" else text for text in after)


def test_blocks_of_the_extended_run_are_kept_if_asked_for(bigger, tmp_path):
    run = ss.run(bigger[0].parent / "spec.toml", tmp_path / "run", threads=1, keep_blocks=True).parent
    (run / "blocks" / "notes.txt").write_text("of the user")
    assert more(run, count=40, threads=1, keep_blocks=True).path.read_bytes() == bigger[1]
    assert verify(run) == f"{run} is intact: 6 of 6 blocks and result.h5"
    assert more(run, count=50, threads=1).trained == 13
    assert verify(run) == f"{run} is intact: result.h5"
    assert [path.name for path in (run / "blocks").iterdir()] == ["notes.txt"]


def test_a_stopped_extension_keeps_the_old_result_and_continues(run, bigger):
    old = (run / "result.h5").read_bytes()
    with pytest.raises(Interrupted, match=f"saddlescape resume {run}$"):
        more(run, count=40, threads=1, should_stop=lambda: len(list(run.glob("growing/blocks/*.h5"))) > 1)
    assert (run / "result.h5").read_bytes() == old
    assert ss.open(run).dims == {"run": 10}
    done = ss.status(run).done
    assert ss.status(run) == ss.status(run / "growing")
    told = CliRunner().invoke(cli, ["status", str(run)]).stdout
    assert told.startswith(f"stopped: {done} of 6 blocks done")
    with pytest.raises(RefusedError, match="to extend it, use saddlescape more, or choose another folder with -o"):
        ss.run(bigger[0].parent / "spec.toml", run, overrides=["starts.count=40"])
    assert 0 < done < 6
    with pytest.raises(RefusedError, match="is being extended in another way; finish that first: saddlescape resume"):
        more(run, count=41)
    with ss.open(run / "growing") as part:
        extended = more(run, count=40, threads=1)
        assert part["outcome"][: done * 7].tolist() == ss.open(run)["outcome"][: done * 7].tolist()
    assert extended.before == done * 7
    assert extended.path.read_bytes() == bigger[1]


def victim(folder, last):
    """Extend a run until file operation `last`, and kill the process there."""
    count = itertools.count()

    def around(name, real, *arguments, **options):
        if next(count) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        interpose(patch, around)
        more(folder, count=40, threads=1)


@pytest.mark.fault("SIGKILL before an operation of the extension of a run")
@pytest.mark.parametrize("step", [31, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_at_any_operation_loses_neither_result(bigger, tmp_path, tried, monkeypatch, step):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    old, one = (bigger[0] / "result.h5").read_bytes(), bigger[1]
    for last in itertools.count(0, step):
        folder = shutil.copytree(bigger[0], tmp_path / str(last))
        process = get_context("fork").Process(target=victim, args=(folder, last))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        assert (folder / "result.h5").read_bytes() in (old, one)
        if last % 2 and resume(folder, threads=1).read_bytes() == one:
            assert (folder / "result.h5").read_bytes() == one
        elif (folder / "result.h5").read_bytes() == old:
            assert more(folder, count=40, threads=1).path.read_bytes() == one
        assert resume(folder, threads=1).read_bytes() == one
        assert (folder / "result.h5").read_bytes() == one
        assert not [*folder.rglob("*.part"), *folder.rglob("*.corrupt"), *folder.glob("growing")]
        tried()
    assert last > 100


def test_what_cannot_be_extended_is_refused_in_one_line(run, tmp_path, monkeypatch):
    scale = "axes.starts.scale: must"
    for arguments, error in (
        ({}, "count or axes must be given"),
        ({"count": 9}, "count must be at least 10, which .* has; got 9"),
        ({"count": 10}, "has all of these runs; its result is"),
        ({"count": 2.5}, "count must be an integer; got 2.5"),
        ({"axes": "a=1"}, r'axes must be a list of KEY=VALUES, such as \["starts.scale=0,0.1,1"\]; got'),
        ({"axes": {"a": 1}}, r'axes must be a list of KEY=VALUES, such as \["starts.scale=0,0.1,1"\]; got'),
        ({"axes": None}, r'axes must be a list of KEY=VALUES, such as \["starts.scale=0,0.1,1"\]; got None'),
        ({"axes": ["starts.scale=0,2"]}, f"{scale} contain the values of the old runs; 1.0 is missing; add it"),
        ({"axes": ["starts.scal=1,2"]}, "axes.starts.scal.key: must be a key of the spec; .* did you mean"),
        ({"axes": ["starts.bias_constant=0,1"]}, "bias_constant: is not set in the old runs, and no value stands for"),
        ({"axes": ["starts.scale="]}, f"{scale} be an axis of this sweep, to be removed"),
    ):
        with pytest.raises(SaddlescapeError, match=error) as told:
            more(run, **arguments)
        assert "\n" not in str(told.value)
    assert not (run / "growing").exists()
    (tmp_path / "link").symlink_to(run)
    with pytest.raises(RefusedError, match="link is a symbolic link, which is not written through; give a folder"):
        more(tmp_path / "link", count=20)
    with pytest.raises(RefusedError, match="nowhere is not a run's folder: it does not exist"):
        more(tmp_path / "nowhere", count=20)
    with pytest.raises(RefusedError, match=r"result\.h5 is not a run's folder: it is a file; give the folder of a run"):
        more(run / "result.h5", count=20)
    with monkeypatch.context() as patch:
        patch.setattr("saddlescape.store.folder.software.stamp", lambda: '{"numba": "0.1"}')
        with pytest.raises(RefusedError, match=r"was computed by numba .*, this is numba 0\.1; use the same software"):
            more(run, count=20)
    content = (run / "result.h5").read_bytes()
    (run / "result.h5").write_bytes(content[:-100] + b"?" + content[-99:])
    with pytest.raises(CorruptError, match=r"does not match its digest .* restore it, or compute it again"):
        more(run, count=20)
    (run / "result.h5").unlink()
    with pytest.raises(RefusedError, match=f"is not finished; finish it first: saddlescape resume {run}"):
        more(run, count=20)


DEFAULTS = {
    "training.reduction=mean,sum": TINY,
    "training.reduction=sum,mean": TINY.replace("[training]", '[training]\nloss = "mse"'),
    "training.layer_rates.1=0,1": TINY,
    "problem.noise=0.1,0": MOONS,
    "problem.classes=4,3": MOONS.replace("moons", "blobs"),
    "problem.balance=0.1,0.5": MOONS,
    "problem.input_coding=pm1,01": TINY,
    "starts.bias_scale=0,1": TINY,
    "starts.layer_scales=[0,1],[1,1]": TINY,
}
"""Axes of keys that a spec does not set; the last value is the default."""
KERNELS = list(DEFAULTS)[:5]
"""Those that need kernels of their own."""


@pytest.mark.parametrize("axis", DEFAULTS)
def test_old_runs_are_where_a_further_axis_has_the_default_of_its_key(tmp_path, axis):
    old, new = (parse(DEFAULTS[axis], tmp_path, overrides) for overrides in ((), (f"axes.{axis}",)))
    ((dimension, points),) = sides(old, new)
    assert dimension is None
    assert points.tolist() == [NEW, 0]


@pytest.mark.parametrize("axis", [pytest.param(a, marks=pytest.mark.slow) if a in KERNELS else a for a in DEFAULTS])
def test_runs_at_the_default_of_a_further_axis_have_the_bytes_of_one_run(tmp_path, axis):
    run, one = both(tmp_path, DEFAULTS[axis], None, [axis])
    assert more(run, axes=[axis], threads=1).path.read_bytes() == one


def test_a_run_whose_extension_or_result_is_damaged_says_how_to_go_on(run, bigger, tmp_path):
    with pytest.raises(Interrupted):
        more(run, count=40, threads=1, should_stop=lambda: len(list(run.glob("growing/blocks/*.h5"))) > 1)
    old = (run / "result.h5").read_bytes()
    (run / "result.h5").unlink()
    for command in (resume, partial(more, count=40)):
        with pytest.raises(RefusedError, match=f"finish it first: delete {run}/growing, then saddlescape resume {run}"):
            command(run)
    (run / "result.h5").write_bytes(old[:2000] + b"?" + old[2001:])
    with pytest.raises(CorruptError, match=f"compute it again: delete {run}/growing, then saddlescape resume {run}"):
        resume(run)
    (run / "result.h5").write_bytes(old)
    (run / "growing/plan.json").write_text("{")
    for command in (resume, ss.status, partial(more, count=40)):
        with pytest.raises(CorruptError, match=f"is damaged; delete {run}/growing and extend the run again"):
            command(run)
    assert ss.run(bigger[0].parent / "spec.toml", run, threads=1, overwrite=True).read_bytes() == old
    assert not (run / "growing").exists()


def test_a_shard_is_not_extended(tmp_path):
    (tmp_path / "spec.toml").write_text(TINY)
    ss.run(tmp_path / "spec.toml", tmp_path / "run", shard=Shard(1, 2), threads=1)
    with pytest.raises(RefusedError, match="contains shard 1/2 of a run; only a whole run can be extended"):
        more(tmp_path / "run", count=20)


def test_runs_of_other_software_are_kept_only_if_that_is_accepted_and_the_result_names_both(tmp_path):
    here = json.loads(software.stamp())
    other = {**here, "numba": "0.61.0", "code": "0123456789abcdef"}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("saddlescape.store.blocks.stamp", "saddlescape.system.software.stamp"):
            patch.setattr(name, lambda: json.dumps(other))
        ss.run(parse(TINY, tmp_path), tmp_path / "run", threads=1)
    with pytest.raises(RefusedError, match=r"was computed by code 0123456789abcdef, .* with --accept-versions"):
        more(tmp_path / "run", count=20, threads=1)
    assert more(tmp_path / "run", count=20, threads=1, accept_versions=True).kept == 10
    assert ss.open(tmp_path / "run").software == [here, other]
