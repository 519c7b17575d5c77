"""Refinement: the same as all starts, but for islands that no start has hit."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import refinement
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import binary_dilation

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.plan import plan as plans
from saddlescape.results.refine import Table, disagree, refine, refine_level
from saddlescape.runs.runner import Interrupted
from saddlescape.spec import load, parse
from saddlescape.system import bundled, resources
from saddlescape.words.outcomes import Outcome


def refined(full, levels, band=None):
    """The table of a grid of which all outcomes and steps are known."""
    outcome, step = (values[:: 2**levels, :: 2**levels] for values in full)
    table = Table({"outcome": outcome.ravel(), "solve_step": step.ravel()}, outcome.shape, band)
    cells = table.all_mixed()
    for level in reversed(range(levels)):
        here = dict(zip(("outcome", "solve_step"), (values[:: 2**level, :: 2**level] for values in full), strict=True))
        cells = refine_level(table, cells, lambda at, here=here: {name: v[at] for name, v in here.items()})
    return table


def by_definition(full, levels, band):
    """[outcome, step, computed, row], where every cell is looked at each time."""
    seen = [values[:: 2**levels, :: 2**levels] for values in full]
    rows = seen[0].size
    seen += [np.ones(seen[0].shape, dtype=bool), np.arange(rows).reshape(seen[0].shape)]
    for level in reversed(range(levels)):
        wanted, fine = starts_in(mixed(*seen[:2], band), 2), [values[:: 2**level, :: 2**level] for values in full]
        seen = [values.repeat(2, axis=0).repeat(2, axis=1)[:-1, :-1] for values in seen]
        computed = seen[2]
        computed[1::2], computed[:, 1::2] = False, False
        while (new := wanted & ~computed).any():
            for values, true in zip(seen, (*fine, new, rows - 1 + np.cumsum(new).reshape(new.shape)), strict=True):
                values[new] = true[new]
            rows, wanted = rows + new.sum(), starts_in(mixed(*seen[:2], band), 1)
    return seen


def mixed(outcome, step, band):
    """Where in the grid of cells corners disagree."""
    corners = [sliding_window_view(values, (2, 2)) for values in (outcome, step)]
    return disagree(*(c.reshape(-1, 4) for c in corners), band).reshape(corners[0].shape[:2])


def starts_in(cells, size):
    """Where in a grid `size` times as fine the starts in these cells and on their edges are."""
    starts = np.zeros([size * n + 1 for n in cells.shape], dtype=bool)
    for x, y in size * np.argwhere(cells):
        starts[x : x + size + 1, y : y + size + 1] = True
    return starts


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(0.01, 0.6), st.booleans())
def test_only_islands_without_a_run_start_differ(seed, levels, noise, banded):
    rng = np.random.default_rng(seed)
    n, m = (rng.integers(1, 6, 2) * 2**levels + 1).tolist()
    smooth = np.add.outer(np.linspace(0, 1, n), np.linspace(0, 1, m)) > rng.uniform(0, 2)
    outcome = np.where(smooth | (rng.random((n, m)) < noise / 10), Outcome.SOLVED, Outcome.TRAPPED)
    step = np.where(outcome == Outcome.SOLVED, rng.integers(1, 50, (n, m)), -1)
    full, band = (outcome.astype(np.int8), step), 0.5 if banded else None
    table = refined(full, levels, band)
    found, computed = table.grid("outcome"), table.computed
    defined = by_definition(full, levels, band)
    for got, expected in zip((found, table.grid("solve_step"), computed, table.row), defined, strict=True):
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(found[computed], outcome[computed])
    np.testing.assert_array_equal(table.grid("solve_step")[computed], step[computed])
    names, count = refinement.islands(found != outcome)
    for island in (names == k + 1 for k in range(count)):
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
    outcome = np.array([[4, 4, 4, 4], [4, 4, 3, 3], [3, 3, 3, 3]], dtype=np.int8)
    step = np.array([[10, 14, 10, 10], [10, 10, -1, -1], [-1, -1, -1, -1]])
    assert disagree(outcome, step, None).tolist() == [False, True, False]
    assert disagree(outcome, step, 0.5).tolist() == [False, True, False]
    assert disagree(outcome, step, 0.3).tolist() == [True, True, False]


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


@pytest.mark.slow
def test_the_page_shows_what_all_starts_give(slice_of, tmp_path):
    page = (Path(__file__).parents[1] / "docs/points.md").read_text()
    shown = re.search(r"<!-- refinement -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    assert shown
    begun = {65: 6, 257: 4, 1025: 2}
    fine = [refine(slice_of(n), tmp_path / f"from-{n}.h5", levels).path for n, levels in begun.items()]
    assert shown[1] == refinement.table(slice_of(4097), *map(ss.open, fine))


AXES = """
[[axes]]
key = "network.activation"
values = ["logistic", "tanh"]
[[axes]]
key = "training.learning_rate"
values = [0.5, 3]
"""


def test_each_point_of_the_axes_is_refined_as_it_would_be_alone(slice_of, tmp_path):
    text = bundled.sweeps()["xor-slice"].read_text() + AXES
    coarse = ss.open(ss.run(parse(text, tmp_path, [side("x", 8, 9), side("y", 5, 9)]), tmp_path / "run"))
    fine = ss.open(refine(coarse, tmp_path / "fine.h5", 2).path)
    assert fine.dims == {"activation": 2, "learning_rate": 2, "x": 33, "y": 33, "run": 1}
    for point, (activation, rate) in enumerate(itertools.product(*(axis["values"] for axis in fine.axes))):
        one = slice_of(9, f"network.activation={activation}", f"training.learning_rate={rate}")
        alone = ss.open(refine(one, tmp_path / f"{point}.h5", 2).path)
        assert alone["computed"].mean() < 1
        for name in ("computed", "outcome", "stop_step", "final_loss", "distinct_starts"):
            np.testing.assert_array_equal(fine[name].reshape(4, *alone[name].shape)[point], alone[name])


SET = (" starts.x = { index = 8, from = -0.1, to = 1e-9, n = 7 }", "record.runs=3")


@pytest.mark.parametrize("overrides", [(), SET], ids=["file", "set"])
def test_a_finer_sweep_is_the_one_that_its_text_and_overrides_give(overrides):
    text = bundled.sweeps()["xor-slice"].read_text() + AXES
    sweep = parse(text, Path(), overrides)
    fine = sweep.finer(3)
    read = parse(fine.text, fine.folder, fine.overrides, begun=True)
    assert plans.Plan(fine, refined=True).digest == plans.Plan(read, refined=True).digest
    assert fine.resolved() == read.resolved()
    assert [spec.resolved() for spec in fine.structures] == [spec.resolved() for spec in read.structures]
    assert fine.spec.starts.x.n == 8 * (sweep.spec.starts.x.n - 1) + 1
    assert len(fine.overrides) == 3


def test_a_grid_finer_than_a_slice_may_be_is_refused(slice_of, tmp_path):
    told = r"starts.x.n: must be at most 100000; got 131073\nstarts.y.n: must be at most 100000; got 131073"
    with pytest.raises(SpecError, match=told):
        refine(slice_of(3, "training.steps=2"), tmp_path / "fine.h5", 16)


def test_what_cannot_be_refined_is_refused(slice_of, tmp_path):
    coarse = slice_of(3, "training.steps=2")
    fine = refine(coarse, tmp_path / "fine.h5", 1).path
    with pytest.raises(RefusedError, match="is refined already"):
        refine(ss.open(fine), tmp_path / "finer.h5", 1)
    with pytest.raises(RefusedError, match="exists and is left alone"):
        refine(coarse, fine, 1, should_stop=pytest.fail)
    with pytest.raises(RefusedError, match="depends on more than its start"):
        refine(slice_of(3, "training.steps=2", "training.noise=0.1"), tmp_path / "noisy.h5", 1)
    with pytest.raises(RefusedError, match="is a selection; refine all of"):
        refine(coarse.isel(x=slice(0, 2)), tmp_path / "part.h5", 1)
    begun = tmp_path / "begun"
    with pytest.raises(Interrupted):
        ss.run(coarse.sweep, begun, should_stop=lambda: True)
    with pytest.raises(RefusedError, match="is not finished; continue with: saddlescape resume"):
        refine(ss.open(begun), tmp_path / "begun.h5", 1)
    ss.run(load("xor", ["starts.count=2", "training.steps=2"]), tmp_path / "xor")
    with pytest.raises(RefusedError, match="is not a slice"):
        refine(ss.open(tmp_path / "xor/result.h5"), tmp_path / "no.h5", 1)


def test_a_grid_that_memory_has_no_room_for_is_refused(slice_of, tmp_path, monkeypatch):
    coarse = slice_of(3, "training.steps=2")
    monkeypatch.setattr(resources, "memory", lambda: resources.Room(1000, "free"))
    told = r"^levels: 81 starts need 1.27 KiB of memory, and 1000 bytes are free; got 2; lower it$"
    with pytest.raises(RefusedError, match=told):
        refine(coarse, tmp_path / "fine.h5", 2)


@pytest.mark.parametrize("when", [".fine.h5.*.part", ".fine.h5.*/*.h5"], ids=["computing", "writing"])
def test_a_refinement_that_is_stopped_leaves_nothing(slice_of, tmp_path, monkeypatch, when):
    coarse = slice_of(3, "training.steps=2")
    monkeypatch.setattr(plans, "BLOCK_RUNS", 4)
    with pytest.raises(Interrupted, match=r"fine.h5 was not written"):
        refine(coarse, tmp_path / "fine.h5", 3, should_stop=lambda: any(tmp_path.glob(when)))
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_share_was_run(slice_of, tmp_path):
    coarse = slice_of(5, "training.steps=40")
    command = [sys.executable, "-m", "saddlescape", "refine", str(coarse.path), "--levels", "2", "-o", "fine.h5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ran = int(ss.open(tmp_path / "fine.h5")["computed"].sum())
    assert done.stdout.splitlines() == ["fine.h5", f"{ran} of 289 starts were run, {100 * ran / 289:.1f} %"]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 3
    assert again.stderr == "error: fine.h5 exists and is left alone; choose another name with -o\n"
