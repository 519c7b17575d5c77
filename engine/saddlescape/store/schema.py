"""The variables of a result: blocks and the merged file are both created from this list."""

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
from saddlescape.plan import Plan, cached_with_plan
from saddlescape.store.chunks import LEVEL
from saddlescape.words.measures import BASIC, MEASURES
from saddlescape.words.variables import (
    BY_EVENTS,
    COORDINATES,
    LATE,
    LATE_IN_BATCHES,
    VARIABLES,
    WITH_DROPOUT,
    When,
    coded,
)

SCHEMA_VERSION = 1
VERSIONS = ("v108", "v110")
"""Versions of the HDF5 format: tools with HDF5 1.10 read it, unlike "latest"."""

CHUNK_BYTES = 2**20
"""Bytes of a chunk along records, at most."""


@dataclass(frozen=True)
class FileVariable:
    """A variable of the file: dimensions, dtype, attributes, and the shape of its chunks."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    attrs: dict[str, Any]
    chunk: tuple[int, ...]

    @cached_property
    def max_size(self) -> int:
        """Upper bound of the bytes of a chunk: deflate adds less than 0.1 % and 64 bytes to incompressible data."""
        plain = math.prod(self.chunk) * np.dtype(self.dtype).itemsize
        return plain + plain // 1000 + 64


def sizes(plan: Plan) -> dict[str, int]:
    """Length of each dimension of the result, in file order."""
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
    """A variable along one dimension, which is the dimension's coordinate if it has the same name."""

    name: str
    dim: str
    values: npt.NDArray[Any] | range
    attrs: dict[str, Any]


def coordinates(plan: Plan) -> tuple[Along, ...]:
    """Coordinates and other variables along one dimension, in file order."""
    lengths, long_names = sizes(plan), {d.name: d.meaning for d in plan.dimensions}
    values: dict[str, Any] = {name: range(length) for name, length in lengths.items()}
    values |= {d.name: d.values for d in plan.dimensions}
    values |= {"parameter": np.array([layout.name(place) for place in plan.places])}
    values |= {name: range(1, plan.inner[name] + 1) for name in ("layer", "hidden_layer")}
    rows = [Along(n, n, values[n], {"long_name": long_names[n]} if long_names.get(n) else {}) for n in lengths]
    rows += [Along(c.name, c.along, c.values, {"long_name": c.key}) for c in plan.coordinates]
    if "record" in lengths:
        rows.append(_coordinate("record_time" if plan.flows else "record_step", plan.record_at))
    if "record" in lengths and not plan.per_outcome:
        rows.append(_coordinate("trajectory_run", plan.trajectory_run))
    return tuple(rows)


def _coordinate(name: str, values: npt.NDArray[Any]) -> Along:
    row = COORDINATES[name]
    return Along(name, row.dims[0], values, {"long_name": row.long_name, **row.attrs})


def title(plan: Plan) -> str:
    """Title of the sweep."""
    return plan.sweep.spec.title or "saddlescape sweep"


def storable(values: npt.NDArray[Any] | range) -> npt.NDArray[Any]:
    """Values with the dtype of the file: UTF-8 for text, int8 for booleans."""
    array = np.asarray(values)
    if array.dtype.kind == "U":
        return array.astype(h5py.string_dtype())
    return array.astype(np.int8) if array.dtype == bool else array


@cached_with_plan
def variables(plan: Plan) -> tuple[FileVariable, ...]:
    """The variables that each block of a plan contains, in file order."""
    finals = [f"final_{name}" for name in plan.fields if name not in BASIC]
    trajectories = plan.fields if plan.trajectories else ()
    own = [name for name, row in VARIABLES.items() if row.when in _conditions(plan)]
    names = sorted([*own, *finals, *trajectories], key=lambda name: _depth(VARIABLES[name].dims))
    return tuple(_variable(plan, name) for name in names)


def _conditions(plan: Plan) -> Iterator[When]:
    """The conditions that the plan meets; they decide which variables its result has, besides measures."""
    record = plan.sweep.spec.record
    yield When.ALWAYS
    for met, when in (
        (plan.flows, When.FLOW),
        (plan.counts_epochs, When.EPOCHS),
        (plan.refined, When.REFINED),
        (record.final_parameters, When.ENDS),
        (plan.per_outcome, When.BY_OUTCOME),
        (record.parameters and plan.trajectories, When.PARAMETERS),
    ):
        if met:
            yield when


def _depth(dims: tuple[str, ...]) -> int:
    """Position in file order: variables of runs, of trajectories, of records, and of parameters at records."""
    return ("trajectory" in dims) + ("record" in dims) * (1 + ("parameter" in dims))


def _variable(plan: Plan, name: str) -> FileVariable:
    row, points = VARIABLES[name], tuple(d.name for d in plan.dimensions[:-1])
    dims = tuple(itertools.chain.from_iterable(points if dim == "..." else (dim,) for dim in row.dims))
    dtype = (plan.sweep.spec.record.dtype if "record" in dims else None) or row.dtype or plan.dtype
    return FileVariable(name, dims, dtype, _attributes(plan, name, dims), _chunk(plan, dims, dtype))


def _attributes(plan: Plan, name: str, dims: tuple[str, ...]) -> dict[str, Any]:
    row, bits = VARIABLES[name], plan.sweep.spec.record.keep_bits
    attrs = {"long_name": row.long_name, **row.attrs}
    if name == "outcome":
        attrs |= coded(plan.outcomes)
    if plan.has_other_events:
        attrs |= {key: _by_events(value) for key, value in attrs.items() if isinstance(value, str)}
    if "flag_values" in attrs:
        attrs["flag_values"] = np.array(attrs["flag_values"], dtype=np.int8)
    if name in LATE_IN_BATCHES and any(spec.batch for spec in plan.structures):
        attrs["comment"] += f"; {_seen(plan)}"
    if bits and "record" in dims:
        attrs["_QuantizeBitRoundNumberOfSignificantBits"] = np.int32(bits)  # netCDF's name for it
    if zipped := [coordinate.name for coordinate in plan.coordinates if coordinate.along in dims]:
        attrs["coordinates"] = " ".join(zipped)
    return attrs


def _by_events(text: str) -> str:
    """A text in which runs are solved by their events, not only by the tolerance of outputs."""
    for by_outputs, by_events in BY_EVENTS.items():
        text = text.replace(by_outputs, by_events)
    return text


def _seen(plan: Plan) -> str:
    """When events in minibatches are looked for."""
    has_dropout = plan.sweep.numeric("training.dropout") > 0
    if has_dropout.all():
        return f"in batches {WITH_DROPOUT}"
    return f"in batches {LATE}" + f"; with dropout {WITH_DROPOUT}" * bool(has_dropout.any())


def _chunk(plan: Plan, dims: tuple[str, ...], dtype: str) -> tuple[int, ...]:
    """Shape of a chunk: that of the block, but with as many records as fit into `CHUNK_BYTES`."""
    tile = block_sizes(plan)
    whole = np.dtype(dtype).itemsize * math.prod(tile[d] for d in dims if d != "record")
    if "record" in dims:
        tile["record"] = min(len(plan.record_at), max(1, CHUNK_BYTES // max(1, whole)))
    return tuple(tile[d] for d in dims)


def block_sizes(plan: Plan) -> dict[str, int]:
    """Length of each dimension in a block of full size."""
    tile = dict(zip((d.name for d in plan.dimensions), plan.tile, strict=True))
    return sizes(plan) | tile | {"trajectory": plan.trajectory_tile}


def create(file: h5py.File, variable: FileVariable, shape: tuple[int, ...]) -> h5py.Dataset:
    """Create a dataset for a variable, with the same filters in every file, so that encoded chunks can be copied."""
    storage: dict[str, Any] = {}
    if shape:
        storage = {"chunks": variable.chunk, "shuffle": True, "compression": "gzip", "compression_opts": LEVEL}
    return file.create_dataset(variable.name, shape, variable.dtype, **storage)
