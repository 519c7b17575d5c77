"""Windows of a plane: slices and two numbers, whose text is a spec that gives the same runs."""

import numpy as np
import pytest
from matplotlib import colormaps

import saddlescape as ss
from saddlescape.errors import RefusedError, SpecError
from saddlescape.plots import COLORS as DRAWN
from saddlescape.plots import RAMP as DRAWN_RAMP
from saddlescape.spec import parse
from saddlescape.words.colors import COLORS, RAMP
from saddlescape.words.outcomes import Outcome


def expect_whole(window, folder):
    """The text alone is the window."""
    again = parse(window.text, folder)
    assert window.overrides == ()
    assert again.resolved() == window.resolved()


def test_a_window_of_a_slice_is_the_slice_of_other_ranges(tmp_path):
    slice_ = ss.load("xor-slice", ["training.steps=50", "training.lr=0.1"])
    window = slice_.window((-0.5, 0.25, 4), {"index": 4, "from": 0.1, "n": 3})
    expect_whole(window, tmp_path)
    spec = window.spec
    assert (spec.training.steps, spec.training.learning_rate, spec.title) == (50, 0.1, slice_.spec.title)
    starts = np.array([ss.start(window, (), cell) for cell in range(12)])
    assert starts[:, 8].tolist() == np.repeat([-0.5, -0.25, 0.0, 0.25], 3).tolist()
    assert starts[:3, 4].tolist() == np.linspace(0.1, 9.9, 3).tolist()
    assert (np.delete(starts, [4, 8], axis=1) == np.delete(slice_.spec.starts.base, [4, 8])).all()
    assert slice_.spec.starts.x.n == 200


def test_a_slice_keeps_its_other_axes(tmp_path):
    text = ss.load("xor-slice").text + '[[axes]]\nkey = "training.momentum"\nvalues = [0.7, 0.9]\n'
    window = parse(text, tmp_path).window((0, 1, 2), (0, 1, 3))
    assert [axis.key for axis in window.axes] == ["training.momentum"]
    expect_whole(window, tmp_path)


def test_a_window_of_two_numbers_has_them_as_axes(tmp_path):
    rates = np.array([0.1, 1 / 3])
    window = ss.load("xor", ["starts.count=3"]).window(
        {"key": "training.layer_rates.1", "logspace": [0.1, 10, 3]}, {"key": "training.learning_rate", "values": rates}
    )
    assert [axis.key for axis in window.axes] == ["training.layer_rates.1", "training.learning_rate"]
    assert window.axes[1].values == tuple(rates)
    assert (window.spec.starts.scale, window.spec.starts.count) == (0.0, 3)  # the first value of the axis that is gone
    expect_whole(window, tmp_path)
    closer = window.window((1, 2, 3), (0.25, 0.5, 2))
    assert [axis.values for axis in closer.axes] == [(1, 1.5, 2), (0.25, 0.5)]
    expect_whole(closer, tmp_path)


def test_a_window_of_arrays_keeps_them():
    sweep = ss.sweep([[0.0], [1.0]], [0, 1], hidden=[1], title='an "odd" title')
    window = sweep.window({"key": "starts.scale", "values": [0, 1]}, {"key": "starts.centre", "values": [0, 1]})
    assert (window.data, window.kept, window.spec.title) == (sweep.data, sweep.kept, sweep.spec.title)


def test_data_that_have_changed_are_refused(tmp_path):
    (tmp_path / "d.csv").write_text("x1,t1\n0,0\n1,1\n")
    sweep = parse('[problem]\nfile = "d.csv"\n', tmp_path)
    (tmp_path / "d.csv").write_text("x1,t1\n0,0\n1,0\n")
    with pytest.raises(RefusedError, match=r"^d\.csv: has changed since the sweep was loaded"):
        sweep.window({"key": "starts.scale", "values": [0, 1]}, {"key": "starts.centre", "values": [0, 1]})


SCALES = {"key": "starts.scale", "values": [0, 1]}
WRONG = [
    ("xor-slice", (2, 3), r"x must be three numbers \(from, to, n\), or a dict; got \(2, 3\)"),
    ("xor-slice", "abc", "x must be three numbers"),
    ("xor-slice", (2, "a", 3), r"starts\.x\.to: must be a number"),
    ("xor-slice", (0, 1, 1.5), r"starts\.x\.n: must be an integer"),
    ("xor-slice", {"index": 9}, r"starts\.x\.index: must be less than 9"),
    ("xor-slice", {"index": 5}, r"starts\.y\.index: must differ from x\.index; got 5 twice"),
    ("xor-slice", {"step": 5}, r"starts\.x\.step: is not a key"),
    ("xor-slice", SCALES, "y must be a dict with a key, as the sweep has not two axes"),
    ("xor", (0, 1, 2), "x must be a dict with a key and its values, as the sweep has neither a slice nor two axes"),
]


@pytest.mark.parametrize(("name", "x", "message"), WRONG)
def test_sides_are_checked(name, x, message):
    with pytest.raises((ValueError, SpecError), match=f"^{message}"):
        ss.load(name).window(x, (0, 1, 2))


def test_the_colors_are_data_and_those_of_the_plots():
    assert COLORS is DRAWN
    assert set(COLORS) == set(Outcome)
    shown = (255 * colormaps["viridis"](np.arange(256))[:, :3]).astype(int)  # as matplotlib rounds
    assert [tuple(bytes.fromhex(color[1:])) for color in RAMP] == list(map(tuple, shown.tolist()))
    np.testing.assert_array_equal(np.rint(DRAWN_RAMP(np.arange(256))[:, :3] * 255), shown)
