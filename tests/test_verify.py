"""Verifying: each changed byte is detected and located, and no file is modified."""

import os
import shutil

import h5py
import numpy as np
import pytest
from spec_cases import TINY
from store_cases import commit, filled, run_folder, sweep

import saddlescape as ss
from saddlescape.errors import CorruptError, RefusedError, SpecError
from saddlescape.plan import Plan
from saddlescape.plan import plan as plans
from saddlescape.spec import parse
from saddlescape.store import RunFolder
from saddlescape.store.seal import SIZE, fault
from saddlescape.store.verify import verify


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(plans, "BLOCK_RUNS", 4)
    return Plan(sweep())


@pytest.fixture
def folder(plan, tmp_path):
    run_folder(plan, tmp_path / "run")
    return tmp_path / "run"


def changed(path, at, value=None):
    """Change one byte of the file (by default, its lowest bit)."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 if value is None else value]))


def test_what_is_whole_is_said_to_be(folder, plan):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert verify(folder / "result.h5") == f"{folder / 'result.h5'} is intact"
    assert verify(folder) == f"{folder} is intact: {plan.blocks} of {plan.blocks} blocks and result.h5"
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_run_in_progress_is_whole_as_far_as_it_is(plan, tmp_path):
    with RunFolder(tmp_path / "run", plan) as store:
        for number in range(3):
            commit(store, plan.block(number), filled(plan, plan.block(number)))
        assert verify(tmp_path / "run") == f"{tmp_path / 'run'} is intact: 3 of {plan.blocks} blocks"


def test_a_flip_of_any_byte_of_a_result_is_found(tmp_path):
    path = run_folder(Plan(parse(TINY + "[record]\nruns = 0\n", tmp_path)), tmp_path / "run")
    descriptor = os.open(path, os.O_RDWR)
    assert fault(descriptor) == ""
    for at in range(path.stat().st_size):
        byte = os.pread(descriptor, 1, at)
        os.pwrite(descriptor, bytes([byte[0] ^ 1 << at % 8]), at)
        assert fault(descriptor), at
        os.pwrite(descriptor, byte, at)
    assert fault(descriptor) == ""
    os.close(descriptor)


def chunk(path, name):
    """An offset within a variable's first chunk."""
    with h5py.File(path) as file:
        return file[name].id.get_chunk_info(0).byte_offset + file[name].id.get_chunk_info(0).size // 2


@pytest.mark.parametrize("name", ["loss", "outcome", "final_theta", "record_step"])
def test_the_variable_that_is_damaged_is_named_and_not_read(folder, name):
    path = folder / "result.h5"
    changed(path, chunk(path, name))
    with pytest.raises(CorruptError, match=rf"(?s)does not match its digest.*variable '{name}'") as told:
        verify(path)
    assert len(str(told.value).splitlines()) == 2
    with ss.open(path) as result, pytest.raises(CorruptError, match="is damaged"):
        result.read(name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[:-1], "no digest at its end: it was cut short"),
        (lambda content: content[: len(content) // 2], "no digest at its end"),
        (lambda content: content + b"\n", "no digest at its end: it was cut short or modified"),
        (lambda content: b"", "no digest at its end"),
        (lambda content: content[:-SIZE] + b"x" + content[-SIZE:], "some of its bytes have changed"),
    ],
)
def test_a_file_of_another_length_is_found(folder, change, words):
    path = folder / "result.h5"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CorruptError, match=words):
        verify(path)


def test_a_result_of_before_digests_is_told_to_be_one(folder):
    path = folder / "result.h5"
    with h5py.File(path, "a") as file:  # such a file had no picture for NeXus viewers either
        del file["entry"]
    told = "has no digest, like all results of earlier versions: it is readable"
    assert verify(path).startswith(f"{path} {told}")
    assert f"; result.h5 {told}" in verify(folder)


def test_what_another_program_adds_is_found(folder):
    with h5py.File(folder / "result.h5", "a") as file:
        file["mine"] = np.arange(3)
    with pytest.raises(CorruptError, match="cut short or modified"):
        verify(folder)


def test_every_fault_of_a_folder_is_a_line_and_nothing_is_touched(folder, plan):
    first, second, third, *_ = sorted((folder / "blocks").iterdir())
    changed(first, 100)
    second.rename(second.with_name("000001.h5"))
    third.write_bytes(b"")
    changed(folder / "result.h5", 100)
    before = sorted(folder.rglob("*"))
    with pytest.raises(CorruptError) as told:
        verify(folder)
    lines = str(told.value)
    assert all(name in lines for name in (first.name, "000001.h5", third.name, "result.h5 does not match"))
    assert sorted(folder.rglob("*")) == before


def test_a_folder_with_the_result_or_the_spec_of_another_run_is_told(folder, tmp_path):
    other = run_folder(Plan(sweep("training.steps=21")), tmp_path / "other")
    shutil.copy(other, folder / "result.h5")
    with pytest.raises(CorruptError, match=r"result\.h5 is not the result of the run in its folder"):
        verify(folder)
    (folder / "spec.toml").write_text((folder / "spec.toml").read_text().replace("steps = 20", "steps = 30"))
    with pytest.raises(CorruptError, match=r"spec\.toml, plan\.json or a data file has changed since"):
        verify(folder)


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(RefusedError, match="not a run's folder"):
        verify(tmp_path)
    with pytest.raises(SpecError, match="it does not exist"):
        verify(tmp_path / "none.h5")
