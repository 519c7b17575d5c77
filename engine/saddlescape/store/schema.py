"""The variables of a result, listed once: blocks and the merged file are both made from this list."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.plan import Plan
from saddlescape.store.chunks import LEVEL
from saddlescape.words.measures import BASIC, MEASURES
from saddlescape.words.variables import COORDINATES, LATE, LATE_IN_BATCHES, VARIABLES, When

SCHEMA_VERSION = 1
VERSIONS = ("v108", "v110")
"""HDF5 1.10 tools must read our files; "latest" they cannot."""

CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class FileVariable:
    """A variable: the names of its dimensions, its dtype, its attributes and the chunk that one block fills."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    attrs: dict[str, Any]
    chunk: tuple[int, ...]

    @cached_property
    def most(self) -> int:
        """Bytes of a chunk, at most: where deflate gains nothing it adds less than a thousandth and a few."""
        plain = math.prod(self.chunk) * np.dtype(self.dtype).itemsize
        return plain + plain // 1000 + 64


def sizes(plan: Plan) -> dict[str, int]:
    """Length of every dimension of the result, in file order."""
    lengths = {d.name: len(d.values) for d in plan.dimensions}
    if plan.trajectories:
        lengths |= {"trajectory": plan.trajectories, "record": len(plan.record_at)}
    measured = {dim for name in plan.fields for dim in MEASURES[name].dims}
    lengths |= {dim: length for dim, length in plan.inner.items() if dim in measured}
    record = plan.sweep.spec.record
    if record.final_parameters or (record.parameters and plan.trajectories):
        lengths["parameter"] = plan.n_params
    return lengths


@dataclass(frozen=True)
class Along:
    """Values along one dimension; its coordinate where the names are the same."""

    name: str
    dim: str
    values: npt.NDArray[Any] | range
    attrs: dict[str, Any]


def coordinates(plan: Plan) -> tuple[Along, ...]:
    """What a result holds beside the variables, in file order."""
    lengths, names = sizes(plan), {d.name: d.meaning for d in plan.dimensions}
    values: dict[str, Any] = {name: range(length) for name, length in lengths.items()}
    values |= {d.name: d.values for d in plan.dimensions}
    values |= {"parameter": np.array([layout.name(place) for place in plan.places])}
    values |= {name: range(1, plan.inner[name] + 1) for name in ("layer", "hidden_layer")}
    found = [Along(n, n, values[n], {"long_name": names[n]} if names.get(n) else {}) for n in lengths]
    found += [Along(c.name, c.along, c.values, {"long_name": c.key}) for c in plan.coordinates]
    if "record" in lengths:
        found.append(_coordinate("record_time" if plan.flows else "record_step", plan.record_at))
    if "record" in lengths and not plan.per_outcome:
        found.append(_coordinate("trajectory_run", plan.trajectory_run))
    return tuple(found)


def _coordinate(name: str, values: npt.NDArray[Any]) -> Along:
    row = COORDINATES[name]
    return Along(name, row.dims[0], values, {"long_name": row.long_name, **row.attrs})


def title(plan: Plan) -> str:
    """What the sweep is called."""
    return plan.sweep.spec.title or "saddlescape sweep"


def storable(values: npt.NDArray[Any] | range) -> npt.NDArray[Any]:
    """Values as a file holds them: text as UTF-8, truth as int8."""
    found = np.asarray(values)
    if found.dtype.kind == "U":
        return found.astype(h5py.string_dtype())
    return found.astype(np.int8) if found.dtype == bool else found


def variables(plan: Plan) -> tuple[FileVariable, ...]:
    """What every block holds of a plan, in file order."""
    ends = [f"final_{name}" for name in plan.fields if name not in BASIC]
    paths = plan.fields if plan.trajectories else ()
    there = [name for name, row in VARIABLES.items() if row.when in _conditions(plan)]
    names = sorted([*there, *ends, *paths], key=lambda name: _depth(VARIABLES[name].dims))
    return tuple(_variable(plan, name) for name in names)


def _conditions(plan: Plan) -> Iterator[When]:
    """What there is in a result of the plan, beside the measures that it asks for."""
    record = plan.sweep.spec.record
    yield When.ALWAYS
    for there, when in (
        (plan.flows, When.FLOW),
        (plan.refined, When.REFINED),
        (record.final_parameters, When.ENDS),
        (plan.per_outcome, When.BY_OUTCOME),
        (record.parameters and plan.trajectories, When.PARAMETERS),
    ):
        if there:
            yield when


def _depth(dims: tuple[str, ...]) -> int:
    """What is of runs comes before what is of trajectories, and that before their records; parameters last of these."""
    return ("trajectory" in dims) + ("record" in dims) * (1 + ("parameter" in dims))


def _variable(plan: Plan, name: str) -> FileVariable:
    row, points = VARIABLES[name], tuple(d.name for d in plan.dimensions[:-1])
    dims = tuple(itertools.chain.from_iterable(points if dim == "..." else (dim,) for dim in row.dims))
    dtype = (plan.sweep.spec.record.dtype if "record" in dims else None) or row.dtype or plan.dtype
    return FileVariable(name, dims, dtype, _attributes(plan, name, dims), _chunk(plan, dims, dtype))


def _attributes(plan: Plan, name: str, dims: tuple[str, ...]) -> dict[str, Any]:
    row, bits = VARIABLES[name], plan.sweep.spec.record.keep_bits
    attrs = {"long_name": row.long_name, **row.attrs}
    if "flag_values" in attrs:
        attrs["flag_values"] = np.array(attrs["flag_values"], dtype=np.int8)
    if name in LATE_IN_BATCHES and any(spec.batch for spec in plan.structures):
        attrs["comment"] += f"; in batches {LATE}"
    if bits and "record" in dims:
        attrs["_QuantizeBitRoundNumberOfSignificantBits"] = np.int32(bits)  # netCDF's name for it
    if zipped := [coordinate.name for coordinate in plan.coordinates if coordinate.along in dims]:
        attrs["coordinates"] = " ".join(zipped)
    return attrs


def _chunk(plan: Plan, dims: tuple[str, ...], dtype: str) -> tuple[int, ...]:
    """Extents of a chunk: what one block holds, of records no more than `CHUNK_BYTES`."""
    tile = block_sizes(plan)
    whole = np.dtype(dtype).itemsize * math.prod(tile[d] for d in dims if d != "record")
    if "record" in dims:
        tile["record"] = min(len(plan.record_at), max(1, CHUNK_BYTES // max(1, whole)))
    return tuple(tile[d] for d in dims)


def block_sizes(plan: Plan) -> dict[str, int]:
    """Length of every dimension in a block of full size."""
    tile = dict(zip((d.name for d in plan.dimensions), plan.tile, strict=True))
    return sizes(plan) | tile | {"trajectory": plan.trajectory_tile}


def create(file: h5py.File, variable: FileVariable, shape: tuple[int, ...], resizable: bool) -> h5py.Dataset:
    """An empty dataset for a variable; the same filters everywhere, so that chunks can be copied as they are."""
    storage: dict[str, Any] = {}
    if shape:
        storage = {"chunks": variable.chunk, "shuffle": True, "compression": "gzip", "compression_opts": LEVEL}
    maxshape = (None,) * len(shape) if resizable and shape else None
    return file.create_dataset(variable.name, shape, variable.dtype, maxshape=maxshape, **storage)
