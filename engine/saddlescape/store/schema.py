"""The variables of a result, listed once: blocks and the merged file are both made from this list."""

import math
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
from saddlescape.words.outcomes import Outcome, StopReason

SCHEMA_VERSION = 1
VERSIONS = ("v108", "v110")
"""HDF5 1.10 tools must read our files; "latest" they cannot."""

CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Variable:
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
        at = "time" if plan.flows else "step"
        found.append(Along(f"record_{at}", "record", plan.record_at, _plain(f"{at} of the record")))
    if "record" in lengths and not plan.per_outcome:
        found.append(Along("trajectory_run", "trajectory", plan.trajectory_run, _plain(_RUN)))
    return tuple(found)


_RUN = "run whose trajectory it is"


def _plain(long_name: str) -> dict[str, Any]:
    return {"long_name": long_name, "units": "1"}


def title(plan: Plan) -> str:
    """What the sweep is called."""
    return plan.sweep.spec.title or "saddlescape sweep"


def storable(values: npt.NDArray[Any] | range) -> npt.NDArray[Any]:
    """Values as a file holds them: text as UTF-8, truth as int8."""
    found = np.asarray(values)
    if found.dtype.kind == "U":
        return found.astype(h5py.string_dtype())
    return found.astype(np.int8) if found.dtype == bool else found


def variables(plan: Plan) -> tuple[Variable, ...]:
    """What every block holds of a plan, in file order."""
    points, record = tuple(d.name for d in plan.dimensions[:-1]), plan.sweep.spec.record
    runs = (*points, "run")
    late = any(spec.batch for spec in plan.structures)
    found = [_variable(plan, name, runs, dtype, _told(name, attrs, late)) for name, (dtype, attrs) in PER_RUN.items()]
    if plan.flows:
        found += [_variable(plan, name, runs, *what) for name, what in TIMES.items()]
    if plan.refined:
        found.append(_variable(plan, "computed", runs, "i1", _COMPUTED))
    found.append(_variable(plan, "distinct_starts", points, "i8", {"long_name": "different starts of the point"}))
    if record.final_parameters:
        for name, when in (("start_theta", "at the start"), ("final_theta", "where the run stopped")):
            found.append(_variable(plan, name, (*runs, "parameter"), plan.dtype, {"long_name": f"parameters {when}"}))
    for name in (name for name in plan.fields if name not in BASIC):
        measure = MEASURES[name]
        found.append(_variable(plan, f"final_{name}", (*runs, *measure.dims), *_at_the_end(measure.sentence)))
    if plan.per_outcome:
        found.append(_variable(plan, "trajectory_run", (*points, "trajectory"), "i8", _plain(f"{_RUN}; -1: none")))
    if plan.trajectories:
        found += [_path(plan, name, MEASURES[name].sentence, MEASURES[name].dims) for name in plan.fields]
        if record.parameters:
            found.append(_path(plan, "theta", "parameters", ("parameter",)))
    return tuple(found)


def _told(name: str, attrs: dict[str, Any], late: bool) -> dict[str, Any]:
    """The attributes of a variable of the runs; of events in batches, with a word on how they are found."""
    if not late or name not in ("escape_step", "solve_step"):
        return attrs
    return {**attrs, "comment": f"{attrs['comment']}; in batches {LATE}"}


def _path(plan: Plan, name: str, long_name: str, dims: tuple[str, ...]) -> Variable:
    """A variable along trajectories."""
    points, record = tuple(d.name for d in plan.dimensions[:-1]), plan.sweep.spec.record
    dtype = record.dtype or (plan.dtype if name == "theta" else "float32")
    attrs: dict[str, Any] = {"long_name": long_name}
    if record.keep_bits:
        attrs["_QuantizeBitRoundNumberOfSignificantBits"] = np.int32(record.keep_bits)  # netCDF's name for it
    return _variable(plan, name, (*points, "trajectory", "record", *dims), dtype, attrs)


def _at_the_end(sentence: str) -> tuple[str, dict[str, Any]]:
    return "f8", {"long_name": f"{sentence}, at the end"}


def _variable(plan: Plan, name: str, dims: tuple[str, ...], dtype: str, attrs: dict[str, Any]) -> Variable:
    if zipped := [coordinate.name for coordinate in plan.coordinates if coordinate.along in dims]:
        attrs = {**attrs, "coordinates": " ".join(zipped)}
    tile = dict(zip((d.name for d in plan.dimensions), plan.tile, strict=True))
    tile |= {"trajectory": plan.trajectory_tile, "parameter": plan.n_params, **plan.inner}
    whole = np.dtype(dtype).itemsize * int(np.prod([tile.get(d, 1) for d in dims]))
    tile["record"] = min(len(plan.record_at), max(1, CHUNK_BYTES // max(1, whole)))
    return Variable(name, dims, dtype, attrs, tuple(tile[d] for d in dims))


def _flags(kind: type[Outcome] | type[StopReason], long_name: str) -> dict[str, Any]:
    return {
        "long_name": long_name,
        "flag_values": np.array(list(kind), dtype=np.int8),
        "flag_meanings": " ".join(member.label for member in kind),
        "comment": " ".join(f"{member.label}: {member.sentence}" for member in kind),
    }


LATE = (
    "looked for only after epochs in which the loss or the errors, as the samples went by, were below the limit: "
    "late, and not to be compared with full batches; losses recorded at each epoch tell the first end of one exactly"
)
_EVENTS = {
    "stop": "{} at which the run stopped",
    "escape": "first {} with a loss below 0.95 of the plateau loss",
    "solve": "first {} with every output within the tolerance of its target",
}
PER_RUN: dict[str, tuple[str, dict[str, Any]]] = {
    "outcome": ("i1", _flags(Outcome, "outcome of the run")),
    "stop_reason": ("i1", _flags(StopReason, "why the run stopped")),
    **{
        f"{name}_step": ("i8", {"long_name": meaning.format("step"), "units": "1", "comment": "-1: never"})
        for name, meaning in _EVENTS.items()
    },
    **{f"final_{name}": _at_the_end(MEASURES[name].sentence) for name in BASIC},
}

_COMPUTED = {
    "long_name": "whether the start was run",
    "flag_values": np.array([0, 1], dtype=np.int8),
    "flag_meanings": "inferred run",
    "comment": "inferred: everything is that of a start nearby, with which all around agree.",
}

TIMES: dict[str, tuple[str, dict[str, Any]]] = {
    f"{name}_time": ("f8", {"long_name": meaning.format("time"), "units": "1", "comment": "NaN: never"})
    for name, meaning in _EVENTS.items()
}


def create(file: h5py.File, variable: Variable, shape: tuple[int, ...], resizable: bool) -> h5py.Dataset:
    """An empty dataset for a variable; the same filters everywhere, so that chunks can be copied as they are."""
    storage: dict[str, Any] = {}
    if shape:
        storage = {"chunks": variable.chunk, "shuffle": True, "compression": "gzip", "compression_opts": LEVEL}
    maxshape = (None,) * len(shape) if resizable and shape else None
    return file.create_dataset(variable.name, shape, variable.dtype, maxshape=maxshape, **storage)
