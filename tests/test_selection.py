"""Selections from a result: the values are correct, and no more is read than needed."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st
from spec_cases import DRAWN, TINY
from store_cases import filled, run_folder, sweep

import saddlescape as ss
from saddlescape.errors import SaddlescapeError
from saddlescape.plan import Plan
from saddlescape.plan import plan as plans
from saddlescape.spec import parse
from saddlescape.store import ResultFile
from saddlescape.store.source import Stored, strips, take
from saddlescape.words.outcomes import Outcome

AXES = """[[axes]]
key = "starts.scale"
logspace = [1e-3, 1.0, 4]
[[axes]]
key = "network.activation"
values = ["tanh", "logistic"]
"""


@pytest.fixture(scope="module")
def plan():
    return Plan(parse(TINY + "[record]\nruns = 5\nfinal_parameters = true\n" + AXES, Path()))


@pytest.fixture(scope="module")
def whole(plan):
    return filled(plan, [slice(0, n) for n in plan.shape])


@pytest.fixture(scope="module")
def file(plan, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "BLOCK_RUNS", 4)
        return run_folder(Plan(plan.sweep), tmp_path_factory.mktemp("selection") / "run")


@pytest.fixture
def result(file):
    with ss.open(file) as opened:
        yield opened


def index(length):
    several = st.lists(st.integers(0, length - 1), max_size=2 * length).map(np.array).map(lambda a: a.astype(int))
    ranges = st.slices(length).map(lambda part: range(length)[part])
    return st.integers(0, length - 1) | ranges | several


@given(data=st.data(), shape=st.lists(st.integers(1, 7), max_size=3).map(tuple))
def test_any_part_of_an_array_in_cells_is_as_numpy_has_it(data, shape):
    tile = tuple(data.draw(st.integers(1, n)) for n in shape)
    picks = [data.draw(index(n)) for n in shape]
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    cells = Cells(values, tile)
    expected = values
    for axis in reversed(range(len(shape))):
        expected = np.take(expected, np.asarray(picks[axis], dtype=int), axis=axis)
    np.testing.assert_array_equal(take(cells, "x", picks), expected)
    assert len(cells.read) == len(set(cells.read))


class Cells:
    """A source of one variable that refuses to read across cells, and records the cells read."""

    def __init__(self, values, tile):
        self.values, self.tile, self.read = values, tile, []

    def variable(self, name):
        return Stored(tuple("abc"[: self.values.ndim]), self.values.shape, self.values.dtype, self.tile, {})

    def cell(self, name, place):
        cell = tuple(part.start // n for part, n in zip(place, self.tile, strict=True))
        assert cell == tuple((part.stop - 1) // n for part, n in zip(place, self.tile, strict=True))
        self.read.append(cell)
        return self.values[place]


@given(st.lists(st.integers(0, 9), max_size=4), st.integers(1, 50))
def test_strips_are_consecutive_and_make_up_the_whole(shape, most):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    pieces = [values[place].ravel() for place in strips(shape, most)]
    assert np.concatenate([[], *pieces]).tolist() == values.ravel().tolist()
    assert all(len(piece) <= most for piece in pieces)


def test_values_of_axes_choose(result, whole):
    part = result.sel(scale=0.1, activation="logistic")
    assert part.dims == {"run": 10}
    np.testing.assert_array_equal(part.outcome, whole["outcome"][2, 1])
    np.testing.assert_array_equal(part.loss, whole["loss"][2, 1])
    assert result.sel(scale=[1, 0.001]).scale.tolist() == pytest.approx([1, 0.001])
    np.testing.assert_array_equal(result.sel(scale=[1, 0.001]).final_loss, whole["final_loss"][[3, 0]])
    np.testing.assert_array_equal(result.sel(scale=slice(0.01, 0.1)).final_loss, whole["final_loss"][1:3])
    np.testing.assert_array_equal(result.sel(scale=slice(None, 0.5)).final_loss, whole["final_loss"][:3])


def test_runs_choose_by_number_also_in_a_part(result, whole):
    tail = result.sel(run=slice(3, 5))
    assert tail["run"].tolist() == [3, 4, 5]
    np.testing.assert_array_equal(tail.outcome, whole["outcome"][:, :, 3:6])
    np.testing.assert_array_equal(tail.sel(run=4).outcome, whole["outcome"][:, :, 4])
    few = result.sel(run=[8, 2])
    np.testing.assert_array_equal(few.stop_step, whole["stop_step"][:, :, [8, 2]])
    np.testing.assert_array_equal(few.sel(run=2, scale=1).stop_step, whole["stop_step"][3, :, 2])
    np.testing.assert_array_equal(few.isel(run=-1).stop_step, whole["stop_step"][:, :, 2])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"scale": 0.2}, r"scale: must be one of 0\.001, 0\.01\d*, 0\.1\d*, 1\.0; got 0\.2"),
        ({"activation": "relu"}, "activation: must be one of tanh, logistic; got 'relu'"),
        ({"run": 10}, "run: must be one of the 10 selected; got 10"),
        ({"width": 3}, "width: must be one of scale, activation, run"),
    ],
)
def test_a_value_that_is_not_there_is_told_with_those_that_are(result, wanted, words):
    with pytest.raises(SaddlescapeError, match=words):
        result.sel(**wanted)


def test_an_index_out_of_range_is_told(result):
    for index in (4, -5, [0, 4]):
        with pytest.raises(SaddlescapeError, match="scale: must have an index from -4 to 3"):
            result.isel(scale=index)
    with pytest.raises(SaddlescapeError, match="scale: must have an integer index"):
        result.isel(scale=0.5)


def test_runs_of_an_outcome_are_found(result, whole):
    found = result.find("solved", "trapped")
    expected = np.argwhere(np.isin(whole["outcome"], [Outcome.SOLVED, Outcome.TRAPPED]))
    assert found.tolist() == expected.tolist()
    inside = result.sel(scale=0.1).find("frozen")
    assert inside.tolist() == np.argwhere(whole["outcome"][2] == Outcome.FROZEN).tolist()
    with pytest.raises(SaddlescapeError, match=r"outcome must be one of frozen, .*; got 'happy'"):
        result.find("happy")


def test_a_trajectory_of_a_part(result, whole):
    path = result.sel(scale=0.1).trajectory(1, run=4)
    np.testing.assert_array_equal(path["loss"], whole["loss"][2, 1, 2])
    np.testing.assert_array_equal(result.isel(scale=2, activation=1).trajectory(run=4)["loss"], path["loss"])


def test_the_frame_has_a_row_a_run_and_words_for_codes(result, whole):
    frame = result.to_dataframe()
    assert len(frame) == whole["outcome"].size
    assert list(frame.columns[:5]) == ["scale", "activation", "run", "escape_step", "final_grad_norm"]
    row = frame.iloc[np.ravel_multi_index((2, 1, 7), whole["outcome"].shape)]
    assert (row["scale"], row["activation"], row["run"]) == (pytest.approx(0.1), "logistic", 7)
    assert row["final_loss"] == whole["final_loss"][2, 1, 7]
    assert row["outcome"] == Outcome(int(whole["outcome"][2, 1, 7])).label
    solved = result.sel(scale=0.1).to_dataframe(outcome="solved")
    assert len(solved) == np.count_nonzero(whole["outcome"][2] == Outcome.SOLVED)
    assert set(solved["scale"]) == {result.scale[2]}
    assert set(solved["outcome"]) == {"solved"}


def test_tables_are_the_frame_in_pieces(result, monkeypatch):
    frame = result.to_dataframe()
    monkeypatch.setattr("saddlescape.results.tables.ROWS", 7)
    pieces = list(result.tables())
    assert max(len(piece["run"]) for piece in pieces) <= 7
    for name in ("run", "scale", "activation", "final_loss"):
        np.testing.assert_array_equal(np.concatenate([piece[name] for piece in pieces]), frame[name])


def test_zipped_axes_choose_by_either(tmp_path):
    zipped = "".join(
        f'[[axes]]\nkey = "{key}"\nvalues = {values}\nzip = "both"\n'
        for key, values in (("starts.scale", [0.1, 0.2, 0.3]), ("training.learning_rate", [3, 2, 1]))
    )
    plan = Plan(parse(TINY + zipped, Path()))
    whole = filled(plan, [slice(0, n) for n in plan.shape])
    with ss.open(run_folder(plan, tmp_path / "run")) as result:
        np.testing.assert_array_equal(result.sel(scale=0.2).final_loss, whole["final_loss"][1])
        np.testing.assert_array_equal(result.sel(learning_rate=[1, 3]).final_loss, whole["final_loss"][[2, 0]])
        assert list(result.to_dataframe().columns[:4]) == ["both", "scale", "learning_rate", "run"]
        with xarray.open_dataset(result.path, engine="h5netcdf") as dataset:
            assert result.to_xarray().identical(dataset.load())


@pytest.mark.parametrize("chunks", ["auto", None, {"run": 3}])
def test_zipped_words_are_labels_of_the_same_dataset(tmp_path, chunks):
    """As in the documented comparison of optimizers: Dask does not know the size of strings, and need not."""
    zipped = "".join(
        f'[[axes]]\nkey = "{key}"\nvalues = {values}\nzip = "method"\n'
        for key, values in (("training.optimizer", ["gd", "adam"]), ("training.learning_rate", [0.5, 0.01]))
    )
    with ss.open(run_folder(Plan(parse(TINY + zipped, Path())), tmp_path / "run")) as result:
        with xarray.open_dataset(result.path, engine="h5netcdf") as dataset:
            assert result.to_xarray(chunks).identical(dataset.load())
            assert result.isel(method=1).to_xarray(chunks).identical(dataset.isel(method=1))
        assert (result.to_xarray(chunks).outcome.chunks is None) == (chunks is None)


class Watched(ResultFile):
    """A result file that records what is read."""

    def __init__(self, path):
        super().__init__(path)
        self.bytes = 0

    def cell(self, name, place):
        values = super().cell(name, place)
        self.bytes += values.nbytes
        return values


@pytest.fixture
def watched(file, monkeypatch):
    monkeypatch.setattr("saddlescape.results.results.ResultFile", Watched)
    with ss.open(file) as result:
        yield result


def test_nothing_is_read_that_was_not_asked_for(watched):
    part = watched.sel(scale=0.1, run=slice(2, 5))
    scales = 4 * 8
    assert watched._source.bytes == scales
    assert part.final_loss.shape == (2, 4)
    assert watched._source.bytes == scales + part.final_loss.nbytes
    assert list(watched.coords) == ["scale", "activation", "run"]
    lazy = part.to_xarray(chunks=None)
    before = watched._source.bytes
    assert lazy.loss.sizes == {"activation": 2, "trajectory": 5, "record": 21}
    assert lazy.outcome.isel(run=0).values.shape == (2,)
    assert watched._source.bytes == before + 2


@pytest.mark.parametrize("chunks", ["auto", None, {"run": 3}])
def test_parts_as_xarray_are_those_of_the_whole(result, file, chunks):
    with xarray.open_dataset(file, engine="h5netcdf") as whole:
        made = result.sel(activation="tanh", run=[7, 1]).to_xarray(chunks)
        assert made.identical(whole.sel(activation="tanh").isel(run=[7, 1]).load())
        assert (made.chunks == {}) == (chunks is None)
        assert result.to_xarray(chunks).sel(run=slice(2, 4)).identical(whole.sel(run=slice(2, 4)).load())


def test_results_travel_to_other_processes_by_their_path(result):
    part = pickle.loads(pickle.dumps(result.sel(scale=0.1)))
    np.testing.assert_array_equal(part.final_loss, result.sel(scale=0.1).final_loss)
    part.close()


def test_a_run_is_replayed_from_its_place(tmp_path):
    small = parse(TINY + "[record]\nruns = 'all'\n" + AXES, Path())
    with ss.open(ss.run(small, tmp_path / "run")) as result:
        again = result.sel(activation="logistic").replay(3, run=6)
        kept = result.trajectory((3, 1), 6)
        np.testing.assert_array_equal(again["loss"].astype("f4"), kept["loss"])
        assert again["theta"].shape == (21, 9)


def test_a_cell_of_a_slice_is_replayed(tmp_path):
    cut = 'kind = "slice"\nbase = [0.5, -1, 0, 1, 2, 0, 1, -1, 0]\n'
    cut += "".join(f"{d} = {{index = {i}, from = 0, to = 1, n = {n}}}\n" for d, i, n in (("x", 8, 2), ("y", 3, 3)))
    small = parse(TINY.replace(DRAWN, cut) + "[record]\nruns = 'all'\n", Path())
    with ss.open(ss.run(small, tmp_path / "run")) as result:
        again = result.replay((1, 2))
        np.testing.assert_array_equal(again["loss"].astype("f4"), result.trajectory((1, 2), 0)["loss"])
        assert again["theta"][0, [8, 3]].tolist() == [1, 1]


def test_sweep_is_the_same_for_a_part(result):
    assert Plan(result.isel(scale=0).sweep).digest == Plan(sweep(text=result.spec_text)).digest
