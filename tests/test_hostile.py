"""Malicious result files: every command that reads them refuses with one line."""

import json
import subprocess
import sys

import fuzzed
import hostile
import pytest
from spec_cases import TINY
from store_cases import run_folder, sweep

import saddlescape as ss
from saddlescape.errors import CorruptError
from saddlescape.plan import Plan

SECONDS = 300


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_folder(Plan(sweep()), tmp_path_factory.mktemp("hostile") / "run")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A minimal result, so that most of its bytes are metadata."""
    return run_folder(Plan(sweep("record.runs=0", text=TINY)), tmp_path_factory.mktemp("small") / "run")


@pytest.fixture(scope="module")
def told(whole, tmp_path_factory):
    """(exit code, stderr, remaining files) of each command, by case."""
    folder = tmp_path_factory.mktemp("cases")
    files = hostile.write(folder, whole)
    command = [sys.executable, "-c", hostile.TRY, *(path.name for path in files.values()), str(whole)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    found = {name: {} for name in (*files, "whole")}
    names = {path.name: name for name, path in files.items()} | {str(whole): "whole"}
    for path, word, *rest in map(json.loads, done.stdout.splitlines()):
        found[names[path]].setdefault(word, []).append(rest)
    return found


def refused(code, stderr, left):
    assert code == 4, stderr
    assert stderr.startswith("error: ")
    assert len(stderr.splitlines()) == 1
    assert not left


@pytest.mark.fault("a malicious result file is read")
@pytest.mark.parametrize("name", [*hostile.CASES, *hostile.BYTES])
def test_every_command_refuses_it_in_a_line(told, name, tried):
    for word in ("info", "plot", "export"):
        for outcome in told[name][word]:
            refused(*outcome)
    tried()


@pytest.mark.fault("a malicious result file is read")
@pytest.mark.parametrize("name", hostile.TEXTS)
def test_a_text_is_refused_by_the_command_that_needs_it(told, name, tried):
    refused(*told[name]["info"][0])
    assert {code for outcomes in told[name].values() for code, *_ in outcomes} <= {0, 4}
    tried()


@pytest.mark.parametrize("name", [*hostile.CASES, *hostile.TEXTS, *hostile.BYTES])
def test_verify_knows_that_it_was_tampered_with(told, name):
    ((code, stderr, _),) = told[name]["verify"]
    assert code == 4
    assert "digest" in stderr
    assert all(line.startswith("error: ") for line in stderr.splitlines())


def test_the_same_file_untouched_is_taken_by_all(told):
    assert {code for outcomes in told["whole"].values() for code, *_ in outcomes} == {0}


def test_the_library_refuses_as_the_commands_do(whole, tmp_path):
    for path in hostile.write(tmp_path, whole).values():
        with pytest.raises(CorruptError, match=str(path)), ss.open(path) as result:
            _ = result.axes, result.spec_text, dict(result)


@pytest.mark.fault("a malicious result file is read")
@pytest.mark.parametrize("kind", ["whole", "small"])
@pytest.mark.parametrize(
    ("seed", "many"), [(1, 120), *(pytest.param(seed, 7600, marks=pytest.mark.slow) for seed in range(2, 7))]
)
def test_metadata_changed_at_random_under_right_checksums_are_read_or_refused(
    request, tmp_path, kind, seed, many, tried
):
    refused, deaths = fuzzed.deaths("result", request.getfixturevalue(kind), many, seed, tmp_path)
    assert not deaths, "\n".join(f"seed {seed}, number {number}: {how}" for number, how in deaths)
    assert many / 4 < refused < many
    tried(many)
