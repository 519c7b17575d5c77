"""Texts, numbers and files that might block a command, control a terminal or run formulas in a spreadsheet."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest
from spec_cases import TINY
from store_cases import run_folder, sweep

import saddlescape as ss
from saddlescape import plots
from saddlescape.errors import CorruptError, SpecError
from saddlescape.plan import Plan, Shard
from saddlescape.results.export import export
from saddlescape.spec import parse
from saddlescape.store import RunFolder, chunks
from saddlescape.store import dataset as datasets
from saddlescape_cli.main import main

SECONDS = 60
"""Timeout in seconds; no command takes a tenth of it, even on a busy machine."""
ZIPPED = (
    TINY
    + """
[[axes]]
zip = "pair"
key = "network.activation"
values = ["tanh", "logistic"]
[[axes]]
zip = "pair"
key = "starts.scale"
values = [0.1, 1.0]
"""
)


@pytest.fixture(autouse=True)
def in_time():
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SECONDS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of a zipped sweep."""
    folder = tmp_path_factory.mktemp("words") / "run"
    run_folder(Plan(sweep(text=ZIPPED)), folder)
    return folder


@pytest.fixture
def result(made, tmp_path):
    return Path(shutil.copy(made / "result.h5", tmp_path))


def told(monkeypatch, capfd, *command):
    """Exit code, stdout and stderr of a command."""
    monkeypatch.setattr(sys, "argv", ["saddlescape", *map(str, command)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0, *capfd.readouterr()


def without_digest(said):
    return [re.sub(r"result: sha256:\w+\n", "", str(each)) for each in said]


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
def test_coordinates_of_many_words_are_not_each_looked_at(result, monkeypatch, capfd, tried):
    before = told(monkeypatch, capfd, "info", result)
    with h5py.File(result, "a") as file:
        words = file["outcome"].attrs["coordinates"]
        file["outcome"].attrs["coordinates"] = f"{words} " + "loss final_loss record_step run outcome x " * 20_000
    after = told(monkeypatch, capfd, "info", result)
    assert without_digest(after) == without_digest(before)
    with ss.open(result) as opened:
        assert opened.along["pair"] == ("activation", "scale")
    tried()


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
def test_a_label_longer_than_any_word_is_refused(result, monkeypatch, capfd, tried):
    with h5py.File(result, "a") as file:
        file["activation"][0] = "x" * 10**7
    code, out, err = told(monkeypatch, capfd, "info", result)
    assert (code, out.count("x" * 100), len(err.splitlines())) == (4, 0, 1)
    assert "a text of 10000000 bytes, which is too long" in err
    tried()


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
@pytest.mark.parametrize("run", [-2, 10, 2**62])
def test_trajectories_of_runs_that_are_not_there_are_refused(result, tried, run):
    with h5py.File(result, "a") as file:
        file["trajectory_run"][0] = run
    with ss.open(result) as opened:
        with pytest.raises(CorruptError, match="'trajectory_run' has"):
            opened.trajectory((0,), 0)
        with pytest.raises(CorruptError, match="'trajectory_run' has"):
            plots.plot(opened, "trajectories")
    tried()


def test_a_vast_chunk_is_inflated_once(result, monkeypatch):
    """However many parts of it are read."""
    runs, inflated = 10**6, []
    with h5py.File(result, "a") as file:
        for name in ("outcome", "stop_reason"):
            del file[name]
            made = file.create_dataset(name, (2, runs), "i1", chunks=(2, runs), compression=9)
            made[...] = 0
    raw = datasets.Raw.of_file(result)
    said = datasets.objects.messages(raw, datasets.objects.root(raw))
    found = datasets.Dataset(raw, datasets.objects.messages(raw, datasets.objects.links(raw, said)["outcome"]))
    unfiltered = chunks.unfiltered
    monkeypatch.setattr(chunks, "unfiltered", lambda *args: inflated.append(0) or unfiltered(*args))
    for first in range(0, 2 * runs, 1000):
        row, at = divmod(first, runs)
        assert not found.read((slice(row, row + 1), slice(at, at + 1000))).any()
    assert len(inflated) == 1


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
def test_shards_of_more_blocks_than_memory_holds_are_counted(tmp_path, tried):
    text = '[problem]\nname = "xor"\n[training]\nlearning_rate = 1\nsteps = 1000000000\n[starts]\ncount = 1000000000\n'
    plan = Plan(sweep("record.runs=0", text=text))
    assert plan.blocks >= 10**8
    shard = Shard(2, 10**9)
    with RunFolder(tmp_path / "shard", plan, shard):
        pass
    script = (
        "import resource, sys\n"
        "from saddlescape.runs import runner\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**28,) * 2)\n"
        "from saddlescape_cli.main import main\n"
        "sys.argv = ['saddlescape', 'merge', 'shard', '-o', 'out.h5']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=SECONDS)
    assert done.returncode == 3, done.stderr
    assert f"{plan.blocks} of {plan.blocks} blocks are missing; continue with saddlescape resume shard" in done.stderr
    tried()


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
def test_status_does_not_wait_at_a_pipe_in_place_of_the_lock(made, tmp_path, tried):
    folder = shutil.copytree(made, tmp_path / "run")
    session = json.loads((folder / "run.json").read_text())
    del session["ended"]
    (folder / "run.json").write_text(json.dumps(session))
    (folder / "lock").unlink()
    os.mkfifo(folder / "lock")
    done = subprocess.run(
        [sys.executable, "-m", "saddlescape", "status", folder], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    tried()


DEEP = {
    "a bare key": ".".join("a" * 400_000) + " = 1",
    "a quoted key": ".".join(['"a"'] * 400_000) + " = 1",
    "a table": "[" + ".".join("a" * 400_000) + "]",
    "a table in a line": "x = {" + " . ".join("a" * 400_000) + " = 1}",
    "many keys": "".join(f"a{number} = 1\n" for number in range(60_000)),
}


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
@pytest.mark.parametrize("name", DEEP)
def test_a_spec_that_takes_the_square_of_its_length_is_refused(name, tried):
    with pytest.raises(SpecError, match=r"nested more than 16 deep|more than 1000 keys"):
        parse(DEEP[name], Path())
    tried()


@pytest.mark.parametrize("quotes", ['"', "'", '"""', "'''"])
def test_dots_in_strings_and_comments_are_no_depth(quotes):
    dots = ".".join("abcdefghijklmnopqrstuvwxyz")
    text = TINY.replace('title = "tiny"', f"title = {quotes}{dots}{quotes} # {dots}")
    assert parse(text, Path()).spec.title == dots


ESCAPES = "\x1b[2J\x1b]0;mine\x07\x9b1A\u202e\x08\r"


def spoken(result):
    """A result whose texts contain control characters."""
    with h5py.File(result, "a") as file:
        file.attrs["title"] = f"A title{ESCAPES}"
        text = file["provenance/spec"].asstr()[()]
        del file["provenance/spec"]
        file["provenance"]["spec"] = f"# {ESCAPES}\n{text}"
        file["activation"][0] = f"ta{ESCAPES}nh"


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
def test_no_terminal_obeys_what_a_result_says(result, monkeypatch, capfd, tried):
    spoken(result)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *given, **more: False)  # as at a terminal
    code, out, err = told(monkeypatch, capfd, "info", result)
    assert code == 0, err
    assert "A title\ufffd[2J" in out
    assert "ta\ufffd[2J" in out
    assert not set(ESCAPES.replace("[2J", "").replace("]0;mine", "").replace("1A", "")) & set(out)
    tried()


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
def test_no_terminal_obeys_what_a_folder_says(made, tmp_path, monkeypatch, capfd, tried):
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *given, **more: False)  # as at a terminal
    folder = shutil.copytree(made, tmp_path / "run")
    (folder / "blocks/000000.failed").write_text(f"Traceback\nError: {ESCAPES}")
    (folder / "blocks" / f"{ESCAPES}.failed").write_text("mine")
    code, out, _ = told(monkeypatch, capfd, "status", folder)
    (folder / "plan.json").write_text(json.dumps({"format": ESCAPES}))
    refused, _, err = told(monkeypatch, capfd, "status", folder)
    assert (code, refused) == (0, 3)
    assert out.startswith("merged: 1 of 1 blocks done, 0 left, 0 failed\n")
    assert r"\x1b[2J" in err
    assert not {"\x1b", "\x9b", "\u202e", "\x08"} & {*out, *err}
    tried()


@pytest.mark.fault("a malicious file that delays a command, or contains codes for a terminal or a spreadsheet")
@pytest.mark.parametrize("word", ["=cmd|' /C calc'!A0", "+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_spreadsheet_computes_a_label(result, tmp_path, word, tried):
    with h5py.File(result, "a") as file:
        file["activation"][0] = word
    with ss.open(result) as opened:
        export(opened, "csv", tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="") as file:
        cells = {row["activation"] for row in csv.DictReader(file)}
    assert cells == {f"'{word}".replace("\r", "\n"), "logistic"}
    tried()


@pytest.mark.parametrize("name", ["../outside", "a/b", "\x1b[2J", ".."])
def test_names_that_lead_elsewhere_are_refused(result, name):
    """An exported archive with such a member could be unpacked to another folder."""
    raw = datasets.Raw(result.read_bytes())
    said = [datasets.objects.Message(6, 0, bytes([1, 0, len(name)]) + name.encode() + bytes(8))]
    with pytest.raises(ValueError, match="named"):
        datasets.objects.links(raw, said)
