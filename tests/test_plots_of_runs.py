"""Pictures that need a result file: spectra where runs stopped, portraits of measures with layers."""

import hashlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from spec_cases import TINY

import saddlescape as ss
from saddlescape import plots
from saddlescape.analysis.points import derivatives
from saddlescape.plots.common import spread
from saddlescape.plots.ends import ENDS
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome
from saddlescape_cli.info import info
from saddlescape_cli.plot import plot as command

TEXT = TINY + """[record]
final_parameters = true
fields = ["loss", "separation", "layer_norm", "cosine"]
[[axes]]
key = "network.hidden"
values = [[2], [2, 2]]
[[axes]]
key = "starts.scale"
values = [0, 3]
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    return ss.run(parse(TEXT, folder), folder / "run")


@pytest.fixture
def done(path):
    with ss.open(path) as results:
        yield results


def lines(ax, zero):
    return [line for line in ax.get_lines() if (line.get_gid() == "at zero") == zero]


def panels(figure):
    """The axes of each outcome."""
    return {Outcome[ax.get_title().partition(":")[0].upper()]: ax for ax in figure.axes}


def test_spectra_are_those_of_the_hessian_where_runs_stopped(done):
    drawn = panels(plots.plot(done, "spectrum"))
    assert set(drawn) == set(np.unique(done["outcome"]))
    assert len(drawn) > 1
    for outcome, ax in drawn.items():
        places = np.argwhere(done["outcome"] == outcome)
        assert ax.get_title().startswith(f"{outcome.label}: {min(len(places), ENDS)} of {len(places)} runs\n")
        for line, place in zip(lines(ax, zero=False), places[spread(len(places), ENDS)], strict=True):
            spec, theta = done.sweep.at(place[:2]), done["final_theta"][tuple(place)]
            hessian = derivatives(spec, theta[np.isfinite(theta)][None]).hessian[0]
            np.testing.assert_array_equal(line.get_ydata(), np.linalg.eigvalsh(hessian)[::-1])
            assert line.get_color() == plots.COLORS[outcome]


def test_at_zero_xor_is_flat_but_for_one_direction(done):
    """With one hidden layer the eigenvalues are 3/8 and eight zeros, with two the output alone has curvature too."""
    ax = panels(plots.spectra(done))[Outcome.FROZEN]
    assert ax.get_title().endswith("\n0 negative, 8-14 zero, 1 positive")
    for line, size in zip(lines(ax, zero=True), (9, 15), strict=True):
        assert line.get_ydata() == pytest.approx([3 / 8, *[0] * (size - 1)], abs=1e-12)
        assert line.get_xdata().tolist() == [*range(1, size + 1)]


def test_ticks_of_a_spectrum_are_written_plainly(done):
    figure = plots.spectra(done)
    figure.draw_without_rendering()
    texts = [tick.get_text() for ax in figure.axes for tick in ax.get_yticklabels()]
    assert "0" in texts
    assert "$-10^{-6}$" in texts
    assert not any("10^{0}" in text or "times" in text for text in texts)


def test_spectra_of_a_part_have_the_networks_of_that_part(done):
    for number, size in enumerate((9, 15)):
        part = done.isel(hidden=number).sel(scale=[3.0], run=slice(2, 4))
        for outcome, ax in panels(plots.spectra(part)).items():
            (zero,), found = lines(ax, zero=True), lines(ax, zero=False)
            assert len(zero.get_ydata()) == size
            first = part.find(outcome.label)[0]
            theta = part["final_theta"][tuple(first)]
            hessian = derivatives(done.sweep.at((number, 1)), theta[np.isfinite(theta)][None]).hessian[0]
            np.testing.assert_array_equal(found[0].get_ydata(), np.linalg.eigvalsh(hessian)[::-1])


@pytest.mark.parametrize("run", [4, [4], [7, 2, 4], slice(6, 9)])
def test_paths_of_selected_runs_have_their_numbers_and_outcomes(done, run):
    point, part = {"hidden": 0, "scale": 1}, done.isel(run=run)
    numbers = np.atleast_1d(part["run"])
    ax = plots.trajectories(part, [(0, 1)]).axes[0]
    assert {line.get_gid() for line in ax.get_lines()} == {f"run {number}" for number in numbers}
    for line in ax.get_lines():
        number = int(line.get_gid().removeprefix("run "))
        assert line.get_color() == plots.COLORS[Outcome(done.read("outcome", **point)[number])]
        assert line.get_xdata()[-1] >= done.read("stop_step", **point)[number]
    colors = [plots.COLORS[Outcome(done.read("outcome", **point)[number])] for number in sorted(numbers)]
    drawn = plots.portrait(part, ("separation", "loss"), points=[(0, 1)]).get_lines()
    assert [line.get_color() for line in drawn] == colors


def test_a_selection_without_the_runs_of_a_plot_says_so(done):
    for draw in (plots.trajectories, lambda it: plots.portrait(it, ("separation", "loss"))):
        with pytest.raises(plots.PlotError, match=r"^record\.runs: none of the selected runs has a trajectory; select"):
            draw(done.isel(run=[]))
    with pytest.raises(plots.PlotError, match=r"^kind: escape times need runs, .*; select a list, such as run="):
        plots.scaling(done.isel(run=0))


def test_a_portrait_takes_the_layer_that_is_named(done):
    ax = plots.portrait(done, ("layer_norm.3", "loss"), points=[(1, 1)])
    assert ax.get_xlabel() == "layer norm of layer 3"
    for line, norm in zip(ax.get_lines(), done["layer_norm"][1, 1], strict=True):
        np.testing.assert_array_equal(line.get_xdata(), norm[np.isfinite(norm[:, 2]), 2])


def test_a_portrait_of_one_layer_need_not_name_it(done, tmp_path):
    one = parse(TEXT.replace("[[2], [2, 2]]", "[[2], [3]]"), tmp_path)
    with ss.open(ss.run(one, tmp_path / "run")) as results:
        plain, named = (plots.portrait(results, (name, "loss")) for name in ("cosine", "cosine.1"))
    for a, b in zip(plain.get_lines(), named.get_lines(), strict=True):
        np.testing.assert_array_equal(a.get_xdata(), b.get_xdata())


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ("grad_norm", r'does not contain "grad_norm"; it contains loss, separation, layer_norm, cosine; add the'),
        ("outcome", 'record.fields: does not contain "outcome"'),
        ("los", r"it contains loss, separation, layer_norm, cosine; use one of these; did you mean 'loss'"),
        ("cosine", r"measures: must be cosine.1 or cosine.2; got 'cosine'"),
        ("cosine.3", r"measures: must be cosine.1 or cosine.2; got 'cosine.3'"),
        ("separation.1", r"measures: must be separation; got 'separation.1'"),
    ],
)
def test_a_measure_that_is_not_there_is_told_with_those_that_are(done, measure, message):
    with pytest.raises(plots.PlotError, match=message):
        plots.portrait(done, ("loss", measure))


def test_the_command_draws_the_plane_that_is_asked_for(path, monkeypatch):
    asked = []
    drawn = plots.KINDS["trajectories"]
    monkeypatch.setitem(plots.KINDS, "portrait", lambda _, measures: asked.append(measures) or drawn(_))
    done = CliRunner().invoke(command, [str(path), "--measures", "cosine.1, loss"], catch_exceptions=False)
    assert done.exit_code == 0
    assert asked == [("cosine.1", "loss")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--measures", "loss"], r"must be two measures X,Y, such as separation,loss; got 'loss'"),
        (["--measures", "loss,distance,separation"], "must be two measures"),
        (["--measures", "loss,distance", "--kind", "map"], "--measures needs --kind portrait; got --kind map"),
    ],
)
def test_the_command_refuses_another_plane(path, options, message):
    done = CliRunner().invoke(command, [str(path), *options])
    assert done.exit_code == 2
    assert message in done.output


def test_a_picture_without_an_ending_is_a_png(path, tmp_path):
    done = CliRunner().invoke(command, [str(path), "-o", str(tmp_path / "it")], catch_exceptions=False)
    assert done.output == f"{tmp_path / 'it.png'}\n"
    assert (tmp_path / "it.png").is_file()


def test_only_a_spectrum_loads_the_compiler(path, tmp_path):
    for kind, loads in (("trajectories", False), ("portrait", False), ("spectrum", True)):
        code = (
            "import sys; from saddlescape_cli.plot import plot; "
            f"plot([{str(path)!r}, '--kind', {kind!r}, '-o', {str(tmp_path / 'p.png')!r}], standalone_mode=False); "
            "print('numba' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert re.search(r"(True|False)$", done.stdout.strip())[0] == str(loads)


@pytest.mark.parametrize("extension", ["png", "svg", "pdf"])
def test_a_picture_tells_how_it_was_made(path, tmp_path, extension):
    """A title that looks like the end of a string, or like a tag, is no end of the metadata."""
    target, title = tmp_path / f"it.{extension}", "a (b\\) </dc:description> \n \x1b é"
    options = {"at": {"scale": [0, 3]}, "facet": "network.hidden", "style": "paper", "title": title}

    def saved() -> bytes:
        with ss.open(path) as done:
            figure = plots.plot(done, "curve", **options)
        figure.made["title"] = title
        return plots.save(figure, target, 100).read_bytes()

    assert saved() == saved()
    made = plots.info(target)
    assert made["title"] == title
    assert made["result"].removeprefix("sha256:") == hashlib.sha256(path.read_bytes()[:-72]).hexdigest()
    with ss.open(path) as done:
        assert {name: made[name] for name in done.digests} == done.digests
    assert made["version"] == ss.__version__
    words = ["--at", "scale=0,3", "--facet", "network.hidden", "--style", "paper", "--title", title, "--dpi", "100"]
    words = ["saddlescape", "plot", "run/result.h5", "--kind", "curve", *words, "-o", target.name]
    assert shlex.split(made["command"]) == words


@pytest.mark.parametrize("kind", ["trajectories", "portrait", "spectrum", "curve", "map"])
def test_values_that_are_selected_are_drawn_and_told(done, kind):
    """Of the keys and their other forms; a network of two hidden layers has eigenvalues of its own."""
    chosen = {"curve": {"network.hidden": "2-2"}, "map": {"scale": [0, 3]}}.get(kind, {"hidden": "2-2", "scale": 3.0})
    figure = plots.plot(done, kind, at=chosen)
    title = figure.get_suptitle() or figure.axes[0].get_title()
    assert ("scale 0 and 3" if kind == "map" else "hidden 2-2") in title
    if kind == "spectrum":
        assert {len(line.get_ydata()) for line in lines(figure.axes[0], zero=True)} == {15}
    if kind == "trajectories":
        assert len(figure.axes) == 1


def test_a_value_that_is_not_there_is_told_with_those_that_are(done):
    with pytest.raises(plots.PlotError, match=r"^at: scale: must be one of 0.0, 3.0; got 1$"):
        plots.plot(done, "curve", at={"scale": 1})
    with pytest.raises(plots.PlotError, match=r"^kind: .* needs an axis, .*; not counted: hidden, scale, in panels,"):
        plots.plot(done, "curve", at={"scale": 3}, facet="hidden")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--at", "scale"], "must be KEY=VALUE, such as scale=0.1; got 'scale'"),
        (["--size", "3"], "must be WxH in inches, such as 3.25x2.5; got '3'"),
        (["--style", "papre"], "did you mean 'paper'"),
    ],
)
def test_the_command_refuses_options_before_it_opens_anything(options, message):
    done = CliRunner().invoke(command, ["no-such-file", *options])
    assert done.exit_code == 2
    assert message in done.output


def test_a_person_draws_a_picture_for_print_and_asks_it(path, tmp_path):
    picture = tmp_path / "it.pdf"
    options = ["--at", "scale=3", "--style", "paper", "--title", "", "-o", str(picture)]
    drawn = CliRunner().invoke(command, [str(path), *options], catch_exceptions=False)
    assert drawn.output == f"{picture}\n"
    told = CliRunner().invoke(info, [str(picture)], catch_exceptions=False).output
    assert "kind: curve\n" in told
    words = "--kind curve --at scale=3 --style paper --title ''"
    assert f"command: saddlescape plot run/result.h5 {words} -o it.pdf\n" in told
    of_result = CliRunner().invoke(info, [str(path)], catch_exceptions=False).output
    for digest in ("result: sha256:", "spec: sha256:"):
        (line,) = [line for line in of_result.splitlines() if line.startswith(digest)]
        assert line in told.splitlines()
