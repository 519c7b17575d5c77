"""What is drawn is what the results hold."""

import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from saddlescape import plots
from saddlescape.analysis import wilson_interval
from saddlescape.plots.common import PANELS, label
from saddlescape.plots.map import cells
from saddlescape.results import Results
from saddlescape.words.outcomes import Outcome, StopReason
from saddlescape_cli.plot import KINDS

STEPS = np.array([0, 1, 10, 100])


@Results.register
class Stand(SimpleNamespace):
    """Results held in memory: variables by name."""

    def __getitem__(self, name):
        return self.variables[name] if name in self.variables else self.coords[name]

    def __contains__(self, name):
        return name in self.variables

    def at(self, name, point):
        return self.variables[name][point]

    def stored(self, name):
        return self.variables[name]

    def sizes(self, name):
        return {"trajectory": len(self.variables[name])}

    def read(self, name, **point):
        """Of a variable that is the same at every point."""
        return self.variables[name]


def loss_of(point, run):
    return np.where(10 * (run + 1) < STEPS, np.nan, 0.5 / (1.0 + STEPS + run + sum(point)))


def results(outcome, runs=8, clock="step", **coords):
    shape = (*map(len, coords.values()), runs)
    outcome = np.broadcast_to(outcome, shape).astype(np.int8)
    kept = np.arange(0, runs, 2)
    loss = np.array([[loss_of(point, run) for run in kept] for point in np.ndindex(*shape[:-1])])
    step = np.where(outcome == Outcome.SOLVED, 7, -1)
    variables = {
        "outcome": outcome,
        f"solve_{clock}": step,
        "distinct_starts": np.full(shape[:-1], runs),
        "trajectory_run": kept,
        f"record_{clock}": STEPS if clock == "step" else STEPS / 100,
        "loss": loss.reshape(*shape[:-1], *loss.shape[1:]),
        f"stop_{clock}": np.broadcast_to(10 * (np.arange(runs) + 1), shape),
        "final_loss": np.broadcast_to(0.25 / (1 + np.arange(runs)), shape),
    }
    return Stand(
        title="XOR",
        so_far=None,
        path=Path("xor/result.h5"),
        digests={},
        selected="",
        labels={name: f"starts.{name}" for name in coords},
        along={name: (name,) for name in coords},
        variables=variables,
        coords={name: np.asarray(values) for name, values in coords.items()} | {"run": np.arange(runs)},
        dims={name: len(values) for name, values in coords.items()} | {"run": runs, "record": 4},
    )


def drawn(ax, gid):
    (line,) = [line for line in ax.get_lines() if line.get_gid() == gid]
    return line.get_data()


@pytest.fixture
def scales():
    """Five scales: 0, 1, 2, 4, 8 of 8 runs solved, the others on the plateau; at zero one frozen start."""
    solved = np.arange(8) < np.array([0, 1, 2, 4, 8])[:, None]
    outcome = np.where(solved, Outcome.SOLVED, Outcome.PLATEAU)
    outcome[0] = Outcome.FROZEN
    made = results(outcome, scale=[0, 1e-3, 1e-2, 0.1, 1])
    made.variables["distinct_starts"][0] = 1
    return made


def test_curve_draws_the_fractions(scales):
    ax = plots.escape_curve(scales)
    x, y = drawn(ax, "solved")
    assert x.tolist() == [1e-3, 1e-2, 0.1, 1]
    assert y.tolist() == [1 / 8, 2 / 8, 4 / 8, 1]
    assert drawn(ax, "plateau")[1].tolist() == [7 / 8, 6 / 8, 4 / 8, 0]
    assert ax.get_title() == "XOR"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("initialization scale", "fraction of 8 runs, 95 % interval")


def test_a_curve_of_a_run_in_progress_has_the_axis_of_the_whole(scales):
    whole = plots.curve(scales).get_xlim()
    scales.variables["outcome"] = np.where(np.arange(5)[:, None] > 0, -1, scales["outcome"])  # only zero has finished
    assert plots.curve(scales).get_xlim() == pytest.approx(whole)


def test_curve_puts_zero_apart_left_of_a_break(scales):
    ax = plots.escape_curve(scales)
    (zero,), (frozen,) = drawn(ax, "frozen at zero")
    assert frozen == 1
    assert 0 < zero < min(drawn(ax, "break")[0]) < max(drawn(ax, "break")[0]) < 1e-3
    ticks = dict(zip(ax.get_xticks(), (t.get_text() for t in ax.get_xticklabels()), strict=True))
    assert ticks[zero] == "0"
    assert ax.get_xscale() == "log"


def test_curve_bands_are_wilson_intervals(scales):
    ax = plots.escape_curve(scales)
    (band,) = [c for c in ax.collections if c.get_gid() == "solved"]
    heights = band.get_paths()[0].vertices[:, 1]
    assert {*np.ravel(wilson_interval([1, 2, 4, 8], 8))} <= {*heights}


def test_curve_of_one_start_has_no_band(scales):
    scales.variables["distinct_starts"][:] = 1
    ax = plots.escape_curve(scales)
    assert all(np.isnan(p.vertices).all() for c in ax.collections for p in c.get_paths())


def interval(ax, gid):
    """Lower and upper ends of the interval at each point of a line."""
    (band,) = [c for c in ax.collections if c.get_gid() == gid]
    heights, n = band.get_paths()[0].vertices[:, 1], len(drawn(ax, gid)[0])
    return heights[1 : n + 1], heights[n + 2 : 2 * n + 2][::-1]


def within_ten(made):
    return plots.escaped_within(made, [10])


@pytest.mark.parametrize(("draw", "line"), [(plots.curve, "solved"), (within_ten, "within 10 steps")])
def test_an_interval_counts_starts_that_pooled_points_share_once(draw, line):
    """Runs of one seed and number share their random numbers, so they are one start at three learning rates."""
    outcome = np.where(np.arange(8) < np.array([1, 5])[:, None], Outcome.SOLVED, Outcome.PLATEAU)
    for pooled, starts in (({}, 8), ({"learning_rate": [1, 2, 3]}, 8), ({"seed": [1, 2, 3]}, 24)):
        made = results(outcome.reshape(2, *[1] * len(pooled), 8), scale=[0.1, 1], **pooled)
        made.variables["escape_step"] = np.where(made["outcome"] == Outcome.SOLVED, 5, -1)
        expected = wilson_interval(np.array([1, 5]) / 8 * starts, starts)
        np.testing.assert_array_equal(interval(draw(made), line), expected)


def first_panel(made):
    return plots.solved(made).axes[0]


@pytest.mark.parametrize("seeds", [[1], [1, 2]])
@pytest.mark.parametrize("draw", [plots.curve, within_ten, first_panel])
def test_exact_zero_has_no_interval(draw, seeds):
    """All its runs are one start, whatever the seed."""
    axes = {"scale": [0, 1e-3, 1], "seed": seeds}
    made = results(Outcome.SOLVED, **(dict(reversed(axes.items())) if draw is first_panel else axes))
    distinct = np.where(np.array(axes["scale"]) == 0, 1, 8)
    distinct = distinct if draw is first_panel else distinct[:, None]
    made.variables["distinct_starts"] = np.broadcast_to(distinct, made["outcome"].shape[:-1])
    made.variables["escape_step"] = np.zeros(made["outcome"].shape)
    at_zero = [c for c in draw(made).collections if c.get_gid() is None]
    assert at_zero
    assert not any(len(segment) for c in at_zero for segment in c.get_segments())


@pytest.mark.parametrize("draw", [plots.curve, first_panel])
def test_a_cell_of_a_slice_has_no_interval(draw):
    ax = draw(results(Outcome.SOLVED, runs=1, x=[-1, 1], y=[-1, 1]))
    assert ax.collections
    assert not any(c.get_paths() for c in ax.collections)


def test_curve_over_names_and_small_ranges():
    named = plots.escape_curve(results(Outcome.SOLVED, activation=["tanh", "relu"]))
    assert [t.get_text() for t in named.get_xticklabels()] == ["tanh", "relu"]
    assert plots.escape_curve(results(Outcome.SOLVED, momentum=[0, 0.5, 0.9])).get_xscale() == "linear"


def test_curve_pools_further_axes():
    outcome = np.full((2, 3, 8), Outcome.TRAPPED)
    outcome[0, 1] = Outcome.SOLVED
    ax = plots.escape_curve(results(outcome, scale=[1, 2], learning_rate=[1, 2, 3]))
    assert drawn(ax, "solved")[1].tolist() == [1 / 3, 0]
    assert ax.get_title() == "XOR\npooled over learning rate (3 values)"


def test_trajectories_draw_the_kept_runs_by_outcome(scales):
    figure = plots.trajectories(scales, points=[(0,), (3,)])
    first, second = figure.axes
    assert second.get_title() == "scale 0.1"
    assert [line.get_gid() for line in second.get_lines()] == ["run 0", "run 2", "run 4", "run 6"]
    for run, line in zip((0, 2, 4, 6), second.get_lines(), strict=True):
        last, stop = np.isfinite(loss_of((3,), run)), 10 * (run + 1)
        end = [[stop], [0.25 / (1 + run)]] if stop > STEPS[last][-1] else [[], []]
        expected = np.hstack([[STEPS[last], loss_of((3,), run)[last]], end])
        np.testing.assert_array_equal(line.get_data(), expected)
        assert line.get_color() == plots.COLORS[Outcome.SOLVED if run < 4 else Outcome.PLATEAU]
        assert line.get_markevery() == [expected.shape[1] - 1]
    assert {line.get_color() for line in first.get_lines()} == {plots.COLORS[Outcome.FROZEN]}
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["frozen", "plateau", "solved"]


def test_trajectories_choose_few_runs_and_tell_how_many(scales, monkeypatch):
    monkeypatch.setattr("saddlescape.plots.trajectory.CURVES", 2)
    figure = plots.trajectories(scales, points=[(3,)])
    lines = figure.axes[0].get_lines()
    assert [line.get_gid() for line in lines] == ["run 0", "run 6"]
    assert lines[1].get_ydata()[0] == loss_of((3,), 6)[0]
    assert figure.get_suptitle() == "XOR\n2 of 8 runs per panel"


def test_trajectories_choose_few_points_and_both_ends():
    made = results(Outcome.SOLVED, scale=np.arange(1, 41))
    titles = [ax.get_title() for ax in plots.trajectories(made).axes]
    assert len(titles) == PANELS
    assert (titles[0], titles[-1]) == ("scale 1", "scale 40")
    for few in range(1, PANELS):
        assert len(plots.trajectories(results(Outcome.SOLVED, scale=np.arange(few))).axes) == few


@pytest.mark.parametrize(("number", "numbered"), [(1, [0]), (3, [0, 1, 2]), (5, [2, 3, 4])])
def test_every_column_of_panels_has_numbers(number, numbered):
    axes = plots.trajectories(results(Outcome.SOLVED, scale=np.arange(number))).axes
    assert [i for i, ax in enumerate(axes) if ax.xaxis.get_tick_params()["labelbottom"]] == numbered


def test_map_colours_every_cell():
    outcome = np.array([[Outcome.SOLVED, Outcome.TRAPPED, Outcome.SOLVED], [Outcome.FROZEN] * 3])[..., None]
    made = results(outcome, runs=1, x=[-1.0, 1.0], y=[0.0, 1.0, 2.0])
    made.variables["solve_step"][0, :, 0] = [1, -1, 100]
    ax = plots.outcome_map(made)
    (image,) = ax.get_images()
    pixels = np.asarray(image.get_array())
    assert pixels.shape == (3, 2, 4)
    assert tuple(pixels[1, 0]) == to_rgba(plots.COLORS[Outcome.TRAPPED])
    assert tuple(pixels[2, 1]) == to_rgba(plots.COLORS[Outcome.FROZEN])
    assert tuple(pixels[0, 0]) == plots.RAMP(1.0)
    assert tuple(pixels[2, 0]) == plots.RAMP(0.0)
    assert image.origin == "lower"
    assert image.get_extent() == [-2, 2, -0.5, 2.5]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["frozen 50.0 %", "trapped 16.7 %"]


def test_map_shows_the_majority_and_the_median_step():
    outcome = np.array([Outcome.SOLVED] * 5 + [Outcome.TRAPPED] * 3)
    made = results(outcome, a=[1, 10, 100], b=[1, 2])
    made.variables["solve_step"][0, 0, :5] = [1, 2, 30, 90, 99]
    frequent, step = cells(made["outcome"], made["solve_step"])
    assert (frequent == Outcome.SOLVED).all()
    assert step.tolist() == [[30, 7], [7, 7], [7, 7]]
    ax = plots.outcome_map(made)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "10", "100"]


@pytest.mark.parametrize(
    ("ends", "numbers"),
    [
        ((184, 184.15), ["184", "184.04", "184.08", "184.12"]),
        ((2, 50), ["10", "20", "30", "40", "50"]),
        ((1e-3, 1e4), ["0.001", "0.01", "0.1", "1", "10", "100", "1000", "$10^{4}$"]),
    ],
)
def test_a_logarithmic_side_of_a_map_has_round_numbers_that_differ(ends, numbers):
    made = results(Outcome.TRAPPED, runs=1, rate=np.geomspace(*ends, 65), scale=[1, 2])
    axis = plots.outcome_map(made).xaxis
    assert [tick.get_text() for tick in axis.get_ticklabels()] == numbers
    at = np.interp(np.log(made.coords["rate"]), np.log(made.coords["rate"]), np.arange(65))
    shown = [float(np.exp(np.interp(place, at, np.log(made.coords["rate"])))) for place in axis.get_ticklocs()]
    assert shown == pytest.approx([10.0**4 if number.startswith("$") else float(number) for number in numbers])


def test_a_map_tells_every_word():
    names = ["logistic", "tanh", "relu", "leaky_relu", "linear", "softplus", "silu", "gelu", "erf", "sin"]
    ax = plots.outcome_map(results(Outcome.TRAPPED, activation=names, scale=[1, 2]))
    ax.figure.draw_without_rendering()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == names
    check_sloping(ax)
    level = plots.outcome_map(results(Outcome.TRAPPED, activation=names[:3], scale=[1, 2]))
    level.figure.draw_without_rendering()
    boxes = [tick.get_window_extent() for tick in level.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert {tick.get_rotation() for tick in level.get_xticklabels()} == {0}


def check_sloping(ax):
    """Whether tick labels slope, and the lines through their middles are further apart than they are high."""
    places = ax.transData.transform([(x, 0) for x in ax.get_xticks()])[:, 0]
    for tick in ax.get_xticklabels():
        angle = np.radians(tick.get_rotation())
        tick.set_rotation(0)
        height = tick.get_window_extent().height
        assert np.diff(places).min() * np.sin(angle) > height


def test_a_map_of_runs_solved_at_once_has_a_ramp():
    made = results(Outcome.SOLVED, runs=1, x=[0.0, 1.0], y=[0.0, 1.0])
    made.variables["solve_step"] = np.array([[[0], [0]], [[3], [3]]])
    (image,) = plots.outcome_map(made).get_images()
    pixels = np.asarray(image.get_array())
    assert [tuple(pixels[0, x]) for x in (0, 1)] == [plots.RAMP(1.0)] * 2


def test_the_lowest_panel_of_each_column_says_what_is_below_it():
    figure = plots.trajectories(results(Outcome.PLATEAU, scale=[0, 0.1, 1, 10]))
    assert [ax.get_xlabel() for ax in figure.axes] == ["", "step", "step", "step"]
    assert all(any(tick.label1.get_visible() for tick in ax.xaxis.get_major_ticks()) for ax in figure.axes[1:])


def test_the_gradient_flow_has_times():
    outcome = np.array([[Outcome.SOLVED, Outcome.SOLVED], [Outcome.TRAPPED, Outcome.TRAPPED]])[..., None]
    made = results(outcome, runs=1, clock="time", x=[0.0, 1.0], y=[0.0, 1.0])
    made.variables["solve_time"] = np.array([[[0.01], [0.04]], [[np.nan], [np.nan]]])
    ax = plots.outcome_map(made)
    (image,) = ax.get_images()
    pixels = np.asarray(image.get_array())
    assert [tuple(pixels[y, 0]) for y in (0, 1)] == [plots.RAMP(1.0), plots.RAMP(0.0)]
    assert ax.figure.axes[1].get_ylabel() == "solved (50.0 %) at time"
    figure = plots.trajectories(results(Outcome.PLATEAU, clock="time", scale=[1]))
    assert figure.axes[0].get_xlabel() == "time"
    (x, *_) = (line.get_xdata() for line in figure.axes[0].get_lines())
    assert x.tolist() == [0, 0.01, 0.1, 10]


def test_escapes_within_budgets(scales):
    scales.variables["escape_step"] = np.array([[-1] * 8, [-1] * 7 + [50], [50] * 8, [5] * 4 + [50] * 4, [5] * 8])
    ax = plots.escaped_within(scales, [10, 100])
    assert drawn(ax, "within 10 steps")[1].tolist() == [0, 0, 0.5, 1]
    assert drawn(ax, "within 100 steps")[1].tolist() == [1 / 8, 1, 1, 1]
    assert drawn(ax, "within 100 steps at zero")[1].tolist() == [0]


def test_scaling_draws_medians_and_lets_exact_zero_stand_apart():
    x = np.array([0, 1e-4, 1e-2, 1])
    slow = np.stack([np.zeros(3), 1e-4 * np.arange(1, 4), [1e-2, 2e-2, np.inf], [np.inf] * 3])
    ax = plots.scaling(x, {"slow": slow, "fast": np.ones((4, 3))}, {"law": (x[1:], 2 * x[1:])})
    assert np.array(drawn(ax, "slow")).tolist() == [[1e-4, 1e-2], [2e-4, 2e-2]]
    assert drawn(ax, "slow exactly zero")[1].tolist() == [0]
    never = plots.scaling(x[:3], {"stuck": np.array([[np.inf] * 3, [1, 2, 3], [1, 2, 3]])})
    assert drawn(never, "stuck never")[1].tolist() == [1]
    both = plots.scaling(x[:3], {name: np.full((3, 3), np.inf) for name in "ab"})
    for axes in (never, both):
        assert [text.get_text() for text in axes.texts if text.get_text() == "never"] == ["never"]
    (zero,), (one,) = drawn(ax, "fast at zero")
    assert zero < 1e-4
    assert one == 1
    assert drawn(ax, "law")[1].tolist() == [2e-4, 2e-2, 2]


def test_a_short_axis_with_zero_has_ticks_between_powers_of_ten():
    ax = plots.scaling(np.array([0, 0.014, 0.1, 0.2]), {"a": np.ones((4, 2))})
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "0.02", "0.05", "0.1", "0.2"]


def test_powers_of_ten_are_spelled():
    assert [label(v) for v in (1e-8, 2.5e-5, 0.001, 3e7, "tanh")] == [
        "$10^{-8}$", r"$2.5 \times 10^{-5}$", "0.001", r"$3 \times 10^{7}$", "tanh"
    ]  # fmt: skip


def test_a_portrait_shows_kept_runs_in_the_plane_of_two_measures(scales):
    scales.variables["separation"] = scales["loss"] / 4
    ax = plots.portrait(scales, points=[(3,)])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("separation", "loss", "log")
    for line, run in zip(ax.get_lines(), (0, 2, 4, 6), strict=True):
        loss = loss_of((3,), run)
        assert line.get_ydata().tolist() == loss[np.isfinite(loss)].tolist()
        assert (line.get_xdata() * 4 == line.get_ydata()).all()
        assert line.get_color() == plots.COLORS[Outcome.SOLVED if run < 4 else Outcome.PLATEAU]
    scales.variables["separation"] = 0 * scales["loss"]
    assert plots.portrait(scales, ("loss", "separation"), [(3,)]).get_yscale() == "linear"
    with pytest.raises(plots.PlotError, match='does not contain "grad_norm"'):
        plots.portrait(scales, ("loss", "grad_norm"))


def test_a_portrait_shows_runs_that_were_chosen_by_outcome(scales):
    chosen = {(3,): np.array([6, 2, -1, -1])}
    scales.read = lambda name, scale: chosen[(scale,)]
    scales.variables["separation"] = scales["loss"]
    lines = plots.portrait(scales, points=[(3,)]).get_lines()
    assert [line.get_color() for line in lines] == [plots.COLORS[o] for o in (Outcome.PLATEAU, Outcome.SOLVED)]
    assert [line.get_ydata()[0] for line in lines] == [scales["loss"][3, row, 0] for row in (0, 1)]


def test_escape_times_and_the_power_law_that_fits_them():
    made = results(Outcome.TRAPPED, name=["a", "b"], scale=[0, 1e-3, 1e-2, 0.1])
    time = np.array([np.inf, 1e6, 1e4, 1e2])[:, None] * np.linspace(0.9, 1.1, 8)
    made.variables["escape_step"] = np.stack([np.where(np.isfinite(time), time, -1), np.full((4, 8), -1)])
    made.variables |= {"stop_step": np.full((2, 4, 8), 10**7), "stop_reason": np.full((2, 4, 8), StopReason.BUDGET)}
    ax = plots.escape_times(made)
    assert drawn(ax, "name a")[1].tolist() == pytest.approx([1e6, 1e4, 1e2], rel=0.02)
    assert [line.get_gid() for line in ax.get_lines() if "slope" in str(line.get_gid())] == ["name a: slope -2.00"]
    assert drawn(ax, "name a never")[1].tolist() == [1]
    assert drawn(ax, "name b not in time")[0].tolist() == [1e-3, 1e-2, 0.1]
    assert ax.get_ylabel() == "escape step, median and quartiles"


def test_the_law_of_escape_times_is_that_of_starts_near_the_saddle():
    """At scale 1 as many steps as at 0.1 and more at 10: no part of the law, nor is 1e-4, from where none escaped."""
    made = results(Outcome.TRAPPED, scale=[1e-4, 1e-3, 1e-2, 0.1, 1, 10])
    time = np.array([np.inf, 1e6, 1e4, 1e2, 90, 1e3])[:, None] * np.linspace(0.9, 1.1, 8)
    made.variables["escape_step"] = np.where(np.isfinite(time), time, -1)
    made.variables |= {"stop_step": np.full((6, 8), 10**7), "stop_reason": np.full((6, 8), StopReason.BUDGET)}
    (law,) = [line for line in plots.escape_times(made).get_lines() if "slope -2" in str(line.get_gid())]
    assert law.get_xdata().tolist() == [1e-3, 1e-2]
    assert law.get_ydata() == pytest.approx([1e6, 1e4], rel=0.05)


def test_fractions_solved_have_lines_and_panels():
    outcome = np.where(np.arange(8) < np.arange(12).reshape(2, 2, 3)[..., None], Outcome.SOLVED, Outcome.TRAPPED)
    made = results(outcome, batch=["full", "online"], rate=[1, 2], scale=[0, 0.01, 1])
    figure = plots.solved(made)
    assert [ax.get_title() for ax in figure.axes] == ["batch full", "batch online"]
    assert drawn(figure.axes[0], "2")[1].tolist() == [4 / 8, 5 / 8]
    assert drawn(figure.axes[0], "2 at zero")[1].tolist() == [3 / 8]
    missed = plots.solved(made, missed=True)
    assert drawn(missed.axes[0], "2")[1].tolist() == [4 / 8, 3 / 8]
    assert missed.get_supylabel() == "fraction of 8 runs not solved,\n95 % interval"


def test_many_words_have_lines_of_their_own():
    words = [f"word {number}" for number in range(10)]
    figure = plots.solved(results(Outcome.SOLVED, activation=words, scale=[0, 0.01, 1]))
    lines = [line for line in figure.axes[0].get_lines() if line.get_gid() in words]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 10
    assert [text.get_text() for text in figure.legends[0].get_texts()] == words
    assert figure.axes[0].get_legend() is None


def test_words_are_compared_by_fractions_and_medians():
    """Of 8 runs 3 to 8 are solved, at multiples of the index of the scale + 1; words have lines, other axes columns."""
    solved = np.arange(8) < np.arange(3, 9).reshape(2, 1, 3)[..., None]
    made = results(np.where(solved, Outcome.SOLVED, Outcome.TRAPPED), kind=["a", "b"], seed=[5], scale=[0, 0.1, 1])
    made.variables["solve_step"] = np.where(solved, np.arange(1, 9) * np.arange(1, 4)[:, None], -1)
    figure = plots.compare(made)
    fraction, median = figure.axes
    assert fraction.get_title() == "seed 5"
    assert drawn(fraction, "b")[1].tolist() == [7 / 8, 1]
    assert drawn(fraction, "a at zero")[1].tolist() == [3 / 8]
    lines = {line.get_gid(): line.get_data()[1] for line in median.get_lines() if line.get_gid() in ("a", "b")}
    np.testing.assert_array_equal(lines["a"], [4 * 2, 4 * 3])
    np.testing.assert_array_equal(lines["b"], [4 * 2, 4 * 3])
    at_zero = [line.get_data()[1].tolist() for line in median.get_lines() if len(line.get_data()[1]) == 1]
    assert np.array_equal(at_zero, [[np.nan], [4]], equal_nan=True)  # of kind a, only 3 of 8 are solved
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_a_comparison_of_many_points_pools_them():
    """Of 8 runs at each of 9 seeds 3 are solved."""
    outcome = np.where(np.arange(8) < 3, Outcome.SOLVED, Outcome.TRAPPED)
    figure = plots.compare(results(outcome, seed=range(9), kind=["a", "b"], scale=[0.1, 1]))
    assert len(figure.axes) == 2
    assert drawn(figure.axes[0], "a")[1].tolist() == [3 / 8, 3 / 8]
    assert figure.get_suptitle() == "XOR\npooled over seed (9 values)"
    assert figure.axes[0].get_ylabel() == "fraction of 72 runs solved,\n95 % interval"


def test_runs_that_have_not_finished_have_no_time():
    made = results(np.where(np.arange(8) < 4, Outcome.SOLVED, -1), kind=["a"], scale=[0.1, 1])
    assert drawn(plots.compare(made).axes[1], "a")[1].tolist() == [7, 7]


def test_words_of_which_fewer_than_half_are_solved_are_compared_without_medians(tmp_path):
    few = np.array([Outcome.SOLVED] + 7 * [Outcome.TRAPPED])
    figure = plots.compare(results(few, kind=["a", "b"], scale=[1, 2]))
    assert np.isnan(drawn(figure.axes[1], "a")[1]).all()
    figure.savefig(tmp_path / "few.png")  # a logarithmic axis needs a positive value


def test_the_command_line_knows_every_kind():
    assert list(plots.KINDS) == list(KINDS)


def test_maps_stand_side_by_side():
    made = results(Outcome.SOLVED, name=["a", "b"], x=[0.0, 1.0], y=[0.0, 1.0])
    made.variables["outcome"] = made["outcome"].copy()
    made.variables["outcome"][1] = Outcome.FROZEN
    figure = plots.outcome_maps(made, {"first": (0,), "second": (1,)})
    first, second, *_ = figure.axes
    assert (first.get_title(), second.get_title()) == ("first", "second")
    assert tuple(np.asarray(second.get_images()[0].get_array())[0, 0]) == to_rgba(plots.COLORS[Outcome.FROZEN])
    assert tuple(np.asarray(first.get_images()[0].get_array())[0, 0]) == plots.RAMP(1.0)


def test_a_spectrum_counts_signs_and_stacks_equal_eigenvalues():
    ax = plots.spectrum({"zero": np.array([4, 1e-12, -1e-12, -2, -2.0])})
    x, y = drawn(ax, "zero")
    assert x.tolist() == [1, 0, 0, -0.5, -0.5]
    assert y.tolist() == [0, 0, 0.1, 0, 0.1]
    assert ax.texts[0].get_text() == "zero: 2 negative, 2 zero, 1 positive\nlargest 4"


def test_cuts_have_a_panel_for_each_problem():
    figure = plots.cuts(np.array([-1, 0, 1]), {"a": {"up": np.array([1, 0, 1])}, "b": {"down": np.array([0, 1, 0])}})
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
    assert drawn(figure.axes[1], "down")[1].tolist() == [0, 1, 0]


def test_trajectories_share_an_axis_as_long_as_the_longest(scales):
    scales.variables["loss"] = scales["loss"].copy()
    scales.variables["loss"][0, :, 1:] = np.nan
    scales.variables["stop_step"] = np.where(np.arange(5)[:, None] == 0, 0, scales["stop_step"])
    figure = plots.trajectories(scales, points=[(0,), (3,)])
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert figure.axes[1].get_xlim()[1] >= 70


def test_a_picture_of_a_page_takes_its_text_colour(scales):
    text = plots.svg(plots.plot(scales), "mine", 'a "curve"')
    assert text.startswith('<svg role="img" aria-label="a &quot;curve&quot;"')
    assert "#000000" not in text
    assert "currentColor" in text
    names, links = re.findall(r' id="([^"]*)"', text), re.findall(r'(?:href="|url\()#([^")]+)', text)
    assert {name.partition("-")[0] for name in names} == {"mine"}
    assert set() < set(links) <= set(names)
    assert text == plots.svg(plots.plot(scales), "mine", 'a "curve"')


def test_trajectories_take_titles_and_levels(scales):
    figure = plots.trajectories(scales, {"at zero": (0,), "far": (4,)}, {"half": 0.5}, columns=1)
    assert [ax.get_title() for ax in figure.axes] == ["at zero", "far"]
    assert all(list(ax.get_lines()[-1].get_ydata()) == [0.5, 0.5] for ax in figure.axes)
    assert figure.axes[0].get_position().x0 == figure.axes[1].get_position().x0


def test_a_design_has_its_points_where_their_numbers_lie():
    ax = plots.design(designed([1, 2]))
    (dots,) = ax.collections
    assert dots.get_offsets().tolist() == [[0.1, 0], [1, 2], [100, 1]]
    assert [tuple(colour) for colour in dots.get_facecolors()[:2]] == [
        to_rgba(plots.COLORS[o]) for o in (Outcome.FROZEN, Outcome.TRAPPED)
    ]
    assert tuple(dots.get_facecolors()[2]) == plots.RAMP(1.0)
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlabel()) == ("log", "linear", "initialization scale")


def designed(seeds):
    """Three points, zipped under "design": frozen, mostly trapped, mostly solved."""
    outcome = np.full((3, len(seeds), 8), Outcome.FROZEN)
    outcome[1, :, 1:], outcome[2, 0], outcome[2, 1:, :2] = Outcome.TRAPPED, Outcome.SOLVED, Outcome.SOLVED
    made = results(outcome, design=[0, 1, 2], seed=seeds)
    made.along["design"] = ("word", "scale", "rate")
    made.coords |= {"word": np.array(["a", "b", "c"]), "scale": np.array([0.1, 1, 100]), "rate": np.array([0, 2, 1])}
    made.labels |= {"scale": "starts.scale", "rate": "training.learning_rate"}
    return made


@pytest.mark.parametrize(
    ("coords", "kind"),
    [
        ({}, "trajectories"),
        ({"a": [1, 2]}, "curve"),
        ({"a": [1, 2], "b": [1]}, "curve"),
        ({"x": [1, 2], "y": [1, 2]}, "map"),
        ({"x": ["a", "b"], "y": ["a", "b"]}, "map"),
        ({"x": ["a", "b"], "y": [1, 2]}, "compare"),
        ({"y": [1, 2], "x": ["a", "b"]}, "compare"),
        ({"z": range(9), "x": ["a", "b"], "y": [1, 2]}, "map"),
    ],
)
def test_plot_picks_by_the_axes(monkeypatch, coords, kind):
    called = []
    for name in plots.KINDS:
        monkeypatch.setitem(plots.KINDS, name, lambda _, name=name: called.append(name) or Figure())
    plots.plot(results(Outcome.SOLVED, runs=10, **coords))
    assert called == [kind]


def test_plot_draws_a_design_where_there_is_one():
    (dots,) = plots.plot(designed([1])).axes[0].collections
    assert dots.get_offsets().tolist() == [[0.1, 0], [1, 2], [100, 1]]


def test_pictures_can_be_saved(scales, tmp_path):
    scales.variables |= {"separation": scales["loss"], "stop_reason": 0 * scales["stop_step"]}
    scales.variables["escape_step"] = scales["stop_step"] - 5
    for kind in plots.KINDS.keys() - {"spectrum", "sharpness", "landscape"}:
        two = kind in ("map", "solved", "compare", "convergence")
        made = results(Outcome.SYMMETRIC, x=[1, 2], y=[3, 4]) if two else scales
        made = designed([1]) if kind == "design" else made
        plots.plot(made, kind).savefig(tmp_path / f"{kind}.png")
        assert (tmp_path / f"{kind}.png").read_bytes().startswith(b"\x89PNG")
    for ending, first in (("svg", b"<?xml"), ("pdf", b"%PDF")):
        plots.plot(scales).savefig(tmp_path / f"curve.{ending}")
        assert (tmp_path / f"curve.{ending}").read_bytes().startswith(first)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({}, "pie", f"must be one of {', '.join(KINDS)}; got"),
        ({}, "map", "needs two axes, and this result has 1"),
        ({}, "design", "needs two zipped axes of numbers"),
        ({}, "solved", "needs two axes, and this result has 1"),
        ({}, "compare", "needs two axes, and this result has 1"),
        ({"trajectory_run": np.arange(0)}, "bifurcation", "record.runs"),
        ({"trajectory_run": np.arange(0), "separation": 0}, "portrait", "record.runs"),
        ({"trajectory_run": np.arange(0)}, "trajectories", "record.runs"),
        ({"trajectory_run": None, "loss": None}, "portrait", "record.runs"),
        ({"loss": None}, "trajectories", 'record.fields: does not contain "loss"; it contains nothing; add'),
        ({}, "spectrum", "record.final_parameters: is false"),
        ({"final_theta": np.zeros((5, 8, 1025))}, "spectrum", "at most 1024 parameters"),
        (
            {"final_theta": np.zeros((5, 8, 9)), "outcome": np.full((5, 8), Outcome.DIVERGED)},
            "spectrum",
            "needs runs that did not diverge",
        ),
    ],
)
def test_plot_says_what_is_missing(scales, change, kind, message):
    scales.variables = {k: v for k, v in (scales.variables | change).items() if v is not None}
    with pytest.raises(plots.PlotError, match=message):
        plots.plot(scales, kind)


@pytest.mark.parametrize("kind", ["map", "solved", "compare"])
@pytest.mark.parametrize("axes", [{}, {"x": [1, 2]}], ids=["none", "one"])
def test_a_kind_that_needs_two_axes_names_one_that_fits(kind, axes):
    made = results(Outcome.SOLVED, **axes)
    with pytest.raises(plots.PlotError, match=f"needs two axes, and this result has {len(axes)}; use") as told:
        plots.plot(made, kind)
    assert str(told.value).endswith(f"; use {plots.plot(made).made['kind']}")


def test_curve_needs_an_axis():
    with pytest.raises(plots.PlotError, match="needs an axis"):
        plots.plot(results(Outcome.SOLVED), "curve")
    with pytest.raises(plots.PlotError, match="needs an axis"):
        plots.escaped_within(results(Outcome.SOLVED), [10])
    with pytest.raises(plots.PlotError, match="need an axis"):
        plots.plot(results(Outcome.SOLVED), "scaling")
    with pytest.raises(plots.PlotError, match="two positive numbers on the axis name"):
        plots.plot(results(Outcome.SOLVED, name=["a", "b"]), "scaling")
