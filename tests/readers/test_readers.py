"""A result opened by the programs of others: the right names, the right values, the right picture."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest
import xarray
from nexusformat.nexus import nxload
from silx.io import nxdata

FOLDER = Path(os.environ["READERS_FILES"])
DIMS = {
    "words": ("activation", "bias", "run"),
    "slice": ("x", "y", "run"),
    "scale": ("scale", "run"),
    "zipped": ("both", "run"),
    "plain": ("run",),
}
MAP = DIMS | {"slice": ("x", "y")}
files = pytest.mark.parametrize("name", DIMS)
ENGINES = ("h5netcdf", "netcdf4")
TOOLS = [tool for tool in ("ncdump", "h5dump") if shutil.which(tool)]


@pytest.fixture
def values(name):
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return dict(arrays)


def path(name):
    return FOLDER / f"{name}.h5"


@files
@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_has_names_coordinates_and_values(name, engine, values):
    with xarray.open_dataset(path(name), engine=engine) as dataset:
        assert dataset.outcome.dims == DIMS[name]
        assert set(DIMS[name]) <= set(dataset.coords)
        for variable, expected in values.items():
            np.testing.assert_array_equal(dataset[variable], expected, variable)


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_knows_words_and_what_is_zipped(engine):
    with xarray.open_dataset(path("words"), engine=engine) as dataset:
        assert dataset.activation.values.tolist() == ["tanh", "logistic"]
    with xarray.open_dataset(path("zipped"), engine=engine) as dataset:
        assert {"scale", "learning_rate"} <= set(dataset.outcome.coords)


@files
@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_has_all_groups_as_a_tree(name, engine, values):
    with xarray.open_datatree(path(name), engine=engine) as tree:
        assert {node.path for node in tree.subtree} == {"/", "/entry", "/entry/map", "/provenance"}
        drawn = tree["/entry/map/outcome"]
        assert drawn.dims == MAP[name]
        np.testing.assert_array_equal(drawn, values["outcome"].reshape(drawn.shape))
        assert "schema = 1" in str(tree["/provenance/spec"].values)


@files
def test_netcdf_has_every_dimension_by_its_name(name):
    with netCDF4.Dataset(path(name)) as dataset:
        assert dataset.variables["outcome"].dimensions == DIMS[name]
        assert not any("phony" in dimension for dimension in dataset.dimensions)
        assert dataset.title == "tiny"


@files
def test_silx_draws_the_map_on_opening(name, values):
    with h5py.File(path(name)) as file:
        drawn = nxdata.get_default(file)
        assert drawn.is_valid
        assert drawn.issues == []
        assert drawn.group.name == "/entry/map"
        assert tuple(a or "activation" for a in drawn.axes_dataset_names) == MAP[name]
        assert (drawn.is_curve, drawn.is_image, drawn.is_stack) == tuple(len(MAP[name]) == n for n in (1, 2, 3))
        np.testing.assert_array_equal(drawn.signal, values["outcome"].reshape(drawn.signal.shape))


@files
def test_nexusformat_plots_the_map_by_default(name, values):
    plotted = nxload(path(name)).plottable_data
    assert plotted.nxpath == "/entry/map"
    assert plotted.nxsignal.nxname == "outcome"
    names = [axis.nxname for axis in plotted.nxaxes]
    assert names == ["Axis0" if axis == "activation" else axis for axis in MAP[name]]
    np.testing.assert_array_equal(plotted.nxsignal.nxdata, values["outcome"].reshape(plotted.nxsignal.shape))


def printed(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def numbers(tool, file, variable):
    """All values of a variable as the program prints them."""
    if tool == "h5dump":
        text = printed("h5dump", "-y", "-d", f"/{variable}", file).partition("DATA {")[2].partition("}")[0]
    else:
        text = printed("ncdump", "-v", variable, file).partition(f"\n {variable} =")[2].partition(";")[0]
    return [float(word) for word in re.findall(r"[^\s,]+", text)]


@files
@pytest.mark.parametrize("tool", TOOLS)
def test_the_tools_of_hdf5_and_netcdf_read_every_value(name, tool, values):
    for variable in ("outcome", "stop_step", "loss"):
        assert numbers(tool, path(name), variable) == values[variable].ravel().tolist(), variable


@files
@pytest.mark.parametrize("tool", TOOLS)
def test_the_tools_read_a_file_to_its_end(name, tool):
    assert "schema = 1" in printed(tool, path(name))
