"""Wrong arguments in a Python session: each a plain error before anything is computed or written."""

import numpy as np
import pytest
from spec_cases import DRAWN, TINY
from store_cases import run_folder, sweep

import saddlescape as ss
from saddlescape import analysis, plots
from saddlescape.errors import SaddlescapeError
from saddlescape.plan import Plan
from saddlescape.results.export import export
from saddlescape.results.refine import refine
from saddlescape.runs.runner import resume
from saddlescape.system.arguments import ArgumentError

SLICE = TINY.replace(
    DRAWN,
    'kind = "slice"\nbase = [0.5, -1, 0, 1, 2, 0, 1, -1, 0]\n'
    "x = {index = 8, from = -0.5, to = 0.5, n = 2}\ny = {index = 3, from = 0, to = 1, n = 3}\n",
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return run_folder(Plan(sweep()), tmp_path_factory.mktemp("results") / "run")


@pytest.fixture
def result(file):
    with ss.open(file) as opened:
        yield opened


@pytest.fixture
def cells(tmp_path):
    with ss.open(run_folder(Plan(sweep(text=SLICE)), tmp_path / "slice")) as opened:
        yield opened


@pytest.mark.parametrize("name", ["start", "replay", "Results.replay", "Results.trajectory"])
@pytest.mark.parametrize(
    ("point", "run", "message"),
    [
        ((1, 0), -1, r"run must be from 0 to 9; got -1$"),
        ((1, 0), 10, r"run must be from 0 to 9; got 10$"),
        ((1, 0), 10**30, r"run must be from 0 to 9; got 10+$"),
        ((1, 0), 4.0, r"run must be an integer; got 4\.0$"),
        ((1, 0), True, r"run must be an integer; got True$"),
        ((1, 0), "4", r"run must be an integer; got '4'$"),
        ((1, 0), [4, 5], r"run must be an integer; got \[4, 5\]$"),
        ((2, 0), 4, r"point must have an index from -2 to 1 along activation; got 2$"),
        ((1, -3), 4, r"point must have an index from -2 to 1 along bias; got -3$"),
        ((1, 0.5), 4, r"each index of point must be an integer; got "),
        ((1, None), 4, r"each index of point must be an integer; got None$"),
        ("tanh", 4, r"point must have one index for each of activation, bias; got tanh$"),
        ((1, 0, 4), 4, r"point must have one index for each of activation, bias; got \(1, 0, 4\)$"),
    ],
)
def test_a_point_and_a_run_are_checked(result, name, point, run, message):
    functions = {"Results.replay": result.replay, "Results.trajectory": result.trajectory}
    call = functions.get(name) or (lambda *index: getattr(ss, name)(sweep(), *index))
    with pytest.raises(ValueError, match=f"^{message}") as failure:
        call(point, run)
    assert isinstance(failure.value, SaddlescapeError)


def test_negative_indices_of_a_point_count_from_the_end(result):
    expected = result.trajectory((1, 0), 4)
    for name, values in result.trajectory((-1, -2), 4).items():
        np.testing.assert_array_equal(values, expected[name])
    np.testing.assert_array_equal(ss.start(sweep(), (-1, -2), 4), ss.start(sweep(), (1, 0), 4))


def test_the_run_of_a_slice_is_the_number_of_its_cell(cells):
    corner = ss.start(sweep(text=SLICE), run=5)
    assert corner[[8, 3]].tolist() == [0.5, 1]
    for call in (ss.start, ss.replay):
        with pytest.raises(SaddlescapeError, match=r"run must be from 0 to 5; got 6$"):
            call(sweep(text=SLICE), run=6)
    with pytest.raises(SaddlescapeError, match=r"run must be 0; got 1$"):
        cells.replay((1, 2), 1)


def test_a_single_run_is_one_of_those_selected(result):
    recorded = result.trajectory((1, 0), 4)
    for part in (result.isel(run=4), result.isel(run=[4, 7]), result.sel(run=slice(4, 6))):
        for name, values in part.trajectory((1, 0)).items():
            np.testing.assert_array_equal(values, recorded[name])
        selected = r"(4|one of the selected runs \(4, 7\)|from 4 to 6)"
        with pytest.raises(SaddlescapeError, match=f"^run must be {selected}; got 0$"):
            part.trajectory((1, 0), 0)
    again, alone = result.replay((1, 0), 4), result.isel(run=4).replay((1, 0))
    np.testing.assert_array_equal(again["theta"], alone["theta"])
    with pytest.raises(SaddlescapeError, match=r"^run must be selected; the selection is empty$"):
        result.isel(run=[]).replay((1, 0))


@pytest.mark.parametrize(
    ("method", "index", "message"),
    [
        ("isel", {"run": slice(0.5, 2)}, r"run: must be a slice between integers; got slice\(0\.5, 2, None\)$"),
        ("isel", {"run": slice("a", None)}, "run: must be a slice between integers; got"),
        ("isel", {"run": np.zeros((2, 2), int)}, "run: must have an integer index, a slice or a list of integers; got"),
        ("isel", {"run": -11}, r"run: must have an index from -10 to 9; got -11$"),
        ("sel", {"run": True}, r"run: must be one of the 10 selected; got True$"),
        ("sel", {"run": slice("a", None)}, "run: must be a slice between integers; got"),
        ("sel", {"run": slice(0, 4, 2)}, r"run: must be a slice of values without a step; got .*; isel takes steps$"),
        ("sel", {"bias": slice("a", "b")}, "bias: must be a slice between numbers; got"),
        ("sel", {"bias": slice(0, 1, 2)}, "bias: must be a slice of values without a step; got"),
        ("sel", {"bias": None}, "bias: must be one of 1, 0; got None$"),
        ("sel", {"bias": {}}, r"bias: must be one of 1, 0; got \{\}$"),
        ("sel", {"activation": slice(0, 1)}, "activation: must be a slice between strings; got"),
    ],
)
def test_a_selection_is_checked(result, method, index, message):
    with pytest.raises(SaddlescapeError, match=f"^{message}"):
        getattr(result, method)(**index)


def test_an_empty_list_selects_nothing(result):
    assert result.isel(run=[]).outcome.shape == result.sel(run=[]).outcome.shape == (2, 2, 0)


def test_an_unknown_coordinate_is_told_with_the_known_ones(result):
    with pytest.raises(KeyError, match="no coordinate 'activaton'; did you mean 'activation'"):
        result.coords["activaton"]


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_threads_are_a_positive_integer(cells, tmp_path, threads):
    spec, out = sweep(text=TINY).spec, tmp_path / "out"
    for call in (
        lambda: ss.run(sweep(), out, threads=threads),
        lambda: resume(cells.path.parent, threads=threads),
        lambda: ss.run_starts(spec, np.zeros((1, 9)), threads=threads),
        lambda: refine(cells, out, threads=threads),
    ):
        with pytest.raises(SaddlescapeError, match=r"^threads must be (at least 1|an integer); got "):
            call()
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"levels": 0}, r"levels must be at least 1; got 0$"),
        ({"levels": 1.5}, r"levels must be an integer; got 1\.5$"),
        ({"band": -1}, r"band must be a number that is not negative, or None; got -1$"),
        ({"band": "1"}, r"band must be a number that is not negative, or None; got '1'$"),
    ],
)
def test_arguments_of_refine_are_checked(cells, tmp_path, arguments, message):
    with pytest.raises(SaddlescapeError, match=f"^{message}"):
        refine(cells, tmp_path / "fine.h5", **arguments)
    assert not (tmp_path / "fine.h5").exists()


def test_overrides_of_a_loaded_sweep_are_not_ignored(tmp_path):
    with pytest.raises(SaddlescapeError, match=r"^overrides must be given to load\(\)"):
        ss.run(sweep(), tmp_path / "run", overrides=["training.steps=3"])
    assert not (tmp_path / "run").exists()


def test_the_folders_to_merge_are_a_list(tmp_path):
    for folders in ([], "run"):
        with pytest.raises(SaddlescapeError, match=r"^folders must be one or more folders of runs; got "):
            ss.merge(folders, tmp_path / "result.h5")


@pytest.mark.parametrize(
    ("spec", "theta", "message"),
    [
        (sweep(), np.zeros((1, 9)), r"spec must be one point of a sweep, such as .*; got a Sweep$"),
        ("xor", np.zeros((1, 9)), r"spec must be one point of a sweep, such as .*; got a str$"),
        (sweep().spec, np.zeros((1, 9), complex), r"theta must be an array of real numbers; got complex128 values$"),
        (sweep().spec, "weights.npy", r"theta must be an array of real numbers; got <U11 values$"),
        (sweep().spec, np.full((1, 9), np.inf), r"theta must be finite; it contains NaN or infinite values$"),
    ],
)
def test_starts_given_as_an_array_are_checked(spec, theta, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        ss.run_starts(spec, theta)


@pytest.mark.parametrize(
    ("spec", "runs", "device", "message"),
    [
        (sweep(), 1, "cpu", r"spec must be one point of a sweep, such as .*; got a Sweep$"),
        (sweep().spec, 0, "cpu", r"runs must be from 1 to 10, the number of starts; got 0$"),
        (sweep().spec, 11, "cpu", r"runs must be from 1 to 10, the number of starts; got 11$"),
        (sweep().spec, 2.0, "cpu", r"runs must be an integer; got 2\.0$"),
        (sweep().spec, 2, "gpu", r"device must be cpu, cuda or cuda:N, such as cuda:0; got 'gpu'$"),
    ],
)
def test_what_is_prepared_is_checked(spec, runs, device, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        ss.prepare(spec, runs, device=device)


@pytest.mark.parametrize("fields", ["loss", [1]])
def test_fields_are_a_list_of_names(fields):
    with pytest.raises(ValueError, match=r'^fields must be a list of names, such as \["loss"\]; got '):
        ss.replay(sweep(), (0, 0), fields=fields)


def test_an_unknown_format_is_told_with_the_known_ones(result, tmp_path):
    with pytest.raises(SaddlescapeError, match=r"^to must be one of csv, npz, parquet; got 'cvs'; did you mean 'csv'"):
        export(result, "cvs", str(tmp_path / "runs.csv"))


def test_a_closed_result_is_no_damaged_file(file):
    result = ss.open(file)
    outcome = result.outcome
    result.close()
    for ask in (lambda: result.outcome, lambda: result.isel(run=0).outcome, lambda: result.sweep, result.to_dataframe):
        with pytest.raises(SaddlescapeError, match=r"^this result is closed; open it again$"):
            ask()
    assert outcome.shape == (2, 2, 10)


def test_a_misspelt_name_of_the_package_is_told_with_the_right_one():
    with pytest.raises(AttributeError, match=r"no attribute 'opne'; did you mean 'open'"):
        _ = ss.opne
    with pytest.raises(AttributeError, match=r"no attribute 'plot'; did you mean 'plots'"):
        _ = ss.plot


@pytest.mark.parametrize(
    ("text", "index", "message"),
    [
        (None, (2, 0), r"point must have an index from -2 to 1 along network\.activation; got 2$"),
        (None, (1, "0"), r"each index of point must be an integer; got "),
        (None, 1, r"point must have one index for each of network\.activation, network\.bias; got 1$"),
        (None, (1, 0, 4), r"point must have one index for each of network.activation, network.bias; got \(1, 0, 4\)$"),
        (TINY, (3,), r"point must be \(\): there are no axes; got \(3,\)$"),
        (TINY, 1, r"point must be \(\): there are no axes; got 1$"),
    ],
)
def test_the_index_of_a_point_of_a_sweep_is_checked(text, index, message):
    with pytest.raises(SaddlescapeError, match=f"^{message}"):
        (sweep(text=text) if text else sweep()).at(index)


def test_a_point_of_a_sweep_is_counted_from_the_end_too():
    assert sweep().at((-1, -2)).resolved() == sweep().at((1, 0)).resolved() != sweep().at((0, 0)).resolved()
    assert ss.load("xor").at(3).resolved() == ss.load("xor").at((3,)).resolved()


@pytest.mark.parametrize("overrides", ["training.steps=3", b"a=1", None, 3, [3], {"training.steps": 3}])
def test_overrides_are_a_list_of_strings(tmp_path, overrides):
    message = r'^overrides must be a list of KEY=VALUE strings, such as \["training\.steps=3"\]; got '
    for call in (lambda: ss.load("xor", overrides), lambda: ss.run("xor", tmp_path / "run", overrides=overrides)):
        with pytest.raises(SaddlescapeError, match=message):
            call()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("source", "shown"), [(3, "int 3"), (None, "NoneType"), (["xor"], "list")])
def test_the_source_of_a_sweep_is_a_path_or_a_name(tmp_path, source, shown):
    message = f"^source must be the path of a TOML file or the name of a bundled sweep; got {shown}$"
    for call in (ss.load, lambda source: ss.run(source, tmp_path / "run"), lambda source: ss.start(source, 0, 0)):
        with pytest.raises(SaddlescapeError, match=message):
            call(source)


@pytest.mark.parametrize("kind", [*plots.KINDS, "plot", "escaped_within", "outcome_maps"])
def test_a_plot_of_no_result_is_told_how_to_open_it(file, kind):
    draw = getattr(plots, kind)
    more = {"escaped_within": ([1],), "outcome_maps": ({"all": ()},)}.get(kind, ())
    for path in (str(file), file):
        with pytest.raises(plots.PlotError, match=r"^results: must be opened first: saddlescape\.open\('.*\.h5'\);"):
            draw(path, *more)
    with pytest.raises(plots.PlotError, match=r"^results: must be what saddlescape\.open returns; got .* NoneType$"):
        draw(None, *more)


def test_what_is_no_result_is_told_before_a_report_a_comparison_or_a_picture(result, file, tmp_path):
    for call in (lambda it: ss.report(it, tmp_path / "it.html"), lambda it: analysis.compare(result, it)):
        with pytest.raises(ArgumentError, match=r"^\w+ must be opened first: saddlescape\.open\('.*\.h5'\);"):
            call(str(file))
        with pytest.raises(ArgumentError, match=r"^\w+ must be what saddlescape\.open returns; got .* list$"):
            call([])
    with pytest.raises(plots.PlotError, match=r"^figure: must be what a plot returns; got a value of type Results$"):
        plots.save(result, tmp_path / "it.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda it: plots.plot(it, 5), r"kind: must be one of curve, .*; got 5$"),
        (lambda it: plots.trajectories(it, 3), r"points: must be a list of indices over the axes, .*; got 3$"),
        (lambda it: plots.trajectories(it, [3]), r"point must have one index for each of activation, bias; got 3$"),
        (lambda it: plots.portrait(it, points=[(9, 0)]), r"point must have an index from .* activation; got 9$"),
        (lambda it: plots.portrait(it, "loss"), r"measures: must be two, such as .*; got 'loss'$"),
    ],
)
def test_what_a_plot_draws_is_checked(result, draw, message):
    with pytest.raises(SaddlescapeError, match=f"^{message}"):
        draw(result)
    assert len(plots.trajectories(result, np.array([[1, 0], [-1, 1]])).axes) == 2


def test_outcomes_are_codes(result):
    expected = analysis.outcome_counts(result.outcome).tolist()
    assert analysis.outcome_counts(result.outcome.tolist()).tolist() == expected
    for wrong in (result, result.final_loss, "solved"):
        with pytest.raises(ArgumentError, match=r"^outcome must be codes of outcomes, such as r\.outcome; got "):
            analysis.outcome_counts(wrong)


@pytest.mark.parametrize(
    ("module", "wrong", "right"), [(plots, "curv", "curve"), (analysis, "wilson_intervall", "wilson_interval")]
)
def test_a_misspelt_name_of_a_module_is_told_with_the_right_one(module, wrong, right):
    with pytest.raises(AttributeError, match=rf"no attribute '{wrong}'; did you mean '{right}'\?$"):
        getattr(module, wrong)


def test_coordinates_are_printed(result):
    assert repr(result.coords) == repr(dict(result.coords))


def test_a_path_is_no_array_of_inputs(tmp_path):
    with pytest.raises(ValueError, match=r"^X: must be .*; got a path; write problem=\{'file': 'mine.csv'\}"):
        ss.sweep("mine.csv", hidden=[2])


def test_a_spec_is_no_result_to_open(tmp_path):
    (tmp_path / "spec.toml").write_text(TINY)
    with pytest.raises(SaddlescapeError, match=r"this is a spec; run it first: saddlescape run .*/spec\.toml$"):
        ss.open(tmp_path / "spec.toml")
