"""What a picture says: shares of runs, no line through what was not run, titles whole, words as they are written."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axis import XAxis
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_plots import Stand, designed, drawn, results

from saddlescape import plots
from saddlescape.plots.common import fold
from saddlescape.plots.convergence import loss_ratio
from saddlescape.plots.crowded import thin
from saddlescape.plots.parts import selection
from saddlescape.spec.keys import KEYS as SPEC_KEYS
from saddlescape.system.figures import HEADS, FigureError
from saddlescape.words.kinds import ALIASES
from saddlescape.words.outcomes import Outcome
from saddlescape.words.titles import TITLES, title_of_key

LONG = "A title that says at some length which sweep this is, of what, and why anybody should take the time to look"
DOLLARS = r"costs $5, \frac{ and $\alpha and a_b^c $$"


def complete(made: Stand) -> Stand:
    """The same with the variables of every kind but the spectrum."""
    stop = made["stop_step"]
    made.variables |= {"separation": made["loss"], "stop_reason": 0 * stop, "escape_step": stop - 5}
    return made


def of_kind(kind: str, **coords: list) -> Stand:
    if kind == "design":
        return designed([1])
    two = {"x": [1, 2], "y": [3, 4]} if kind in ("map", "solved", "compare", "convergence") else {"scale": [0.1, 1, 10]}
    return complete(results(Outcome.SYMMETRIC, **(coords or two)))


KINDS = [kind for kind in plots.KINDS if kind not in ("spectrum", "sharpness", "landscape")]


@pytest.mark.parametrize("kind", plots.KINDS)
def test_each_kind_is_a_function_of_its_name(kind):
    assert plots.KINDS[kind] is getattr(plots, kind)
    if kind in KINDS:
        assert plots.figure_of(getattr(plots, kind)(of_kind(kind))).axes[0].has_data()


def test_old_names_stay():
    with warnings.catch_warnings(action="error"):
        assert plots.escape_curve is plots.curve
        assert plots.outcome_map is plots.map
        assert plots.convergence_map is plots.convergence
        assert plots.COLOURS is plots.COLORS
        assert drawn(plots.escape_times(of_kind("scaling")), "escape")[0].tolist() == [0.1, 1, 10]
        assert drawn(plots.scaling(np.array([1, 10]), {"a": np.ones((2, 3))}), "a")[1].tolist() == [1, 1]
        assert drawn(plots.spectrum({"a": np.array([1.0, 0])}), "a")[0].tolist() == [1, 0]


def test_shares_of_a_map_are_of_runs_and_said_to_be():
    outcome = np.array([Outcome.SOLVED] * 5 + [Outcome.TRAPPED] * 3)
    ax = plots.map(results(outcome, x=[1, 2], y=[1, 2]))
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["trapped 37.5 %"]
    assert ax.figure.axes[1].get_ylabel() == "solved (62.5 %) at step"
    assert legend.get_title().get_text() == "most frequent outcome of a cell; shares of all 32 runs"
    legend = plots.map(results(Outcome.FROZEN, runs=1, x=[1, 2], y=[1, 2])).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["frozen 100 %"]
    assert legend.get_title().get_text() == "shares of all 4 runs"


def test_a_share_that_is_not_all_is_not_said_to_be():
    outcome = np.full((64, 64, 1), Outcome.FROZEN)
    outcome[0, 0] = Outcome.TRAPPED
    legend = plots.map(results(outcome, runs=1, x=np.arange(64), y=np.arange(64))).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["frozen 99.98 %", "trapped 0.02 %"]


def zipped(**coords) -> Stand:
    """Results whose first axes are zipped under the name "opt"."""
    made = complete(results(Outcome.TRAPPED, opt=[0, 1, 2]))
    made.along["opt"] = tuple(coords)
    made.coords |= {name: np.array(values) for name, values in coords.items()}
    made.labels |= {name: f"training.{name}" for name in coords}
    return made


def test_escape_times_have_no_numbers_in_place_of_words():
    made = zipped(optimizer=["gd", "momentum", "adam"], learning_rate=[0.5, 0.1, 0.01])
    with pytest.raises(plots.PlotError, match="positive numbers on the axis opt, no number twice, and no words zipped"):
        plots.scaling(made)
    with pytest.raises(plots.PlotError, match="no number twice"):
        plots.scaling(zipped(learning_rate=[0.5, 0.1, 0.5], decay=[1.0, 2.0, 3.0]))


def test_escape_times_are_drawn_against_zipped_numbers():
    ax = plots.scaling(zipped(learning_rate=[0.5, 0.1, 0.01], scale=[1.0, 0.1, 0.2]))
    assert sorted(drawn(ax, "escape")[0].tolist()) == [0.1, 0.2, 1.0]
    assert ax.get_xlabel() == "learning rate with training.scale"


def test_no_line_goes_from_exact_zero_to_the_first_scale():
    outcome = np.where(np.arange(8) < np.array([0, 8, 4])[:, None], Outcome.SOLVED, Outcome.FROZEN)
    ax = plots.curve(results(outcome, scale=[0, 0.1, 1]))
    assert ax.get_xscale() == "linear"
    assert drawn(ax, "solved")[0].tolist() == [0.1, 1]
    assert drawn(ax, "solved at zero")[0].tolist() == [0]
    joined = [line.get_xdata().tolist() for line in ax.get_lines() if line.get_linestyle() != "None"]
    assert [0.1, 1] in joined
    assert not any(0 in places for places in joined)


def test_no_line_joins_words():
    made = results(Outcome.SOLVED, activation=["tanh", "relu"])
    ax = plots.curve(made)
    assert {line.get_linestyle() for line in ax.get_lines()} == {"None"}
    assert drawn(ax, "solved")[1].tolist() == [1, 1]
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["solved"]
    figure = plots.solved(results(Outcome.SOLVED, scale=[1, 2], activation=["tanh", "relu"]))
    assert {line.get_linestyle() for line in figure.axes[0].get_lines()} == {"None"}


@pytest.mark.parametrize("cells", [9, 10, 11, 25])
def test_labeled_cells_of_a_map_are_evenly_spaced(cells):
    scales = [0, *np.geomspace(1e-12, 1, cells - 1) ** 2]
    ticks = plots.map(results(Outcome.SYMMETRIC, scale=scales, y=[1, 2])).get_xticks()
    assert ticks[0] == 0
    assert len(set(np.diff(ticks))) == 1
    assert 5 <= len(ticks) <= 9


def test_dots_of_several_lines_do_not_overlap_at_words():
    ax = plots.solved(results(Outcome.SOLVED, scale=[1, 2, 3], activation=["tanh", "relu"])).axes[0]
    places = np.array([drawn(ax, name)[0] for name in "123"])
    assert (np.diff(places, axis=0) > 0).all()
    np.testing.assert_array_equal(places[1], [0, 1])
    np.testing.assert_array_equal(places.round().T, [[0] * 3, [1] * 3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_title_is_whole_and_within_the_picture(kind):
    made = of_kind(kind)
    made.title = LONG
    figure = plots.plot(made, kind)
    figure.draw_without_rendering()
    titles = [ax.title for ax in figure.axes] + ([figure._suptitle] if figure._suptitle else [])
    (title,) = [text for text in titles if "A title" in text.get_text()]
    assert LONG in " ".join(title.get_text().split("\n"))
    box = title.get_window_extent()
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1


LONG_NAMES = [f"an optimizer by a long name, number {number}" for number in range(20)]
LEGENDS = {
    "scaling": {"scale": [0.03, 0.1, 1], "optimizer": LONG_NAMES[:3], "schedule": LONG_NAMES[3:4]},
    "numbers": {"rate": np.geomspace(0.01, 10, 24).tolist(), "scale": [0.1, 1, 10]},
    "words": {"optimizer": LONG_NAMES, "scale": [0.1, 1, 10]},
    "few words": {"optimizer": LONG_NAMES[:6], "scale": [0.1, 1, 10]},
}


@pytest.mark.parametrize("name", LEGENDS)
def test_a_legend_is_whole_and_within_the_picture(name):
    made = complete(results(Outcome.SYMMETRIC, **LEGENDS[name]))
    made.title = LONG
    made.variables["escape_step"] = np.where(made["stop_step"] > 30, -1, made["stop_step"])
    figure = plots.plot(made, "scaling" if name == "scaling" else "solved")
    figure.draw_without_rendering()
    (legend,) = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    texts = [text.get_text().replace("\n", " ") for text in legend.get_texts()]
    if name == "numbers":
        assert (texts[0], texts[-1], len(texts)) == ("0.01", "10", 16)
    else:
        assert all(any(word in text for text in texts) for word in LEGENDS[name]["optimizer"])
    assert within(figure, legend.get_window_extent())
    assert within(figure, (figure._suptitle or figure.axes[0].title).get_window_extent())


def within(figure, box) -> bool:
    return bool(
        figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    )


def test_titles_of_panels_do_not_collide():
    names = ["an optimizer with a name", "another with a longer name", "the third one of them"]
    made = results(Outcome.SOLVED, optimizer=names, activation=["some activation", "and one more"])
    figure = plots.trajectories(made)
    figure.draw_without_rendering()
    boxes = [ax.title.get_window_extent() for ax in figure.axes]
    assert len(boxes) == 6
    assert all(left.x1 < right.x0 for left, right in (*pairwise(boxes[:3]), *pairwise(boxes[3:])))


def test_lists_are_folded_at_their_commas():
    assert fold(r"scale $10^{-3}$, rate 0.1, optimizer gd", 20) == "scale $10^{-3}$, rate 0.1,\noptimizer gd"
    assert fold("", 20) == ""


def test_a_tick_at_zero_out_of_sight_of_a_logarithmic_axis_has_no_number():
    ax = plots.medians(np.array([1.0, 2.0]), {"a": np.array([[1.0, 1.1], [4.0, 4.1]])})
    ax.figure.draw_without_rendering()
    assert ax.yaxis.get_major_formatter()(0.0) == ""
    assert ax.yaxis.get_major_formatter()(2.0) == "2"


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.3, 0.31], [2.0, 60.0], [6.0, 500.0]])
def test_numbers_along_short_logarithmic_axes_are_written_plainly(values):
    made = complete(results(Outcome.TRAPPED, scale=values))
    made.variables["loss"] = np.linspace(0.3, 0.4, made["loss"].size).reshape(made["loss"].shape)
    for kind in ("curve", "trajectories", "scaling", "portrait"):
        figure = plots.plot(made, kind)
        figure.draw_without_rendering()
        ax = figure.axes[0]
        for axis in (axis for axis in (ax.xaxis, ax.yaxis) if axis.get_scale() in ("log", "symlog")):
            shown = [t.get_text() for t in (*axis.get_ticklabels(), *axis.get_ticklabels(minor=True))]
            assert not any("times" in text or "10^{0}" in text for text in shown), (kind, shown)
            assert sum(map(bool, shown)) > 1, kind


@pytest.mark.fault("titles and labels that look like formulas are drawn")
@pytest.mark.parametrize("kind", KINDS)
def test_words_of_users_are_no_formulas(kind, tmp_path, tried):
    made = of_kind(kind)
    made.title = DOLLARS
    made.labels = dict.fromkeys(made.labels, DOLLARS)
    figure = plots.plot(made, kind)
    figure.savefig(tmp_path / "it.png")
    texts = [text for text in figure.findobj(Text) if "costs" in text.get_text()]
    assert len(texts) >= 1
    for text, formula in (text._preprocess_math(text.get_text()) for text in texts):
        assert (DOLLARS in text, formula) == (True, False)
    tried(len(texts))


def test_values_of_users_are_no_formulas(tmp_path):
    word = r"$\frac{$ b"
    for kind in ("curve", "map", "trajectories", "solved"):
        made = complete(results(Outcome.SOLVED, word=[word, "b"], scale=[1e-8, 1]))
        figure = plots.plot(made, kind)
        figure.savefig(tmp_path / "it.png")
        assert any(word in text.get_text().replace(r"\$", "$") for text in figure.findobj(Text))


def test_what_cannot_be_printed_is_seen():
    made = results(Outcome.SOLVED, scale=[1, 2])
    made.title = "a\x1b[31mb"
    assert plots.curve(made).get_title() == "a\ufffd[31mb"


def test_a_run_in_progress_is_drawn_as_far_as_it_is(tmp_path):
    outcome = np.full((3, 2, 8), Outcome.SOLVED)
    outcome[1, 1, 4:], outcome[2] = -1, -1
    made = complete(results(outcome, x=[1.0, 2.0, 3.0], y=[1.0, 2.0]))
    made.variables["loss"] = np.where((outcome[..., ::2] < 0)[..., None], np.nan, made["loss"])
    made.variables["distinct_starts"] = np.array([[8, 8], [8, -1], [-1, -1]])
    made.so_far = (28, 48)
    for kind in set(KINDS) - {"bifurcation", "design", "scaling"}:
        figure = plots.plot(made, kind)
        figure.savefig(tmp_path / "it.png")
        assert any("so far 28 of 48 runs" in text.get_text() for text in figure.findobj(Text))
    pixels = np.asarray(plots.map(made).get_images()[0].get_array())
    assert pixels[..., 3].tolist() == [[1, 1, 0], [1, 1, 0]]
    assert plots.map(made).figure.axes[1].get_ylabel() == "solved (100 %) at step"
    assert drawn(plots.curve(made), "solved")[0].tolist() == [1, 2]
    assert drawn(plots.solved(made).axes[0], "1")[1].tolist() == [1, 1]


def sweep_of_three() -> Stand:
    """Three optimizers (5, 2 and 1 of 8 runs solved at scale 0.1, none at 1), two seeds that agree."""
    solved = np.array([5, 2, 1])[:, None, None, None] * np.array([1, 0])[:, None]
    outcome = np.where(np.arange(8) < solved, Outcome.SOLVED, Outcome.TRAPPED)
    return complete(results(outcome.repeat(2, axis=1), optimizer=["gd", "adam", "lion"], seed=[1, 2], scale=[0.1, 1]))


def test_runs_of_pooled_values_count_together():
    ax = plots.curve(sweep_of_three(), pool=["optimizer", "seed"])
    assert drawn(ax, "solved")[1].tolist() == [(5 + 2 + 1) / 24, 0]
    assert ax.get_title() == "XOR\npooled over optimizer (3 values), seed (2 values)"
    assert ax.get_ylabel() == "fraction of 48 runs, 95 % interval"
    ax = plots.map(sweep_of_three(), pool="optimizer")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["trapped 83.3 %", "solved 16.7 %"]
    assert ax.get_legend().get_title().get_text().endswith("shares of all 96 runs")


def test_the_kind_fits_the_axes_that_are_left():
    assert plots.fitting(sweep_of_three()) == "map"
    panels = plots.plot(sweep_of_three(), facet="starts.optimizer", pool="seed").axes
    assert [drawn(ax, "solved")[1][0] for ax in panels] == [5 / 8, 2 / 8, 1 / 8]


def test_each_value_of_a_facet_has_a_panel_of_its_own():
    axes = plots.curve(sweep_of_three(), facet="starts.optimizer", pool="seed").figure.axes
    assert [ax.get_title() for ax in axes] == ["optimizer gd", "optimizer adam", "optimizer lion"]
    assert [drawn(ax, "solved")[1][0] for ax in axes] == [5 / 8, 2 / 8, 1 / 8]


def test_a_map_of_more_axes_hides_none_of_their_values():
    figure = plots.map(sweep_of_three()).figure
    panels = [ax for ax in figure.axes if ax.get_images()]
    assert [ax.get_title() for ax in panels] == ["optimizer gd", "optimizer adam", "optimizer lion"]
    yellow = [tuple(np.asarray(ax.get_images()[0].get_array())[0, 0]) == plots.RAMP(1.0) for ax in panels]
    assert yellow == [True, False, False]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["trapped 83.3 %"]
    many = complete(results(Outcome.SOLVED, seed=range(9), x=[1, 2], y=[1, 2]))
    assert plots.map(many).get_title() == "XOR\npooled over seed (9 values)"


def test_escape_times_of_many_points_have_panels():
    made = complete(results(Outcome.TRAPPED, batch=["full", "online"], seed=range(6), scale=[0.1, 1, 10]))
    axes = plots.scaling(made).figure.axes
    assert [ax.get_title() for ax in axes] == ["batch full", "batch online"]
    for ax in axes:
        assert {f"seed {number}" for number in range(6)} <= {line.get_gid() for line in ax.get_lines()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at": {"rate": 1}}, r"^at: must be an axis of this result: optimizer, seed, scale; got 'rate'"),
        ({"at": ["scale"]}, r"^at: must be values by axis, such as {'scale': 0.1}; got \['scale'\]"),
        ({"facet": "optimiser"}, r"^facet: must be an axis of .*; got 'optimiser'; did you mean 'optimizer'"),
        ({"facet": "seed", "pool": "seed"}, "^facet: must be another axis than those that are pooled; got seed"),
        ({"kind": "trajectories", "pool": "seed"}, "^pool: is for curve, map, .*; got kind 'trajectories'; choose"),
        ({"kind": "curve", "measures": ("loss", "loss")}, "^measures: is for portrait; got kind 'curve'"),
        ({"style": "papr"}, "^style: must be screen or paper; got 'papr'; did you mean 'paper'"),
        ({"size": (3, 0.1)}, r"^size: must be a width and a height from 1 to 50 inches, .*; got \(3, 0.1\)"),
        ({"size": "3x2"}, "^size: must be a width and a height"),
        ({"title": 3}, "^title: must be text; got 3"),
    ],
)
def test_what_a_plot_cannot_show_is_refused(options, message):
    with pytest.raises(plots.PlotError, match=message):
        plots.plot(sweep_of_three(), **options)


def test_panels_need_a_figure_of_their_own_and_are_not_too_many():
    ax = plots.curve(sweep_of_three())
    with pytest.raises(plots.PlotError, match="facet: needs a figure of its own; leave out ax"):
        plots.curve(sweep_of_three(), ax, facet="seed")
    with pytest.raises(plots.PlotError, match="facet: must need at most 36 panels; got 40"):
        plots.curve(results(Outcome.SOLVED, seed=range(40), scale=[1, 2]), facet="seed")


def texts_of(figure) -> list[Text]:
    """All texts that are seen, but not those that slope."""
    figure.draw_without_rendering()
    thin(figure)
    axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    of_ticks = {text for axis in axes for text in axis.findobj(Text)} - {axis.label for axis in axes}
    seen = {tick.label1 if tick.label1.get_visible() else tick.label2 for a in axes for tick in a._update_ticks()}
    texts = [text for text in figure.findobj(Text) if text not in of_ticks or text in seen]
    return [text for text in texts if text.get_visible() and text.get_text().strip() and text.get_rotation() % 90 == 0]


@pytest.mark.parametrize("style", ["screen", "paper"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_lies_on_another(kind, style):
    made = of_kind(kind)
    made.title = LONG
    figure = plots.plot(made, kind, style=style)
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in texts_of(figure)]
    over = [(a, b) for n, (a, one) in enumerate(boxes) for b, other in boxes[:n] if one.overlaps(other)]
    assert not over
    assert len(boxes) > 5
    assert not [text for text, box in boxes if not within(figure, box)]


CROWDED = {
    "map": {"rate": np.geomspace(0.01, 10, 20).round(5).tolist(), "scale": np.geomspace(0.001, 10, 20).tolist()},
    "curve": {"rate": [0.01, 0.1, 1, 10], "scale": [0, 1e-6, 0.001, 0.1, 1, 3]},
    "compare": {"optimizer": ["gd", "adam", "lion"], "width": [2, 3, 4], "scale": [0, 1e-6, 0.001, 0.1, 1, 3]},
    "solved": {"width": [2, 3], "rate": [0.01, 0.1, 1, 10], "scale": [0, 1e-6, 0.001, 0.1, 1, 3]},
    "scaling": {"seed": [1, 2, 3], "batch": ["full", "online"], "scale": [0.001, 0.1, 1, 3]},
    "trajectories": {"decay": [0.0, 0.001, 0.1], "batch": ["full", "online"]},
}


@pytest.mark.parametrize("options", [{"style": "paper"}, {"size": (6.75, 5)}], ids=str)
@pytest.mark.parametrize("kind", CROWDED)
def test_no_text_lies_on_another_in_a_crowded_figure(kind, options):
    outcome = np.where(np.arange(8) < 6, Outcome.SOLVED, Outcome.TRAPPED)
    made = complete(results(outcome, **CROWDED[kind]))
    facet = {"curve": "rate", "scaling": "seed"}.get(kind, ())
    figure = plots.plot(made, kind, facet=facet, **options)
    texts = texts_of(figure)
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in texts]
    assert not [(a, b) for n, (a, one) in enumerate(boxes) for b, other in boxes[:n] if one.overlaps(other)]
    assert not [text for text, box in boxes if not within(figure, box)]
    assert all(text.get_fontsize() >= 7 for text in texts)
    labels = [[tick for tick in ax.get_xticklabels() if tick.get_text()] for ax in figure.axes]
    assert max(map(len, labels)) > 1


def test_labels_that_lie_on_each_other_are_not_drawn(monkeypatch):
    figure = plots.plot(complete(results(Outcome.SOLVED, **CROWDED["compare"])), "compare", size=(6, 5))
    drawn_ticks = []
    monkeypatch.setattr(XAxis, "draw", lambda axis, *_: drawn_ticks.append(len(axis.get_majorticklocs())))
    figure.draw_without_rendering()
    assert max(drawn_ticks) < len(figure.axes[0].get_xticks())


def test_a_wide_legend_does_not_narrow_a_map():
    outcome = np.where(np.arange(8) < 6, Outcome.SOLVED, np.where(np.arange(8) < 7, Outcome.TRAPPED, Outcome.PLATEAU))
    figure = plots.plot(results(outcome, x=[1, 2], y=["a long name", "b"]), "map", style="paper")
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().width > 0.4


def test_no_tick_label_is_cut_at_the_edge():
    ax = plots.curve(of_kind("curve"))
    ax.figure.set_layout_engine("none")
    ax.set(position=(0.1, 0.1, 0.89, 0.8), xscale="linear", xticks=[0, 5, 10], xticklabels=["0", "5", "10 or more"])
    assert {"0", "5"} <= {text.get_text() for text in texts_of(ax.figure)}
    assert "10 or more" not in {text.get_text() for text in texts_of(ax.figure)}


def test_drawing_leaves_the_ticks_as_they_were():
    figure = plots.plot(complete(results(Outcome.SOLVED, **CROWDED["compare"])), "compare", size=(6, 5))
    figure.draw_without_rendering()
    axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    before = [axis.get_majorticklocs().tolist() for axis in axes]
    thin(figure)
    assert [axis.get_majorticklocs().tolist() for axis in axes] != before
    figure = plots.plot(complete(results(Outcome.SOLVED, **CROWDED["compare"])), "compare", size=(6, 5))
    figure.draw_without_rendering()
    figure.draw_without_rendering()
    assert [axis.get_majorticklocs().tolist() for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)] == before


def test_a_figure_too_small_for_its_panels_is_refused(tmp_path):
    figure = plots.plot(sweep_of_three(), "compare", facet="seed", size=(2, 2))
    with pytest.raises(plots.PlotError, match=r"^size: 2x2 inches is too small for what the figure shows; make"):
        plots.save(figure, tmp_path / "it.png")
    assert not list(tmp_path.iterdir())


def test_a_point_beside_none_has_its_interval():
    outcome = np.where(np.arange(8) < 4, Outcome.SOLVED, Outcome.TRAPPED)
    made = complete(results(outcome, scale=[0, 1e-4]))
    for ax in (plots.curve(made), plots.solved(complete(results(outcome, x=[1, 2], scale=[0, 1e-4]))).axes[0]):
        bars = [path.vertices for drawn in ax.collections for path in drawn.get_paths() if len(path.vertices) == 2]
        assert {x for bar in bars for x in bar[:, 0]} == {0, 1e-4}


def test_an_element_of_a_list_is_named_in_words():
    made = results(Outcome.SOLVED, hidden_0=[2, 3], scale=[1, 2])
    made.labels["hidden_0"] = "network.hidden.0"
    panels = plots.curve(made, facet="hidden_0").figure.axes
    assert [ax.get_title().replace("\n", " ") for ax in panels] == [f"units of hidden layer 1 = {n}" for n in (2, 3)]
    assert selection(made, {"network.hidden.0": 2, "scale": 1}) == "units of hidden layer 1 = 2, scale 1"


def test_a_run_that_stopped_since_it_is_solved_has_converged():
    outcome = np.array([[Outcome.SOLVED], [Outcome.DIVERGED]])[:, None].repeat(2, axis=1)
    made = complete(results(outcome, runs=1, x=[1, 2], y=[3, 4]))
    made.variables["loss"] = np.broadcast_to(np.array([0.5, 0.4, np.nan, np.nan]), (2, 2, 1, 4))
    made.variables["final_loss"] = np.full((2, 2, 1), 0.1)
    np.testing.assert_allclose(loss_ratio(made), [[(0.8 + 0.2 + 0.2) / 3] * 2, [(0.8 + 2e6) / 3] * 2])


def test_no_line_of_escape_times_passes_over_a_median_that_is_not_in_time():
    times = np.array([[5.0, 6, 7, 8, 9], [9, *[np.inf] * 4], [1, 2, 3, np.inf, np.inf], [1, 1, 2, 2, 3]])
    ax = plots.medians(np.array([0.1, 1, 10, 100]), {"a": times})
    (x, y) = drawn(ax, "a")
    assert x.tolist() == [0.1, 1, 10, 100]
    np.testing.assert_array_equal(np.isnan(y), [False, True, False, False])
    assert drawn(ax, "a not in time")[0].tolist() == [1]
    band = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])
    assert {2.0, 3.0} <= set(band[band[:, 0] == 10, 1])  # the upper quartile is not in time


def test_a_legend_of_escape_times_fits_into_a_column():
    made = complete(results(Outcome.TRAPPED, optimizer=["gd", "adam", "a longer name"], scale=[0.01, 0.1, 1, 10]))
    made.variables["escape_step"] = np.where(made["stop_step"] > 40, -1, made["stop_step"])
    figure = plots.plot(made, "scaling", style="paper")
    figure.draw_without_rendering()
    assert within(figure, figure.axes[0].get_legend().get_window_extent())


def test_a_legend_lies_on_no_interval():
    words = ["tanh", "relu", "gelu", "silu", "softplus", "logistic"]
    made = complete(results(np.where(np.arange(8) < 4, Outcome.SOLVED, Outcome.TRAPPED), word=words, x=[1, 2, 3]))
    for figure in (plots.solved(made), plots.curve(made).figure):
        figure.draw_without_rendering()
        boxes = [legend.get_window_extent() for legend in figure.legends]
        assert len(boxes) == 1
        assert not boxes[0].overlaps(figure.axes[0].get_window_extent())


def test_the_dots_of_a_short_bifurcation_are_seen():
    (dots,) = plots.bifurcation(of_kind("bifurcation")).axes[0].get_lines()
    assert dots.get_markersize() >= 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_for_print_has_its_sizes(kind):
    figure = plots.plot(of_kind(kind), kind, style="paper")
    assert figure.get_figwidth() in (3.25, 6.75)
    assert all(7 <= text.get_fontsize() <= 9 for text in texts_of(figure))
    lines = [line for ax in figure.axes for line in ax.get_lines()]
    assert all(line.get_linewidth() <= 1 for line in lines)
    sized = plots.plot(of_kind(kind), kind, size=(5, 4), title="")
    assert sized.get_size_inches().tolist() == [5, 4]
    assert "XOR" not in {text.get_text() for text in texts_of(sized)}


def test_lines_differ_without_their_colors():
    outcome = np.where(np.arange(8) < 4, Outcome.SOLVED, Outcome.TRAPPED)
    lines = plots.curve(results(outcome, scale=[1, 2])).get_lines()
    assert len({line.get_marker() for line in lines}) == len(lines) == 2
    lines = plots.solved(results(outcome, rate=[1, 2, 3], scale=[1, 2])).axes[0].get_lines()
    assert len({line.get_marker() for line in lines}) == len(lines) == 3


def test_true_and_false_are_words():
    made = results(Outcome.SOLVED, bias=[1, 0])
    made.labels = {"bias": "network.bias"}
    ax = plots.curve(made)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["true", "false"]
    assert {line.get_linestyle() for line in ax.get_lines()} == {"None"}


def test_numbers_zipped_with_words_are_words():
    ax = plots.curve(zipped(learning_rate=[0.5, 0.1, 0.5], optimizer=["gd", "momentum", "adam"]))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.5, gd", "0.1, momentum", "0.5, adam"]
    assert ax.get_xlabel() == "learning rate with optimizer"


def test_each_key_has_a_name_of_its_own():
    assert list(TITLES) == list(SPEC_KEYS)
    assert len(set(TITLES.values())) == len(TITLES)
    assert not any("_" in title or title.strip() != title for title in TITLES.values())
    assert [title_of_key(key) for key in ("network.hidden.0", "training.layer_rates.1", "starts.base.3", "mine")] == [
        "units of hidden layer 1", "learning rate factor of layer 2", "parameter of the base, component 3", "mine"
    ]  # fmt: skip


@pytest.mark.parametrize(("alias", "kind"), ALIASES.items())
def test_another_name_of_a_kind_is_that_kind_without_a_word(alias, kind):
    assert callable(getattr(plots, alias))
    with warnings.catch_warnings(action="error"):
        if kind != "spectrum":
            assert plots.plot(of_kind(kind), alias).made["kind"] in (kind, alias)


def test_fonts_of_a_pdf_are_of_type_42(tmp_path):
    content = plots.save(plots.curve(of_kind("curve")), tmp_path / "it.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


@pytest.mark.parametrize("extension", HEADS)
def test_a_figure_that_is_none_of_ours_is_told_so(tmp_path, extension):
    path = tmp_path / f"it.{extension}"
    Figure().savefig(path)
    with pytest.raises(FigureError, match=f"it is {extension.upper()}, without the data that saddlescape"):
        plots.info(path)
    path.write_bytes(b"no image")
    with pytest.raises(FigureError, match="must be a PNG, SVG or PDF figure that saddlescape saved; it is no image"):
        plots.info(str(path))
    path.unlink()
    with pytest.raises(FigureError, match="figure that saddlescape saved; there is no such file"):
        plots.info(str(path))


@pytest.mark.parametrize("made", ["{}", "[]", "{", "[" * 10**5, '{"version": "1"}', "\\"])
def test_odd_metadata_are_refused(tmp_path, made):
    path = tmp_path / "it.png"
    Figure().savefig(path, metadata={"saddlescape": made})
    with pytest.raises(FigureError):
        plots.info(path)
    content = path.read_bytes()
    for cut in range(0, 200, 7):
        path.write_bytes(content[:8] + b"\xff" * 4 + content[12 : 12 + cut])
        with pytest.raises(FigureError):
            plots.info(path)


@pytest.mark.parametrize(
    ("name", "dpi", "message"),
    [
        ("it.gif", 100, r"it.gif: must end in one of .png, .pdf, .svg; got '.gif'"),
        ("it.png", 5, "dpi: must be a number from 10 to 1200; got 5"),
        ("it.png", float("nan"), "dpi: must be a number"),
        ("it.png", True, "dpi: must be a number"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(tmp_path, name, dpi, message):
    with pytest.raises(plots.PlotError, match=message):
        plots.save(Figure(), tmp_path / name, dpi)
    assert not list(tmp_path.iterdir())
