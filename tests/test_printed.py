"""What commands print: numbers with their nouns, and a remedy that fits what the path is."""

import re
from types import SimpleNamespace

import click
import pytest
from spec_cases import TINY
from store_cases import commit, filled, run_folder, sweep

import saddlescape as ss
from saddlescape.errors import SaddlescapeError, SpecError
from saddlescape.plan import Plan, Shard
from saddlescape.spec import load
from saddlescape.store import RunFolder, verify
from saddlescape.system.shell import quote
from saddlescape_cli.dry_run import show_cost
from saddlescape_cli.main import cli
from saddlescape_cli.open_result import open_result


@pytest.mark.parametrize(("threads", "noun"), [(1, "1 thread"), (3, "3 threads")])
def test_a_number_has_its_noun(tmp_path, capsys, threads, noun):
    show_cost(sweep(text=TINY), tmp_path / "run", threads, None, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split(maxsplit=1) == ["runs", "10 in 1 block"]
    assert lines[3].endswith(f" at most, on {noun}")
    assert not (tmp_path / "run").exists()


def test_a_path_without_a_result_is_told_what_it_is(tmp_path):
    run_folder(Plan(sweep(text=TINY)), tmp_path / "run").unlink()
    (tmp_path / "spec.toml").write_text(TINY)
    for path, message in {
        "none.toml": r"/none\.toml: must be a result file or .*; it does not exist$",
        "none": r"/none: must be a result file or the folder of a finished run; it does not exist$",
        ".": r": must be a result file .*; this folder contains no result\.h5 and no run$",
        "run": r"/run: must be .*; this run is not finished; finish it with: saddlescape resume .*/run$",
        "spec.toml": r"must be a result; this is a spec; run it first: saddlescape run .*/spec\.toml$",
    }.items():
        with pytest.raises(SpecError, match=message):
            open_result(tmp_path / path)


@pytest.mark.parametrize("opened", [open_result, ss.open, verify, ss.status])
def test_a_misspelt_run_or_result_is_told_the_one_beside_it(tmp_path, opened):
    run_folder(Plan(sweep(text=TINY)), tmp_path / "my-run").rename(tmp_path / "pooled.h5")
    (tmp_path / "my-notes").mkdir()
    near = {"my-rum": "my-run", "my-rum/result.h5": "my-run", "poled.h5": "pooled.h5", "pooled": "pooled.h5"}
    for name, meant in {**near, "x": "", "other.h5": ""}.items():
        hint = f"; did you mean '{re.escape(str(tmp_path / meant))}'\\?" if meant else ""
        with pytest.raises(SaddlescapeError, match=f"; it does not exist{hint}$|: it does not exist{hint}$"):
            opened(tmp_path / name)


def test_a_run_or_a_result_in_place_of_a_spec_is_told_the_command_for_it(tmp_path):
    result = run_folder(Plan(sweep(text=TINY)), tmp_path / "run")
    for path, message in {
        result.parent: r"/run: must be a spec, .*; this is a folder; .*: saddlescape resume .*/run$",
        result: r"/result\.h5: must be a spec, .*; this is an HDF5 file; .*: saddlescape info .*/result\.h5$",
    }.items():
        with pytest.raises(SpecError, match=message):
            load(path)


def test_a_path_without_a_run_is_told_what_it_is(tmp_path):
    (tmp_path / "spec.toml").write_text(TINY)
    (tmp_path / "notes").write_text("")
    for name, message in {
        "none": "it does not exist$",
        ".": "it has no plan.json$",
        "notes": "it is a file; give the folder of a run$",
        "spec.toml": r"this is a spec; run it first: saddlescape run .*/spec\.toml$",
    }.items():
        path = str(tmp_path / name)
        for command in (["resume", path], ["status", path], ["merge", path, "-o", str(tmp_path / "result.h5")]):
            with pytest.raises(SaddlescapeError, match=f"is not a run's folder: {message}"):
                cli(command, standalone_mode=False)


def test_a_path_that_cannot_be_verified_is_told_what_it_is(tmp_path):
    (tmp_path / "spec.toml").write_text(TINY)
    for name, message in {"none": "it does not exist$", "spec.toml": "this is a spec; run it first: "}.items():
        with pytest.raises(SpecError, match=f"must be a result file or a run's folder; {message}"):
            verify(tmp_path / name)


def test_a_finished_shard_is_to_be_merged_and_another_one_finished(tmp_path, monkeypatch):
    monkeypatch.setattr("saddlescape.plan.plan.BLOCK_RUNS", 5)
    plan = Plan(sweep(text=TINY))
    with RunFolder(tmp_path / "shard", plan, Shard(1, 2)) as store:
        commit(store, plan.block(0), filled(plan, plan.block(0)))
    with pytest.raises(SpecError, match=r"this shard is finished; merge it .*: saddlescape merge .*/shard \.\.\. -o "):
        open_result(tmp_path / "shard")
    next((tmp_path / "shard" / "blocks").iterdir()).unlink()
    with pytest.raises(SpecError, match=r"this run is not finished; finish it with: saddlescape resume .*/shard$"):
        open_result(tmp_path / "shard")


def test_a_dry_run_on_a_cluster_is_refused(tmp_path):
    with pytest.raises(click.UsageError, match=r"^--dry-run estimates the cost on this machine; leave out --dask"):
        cli(["run", "xor", "--dry-run", "--dask", "local:2", "-o", str(tmp_path / "run")], standalone_mode=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("system", "path"), [("posix", "'my runs/a'"), ("nt", '"my runs/a"')])
def test_commands_in_messages_are_quoted_for_the_shell_of_the_system(monkeypatch, system, path):
    monkeypatch.setattr("saddlescape.system.shell.os", SimpleNamespace(name=system))
    assert quote("my runs/a") == path
    assert quote("my-run") == "my-run"
