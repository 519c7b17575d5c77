"""Planes through three points: where points and paths are drawn, and the loss behind them."""

import numpy as np
import pytest

import saddlescape as ss
from saddlescape import plots
from saddlescape.words.outcomes import Outcome

XOR = ss.load("xor").spec
POINTS = np.random.default_rng(0).normal(size=(3, 9))


def drawn(ax, gid):
    return [np.stack(line.get_data(), axis=-1) for line in ax.lines if line.get_gid() == gid]


def test_distances_between_points_on_the_plane_are_those_in_weight_space():
    ax = plots.plane(XOR, POINTS, names=("a", "b", "c"))
    (a,), (b,), (c,) = (drawn(ax, name)[0] for name in "abc")
    np.testing.assert_allclose(a, [0, 0], atol=1e-12)
    assert b[0] > 0 == pytest.approx(b[1])
    assert c[1] > 0
    for (here, there), (p, q) in zip([(a, b), (a, c), (b, c)], [(0, 1), (0, 2), (1, 2)], strict=True):
        assert np.linalg.norm(here - there) == pytest.approx(np.linalg.norm(POINTS[p] - POINTS[q]))


def test_contours_are_those_of_the_loss():
    ax = plots.plane(XOR, POINTS, names=("a", "b", "c"))
    basis = np.linalg.lstsq(
        np.concatenate([drawn(ax, "b")[0], drawn(ax, "c")[0]]), POINTS[1:] - POINTS[0], rcond=None
    )[0]
    filled, lines = ax.collections[:2]
    for level, path in zip(lines.levels[3:-3:4], lines.get_paths()[3:-3:4], strict=True):
        losses = ss.evaluate(XOR, POINTS[0] + path.vertices @ basis).loss
        assert abs(losses / level - 1).max() < 0.05
    assert filled.levels[0] < filled.levels[-1] == pytest.approx(filled.zmax)


def test_paths_are_projected():
    across = np.linalg.svd(POINTS[1:] - POINTS[0])[2][-1]
    path = POINTS[0] + np.linspace(0, 1, 5)[:, None] * (POINTS[1] - POINTS[0]) + 3 * across
    path = np.concatenate([path, np.full((1, 9), np.nan)])
    ax = plots.plane(XOR, POINTS, [path], names=("a", "b", "c"))
    (line,) = drawn(ax, "path")
    np.testing.assert_allclose(line[[0, -1]], np.concatenate([drawn(ax, "a")[0], drawn(ax, "b")[0]]), atol=1e-12)
    assert len(drawn(ax, "start")) == 1


def test_the_landscape_of_a_result_has_the_paths_of_two_solved_runs(tmp_path):
    keys = ["starts.count=32", "record.final_parameters=true", "axes.starts.scale=0,1"]
    result = ss.run("xor", tmp_path / "run", overrides=keys)
    ax = plots.plot(result, "landscape").axes[0]
    paths = drawn(ax, "path")
    named = [line.get_gid() for line in ax.lines if str(line.get_gid()).startswith("run ")]
    assert len(paths) == len(named) == 2
    for path, name in zip(paths, named, strict=True):
        run = int(name.removeprefix("run "))
        assert result["outcome"][1, run] == Outcome.SOLVED
        np.testing.assert_allclose(path[-1], drawn(ax, name)[0][0], atol=1e-9)
        assert np.linalg.norm(path[-1]) == pytest.approx(np.linalg.norm(result["final_theta"][1, run]))
    with pytest.raises(plots.PlotError, match="kind: a landscape needs a point with two solved"):
        plots.landscape(result.sel(scale=0))


def test_the_landscape_of_a_network_beside_larger_ones_has_its_own_parameters(tmp_path):
    keys = ["starts.count=24", "record.final_parameters=true", "axes.starts.scale=1", "axes.network.hidden.0=2,3"]
    result = ss.run("xor", tmp_path / "run", overrides=keys)
    for units in (2, 3):
        ax = plots.plot(result, "landscape", at={"hidden_0": units}).axes[0]
        named = [line.get_gid() for line in ax.lines if str(line.get_gid()).startswith("run ")]
        for path, name in zip(drawn(ax, "path"), named, strict=True):
            np.testing.assert_allclose(path[-1], drawn(ax, name)[0][0], atol=1e-9)


def test_wrong_points_are_plain_errors():
    for points, message in (
        (POINTS[:2], "points: must be three; got 2"),
        (np.outer([0, 1, 2], POINTS[0]), "points: must not lie on a line"),
        (np.zeros((3, 8)), r"points must have the shape \(n_runs, 9\)"),
    ):
        with pytest.raises(ss.errors.SaddlescapeError, match=message):
            plots.plane(XOR, points)
