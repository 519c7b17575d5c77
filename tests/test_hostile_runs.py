"""Malicious run folders whose blocks have correct hashes: no link is followed, and decompression is limited."""

import json
import os
import shutil
import subprocess
import sys
import zlib

import fuzzed
import h5py
import numpy as np
import pytest
from hostile import endless_heap
from spec_cases import TINY
from store_cases import TEXT, filled, run_folder, sweep

import saddlescape as ss
from saddlescape.errors import CorruptError
from saddlescape.plan import Plan
from saddlescape.plan import plan as plans
from saddlescape.store import RunFolder, blocks, chunkindex
from saddlescape.store.plan_file import read_plan

RUNS = 4
SECONDS = 60


def instead(make):
    """Replace the outcomes of a block by a differently stored dataset."""

    def change(file):
        del file["outcome"]
        make(file)

    return change


def dataset(shape=(RUNS,), dtype="i1", **storage):
    return instead(lambda file: file.create_dataset("outcome", shape, dtype, **storage))


def chunk(content, at=(0,), mask=0, chunks=(RUNS,), **storage):
    """Outcomes in one chunk with these bytes."""

    def make(file):
        made = file.create_dataset("outcome", (RUNS,), "i1", maxshape=(None,), chunks=chunks, **storage)
        made.resize((max(RUNS, at[0] + 1),))
        made.id.write_direct_chunk(at, content, mask)

    return instead(make)


def virtual(file):
    layout = h5py.VirtualLayout((RUNS,), "i1")
    layout[...] = h5py.VirtualSource("/etc/hostname", "x", (RUNS,))
    file.create_virtual_dataset("outcome", layout)


def many_chunks(file):
    file.create_dataset("outcome", (9 * RUNS,), "i1", chunks=(RUNS,), compression=1)[...] = 1


def number(value):
    return lambda file: file.attrs.create("block", value)


def stamp_in_heap(file):
    """Store the text as earlier versions did: with variable length."""
    file.attrs["software"] = file.attrs["software"].decode()


GOOD = zlib.compress(bytes(RUNS))
CASES = {
    "external link": instead(lambda file: file.__setitem__("outcome", h5py.ExternalLink("/etc/hostname", "/x"))),
    "soft link": instead(lambda file: file.__setitem__("outcome", h5py.SoftLink("/stop_reason"))),
    "soft link to itself": instead(lambda file: file.__setitem__("outcome", h5py.SoftLink("/outcome"))),
    "external storage": dataset(external=[("/etc/hostname", 0, RUNS)]),
    "virtual data": instead(virtual),
    "no outcomes": instead(lambda file: None),
    "a group": instead(lambda file: file.create_group("outcome")),
    "a named type": instead(lambda file: file.__setitem__("outcome", np.dtype("i1"))),
    "contiguous": dataset(data=np.zeros(RUNS, "i1")),
    "vast and empty": dataset((2**40,), chunks=(2**20,)),
    "text": dataset(dtype=h5py.string_dtype(), data=["x"] * RUNS),
    "more chunks": instead(many_chunks),
    "a chunk elsewhere": chunk(GOOD, at=(RUNS,)),
    "a chunk without filters": chunk(bytes(RUNS), mask=3, shuffle=True, compression=1),
    "a chunk that is too large": chunk(zlib.compress(bytes(2**26)), compression=1),
    "no number": lambda file: file.attrs.__delitem__("block"),
    "another number": number(1),
    "many numbers": number(np.zeros(100, "i8")),
    "a text for a number": number("0"),
}
"""Cases that every command refuses."""

UNPACKED = {
    "a chunk that grows": chunk(zlib.compress(bytes(2**15)), compression=1),
    "a chunk that is not deflated": chunk(bytes(RUNS)),
    "unknown outcomes": chunk(zlib.compress(bytes([77] * RUNS)), compression=1),
}
"""Cases refused when values are read, and by `verify`; a merge decompresses nothing."""

HARMLESS = {
    "vast": instead(
        lambda file: file.create_dataset("outcome", (2**40,), "i1", chunks=(RUNS,), compression=1)
        .id.write_direct_chunk((0,), GOOD)
    ),
    "another type": chunk(GOOD, shuffle=True, compression=9),
}  # fmt: skip
"""Cases in parts that are never read."""

SPARSE = "a file larger than memory"

# One process tries every command on every folder, with little memory and a time limit.
TRY = """
import contextlib, io, json, resource, sys
from pathlib import Path
import saddlescape as ss
from saddlescape.plan import plan
from saddlescape.errors import CorruptError
from saddlescape.store import RunFolder
from saddlescape_cli import verify as _
from saddlescape_cli.main import main
plan.BLOCK_RUNS = int(sys.argv[1])

def read(folder):
    with ss.open(folder) as result:
        dict(result)

def verify(folder):
    sys.argv = ["saddlescape", "verify", folder]
    main()

def merge(folder):
    ss.merge([folder], "out.h5")

def resume(folder):
    with RunFolder.existing(Path(folder)) as store:
        sys.exit(0 if 0 in store.committed() else 4)

used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29,) * 2)
for path in list(sys.argv[2:]):
    for attempt in (read, verify, merge, resume):
        with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.redirect_stdout(io.StringIO()):
            try:
                code = attempt(path) or 0
            except SystemExit as end:
                code = end.code or 0
            except CorruptError as error:
                code = error.exit_code
                print("error:", error, file=sys.stderr)
        left = [p.unlink() or p.name for p in Path().iterdir() if not p.is_dir()]
        print(json.dumps([path, attempt.__name__, code, told.getvalue(), left]), flush=True)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of three blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "BLOCK_RUNS", RUNS)
        folder = tmp_path_factory.mktemp("hostile") / "run"
        run_folder(Plan(sweep("record.runs=0", text=TINY)), folder)
    return folder


def spoilt(whole, folder, change):
    """A copy of the run with a modified first block, whose name has the correct hash."""
    (shutil.copytree(whole, folder) / "result.h5").unlink()
    path = sorted(folder.glob("blocks/*.h5"))[0]
    with h5py.File(path, "a", libver=("v108", "v110")) as file:
        stamp_in_heap(file) if change is endless_heap else change(file)
    if change is endless_heap:
        path.write_bytes(change(path.read_bytes()))
    path.rename(path.with_name(blocks.name(0, path.read_bytes())))


def sparse(whole, folder):
    """A copy of the run whose first block is a sparse file larger than memory."""
    (shutil.copytree(whole, folder) / "result.h5").unlink()
    os.truncate(sorted(folder.glob("blocks/*.h5"))[0], 2**40)


@pytest.fixture(scope="module")
def told(whole, tmp_path_factory):
    """(exit code, stderr, remaining files) of each command, by case."""
    folder = tmp_path_factory.mktemp("cases")
    cases = {**CASES, **UNPACKED, **HARMLESS, "endless heap": endless_heap, "whole": lambda file: None}
    for number, change in enumerate(cases.values()):
        spoilt(whole, folder / str(number), change)
    cases[SPARSE] = sparse(whole, folder / str(len(cases)))
    command = [sys.executable, "-c", TRY, str(RUNS), *map(str, range(len(cases)))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    found = {name: {} for name in cases}
    for number, word, *rest in map(json.loads, done.stdout.splitlines()):
        found[list(cases)[int(number)]][word] = rest
    return found


def refused(code, stderr, left):
    assert code == 4, stderr
    assert stderr.startswith("error: ")
    assert "/blocks/000000-" in stderr
    assert len(stderr.splitlines()) == 1
    assert not left


@pytest.mark.fault("a malicious block is read, merged and resumed")
@pytest.mark.parametrize("name", [*CASES, SPARSE, "endless heap"])
def test_every_command_refuses_it_in_a_line_and_resume_sets_it_aside(told, name, tried):
    for word in ("read", "verify", "merge"):
        refused(*told[name][word])
    assert told[name]["resume"] == [4, "", []]
    tried()


@pytest.mark.parametrize("name", UNPACKED)
def test_values_are_unpacked_no_further_than_they_go(told, name):
    for word in ("read", "verify"):
        refused(*told[name][word])
    assert told[name]["merge"] == [0, "", ["out.h5"]]


@pytest.mark.parametrize("name", [*HARMLESS, "whole"])
def test_what_is_not_looked_at_does_no_harm(told, name):
    assert {word: code for word, (code, *_) in told[name].items()} == dict.fromkeys(told[name], 0)


@pytest.mark.fault("a malicious block is read, merged and resumed")
@pytest.mark.parametrize(
    ("seed", "many"), [(1, 100), *(pytest.param(seed, 5060, marks=pytest.mark.slow) for seed in range(2, 7))]
)
def test_metadata_changed_at_random_under_right_checksums_are_read_or_refused(whole, tmp_path, seed, many, tried):
    (tmp_path / "block_runs").write_text(str(RUNS))
    folder = shutil.copytree(whole, tmp_path / "run")
    (folder / "result.h5").unlink()
    (block,) = folder.glob("blocks/000000-*.h5")
    source = shutil.copy(block, tmp_path / "block.h5")
    refused, deaths = fuzzed.deaths("block", source, many, seed, tmp_path)
    assert not deaths, "\n".join(f"seed {seed}, number {number}: {how}" for number, how in deaths)
    assert many / 4 < refused < many
    tried(many)


def test_a_chunk_of_no_bytes_is_refused(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(plans, "BLOCK_RUNS", RUNS)
    folder = shutil.copytree(whole, tmp_path / "run")
    (block,) = folder.glob("blocks/000000-*.h5")
    content = block.read_bytes()
    size = content.index(b"TREE\x01") + chunkindex.NODE
    spoilt = content[:size] + bytes(4) + content[size + 4 :]
    block.rename(block.with_name(blocks.name(0, spoilt))).write_bytes(spoilt)
    with pytest.raises(CorruptError, match="has a chunk of 0 bytes, which is impossible"):
        ss.merge([folder], tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_no_block_is_larger_than_one_may_be(monkeypatch):
    noise = np.random.default_rng(1)
    for runs, text in ((1, TINY), (7, TEXT), (40, TEXT)):
        monkeypatch.setattr(plans, "BLOCK_RUNS", runs)
        plan = Plan(sweep("record.steps='every:1'", text=text))
        for block in plan:
            data = {name: np.frombuffer(noise.bytes(v.nbytes), v.dtype) for name, v in filled(plan, block).items()}
            data = {name: data[name].reshape(v.shape) for name, v in filled(plan, block).items()}
            assert len(blocks.encode(plan, block, data)) < blocks.max_size(plan)


@pytest.mark.parametrize(
    "kept",
    [
        {"digest": 1},
        {"blocks": "3"},
        {"blocks": 0},
        {"blocks": 10**400},
        {"shard": 5},
        {"shard": [2, 1]},
        {"shard": [1, 2, 3]},
        {"overrides": [{}]},
        {"overrides": None},
        {"folder": []},
        {"spec": "nothing"},
    ],
    ids=str,
)
def test_a_plan_of_another_form_is_damaged(whole, tmp_path, kept):
    plan = json.loads((whole / "plan.json").read_text())
    (tmp_path / "plan.json").write_text(json.dumps(plan | kept))
    with pytest.raises(CorruptError, match=r"plan\.json is damaged"):
        read_plan(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 10**5, b"9" * 5000, b"{}", b"\xff", b'{"format": 1}', None])
def test_what_is_no_plan_is_damaged(tmp_path, content):
    if content is None:
        os.mkfifo(tmp_path / "plan.json")
    else:
        (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(CorruptError, match=r"plan\.json is damaged"):
        read_plan(tmp_path)


@pytest.mark.parametrize("name", ["plan.json", "spec.toml"])
def test_a_text_larger_than_memory_is_not_read(whole, tmp_path, name):
    (shutil.copytree(whole, tmp_path / "run") / "result.h5").unlink()
    os.truncate(tmp_path / "run" / name, 2**40)
    with pytest.raises(CorruptError, match=rf"{name} is (missing or )?damaged"):
        ss.open(tmp_path / "run")


@pytest.mark.parametrize(
    "session",
    [
        {"began": 5},
        {"began": "yesterday"},
        {"began": "2026-01-01T00:00:00", "ended": "9999-12-31T23:59:59+00:00"},
        {"began": "0001-01-01T00:00:00+23:00", "ended": "2026-01-01T00:00:00Z"},
        {"before": [1]},
        {"before": float("inf")},
        {"before": 10**400},
        [],
        "[" * 10**5,
    ],
    ids=lambda session: str(session)[:40],
)
def test_a_session_of_any_form_does_not_keep_status_from_telling_what_is_done(whole, tmp_path, monkeypatch, session):
    monkeypatch.setattr(plans, "BLOCK_RUNS", RUNS)
    folder = shutil.copytree(whole, tmp_path / "run")
    (folder / "run.json").write_text(session if isinstance(session, str) else json.dumps(session))
    (folder / "blocks/000001.failed").write_bytes(b"\xff")
    (folder / "blocks/mine.failed").write_text("mine")
    found = ss.status(folder)
    assert (found.blocks, found.done) == (3, 3)
    with RunFolder.existing(folder) as store:
        assert list(store.failed()) == [1]
