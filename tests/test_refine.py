"""Refinement: the same as all starts, but for islands that no start has hit."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, label

import saddlescape as ss
from saddlescape.errors import RefusedError
from saddlescape.outcomes import Outcome
from saddlescape.refine import Table, disagree, refine, refine_level
from saddlescape.spec import load


def refined(full, levels, band=None):
    """(outcome, computed) of a grid of which all outcomes and steps are known."""
    outcome, step = full
    stride = 2**levels
    table = Table({"outcome": outcome[::stride, ::stride].ravel(), "solve_step": step[::stride, ::stride].ravel()},
                  outcome[::stride, ::stride].shape)  # fmt: skip
    for level in reversed(range(levels)):
        here = [values[:: 2**level, :: 2**level] for values in full]
        refine_level(table, band, lambda where, here=here: dict(zip(("outcome", "solve_step"),
                     (values[where] for values in here), strict=True)))  # fmt: skip
    return table


def islands(wrong):
    """Connected sets, along sides and diagonals, of starts where something is wrong."""
    names, count = label(wrong, np.ones((3, 3)))
    return [names == k + 1 for k in range(count)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(0.01, 0.6), st.booleans())
def test_only_islands_without_a_run_start_differ(seed, levels, noise, banded):
    rng = np.random.default_rng(seed)
    n, m = (rng.integers(1, 6, 2) * 2**levels + 1).tolist()
    smooth = np.add.outer(np.linspace(0, 1, n), np.linspace(0, 1, m)) > rng.uniform(0, 2)
    outcome = np.where(smooth | (rng.random((n, m)) < noise / 10), Outcome.SOLVED, Outcome.TRAPPED)
    step = np.where(outcome == Outcome.SOLVED, rng.integers(1, 50, (n, m)), -1)
    table = refined((outcome.astype(np.int8), step), levels, 0.5 if banded else None)
    found, computed = table.grid("outcome"), table.computed
    np.testing.assert_array_equal(found[computed], outcome[computed])
    np.testing.assert_array_equal(table.grid("solve_step")[computed], step[computed])
    for island in islands(found != outcome):
        assert not computed[island].any()
        edge = binary_dilation(island, np.ones((3, 3))) & ~island
        assert len(np.unique(found[island | edge])) == 1
        assert (found == outcome)[edge].all()


def test_a_border_is_followed_where_coarse_corners_agree():
    """A tongue that enters between coarse starts is run to its tip, as it begins at a border."""
    outcome = np.full((33, 33), Outcome.TRAPPED, dtype=np.int8)
    outcome[:9], outcome[:27, 20:22] = Outcome.SOLVED, Outcome.SOLVED
    table = refined((outcome, np.where(outcome == Outcome.SOLVED, 7, -1)), 3)
    np.testing.assert_array_equal(table.grid("outcome"), outcome)
    assert table.computed.mean() < 0.5


def test_cells_disagree_by_outcome_and_by_steps_of_solved_corners():
    outcome = np.array([[4, 4, 3], [4, 4, 3]], dtype=np.int8)
    step = np.array([[10, 14, -1], [10, 10, -1]])
    assert disagree(outcome, step, None).tolist() == [[False, True]]
    assert disagree(outcome, step, 0.5).tolist() == [[False, True]]
    assert disagree(outcome, step, 0.3).tolist() == [[True, True]]


def side(name, at, n):
    return f"starts.{name}={{ index = {at}, from = -10, to = 9.9, n = {n} }}"


@pytest.fixture(scope="module")
def slice_of(tmp_path_factory):
    """Function that runs figure 11 of Kolen and Pollack with n starts a side, and opens the result."""

    def run(n, *more):
        sweep = load("xor-slice", [side("x", 8, n), side("y", 5, n), *more])
        return ss.open(ss.run(sweep, tmp_path_factory.mktemp("slice") / "run", threads=2))

    return run


SMOOTH = ("training.learning_rate=0.5", "training.momentum=0", "training.steps=500")
"""Of small steps the borders are smooth; those of the figure's own are not, and its map has islands of one start."""


@pytest.mark.parametrize(("changes", "missed"), [(SMOOTH, 0), ((), 5)], ids=["smooth", "rough"])
def test_a_refined_map_equals_the_full_one_to_the_bit(slice_of, tmp_path, changes, missed):
    coarse, full = slice_of(17, *changes), slice_of(65, *changes)
    found = refine(coarse, tmp_path / "fine.h5", 2, threads=2)
    fine = ss.open(found.path)
    assert (found.starts, found.run) == (65 * 65, fine["computed"].sum())
    assert 1 / 16 < found.run / found.starts < 0.7
    ran = fine["computed"] == 1
    assert ran[::4, ::4].all()
    for name in full:
        same = ... if name in ("x", "y", "run", "distinct_starts") else ran
        np.testing.assert_array_equal(fine[name][same], full[name][same])
    assert (fine["outcome"] != full["outcome"]).sum() == missed


def test_what_cannot_be_refined_is_refused(slice_of, tmp_path):
    coarse = slice_of(3, "training.steps=2")
    fine = refine(coarse, tmp_path / "fine.h5", 1).path
    with pytest.raises(RefusedError, match="is refined already"):
        refine(ss.open(fine), tmp_path / "finer.h5", 1)
    with pytest.raises(RefusedError, match="exists and is left alone"):
        refine(coarse, fine, 1)
    with pytest.raises(RefusedError, match="depends on more than its start"):
        refine(slice_of(3, "training.steps=2", "training.noise=0.1"), tmp_path / "noisy.h5", 1)
    ss.run(load("xor", ["starts.count=2", "training.steps=2"]), tmp_path / "xor")
    with pytest.raises(RefusedError, match="is no slice"):
        refine(ss.open(tmp_path / "xor/result.h5"), tmp_path / "no.h5", 1)


def test_the_command_says_what_share_was_run(slice_of, tmp_path):
    coarse = slice_of(5, "training.steps=40")
    command = [sys.executable, "-m", "saddlescape", "refine", str(coarse.path), "--levels", "2", "-o", "fine.h5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ran = int(ss.open(tmp_path / "fine.h5")["computed"].sum())
    assert done.stdout.splitlines() == ["fine.h5", f"{ran} of 289 starts are run, {ran / 289:.1%}"]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 3
    assert again.stderr == "error: fine.h5 exists and is left alone; choose another name with -o\n"
