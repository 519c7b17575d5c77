"""A result as its readers meet it: saddlescape itself, xarray and ncdump."""

import shutil
import subprocess

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray
from spec_cases import DRAWN, TINY
from store_cases import TEXT, filled, run_folder, sweep

import saddlescape as ss
from saddlescape.errors import CorruptError, RefusedError, SaddlescapeError, SpecError
from saddlescape.plan import Plan
from saddlescape.runs.runner import resume
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome, StopReason


@pytest.fixture(scope="module")
def plan():
    return Plan(sweep())


@pytest.fixture(scope="module")
def file(plan, tmp_path_factory):
    return run_folder(plan, tmp_path_factory.mktemp("results") / "run")


@pytest.fixture(scope="module")
def whole(plan):
    return filled(plan, [slice(0, n) for n in plan.shape])


@pytest.fixture
def result(file):
    with ss.open(file) as opened:
        yield opened


def test_variables_are_items_and_attributes(result, whole):
    for name, values in whole.items():
        np.testing.assert_array_equal(result[name], values, name)
        np.testing.assert_array_equal(getattr(result, name), values, name)
    with pytest.raises(KeyError):
        result["outcomes"]
    with pytest.raises(AttributeError, match=r"no variable 'outcomes'; it has .*outcome"):
        _ = result.outcomes


def test_what_a_result_says_of_itself(result):
    assert result.dims == {"activation": 2, "bias": 2, "run": 10}
    assert result.coords["activation"].tolist() == ["tanh", "logistic"]
    assert result.coords["bias"].tolist() == [1, 0]
    assert result.outcome_names[0] == "frozen"
    assert result.title == "tiny"
    assert result.spec_text == TEXT


def test_pieces_make_the_whole(result):
    whole = np.full_like(result["outcome"], -1)
    for place, values in result.pieces("outcome"):
        whole[place] = values
    np.testing.assert_array_equal(whole, result["outcome"])


def test_a_point_is_a_part_of_the_whole(result, whole):
    for name in ("outcome", "loss", "final_theta", "distinct_starts"):
        np.testing.assert_array_equal(result.at(name, (1, 0)), whole[name][1, 0], name)


def test_an_axis_may_be_called_name(tmp_path):
    axis = '[[axes]]\nkey = "problem.name"\nvalues = ["xor", "and"]'
    made = Plan(parse(TINY.replace('name = "xor"', "") + axis, tmp_path))
    with ss.open(run_folder(made, tmp_path / "run")) as result:
        assert result.at("outcome", (1,)).tolist() == result.outcome[1].tolist()


def test_dimensions_are_told_by_key_or_parameter(result, tmp_path):
    assert result.labels == {"activation": "network.activation", "bias": "network.bias", "run": "run"}
    cut = 'kind = "slice"\nbase = [0, 0, 0, 0, 0, 0, 0, 0, 0]\n'
    cut += "".join(f"{d} = {{index = {i}, from = 0, to = 1, n = 2}}\n" for d, i in (("x", 8), ("y", 3)))
    plan = Plan(parse(TINY.replace(DRAWN, cut), tmp_path))
    with ss.open(run_folder(plan, tmp_path / "run")) as cells:
        assert cells.labels == {"x": "parameter b2[0]", "y": "parameter w1[1,0]", "run": "run"}


def test_a_trajectory_is_that_of_its_run(result, plan, whole):
    path = result.trajectory((1, 0), 4)
    assert sorted(path) == ["grad_norm", "loss", "record_step", "separation", "theta"]
    np.testing.assert_array_equal(path["record_step"], plan.record_at)
    np.testing.assert_array_equal(path["theta"], whole["theta"][1, 0, 2])
    with pytest.raises(SaddlescapeError, match=r"no trajectory of run 5.*replay"):
        result.trajectory((1, 0), 5)
    with pytest.raises(SaddlescapeError, match=r"one index for each of activation, bias; got \(1,\)$"):
        result.trajectory((1,), 4)


def test_a_run_without_axes_is_named_by_its_keyword(tmp_path):
    with ss.open(run_folder(Plan(sweep(text=TINY)), tmp_path / "run")) as result:
        assert sorted(result.trajectory(run=0)) == ["grad_norm", "loss", "record_step", "separation"]
        for method in ("trajectory", "replay"):
            for point in (3, (3,)):
                with pytest.raises(SaddlescapeError, match=rf"no axes.*: {method}\(run=3\)$"):
                    getattr(result, method)(point)


def test_an_unknown_name_is_no_damage_of_the_file(result):
    for ask in (result.read, result.stored, result.sizes, result.picks, lambda name: list(result.pieces(name))):
        with pytest.raises(KeyError, match="no variable 'outcme'; did you mean 'outcome'"):
            ask("outcme")
    with pytest.raises(SaddlescapeError, match=r"activaton: must be one of .*; did you mean 'activation'"):
        result.read("outcome", activaton=0)
    for choose in (result.sel, result.isel):
        with pytest.raises(SaddlescapeError, match=r"bais: must be one of .*; did you mean 'bias'"):
            choose(bais=1)


@pytest.mark.parametrize("again", [ss.start, ss.replay])
def test_a_point_of_a_sweep_is_an_index_along_each_axis(again):
    for text, point, message in (
        (TEXT, (1,), "one index for each of activation, bias; got \\(1,\\)$"),
        (TEXT, (1, 2), "from -2 to 1 along bias; got 2$"),
        (TINY, 3, "there are no axes; give the run alone: (start|replay)\\(run=3\\)$"),
    ):
        with pytest.raises(ValueError, match=message):
            again(sweep(text=text), point)


def test_a_spec_that_is_no_toml_is_told_by_its_file(tmp_path):
    path = run_folder(Plan(sweep(text=TINY)), tmp_path / "run")
    path.unlink()
    (tmp_path / "run/spec.toml").write_text("[problem\n")
    with pytest.raises(SpecError, match=r"^.*run/spec\.toml: must be valid TOML"):
        ss.open(tmp_path / "run")


def test_without_trajectories_there_is_no_such_dimension(tmp_path):
    few = Plan(sweep("record.runs=0", "record.final_parameters=false"))
    with ss.open(run_folder(few, tmp_path / "run")) as result:
        assert set(result) & {"trajectory", "record", "parameter", "loss", "theta"} == set()
        assert result.outcome.shape == few.shape
        with pytest.raises(SaddlescapeError, match="no trajectory"):
            result.trajectory((0, 0), 0)


def test_the_sweep_comes_from_the_result_not_from_a_stranger_beside_it(plan, file, tmp_path):
    moved = tmp_path / "alone.h5"
    shutil.copy(file, moved)
    run_folder(Plan(sweep("training.steps=21")), tmp_path / "other")
    shutil.copy(file, tmp_path / "other/mine.h5")
    for path in (file, moved, tmp_path / "other/mine.h5"):
        with ss.open(path) as result:
            assert Plan(result.sweep).digest == plan.digest


def test_overrides_are_part_of_the_sweep(tmp_path):
    changed = Plan(sweep("training.steps=21"))
    path = run_folder(changed, tmp_path / "run")
    with ss.open(shutil.copy(path, tmp_path / "alone.h5")) as result:
        assert result.sweep.spec.training.steps == 21


def test_a_run_whose_overrides_left_a_key_idle_goes_on(tmp_path):
    """Earlier versions took them; only a new run has to unset it."""
    text = TEXT.replace("steps = 20", "steps = 20\nmomentum = 0.5")
    with pytest.raises(SpecError, match=r"unset it with --set training\.momentum="):
        parse(text, tmp_path, ["training.optimizer=gd"])
    begun = Plan(parse(text, tmp_path, ["training.optimizer=gd"], begun=True))
    path = run_folder(begun, tmp_path / "run")
    path.unlink()
    assert resume(tmp_path / "run", threads=1) == path
    for file in (path, shutil.copy(path, tmp_path / "alone.h5")):
        with ss.open(file) as result:
            assert Plan(result.sweep).digest == begun.digest


def test_a_sweep_over_other_data_is_not_that_of_the_result(tmp_path):
    data, text = tmp_path / "mine.csv", TEXT.replace('name = "xor"', 'file = "mine.csv"')
    data.write_text("x1,t1\n0,0\n1,1\n")
    plan = Plan(parse(text, tmp_path))
    path = run_folder(plan, tmp_path / "run")
    alone = shutil.copy(path, tmp_path / "alone.h5")
    for file in (path, alone):
        with ss.open(file) as result:
            assert Plan(result.sweep).digest == plan.digest
    data.write_text("x1,t1\n0,0\n1,0\n")
    for file in (path, alone):
        with ss.open(file) as result, pytest.raises(RefusedError, match=r"mine\.csv: has changed"):
            _ = result.sweep


@pytest.mark.parametrize("engine", ["h5netcdf", None])
def test_xarray_reads_names_coordinates_and_values(file, whole, plan, engine):
    with xarray.open_dataset(file, engine=engine) as dataset:
        assert dict(dataset.sizes) == {
            "activation": 2, "bias": 2, "run": 10, "trajectory": 5, "record": 21, "parameter": 9,
        }  # fmt: skip
        assert dataset.outcome.dims == ("activation", "bias", "run")
        assert dataset.theta.dims == ("activation", "bias", "trajectory", "record", "parameter")
        assert dataset.activation.values.tolist() == ["tanh", "logistic"]
        assert dataset.parameter.values.tolist()[:3] == ["w1[0,0]", "w1[0,1]", "b1[0]"]
        for name, values in whole.items():
            np.testing.assert_array_equal(dataset[name], values, name)
            assert dataset[name].dtype == values.dtype
        assert dataset.outcome.sel(activation="logistic", bias=0).values.tolist() == whole["outcome"][1, 1].tolist()


def test_to_xarray_is_the_same_dataset(result, file):
    with xarray.open_dataset(file, engine="h5netcdf") as dataset:
        assert result.to_xarray().identical(dataset.load())


@pytest.mark.parametrize(("name", "kind"), [("outcome", Outcome), ("stop_reason", StopReason)])
def test_codes_carry_their_meanings(file, name, kind):
    with h5py.File(file) as opened:
        attrs = dict(opened[name].attrs)
    pairs = zip(attrs["flag_values"], attrs["flag_meanings"].split(), strict=True)
    can_have = list(kind)[:6]  # nothing is fitted to a truth table, and without decay nothing collapses
    assert {int(value): word for value, word in pairs} == {int(m): m.label for m in can_have}
    assert all(member.sentence in attrs["comment"] for member in can_have)
    assert "_FillValue" not in attrs


def ncdump_header(file):
    """What netCDF's own tool prints, types taken off the variables."""
    done = subprocess.run(["ncdump", "-h", file], capture_output=True, text=True, check=True)
    return {line.strip().split(" ", 1)[-1] if "(" in line else line.strip() for line in done.stdout.splitlines()}


def h5netcdf_header(file):
    with h5netcdf.File(file) as opened:
        sizes = {f"{name} = {dimension.size} ;" for name, dimension in opened.dimensions.items()}
        return sizes | {f"{name}({', '.join(v.dimensions)}) ;" for name, v in opened.variables.items()}


@pytest.mark.parametrize("header", [h5netcdf_header, *([ncdump_header] if shutil.which("ncdump") else [])])
def test_netcdf_readers_that_are_not_ours_read_the_header(file, header):
    """The names of dimension scales alone, as netCDF's libraries see them: no dimension is anonymous."""
    lines = header(file)
    assert {"activation = 2 ;", "run = 10 ;", "trajectory = 5 ;"} <= lines
    assert {"outcome(activation, bias, run) ;", "parameter(parameter) ;"} <= lines
    assert "loss(activation, bias, trajectory, record) ;" in lines
    assert not any("phony" in line for line in lines)


def test_provenance_tells_the_seed_the_rule_and_the_versions(file, plan):
    with h5py.File(file) as opened:
        group = dict(opened["provenance"].attrs)
    assert group["seed"] == 1
    assert group["plan"] == plan.digest
    assert "Philox" in group["draws"]
    parts = ("saddlescape", "numpy", "numba", "llvmlite", "h5py", "hdf5")
    assert all(group[f"{part}_version"] for part in parts)


def test_an_unknown_schema_is_refused_with_both_numbers(file, tmp_path):
    path = shutil.copy(file, tmp_path / "future.h5")
    with h5py.File(path, "a") as opened:
        opened.attrs["schema_version"] = 99
    with pytest.raises(CorruptError, match="schema version 99; this version reads 1"):
        ss.open(path)


def test_files_that_are_not_ours_are_refused(tmp_path):
    (tmp_path / "text.h5").write_text("hello")
    with h5py.File(tmp_path / "strange.h5", "w") as opened:
        opened["outcome"] = 1
    with pytest.raises(CorruptError, match=r"no result of saddlescape .*file signature not found"):
        ss.open(tmp_path / "text.h5")
    with pytest.raises(CorruptError, match="is HDF5 but no result of saddlescape"):
        ss.open(tmp_path / "strange.h5")
    with pytest.raises(SpecError, match="it does not exist"):
        ss.open(tmp_path / "missing.h5")
