"""Blocks name the software that computed them; mixtures are refused, or accepted and recorded in the result."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from store_cases import commit, filled, run_folder, small_plan

import saddlescape as ss
from saddlescape.errors import RefusedError, SaddlescapeWarning
from saddlescape.plan import Plan, Shard
from saddlescape.results.refine import refine
from saddlescape.runs.runner import resume
from saddlescape.spec import parse
from saddlescape.store import RunFolder
from saddlescape.store.block_reader import stored
from saddlescape.store.mixture import Mixture
from saddlescape.store.verify import verify
from saddlescape.system import software
from saddlescape_cli.main import cli

UNSTAMPED = Path(__file__).parent / "unstamped"
HERE = json.loads(software.stamp())
OTHER = json.dumps({**HERE, "numba": "0.61.0", "code": "0123456789abcdef"})
TOLD = rf"was computed by code \w+, numba 0\.61\.0, this is code \w+, numba {HERE['numba']}; use .* --accept-versions"


def test_the_digest_of_the_code_is_of_all_that_computes_a_block():
    """Modules of spec and system are not compared: some of them do not affect bits."""
    listed = "print(*(m.__file__ for name, m in sys.modules.items() if 'saddlescape' in name))"
    script = f"import sys, saddlescape.runs.compute\n{listed}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    root = Path(ss.__file__).parent
    loaded = {Path(file).relative_to(root) for file in done.stdout.split()}
    rooms = {"kernels", "network", "plan", "runs", "words"}
    computing = {path for path in loaded if path.parts[0] in rooms and path != Path("runs/__init__.py")}
    digested = {path.relative_to(root) for pattern in software.COMPUTING for path in root.glob(pattern)}
    assert computing <= digested, sorted(computing - digested)
    assert len(computing) > 30


@pytest.fixture
def plan(monkeypatch):
    return small_plan(monkeypatch)


@pytest.fixture
def elsewhere(monkeypatch):
    """Commit a block as different software would."""

    def write(store, block, stamp=OTHER):
        with monkeypatch.context() as patch:
            patch.setattr("saddlescape.store.blocks.stamp", lambda: stamp)
            commit(store, block, filled(store.plan, block))

    return write


def provenance(result):
    with h5py.File(result) as file:
        return {name: json.loads(file[f"provenance/{name}"][()]) for name in file["provenance"] if "software" in name}


def values(result):
    with ss.open(result) as opened:
        return {name: opened[name] for name in opened}


def same(one, other):
    mine, yours = values(one), values(other)
    assert mine.keys() == yours.keys()
    for name, its in mine.items():
        np.testing.assert_array_equal(its, yours[name])


def test_a_block_tells_what_computed_it(plan, tmp_path):
    result = run_folder(plan, tmp_path / "run")
    told = []
    for path in sorted((tmp_path / "run/blocks").iterdir()):
        assert list(stored(plan, path, (), told.append)) == []
    assert told == [software.stamp()] * 3
    assert set(HERE) == {"saddlescape", "code", "numba", "llvmlite", "numpy", "scipy", "pydantic"}
    assert provenance(result) == {"software": [HERE]}
    with h5py.File(result) as file:
        assert {"scipy_version", "pydantic_version", "numba_version"} < set(file["provenance"].attrs)


@pytest.fixture
def shards(plan, elsewhere, tmp_path):
    """Two shards of three blocks, the second computed by different software."""
    for number in (1, 2):
        with RunFolder(tmp_path / str(number), plan, Shard(number, 2)) as store:
            for block in map(plan.block, store.shard.numbers(plan.blocks)):
                elsewhere(store, block, OTHER if number == 2 else software.stamp())
    return [tmp_path / "1", tmp_path / "2"]


@pytest.mark.fault("blocks computed by different software")
def test_shards_of_different_software_are_merged_only_where_that_is_accepted(shards, plan, tmp_path, tried):
    target = tmp_path / "merged.h5"
    with pytest.raises(RefusedError, match=r"blocks/000000-\S+ was computed by code \w+, numba .*, \S+/000001-\S+ by"):
        ss.merge(shards, target)
    assert not target.exists()
    done = CliRunner().invoke(cli, ["merge", *map(str, shards), "-o", str(target), "--accept-versions"])
    assert done.exit_code == 0, done.output
    assert provenance(target) == {"software": [HERE, json.loads(OTHER)], "block_software": [0, 1, 0]}
    same(target, run_folder(plan, tmp_path / "whole"))
    assert verify(target) == f"{target} is intact"
    tried()


@pytest.fixture
def begun(plan, elsewhere, tmp_path):
    """A run whose first block was computed by different software; the others are missing."""
    with RunFolder(tmp_path / "run", plan) as store:
        elsewhere(store, plan.block(0))
    return tmp_path / "run"


@pytest.mark.fault("blocks computed by different software")
def test_a_run_goes_on_with_that_of_other_software_only_where_it_is_accepted(begun, plan, tried):
    for go_on in (lambda: resume(begun), lambda: ss.run(plan.sweep, begun)):
        with pytest.raises(RefusedError, match=TOLD):
            go_on()
        assert len(list(begun.glob("blocks/*.h5"))) == 1
        tried()
    resume(begun, accept_versions=True, keep_blocks=True)
    assert provenance(begun / "result.h5") == {"software": [json.loads(OTHER), HERE], "block_software": [0, 1, 1]}
    (begun / "result.h5").unlink()
    with pytest.raises(RefusedError, match="was computed by"):
        resume(begun)
    assert CliRunner().invoke(cli, ["resume", str(begun), "--accept-versions"]).exit_code == 0


EARLIER = json.dumps({name: its for name, its in HERE.items() if name != "pydantic"})
"""The stamp of version 0.1.0 at commit 3e77526, which did not contain pydantic."""


@pytest.mark.parametrize("stamp", [EARLIER, json.dumps({**HERE, "pydantic": "2.0"})], ids=["unnamed", "another"])
def test_a_run_goes_on_with_blocks_whose_stamp_differs_in_no_bit(stamp, plan, elsewhere, tmp_path):
    with RunFolder(tmp_path / "run", plan) as store:
        elsewhere(store, plan.block(0), stamp)
    result = resume(tmp_path / "run")
    assert provenance(result) == {"software": [json.loads(stamp), HERE], "block_software": [0, 1, 1]}
    assert verify(result) == f"{result} is intact"


def test_what_two_stamps_tell_is_compared_though_the_first_of_all_does_not(plan, elsewhere, tmp_path):
    stamps = (EARLIER, json.dumps({**HERE, "new": "1"}), json.dumps({**HERE, "new": "2"}))
    with RunFolder(tmp_path / "run", plan) as store:
        for block, stamp in zip(plan, stamps, strict=True):
            elsewhere(store, block, stamp)
    with pytest.raises(RefusedError, match=r"000001-\S+ was computed by new 1, \S+000002-\S+ by new 2; use the same"):
        resume(tmp_path / "run")


def test_what_other_software_has_finished_is_merged(plan, elsewhere, tmp_path):
    with RunFolder(tmp_path / "run", plan) as store:
        for block in plan:
            elsewhere(store, block)
    assert provenance(resume(tmp_path / "run")) == {"software": [json.loads(OTHER)]}


@pytest.mark.fault("blocks computed by different software")
def test_a_run_of_before_stamps_is_read_and_gone_on_with(tmp_path, tried):
    run = shutil.copytree(UNSTAMPED, tmp_path / "run")
    assert verify(run) == f"{run} is intact: 2 of 3 blocks"
    with ss.open(run) as begun:
        before = begun["final_loss"]
    assert np.isnan(before).sum() == 9
    with pytest.warns(SaddlescapeWarning, match="some blocks do not name the software") as told:
        result = resume(run)
    assert len(told) == 1
    assert provenance(result) == {"software": [{}, HERE], "block_software": [0, 0, 1]}
    same(result, ss.run(parse((run / "spec.toml").read_text(), tmp_path), tmp_path / "again"))
    np.testing.assert_array_equal(values(result)["final_loss"][:18], before[:18])
    tried()


STAMPED = Path(__file__).parent / "stamped"


@pytest.fixture
def same_packages(monkeypatch):
    """This code with the package versions of the golden run, so that stamps differ only in the code."""
    before = versions(STAMPED / "blocks/000000-c6a78e940a052d03.h5")
    stamp = json.dumps({**before, "code": software.code()})
    for name in ("saddlescape.store.blocks.stamp", "saddlescape.system.software.stamp"):
        monkeypatch.setattr(name, lambda: stamp)


def versions(block):
    with h5py.File(block) as file:
        return json.loads(file.attrs["software"])


def test_a_run_of_the_version_before_is_whole_and_goes_on_with_the_same_bits(tmp_path, same_packages):
    run = shutil.copytree(STAMPED, tmp_path / "run")
    whole = (run / "whole.h5").rename(tmp_path / "whole.h5")
    assert verify(run) == f"{run} is intact: 2 of 3 blocks"
    assert verify(whole) == f"{whole} is intact"
    same(resume(run, keep_blocks=True), whole)
    assert versions(run / "blocks/000000-c6a78e940a052d03.h5")["code"] in software.EARLIER
    with ss.open(whole) as r:
        assert (list(r.dims), r["stepper"].tolist()) == (["stepper", "run"], ["gd", "adam", "sign"])
        assert set(np.unique(r["outcome"])) == {2, 3}


@pytest.mark.parametrize(("third", "overrides"), [("", ["training.weight_decay=0.1"]), (', "rprop"', [])])
def test_a_run_that_changed_does_not_go_on_with_that_of_earlier_code(tmp_path, same_packages, third, overrides):
    text = (STAMPED / "spec.toml").read_text().replace(', "sign"', third)
    plan = Plan(parse(text, tmp_path, overrides))
    mixture = Mixture(plan)
    mixture.add(json.dumps({"code": next(iter(software.EARLIER))}))
    with pytest.raises(RefusedError, match="was computed by code"):
        mixture.add(json.dumps({"code": software.code()}))


def test_blocks_of_before_stamps_are_merged_without_a_word(plan, elsewhere, tmp_path):
    with RunFolder(tmp_path / "run", plan) as store:
        for block in plan:
            elsewhere(store, block, "")
    assert provenance(resume(tmp_path / "run")) == {"software": [{}]}


@pytest.mark.parametrize("stamp", ["1", "[]", '{"numba": 1}', '{"numba": "\\u001b[2J"}', '{"": "1"}', " " * 2000, "{"])
def test_a_stamp_of_another_form_is_refused(stamp):
    with pytest.raises(ValueError, match=r"unknown format|Expecting"):
        software.versions(stamp)


def test_code_that_computes_otherwise_has_another_digest(tmp_path):
    package = shutil.copytree(Path(ss.__file__).parent, tmp_path / "saddlescape")
    ask = [sys.executable, "-c", "from saddlescape.system.software import code; print(code())"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}

    def digest():
        return subprocess.run(ask, capture_output=True, text=True, check=True, env=environment).stdout.strip()

    assert digest() == software.code()
    for name in ("kernels/update_rules.py", "plan/starts.py"):
        before = digest()
        (package / name).write_text((package / name).read_text() + "\n")
        assert digest() != before


SLICE = """
schema = 1
[problem]
name = "xor"
[starts]
kind = "slice"
base = [1, 1, 0, 1, 1, 0, 1, 1, 0]
x = { index = 0, from = -2, to = 2, n = 3 }
y = { index = 3, from = -2, to = 2, n = 3 }
[training]
steps = 20
"""


@pytest.fixture
def foreign_slice(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        for name in ("saddlescape.store.blocks.stamp", "saddlescape.system.software.stamp"):
            patch.setattr(name, lambda: OTHER)
        return ss.open(ss.run(parse(SLICE, tmp_path), tmp_path / "coarse"))


def test_a_result_of_other_software_is_not_refined(foreign_slice, tmp_path):
    assert foreign_slice.software == [json.loads(OTHER)]
    with pytest.raises(RefusedError, match=TOLD):
        refine(foreign_slice, tmp_path / "fine.h5")
    assert not (tmp_path / "fine.h5").exists()


def test_where_that_is_accepted_the_finer_map_tells_of_both(foreign_slice, tmp_path):
    refine(foreign_slice, tmp_path / "fine.h5", accept_versions=True)
    assert provenance(tmp_path / "fine.h5") == {"software": [HERE, json.loads(OTHER)]}
    assert ss.open(tmp_path / "fine.h5").software == [HERE, json.loads(OTHER)]
