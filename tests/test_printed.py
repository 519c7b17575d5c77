"""What commands print: numbers with their nouns, and a remedy that fits what the path is."""

import pytest
from spec_cases import TINY
from store_cases import run_folder, sweep

from saddlescape.errors import SpecError
from saddlescape.plan import Plan
from saddlescape_cli.dry_run import show_cost
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
        "none": r"/none: must be a result file or the folder of a finished run; it does not exist$",
        ".": r": must be a result file .*; this folder contains no result\.h5 and no run$",
        "run": r"/run: must be .*; this run is not finished; finish it with: saddlescape resume .*/run$",
        "spec.toml": r"must be a result; this is a spec; run it first: saddlescape run .*/spec\.toml$",
    }.items():
        with pytest.raises(SpecError, match=message):
            open_result(tmp_path / path)
