"""The starts of the explorer: exact coordinates, tiles that agree between levels, and windows that are slices."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spec_cases import DRAWN, TINY

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.explorer.document import document
from saddlescape.explorer.lattice import EVEN, SIDE, Plane, Window, parent, points
from saddlescape.explorer.train import train
from saddlescape.spec import parse

BASE = 'kind = "slice"\nbase = [0.7, 0.4, -0.9, -0.9, -0.5, 0, -0.3, 0.9, 0]\n'
SLICE = TINY.replace(
    DRAWN, BASE + "x = { index = 8, from = -10, to = 10, n = 9 }\ny = { index = 5, from = -40, to = 40, n = 9 }\n"
)
MOMENTUM = SLICE.replace("learning_rate = 0.5", "learning_rate = 3.0\nmomentum = 0.7").replace("20", "120")
SPECS = {
    "momentum": MOMENTUM,
    "axes": TINY.replace("count = 10", "count = 10\nscale = 2") + '[[axes]]\nkey = "training.batch"\nvalues = [2, 4]\n',
    "goes on": MOMENTUM + "[stop]\nat_solved = false\n",
    "drawn": TINY,
    "float32": SLICE.replace("hidden = [2]", 'hidden = [2]\ndtype = "float32"'),
}
INTEGERS = st.integers(-(2**40), 2**40)


@pytest.fixture(scope="module")
def documents():
    return {name: document(parse(text, Path())) for name, text in SPECS.items()}


@given(INTEGERS, INTEGERS, st.integers(-900, 60), st.integers(-3, 3))
def test_starts_of_a_level_are_among_those_of_the_next_finer_one(n, m, k, skew):
    plane = Plane((1.0,) * 4, 1, 3, skew)
    coarse, fine = (plane.starts(k - by, *(np.array([i << by]) for i in (n, m))) for by in (0, 1))
    assert coarse.tobytes() == fine.tobytes()
    assert coarse[0, 1] == n * 2.0**k
    assert coarse[0, 3] == m * 2.0 ** (k + skew)


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_a_tile_shares_every_second_start_with_its_parent(i, j):
    above, where = parent((3, i, j))
    assert above[0] == 4
    for own, its in zip(points((3, i, j)), points(above), strict=True):
        own, its = own.reshape(SIDE, SIDE), its.reshape(SIDE, SIDE)
        np.testing.assert_array_equal(own[EVEN], 2 * its[where])


@given(st.tuples(INTEGERS, INTEGERS), st.integers(1, 60), st.integers(1, 60), st.integers(0, 4))
def test_tiles_cover_a_window_and_every_one_of_them_has_a_start_in_it(low, width, height, levels):
    window = Window(-3, (low[0], low[0] + width - 1), (low[1], low[1] + height - 1)).coarser(levels)
    covered = [points(tile) for tile in window.tiles()]
    n, m = (np.concatenate(each) for each in zip(*covered, strict=True))
    inside = (n >= window.n[0]) & (n <= window.n[1]) & (m >= window.m[0]) & (m <= window.m[1])
    assert inside.sum() == (window.n[1] - window.n[0] + 1) * (window.m[1] - window.m[0] + 1)
    assert inside.reshape(len(covered), -1).any(axis=1).all()
    assert window.k == -3 + levels
    for ends, first, number in ((window.n, low[0], width), (window.m, low[1], height)):
        assert ends[0] << levels <= first
        assert ends[1] << levels >= first + number - 1


def rerun(text):
    """Outcome, clock and final loss of all starts of a spec, as `saddlescape run` computes them."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "view.toml").write_text(text)
        with ss.run(Path(folder) / "view.toml", Path(folder) / "run", threads=1) as r:
            outcome, solve, stop, loss = (
                r[name][..., 0].ravel() for name in ("outcome", "solve_step", "stop_step", "final_loss")
            )
    return {"outcome": outcome, "clock": np.where(solve >= 0, solve, stop).astype(float), "loss": loss}


def check_window(shown, window):
    """The runs of an exported window are those of its tiles, to the bit."""
    its = [points(tile) for tile in window.tiles()]
    all_n, all_m = (np.concatenate(each) for each in zip(*its, strict=True))
    tiles = train(shown.spec, shown.plane.starts(window.k, all_n, all_m), lambda: False)
    row = {place: index for index, place in enumerate(zip(all_n.tolist(), all_m.tolist(), strict=True))}
    (n, n_last), (m, m_last) = window.n, window.m
    cells = [row[a, b] for a in range(n, n_last + 1) for b in range(m, m_last + 1)]
    for variable, values in rerun(shown.window(window)).items():
        assert tiles[variable][cells].tobytes() == values.astype(tiles[variable].dtype).tobytes(), variable


@settings(max_examples=8)
@given(
    name=st.sampled_from(["momentum", "goes on", "float32"]), k=st.integers(-52, 1),
    n=st.integers(-40, 40), m=st.integers(-40, 40), width=st.integers(1, 9), height=st.integers(1, 9),
)  # fmt: skip
@example(name="momentum", k=-3, n=-3, m=-4, width=24, height=20)
@example(name="goes on", k=-1, n=-15, m=-10, width=30, height=20)
@example(name="float32", k=-20, n=2**21, m=2**21, width=9, height=3)
def test_an_exported_window_has_the_runs_of_the_tiles_to_the_bit(documents, name, k, n, m, width, height):
    check_window(documents[name], Window(k, (n, n + width - 1), (m, m + height - 1)))


PLANES = st.permutations(range(9)).map(lambda indices: indices[:2])


@settings(max_examples=6)
@given(
    name=st.sampled_from(["momentum", "axes", "float32", "drawn"]), axes=PLANES,
    point=st.just("zero") | st.integers(0, 9), k=st.integers(-52, 1), n=st.integers(-40, 40), m=st.integers(-40, 40),
)  # fmt: skip
@example(name="momentum", axes=[5, 0], point="slice", k=-3, n=-3, m=-4)
def test_a_window_of_a_chosen_plane_has_the_runs_of_the_tiles_to_the_bit(documents, name, axes, point, k, n, m):
    shown = documents[name].through(*axes, point).changed({"training.steps": 16})
    check_window(shown, Window(k, (n, n + 5), (m, m + 4)))
    start = np.zeros(9) if point == "zero" else np.array(BASES[name](point))
    rest = [index for index in range(9) if index not in axes]
    (base,) = shown.plane.starts(k, np.array([n]), np.array([m]))
    assert base[rest].tobytes() == start[rest].tobytes()
    assert base[axes].tolist() == [n * 2.0**k, m * 2.0 ** (k + shown.plane.skew)]


def own_start(name):
    """A function that computes the start of a run of a spec as the library does; of a slice, by its definition."""
    sweep = parse(SPECS[name], Path())
    if sweep.spec.starts.kind != "slice":
        return lambda run: ss.start(sweep, (0,) * len(sweep.shape), run)

    def start(point):
        base = np.array([0.7, 0.4, -0.9, -0.9, -0.5, 0, -0.3, 0.9, 0])
        if point != "slice":
            base[8], base[5] = -10 + 2.5 * (point // 9), -40 + 10 * (point % 9)
        return base

    return start


BASES = {name: own_start(name) for name in SPECS}


def test_an_axis_of_the_slice_keeps_its_ends_and_another_one_reaches_past_the_point(documents):
    shown = documents["momentum"].through(8, 0, "zero")
    assert shown.ends == {"x": (-10, 10), "y": (-1, 1)}
    assert shown.plane.skew == -3
    assert documents["momentum"].through(5, 8, 80).ends == {"x": (-40, 40), "y": (-10, 10)}


def test_a_plane_that_does_not_exist_is_refused(documents):
    for axes, point, line in (
        ((3, 3), "zero", r"starts\.y\.index: must differ"),
        ((3, 9), "zero", r"starts\.y\.index: must be less than 9"),
        ((3, 4), 81, "point: must be a run from 0 to 80; got 81"),
    ):
        with pytest.raises((SpecError, RefusedError), match=line):
            documents["momentum"].through(*axes, point)
    with pytest.raises(RefusedError, match="the spec has no slice"):
        documents["axes"].through(3, 4, "slice")
    assert documents["axes"].through(3, 4, 9).point == 9


def test_a_window_that_float32_cannot_hold_is_refused(documents):
    with pytest.raises(SpecError, match=r"starts\.x"):
        documents["float32"].window(Window(90, (2**40, 2**40 + 1), (0, 1)))


def test_the_plane_of_a_slice_is_its_own_and_has_its_proportions(documents):
    assert documents["momentum"].plane.skew == 2
    assert documents["momentum"].ends == {"x": (-10, 10), "y": (-40, 40)}
    assert (documents["momentum"].plane.x, documents["momentum"].plane.y) == (8, 5)


def test_another_plane_goes_through_the_first_start_of_the_first_point(documents):
    sweep = parse(SPECS["axes"], Path())
    assert documents["axes"].plane.base == tuple(ss.start(sweep, 0, 0))
    assert documents["axes"].spec.training.batch == 2


def test_keys_change_the_spec_and_its_exports(documents):
    changed = documents["momentum"].changed({"training.learning_rate": 0.25, "training.steps": 7})
    again = parse(changed.window(Window(0, (0, 1), (0, 1))), Path())
    for spec in (changed.spec, again.spec):
        assert (spec.training.learning_rate, spec.steps) == (0.25, 7)
    assert changed.plane == documents["momentum"].plane


@pytest.mark.parametrize("key", ["noise = 0.1", "dropout = 0.1", 'batch = "shuffled"', 'batch = "sampled"'])
def test_runs_that_depend_on_more_than_their_start_are_refused(key):
    with pytest.raises(RefusedError, match="depends on more than its start"):
        document(parse(TINY.replace("steps = 20", f"steps = 20\n{key}"), Path()))


def test_an_axis_of_its_first_value_alone_counts():
    text = TINY + '[[axes]]\nkey = "training.dropout"\nvalues = [0, 0.5]\n'
    assert document(parse(text, Path())).spec.training.dropout == 0


def test_keys_that_only_other_points_use_are_left_out():
    text = TINY.replace('name = "xor"', "samples = 8") + '[[axes]]\nkey = "problem.name"\nvalues = ["xor", "moons"]\n'
    shown = document(parse(text, Path()))
    assert (shown.spec.problem.name, shown.spec.problem.samples) == ("xor", None)
    assert parse(shown.window(Window(0, (0, 1), (0, 1))), Path()).spec.problem == shown.spec.problem
