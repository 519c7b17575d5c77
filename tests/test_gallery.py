"""Tests of the pictures of the gallery."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.colors import to_rgba
from tolerances import CELLS, FLOW_PRODUCT, RANDOM_MODE, TWO_CYCLE

from saddlescape import gallery, plots, results
from saddlescape.errors import SpecError
from saddlescape.plots.convergence import GRAY, loss_ratio
from saddlescape.runs import runner
from saddlescape.spec import bundled, load, parse
from saddlescape.system import bundled as bundled_data
from saddlescape.words.outcomes import Outcome
from saddlescape_cli.gallery import gallery as command

ROOT = Path(__file__).parents[1]
QUICK = {
    "kolen-pollack-monte-carlo": ["starts.count=2", "training.epochs=20"],
    "width": ["starts.count=2", "training.steps=20"],
    "depth": ["starts.count=2", "training.steps=20"],
    "activation": ["starts.count=2", "training.steps=20"],
    "noise": ["starts.count=1", "training.steps=20"],
    "decay-trap": ["starts.count=2", "training.steps=20"],
    "initialization": ["starts.count=2", "training.steps=20"],
    "edge-of-stability": ["starts.count=2", "training.steps=20"],
}

SLICES = {
    3: ("-5 -3 +3 +6 Y -1 -6 +7 X", 3.25, 0.40),
    4: ("+4 -7 +6 +0 -3 Y +1 X +1", 2.75, 0.00),
    5: ("-5 +5 +1 -6 +3 X Y +8 +3", 2.75, 0.80),
    6: ("Y X -3 +6 +8 +3 +1 +7 -3", 3.25, 0.00),
    7: ("Y +3 -9 -2 +6 +7 -3 X +7", 3.25, 0.60),
    8: ("-6 -4 X Y -6 -6 +9 -4 -9", 3.00, 0.50),
    9: ("-2 +1 +9 -1 X -3 +8 Y -4", 2.75, 0.20),
    10: ("+1 +8 -3 -6 X -1 +1 +8 Y", 3.50, 0.90),
    11: ("+7 +4 -9 -9 -5 Y -3 +9 X", 3.00, 0.70),
}
"""Slice, learning rate and momentum as printed by Kolen & Pollack (1990); digits are tenths."""


def run(name, folder, *changes):
    return run_all(name, folder, *changes, overrides=QUICK.get(name, []))


def run_all(name, folder, *changes, overrides=()):
    """Run a sweep of the gallery with some replacements in its text."""
    sweep = load(f"gallery/{name}", list(overrides))
    text = sweep.text
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return runner.run(parse(text, sweep.folder, sweep.overrides), folder)


def test_every_sweep_has_a_picture():
    assert {name.removeprefix("gallery/") for name in bundled() if name.startswith("gallery/")} == set(gallery.PICTURES)


@pytest.mark.parametrize("number", SLICES)
def test_slices_agree_with_the_paper(number):
    slice_, rate, momentum = SLICES[number]
    spec, words = load(f"gallery/figure-{number}").spec, slice_.split()
    assert [spec.starts.x.index, spec.starts.y.index] == [words.index("X"), words.index("Y")]
    fixed = [i for i, word in enumerate(words) if word not in "XY"]
    assert [round(10 * spec.starts.base[i]) for i in fixed] == [int(words[i]) for i in fixed]
    side = np.linspace(spec.starts.x.from_, spec.starts.x.to, spec.starts.x.n)
    np.testing.assert_allclose(side, np.arange(-100, 100) / 10, atol=1e-12)
    assert spec.starts.y.model_dump() | {"index": 0} == spec.starts.x.model_dump() | {"index": 0}
    assert spec.training.learning_rate == rate
    assert (spec.training.momentum if spec.training.optimizer == "momentum" else 0) == momentum
    assert (spec.training.steps, spec.stop.solved, spec.network.hidden) == (200, 0.5, (2,))


@pytest.mark.parametrize(("number", "step"), [(12, 0.018), (13, 0.004)])
def test_zooms_are_parts_of_figure_11(number, step):
    zoom, whole = (load(f"gallery/figure-{n}").spec for n in (number, 11))
    assert (zoom.training, zoom.starts.base) == (whole.training, whole.starts.base)
    for side in (zoom.starts.x, zoom.starts.y):
        assert (side.to - side.from_) / (side.n - 1) == pytest.approx(step)


FEWER = {
    "kolen-pollack-monte-carlo": [("[0, 0.5, 0.9]", "[0.5, 0.9]")],
    "width": [("[[2], [3], [4], [6], [8], [16]]", "[[2], [3]]")],
    "depth": [("[[4], [4, 4], [4, 4, 4], [4, 4, 4, 4]]", "[[4], [4, 4]]")],
    "activation": [(', "relu", "leaky_relu", "linear", "softplus", "silu", "gelu", "erf", "sin"', "")],
}
"""Replacements in specs that leave fewer values on an axis."""


@pytest.mark.parametrize("name", ["figure-11", *QUICK])
def test_pictures_are_drawn_from_runs(name, tmp_path, monkeypatch):
    done = run(name, tmp_path / name, *FEWER.get(name, []))
    monkeypatch.setattr(gallery.runner, "run", lambda *_, **__: done)
    (picture,) = gallery.render(str(tmp_path), [name])
    assert picture.name == f"{name}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_atlas_has_a_panel_for_each_network(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "STARTS", 2000)
    small = [("count = 4096", "count = 2"), ("[[2], [3]]", "[[2]]")]
    with results.open(run("atlas", tmp_path / "out", *small)) as result:
        figure = gallery.stationary_points(result)
    assert [ax.get_title() for ax in figure.axes] == ["2-2-1: 37 points, 225 with symmetric copies"]


def test_an_unknown_picture_is_refused():
    with pytest.raises(SpecError, match="figure-99: must be one of figure-3, "):
        CliRunner().invoke(command, ["figure-99"], catch_exceptions=False)


def test_the_bifurcation_diagram_has_the_exponents_of_the_cycle_of_two(tmp_path):
    """Derivatives of two steps along and across a = b, as of docs/gallery.md; dots are the outputs of late steps."""
    with results.open(run("bifurcation", tmp_path / "out", ("1251]", "26]"))) as result:
        figure = gallery.PICTURES["bifurcation"](result)
        rate, exponent = result.coords["learning_rate"], result["final_lyapunov"][:, 0]
        outputs, late = result["outputs"][:, 0, :, 0, 0], result["record_step"] > 1500
    for r, found in zip(rate, exponent, strict=True):
        if 1.04 < r < 1.21:
            slopes = 9 - 2 * (1 + r) ** 2, 3 - 2 * r
            assert found == pytest.approx(np.log(np.abs(slopes)).max() / 2, abs=TWO_CYCLE)
    dots, *_ = (line for line in figure.axes[0].get_lines() if line.get_gid() == "outputs")
    np.testing.assert_array_equal(dots.get_ydata(), outputs[:, late].ravel())
    np.testing.assert_array_equal(dots.get_xdata(), np.repeat(rate, late.sum()))
    (line,) = (line for line in figure.axes[1].get_lines() if line.get_gid() == "lyapunov")
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), rate > 2.0001)


def test_linear_weights_follow_the_formula(tmp_path):
    with results.open(run("linear", tmp_path / "out")) as result:
        ax = gallery.product(result)
    lines = {line.get_gid(): line.get_ydata() for line in ax.get_lines()}
    for scale in (1e-4, 1e-3, 0.01, 0.1, 0.3):
        np.testing.assert_allclose(lines[f"from {scale:g}"], lines[f"from {scale:g} in theory"], rtol=FLOW_PRODUCT)


def test_modes_of_a_linear_network_are_learned_one_after_another(tmp_path):
    with results.open(run("linear-modes", tmp_path / "out")) as result:
        ax, time = gallery.modes(result), result["record_time"]
    lines = {line.get_gid(): line.get_ydata() for line in ax.get_lines() if line.get_gid()}
    modes = [name for name in lines if "theory" not in name]
    table = np.genfromtxt(bundled_data.folder() / "sweeps/gallery/living-things.csv", delimiter=",", skip_header=1)
    strengths = np.sqrt(np.linalg.eigvalsh(table[:, 4:] @ table[:, 4:].T)[::-1])
    for name, strength in zip(modes, strengths, strict=True):
        np.testing.assert_allclose(lines[name], lines[f"{name} in theory"], atol=RANDOM_MODE * strength)
        assert lines[name][-1] == pytest.approx(strength, rel=RANDOM_MODE)
    half = [time[np.searchsorted(lines[name], strength / 2)] for name, strength in zip(modes, strengths, strict=True)]
    assert (np.diff(half) > 1).all()


def test_convergence_is_decided_by_the_last_losses(tmp_path):
    small = [("1e6, 96]", "1e6, 8]"), ("samples = 272", "samples = 16")]
    with results.open(run("trainability", tmp_path / "out", *small)) as result:
        loss, converged = result["loss"][:, :, 0].astype(float), loss_ratio(result) < 1
        ax = plots.convergence_map(result)
    pixels = np.asarray(ax.get_images()[0].get_array()).swapaxes(0, 1)
    assert ((pixels == to_rgba(GRAY)).all(axis=-1) == ~converged).all()
    assert 0 < converged.mean() < 1
    for point in np.ndindex(converged.shape):
        late = loss[point][1:] / loss[point][0]
        assert converged[point] == (np.where(np.isfinite(late), np.minimum(late, 1e6), 1e6).mean() < 1)


def test_starts_are_held_below_the_line_of_the_theory(tmp_path):
    """Up to a decay of 0.03: at larger ones the terms of higher order count."""
    small = [("count = 32", "count = 16"), ("1, 31]", "0.03, 6]"), ("3, 31]", "0.5, 25]")]
    with results.open(run_all("decay-trap", tmp_path / "out", *small)) as result:
        ax, held = gallery.decay_trap(result), result["outcome"] == Outcome.COLLAPSED
    lines = {line.get_gid(): line.get_ydata() for line in ax.get_lines() if line.get_gid()}
    cells = np.arange(25)
    for column, (half, every) in enumerate(zip(lines["half"], lines["all"], strict=True)):
        share = held[column].mean(axis=1)
        assert (share[cells < every - 0.5] == 1).all()
        assert abs(np.interp(-0.5, -share, cells) - half) < CELLS


def _without_axes(sweep):
    resolved = sweep.resolved()
    del resolved["title"], resolved["axes"], resolved["training"]["layer_rates"]
    return resolved


ZOOMS = ["trainability", *(f"trainability-zoom-{number}" for number in (1, 2, 3))]


@pytest.mark.parametrize(("whole", "part"), list(pairwise(ZOOMS)))
def test_a_zoom_is_a_part_of_the_map_before(whole, part):
    outer, inner = (load(f"gallery/{name}") for name in (whole, part))
    assert _without_axes(inner) == _without_axes(outer)
    for wide, narrow in zip(outer.axes, inner.axes, strict=True):
        assert wide.key == narrow.key
        assert wide.values[0] < narrow.values[0] < narrow.values[-1] < wide.values[-1]
        assert np.log(wide.values[-1] / wide.values[0]) / np.log(narrow.values[-1] / narrow.values[0]) > 28
        assert np.diff(np.log(narrow.values)).min() > 2**20 * np.finfo(float).eps


def test_a_map_of_trainability_has_the_frame_of_its_zoom(tmp_path):
    small = [("1e6, 96]", "1e6, 37]"), ("samples = 272", "samples = 2")]
    with results.open(run("trainability", tmp_path / "out", *small)) as result:
        ax = gallery.trainability(result, "trainability-zoom-1")
    (frame,) = [line for line in ax.get_lines() if line.get_gid() == "trainability-zoom-1"]
    decades = (np.array(frame.get_data()) / 36 * 9 - 3).T
    np.testing.assert_allclose(10 ** decades[[0, 2]], [[115, 87], [230, 174]])


def test_the_page_names_each_picture_and_shows_existing_files():
    page = (ROOT / "docs/gallery.md").read_text()
    pictures = re.findall(r"\]\((pictures/[^)]+)\)", page)
    assert len(pictures) > 3
    assert all((ROOT / "docs" / picture).stat().st_size < 150_000 for picture in pictures)
    commands = re.findall(r"saddlescape gallery ([\w-]+)", page)
    assert set(commands) <= set(gallery.PICTURES)
    assert {Path(picture).stem for picture in pictures} <= set(commands)
    assert all(name in page or name.startswith("figure-") for name in gallery.PICTURES)
