"""Planes of the explorer whose axes are numbers of the spec: exact values, and windows that are sweeps."""

import tempfile
from pathlib import Path

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spec_cases import TINY
from test_explore_lattice import SLICE

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.explorer.document import document
from saddlescape.explorer.lattice import Plane, Window
from saddlescape.explorer.numbers import FINEST, Number
from saddlescape.explorer.session import VALUES
from saddlescape.explorer.train import train
from saddlescape.spec import parse
from saddlescape.system.spacing import power10
from saddlescape.words.outcomes import Outcome
from saddlescape_cli.run import run

SCALE, RATE, DECAY = "log:starts.scale", "log:training.learning_rate", "training.weight_decay"
FIRST, LAST = "training.layer_rates.0", "training.layer_rates.1"
SPECS = {
    "drawn": TINY.replace("0.5", "2.0").replace("steps = 20", "steps = 90\nmomentum = 0.7"),
    "slice": SLICE,
    "float32": TINY.replace("hidden = [2]", 'hidden = [2]\ndtype = "float32"'),
    "adam": TINY.replace("[training]", '[training]\noptimizer = "adam"\nbatch = 2').replace("0.5", "0.05"),
    "flow": TINY.replace("learning_rate = 0.5", 'optimizer = "flow"\ntime = 3\nrtol = 1e-4').replace("20", "60"),
    "collapses": TINY.replace("0.5", "1.0") + "[stop]\nsolved = 0\n",
}
QUICK = [
    ("drawn", SCALE, RATE, 0), ("drawn", SCALE, RATE, 3), ("drawn", RATE, "starts.layer_scales.1", 2),
    ("drawn", FIRST, LAST, 5), ("drawn", RATE, 4, "solution"), ("slice", 8, RATE, "slice"),
    ("slice", RATE, "training.momentum", 7),
]  # fmt: skip
PLANES = [
    *QUICK, ("drawn", "starts.scale", "training.momentum", 1), ("drawn", FIRST, f"log:{LAST}", "zero"),
    ("drawn", "starts.centre", "starts.bias_constant", 0), ("slice", RATE, DECAY, 7), ("float32", SCALE, FIRST, 0),
    ("float32", 2, "training.momentum", "end:3"), ("adam", RATE, "training.beta1", 1),
    ("adam", SCALE, "training.beta2", 2), ("flow", SCALE, "stop.solved", 0), ("collapses", DECAY, SCALE, 0),
    ("collapses", f"log:{DECAY}", 1, tuple(np.linspace(-1, 1, 9))),
]  # fmt: skip


@pytest.fixture(scope="module")
def documents():
    return {name: document(parse(text, Path())) for name, text in SPECS.items()}


def rerun(shown, text):
    """Outcome, clock and final loss (n, m) of all runs of a spec, as `saddlescape run` computes them."""
    swapped = isinstance(shown.plane.x, int) and not isinstance(shown.plane.y, int)
    run = shown.spec.starts.count - 1 if shown.spec.starts.kind == "normal" else 0
    clock = "time" if shown.spec.flows else "step"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "view.toml").write_text(text)
        with ss.run(Path(folder) / "view.toml", Path(folder) / "run", threads=1) as r:
            names = ("outcome", f"solve_{clock}", f"stop_{clock}", "final_loss")
            first = next(iter(r.dims.values()))
            outcome, solve, stop, loss = (r[name][..., run].reshape(first, -1) for name in names)
    found = {"outcome": outcome, "clock": np.where(solve >= 0, solve, stop).astype(float), "loss": loss}
    return {name: values.T if swapped else values for name, values in found.items()}


def cells(shown, window):
    """The results of all runs of a window, and which runs there are (n, m)."""
    sides = (np.arange(low, high + 1) for low, high in (window.n, window.m))
    n, m = np.meshgrid(*sides, indexing="ij")
    runs = shown.runs_of(window.k, n.ravel(), m.ravel())
    numbers = {key: values[runs.there] for key, values in runs.numbers.items()}
    found = train(shown.spec, runs.theta[runs.there], lambda: False, numbers) if runs.there.any() else {}
    return found, runs.there.reshape(n.shape)


def check_window(shown, window):
    """The runs of an exported window are those of the page, to the bit; those that are missing there are missing."""
    found, there = cells(shown, window)
    if not there.any():
        with pytest.raises(RefusedError, match="no value that it can have"):
            shown.window(window)
        return
    rows, columns = there.any(axis=1), there.any(axis=0)
    assert there.sum() == rows.sum() * columns.sum()
    for variable, values in rerun(shown, shown.window(window)).items():
        assert found[variable].tobytes() == values.ravel().astype(VALUES[variable]).tobytes(), variable


WINDOWS = {
    "k": st.integers(-40, -1), "n": st.integers(-40, 40), "m": st.integers(-40, 40),
    "width": st.integers(2, 6), "height": st.integers(2, 6),
}  # fmt: skip


def check_plane(documents, plane, k, n, m, width, height):
    name, x, y, point = plane
    check_window(documents[name].through(x, y, point), Window(k, (n, n + width - 1), (m, m + height - 1)))


@settings(max_examples=4)
@given(plane=st.sampled_from(QUICK), **WINDOWS)
@example(QUICK[0], -2, -6, -3, 6, 5)
@example(QUICK[1], -3, -8, 0, 4, 5)
@example(QUICK[3], -1, -1, -1, 4, 4)
@example(QUICK[4], -1, -3, -4, 4, 6)
@example(QUICK[5], -1, -3, -4, 4, 6)
def test_a_window_of_numbers_has_the_runs_of_the_page_to_the_bit(documents, plane, k, n, m, width, height):
    check_plane(documents, plane, k, n, m, width, height)


@pytest.mark.slow
@settings(max_examples=100)
@given(plane=st.sampled_from(PLANES), **WINDOWS)
@example(PLANES[-1], -1, -1, -2, 5, 4)
@example(PLANES[-2], -1, -1, -2, 5, 4)
@example(PLANES[-3], -2, -4, -1, 3, 4)
def test_a_window_of_any_numbers_has_the_runs_of_the_page_to_the_bit(documents, plane, k, n, m, width, height):
    check_plane(documents, plane, k, n, m, width, height)


def test_runs_without_decay_collapse_as_in_the_sweep_of_the_window(tmp_path):
    """Linear networks whose targets are 0 lose their parameters in one step; a decay of 0 is one of many there."""
    keys = {"optimizer": "gd", "learning_rate": 1.0, "steps": 3}
    network = {"hidden": [], "output": "linear", "bias": False}
    sweep = ss.sweep(
        np.eye(2), [0, 0], network=network, training=keys, stop={"solved": 0}, starts={"kind": "normal", "count": 2}
    )
    shown = document(sweep).through(DECAY, RATE, 1)
    window = Window(-1, (0, 2), (0, 1))
    found, _ = cells(shown, window)
    with ss.run(parse(shown.window(window), Path(), (), sweep.kept), tmp_path / "run", threads=1) as r:
        assert found["outcome"].tolist() == r["outcome"].ravel().tolist()
    assert found["outcome"][0] == Outcome.COLLAPSED


@given(st.integers(-(2**44), 2**44), st.integers(-48, -42), st.integers(0, 4))
def test_finer_levels_have_the_numbers_of_the_coarser_ones(n, k, finer):
    for scale in (Number("training.learning_rate", True, (-2.0, 2.0)), Number("training.momentum", False, (0.0, 1.0))):
        plane = Plane((0.0,) * 9, scale, 3)
        own, its = (plane.values(k - by, *np.full((2, 1), n << by))[scale.key] for by in (0, finer))
        assert own.tobytes() == its.tobytes()
        assert scale.log or own[0] == n * 2.0**k


def test_no_given_start_lies_on_a_map_of_numbers():
    shown = document(parse(SPECS["drawn"], Path()))
    assert shown.plane.has(np.array(shown.plane.base))
    numbers = shown.through(SCALE, RATE, 0).plane
    assert not numbers.has(np.array(numbers.base))


def test_a_logarithmic_number_is_a_correctly_rounded_power_of_ten():
    coordinates = np.arange(-2000, 2001) / 512
    with mpmath.workprec(200):
        exact = [float(mpmath.mpf(10) ** mpmath.mpf(each)) for each in coordinates]
    assert Number("training.learning_rate", True, (-1.0, 1.0)).values(coordinates).tolist() == exact
    assert Number("training.momentum", False, (0.0, 1.0)).values(coordinates).tolist() == coordinates.tolist()


@given(st.integers(-300, 300))
def test_whole_coordinates_of_a_logarithmic_scale_are_powers_of_ten(n):
    assert power10(float(n)) == float(f"1e{n}")


@given(st.integers(-(2**52), 2**52 - 1))
def test_neighbors_on_the_finest_level_of_a_logarithmic_scale_differ(n):
    own, its = power10(np.ldexp(np.array([n, n + 1], dtype=float), FINEST["float64"]))
    assert own < its


@given(st.integers(-(2**23), 2**23 - 1))
def test_they_also_differ_as_numbers_of_float32(n):
    own, its = power10(np.ldexp(np.array([n, n + 1], dtype=float), FINEST["float32"])).astype(np.float32)
    assert own < its


def test_all_numbers_that_a_spec_uses_can_be_axes_and_no_others(documents):
    names = {name: {*shown.numbers} for name, shown in documents.items()}
    assert {SCALE, "starts.scale", RATE, DECAY, FIRST, f"log:{LAST}", "starts.centre"} <= names["drawn"]
    for name in ("training.learning_rate", "training.noise", "training.dropout", "training.beta1", "log:starts.centre"):
        assert name not in names["drawn"]
    assert "training.beta1" in names["adam"]
    exponential = SPECS["drawn"].replace("momentum = 0.7", 'schedule = "exponential"')
    shown = document(parse(exponential, Path())).through(RATE, "training.schedule_decay", 0)
    check_window(shown, Window(-2, (-1, 0), (-1, 6)))  # where 0 < decay <= 1
    assert not any(name.removeprefix("log:").startswith("starts.") for name in names["slice"])
    assert {RATE, FIRST}.isdisjoint(names["flow"])


def test_a_number_that_is_an_axis_of_the_sweep_has_its_ends_first():
    text = TINY + '[[axes]]\nkey = "starts.scale"\nvalues = [0, 0.01, 10]\n'
    shown = document(parse(text, Path()))
    assert shown.through(SCALE, RATE, 0).ends == {"x": (-2.0, 1.0), "y": (-2.0, 2.0)}
    assert shown.through("starts.scale", RATE, 0).ends["x"] == (0.0, 10.0)
    two = document(parse(text.replace("0.01, 10", "1"), Path()))
    assert two.through(SCALE, RATE, 0).ends["x"] == (-4.0, 0.0)
    assert two.through("starts.scale", RATE, 0).ends["x"] == (0.0, 1.0)


@pytest.mark.parametrize(
    ("axes", "point", "line"),
    [((SCALE, RATE), "zero", "must be a run, as the axis starts.scale"), ((SCALE, RATE), "end:1", "must be a run"),
     ((SCALE, 1), 0, "choose a number"), (("training.beta1", RATE), 0, "cannot be an axis of this map"),
     (("training.noise", RATE), 0, "cannot be an axis"), ((SCALE, "starts.scale"), 0, "must differ"),
     ((SCALE, RATE), 10, "from 0 to 9"), ((9, RATE), 0, "must be less than 9")],
)  # fmt: skip
def test_a_plane_of_numbers_that_does_not_exist_gets_one_line(documents, axes, point, line):
    with pytest.raises((SpecError, RefusedError), match=line) as told:
        documents["drawn"].through(*axes, point)
    assert len(str(told.value).splitlines()) == 1


def test_keys_keep_the_axes_and_the_number_of_an_axis_stays_its_own(documents):
    shown = documents["drawn"].through(SCALE, RATE, 3).changed({"training.steps": 7, "training.learning_rate": 9.0})
    assert (shown.plane.x.name, shown.plane.y.name, shown.point) == (SCALE, RATE, 3)
    check_window(shown, Window(-2, (-6, -1), (-3, 1)))
    wider = shown.changed({"network.hidden": [3]})
    assert (wider.plane.x.name, wider.plane.y.name, wider.point) == (SCALE, RATE, 3)
    check_window(wider, Window(-2, (-6, -1), (-3, 1)))


def test_starts_whose_numbers_do_not_exist_are_left_out(documents):
    shown = documents["drawn"].through("training.momentum", RATE, 0)
    window = Window(-1, (-2, 5), (-2, 1))
    _, there = cells(shown, window)
    assert there.any(axis=1).tolist() == [False, False, True, True, True, False, False, False]
    check_window(shown, window)


def test_the_command_line_repeats_a_map_of_numbers(documents, tmp_path):
    shown, window = documents["drawn"].through(SCALE, RATE, 2), Window(-3, (-9, -4), (0, 5))
    (tmp_path / "view.toml").write_text(shown.window(window))
    told = CliRunner().invoke(run, [str(tmp_path / "view.toml"), "-o", str(tmp_path / "run")])
    assert told.exit_code == 0, told.output
    found, there = cells(shown, window)
    assert there.all()
    with ss.open(tmp_path / "run") as result:
        assert found["outcome"].tobytes() == result.outcome[..., 2].tobytes()
        assert found["loss"].tobytes() == result.final_loss[..., 2].tobytes()
        starts = [ss.start(result.sweep, (i, j), 2) for i in range(6) for j in range(6)]
    n, m = np.meshgrid(np.arange(-9, -3), np.arange(6), indexing="ij")
    assert shown.runs_of(-3, n.ravel(), m.ravel()).theta.tobytes() == np.array(starts).tobytes()
