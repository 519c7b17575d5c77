"""Merge blocks to ``result.h5``: the encoded chunks are copied, so a merge decompresses nothing.

The file is valid netCDF-4: every dimension is a dimension scale with its coordinate.  It contains no time, machine or
number of threads, so equal runs give equal bytes.
"""

import itertools
import json
import os
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape import __version__
from saddlescape.plan import Plan
from saddlescape.store import by_outcome, final, schema
from saddlescape.store.atomic import replacing, write_all
from saddlescape.store.block_reader import stored
from saddlescape.store.deferred import DeferredErrors
from saddlescape.store.mixture import Mixture, provenance
from saddlescape.store.nexus import default_plot
from saddlescape.store.schema import Along, FileVariable, coordinates, create, sizes, storable, variables
from saddlescape.store.seal import seal
from saddlescape.system.software import version

COUNTED = 2**16
"""Values of an index coordinate that are written at once: those of a billion runs would not fit into memory."""

METADATA = 2**19
"""Bytes of metadata, such as the addresses of chunks, that libhdf5 caches; its default is up to 32 MiB."""

_Target = tuple[FileVariable, h5py.h5d.DatasetID]
"""A variable and its dataset, which is opened once because h5py looks up names slowly."""

DRAW_RULE = "direction of run r: numpy.random.Generator(numpy.random.Philox(key=[seed, r]))"


def merge(
    plan: Plan, files: dict[int, Path], target: Path, after_block: Callable[[], None], software: Mixture | None = None
) -> Path:
    """Merge all blocks to `target`, atomically.

    An exception of ``after_block()`` stops the merge.  `software` may refuse blocks of different software.
    """
    with replacing(target) as descriptor:
        merge_into(descriptor, plan, files, after_block, software or Mixture(plan))
    return target


def merge_into(
    descriptor: int, plan: Plan, files: dict[int, Path], after_block: Callable[[], None], software: Mixture
) -> None:
    """Merge all blocks to an open file, on another thread, because signal handlers run on the main thread only."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_write, descriptor, plan, files, after_block, software).result()


def _write(
    descriptor: int, plan: Plan, files: dict[int, Path], after_block: Callable[[], None], software: Mixture
) -> None:
    computed_by: list[int] = []
    with DeferredErrors(descriptor) as output, h5py.File(output, "w", libver=schema.VERSIONS) as file:
        _limit_cache(file)
        for along in coordinates(plan):
            _coordinate(file, along)
            output.check()
        targets = [(variable, _create_variable(file, plan, variable)) for variable in variables(plan)]
        selected = [h5py.Dataset(t) for variable, t in targets if plan.parts_choice and "trajectory" in variable.dims]
        later = [h5py.Dataset(t) for variable, t in targets if plan.parts_points and variable.name == "outcome"]
        copied = [target for target in targets if h5py.Dataset(target[1]) not in (*selected, *later)]
        for number in sorted(files):
            computed_by += _copy(copied, plan, files[number], software)
            output.check()
            after_block()
        of_points = sorted(files) if selected or later else ()
        for point, numbers in itertools.groupby(of_points, lambda n: plan.block(n).start[:-1]):
            own = {n: files[n] for n in numbers}
            found = final.write(plan, own, later[0]) if later else None
            if selected:
                by_outcome.write(plan, own, point, selected, found)
            output.check()
            after_block()
        _provenance(file, plan, files, provenance(software, computed_by))
        default_plot(file, plan, after_block)
    output.check()
    os.lseek(descriptor, 0, os.SEEK_END)
    write_all(descriptor, seal(descriptor, after_piece=after_block))


def _limit_cache(file: h5py.File) -> None:
    """Limit libhdf5's cache, so that memory does not grow with the number of blocks."""
    cache = file.id.get_mdc_config()
    cache.set_initial_size = True
    cache.initial_size = cache.min_size = cache.max_size = METADATA
    file.id.set_mdc_config(cache)


def _coordinate(file: h5py.File, along: Along) -> None:
    dataset = _create_coordinate(file, along.name, along.values)
    if along.name == along.dim:
        dataset.make_scale(along.name)
    else:
        dataset.dims[0].attach_scale(file[along.dim])
    dataset.attrs.update(along.attrs)


def _create_coordinate(file: h5py.File, name: str, values: npt.NDArray[Any] | range) -> h5py.Dataset:
    dataset = _indices(file, name, values) if isinstance(values, range) else _values(file, name, storable(values))
    dataset.flush()  # else the positions of the chunks would depend on when the last reference is dropped
    return dataset


def _values(file: h5py.File, name: str, values: npt.NDArray[Any]) -> h5py.Dataset:
    is_text = h5py.check_string_dtype(values.dtype)
    storage = {} if is_text else {"chunks": (min(len(values), COUNTED),), "fletcher32": True}
    return file.create_dataset(name, data=values, **storage)


def _indices(file: h5py.File, name: str, values: range) -> h5py.Dataset:
    chunk = min(len(values), COUNTED)
    dataset = file.create_dataset(name, (len(values),), "i8", chunks=(chunk,), shuffle=True, compression=1)
    for first in range(0, len(values), chunk):
        dataset[first : first + chunk] = values[first : first + chunk]
    return dataset


def _create_variable(file: h5py.File, plan: Plan, variable: FileVariable) -> h5py.h5d.DatasetID:
    lengths = sizes(plan)
    dataset = create(file, variable, tuple(lengths[d] for d in variable.dims))
    for number, dim in enumerate(variable.dims):
        dataset.dims[number].attach_scale(file[dim])
    dataset.attrs.update(variable.attrs)
    return dataset.id


def _copy(targets: Sequence[_Target], plan: Plan, path: Path, software: Mixture) -> list[int]:
    """Copy the chunks of a block; returns the index of the software that computed it."""
    computed_by: list[int] = []
    wanted = [variable for variable, _ in targets]
    for index, offset, chunk in stored(plan, path, wanted, lambda stamp: computed_by.append(software.add(stamp, path))):
        target = targets[index][1]
        if offset:
            target.write_direct_chunk(offset, chunk)
        else:
            target.write(h5py.h5s.ALL, h5py.h5s.ALL, np.frombuffer(chunk, target.dtype).reshape(()))
    return computed_by


def versions() -> dict[str, str]:
    """Versions of the packages and libraries that determine the bytes of a block."""
    packages = {package: version(package) for package in ("numpy", "numba", "llvmlite", "scipy", "pydantic", "h5py")}
    libraries = {"hdf5": h5py.version.hdf5_version, "zlib": zlib.ZLIB_RUNTIME_VERSION}
    return {"saddlescape": __version__, **packages, **libraries}


def _provenance(file: h5py.File, plan: Plan, files: dict[int, Path], software: dict[str, Any]) -> None:
    sweep = plan.sweep
    file.attrs.update({"Conventions": "CF-1.11, ACDD-1.3", "title": schema.title(plan)})
    file.attrs["schema_version"] = schema.SCHEMA_VERSION
    group = file.create_group("provenance")
    group.attrs.update({"plan": plan.digest, "seed": np.uint64(sweep.spec.starts.seed), "draws": DRAW_RULE})
    if sweep.generation > 1:
        group.attrs["generation"] = sweep.generation
    group.attrs.update({f"{package}_version": version for package, version in versions().items()})
    texts = {
        "spec": sweep.text,
        "resolved": json.dumps(sweep.resolved(), sort_keys=True),
        "overrides": json.dumps(sweep.overrides),
        "blocks": json.dumps([files[number].name for number in sorted(files)]),
        **{name: json.dumps(value) for name, value in software.items()},
    }
    if sweep.kept:
        texts["data"] = json.dumps({name: content.decode(errors="replace") for name, content in sweep.kept.items()})
    for name, text in texts.items():
        group.create_dataset(name, data=text, dtype=h5py.string_dtype())
