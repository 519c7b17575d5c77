"""From blocks to ``result.h5``: chunks are copied as they are, so a merge decompresses nothing.

The file is netCDF-4 as it stands: every dimension is a dimension scale with its coordinate.  Nothing in it tells
when, where or by how many threads it was made; equal runs give equal bytes.
"""

import itertools
import json
import os
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saddlescape import __version__
from saddlescape.plan import Plan
from saddlescape.store import chosen, schema
from saddlescape.store.atomic import replacing, write_all
from saddlescape.store.mixture import Mixture, provenance
from saddlescape.store.nexus import default_plot
from saddlescape.store.opened import stored
from saddlescape.store.schema import Along, FileVariable, coordinates, create, sizes, storable, variables
from saddlescape.store.seal import seal
from saddlescape.store.unfailing import Unfailing

COUNTED = 2**16
"""Numbers of a dimension that are laid out at once: a billion runs have no room in memory."""

METADATA = 2**19
"""Bytes of metadata, such as where chunks are, that libhdf5 keeps in memory; by itself it keeps up to 32 MiB."""

_Target = tuple[FileVariable, h5py.h5d.DatasetID]
"""A variable, opened once, as h5py takes long over names."""

DRAW_RULE = "direction of run r: numpy.random.Generator(numpy.random.Philox(key=[seed, r]))"


def merge(
    plan: Plan, files: dict[int, Path], target: Path, after_block: Callable[[], None], software: Mixture | None = None
) -> Path:
    """Write the result of all blocks to `target`, which appears whole or not at all.

    What ``after_block()`` raises ends it, as a full disk does, and as another software does that `software` refuses.
    """
    with replacing(target) as descriptor:
        merge_into(descriptor, plan, files, after_block, software or Mixture(plan))
    return target


def merge_into(
    descriptor: int, plan: Plan, files: dict[int, Path], after_block: Callable[[], None], software: Mixture
) -> None:
    """Write the result of all blocks to an open file, on a thread, where no signal's handler is run."""
    with ThreadPoolExecutor(1) as aside:
        aside.submit(_write, descriptor, plan, files, after_block, software).result()


def _write(
    descriptor: int, plan: Plan, files: dict[int, Path], after_block: Callable[[], None], software: Mixture
) -> None:
    computed_by: list[int] = []
    with Unfailing(descriptor) as kept, h5py.File(kept, "w", libver=schema.VERSIONS) as file:
        _forget(file)
        for along in coordinates(plan):
            _coordinate(file, along)
            kept.check()
        targets = [(variable, _declare(file, plan, variable)) for variable in variables(plan)]
        parted = [h5py.Dataset(t) for variable, t in targets if plan.parts_choice and "trajectory" in variable.dims]
        copied = [each for each in targets if not (plan.parts_choice and "trajectory" in each[0].dims)]
        for number in sorted(files):
            computed_by += _copy(copied, plan, files[number], software)
            kept.check()
            after_block()
        for point, numbers in itertools.groupby(sorted(files) if parted else (), lambda n: plan.block(n).start[:-1]):
            chosen.write(plan, {n: files[n] for n in numbers}, point, parted)
            kept.check()
            after_block()
        _provenance(file, plan, files, provenance(software, computed_by))
        default_plot(file, plan, after_block)
    kept.check()
    os.lseek(descriptor, 0, os.SEEK_END)
    write_all(descriptor, seal(descriptor, after_piece=after_block))


def _forget(file: h5py.File) -> None:
    """Let memory not grow with the number of blocks."""
    cache = file.id.get_mdc_config()
    cache.set_initial_size = True
    cache.initial_size = cache.min_size = cache.max_size = METADATA
    file.id.set_mdc_config(cache)


def _coordinate(file: h5py.File, along: Along) -> None:
    dataset = _laid_out(file, along.name, along.values)
    if along.name == along.dim:
        dataset.make_scale(along.name)
    else:
        dataset.dims[0].attach_scale(file[along.dim])
    dataset.attrs.update(along.attrs)


def _laid_out(file: h5py.File, name: str, values: npt.NDArray[Any] | range) -> h5py.Dataset:
    dataset = _counted(file, name, values) if isinstance(values, range) else _listed(file, name, storable(values))
    dataset.flush()  # as blocks are, and for the same reason
    return dataset


def _listed(file: h5py.File, name: str, values: npt.NDArray[Any]) -> h5py.Dataset:
    text = h5py.check_string_dtype(values.dtype)
    checked = {} if text else {"chunks": (min(len(values), COUNTED),), "fletcher32": True}
    return file.create_dataset(name, data=values, **checked)


def _counted(file: h5py.File, name: str, values: range) -> h5py.Dataset:
    chunk = min(len(values), COUNTED)
    numbers = file.create_dataset(name, (len(values),), "i8", chunks=(chunk,), shuffle=True, compression=1)
    for first in range(0, len(values), chunk):
        numbers[first : first + chunk] = values[first : first + chunk]
    return numbers


def _declare(file: h5py.File, plan: Plan, variable: FileVariable) -> h5py.h5d.DatasetID:
    lengths = sizes(plan)
    dataset = create(file, variable, tuple(lengths[d] for d in variable.dims), resizable=False)
    for number, dim in enumerate(variable.dims):
        dataset.dims[number].attach_scale(file[dim])
    dataset.attrs.update(variable.attrs)
    return dataset.id


def _copy(targets: Sequence[_Target], plan: Plan, path: Path, software: Mixture) -> list[int]:
    """Copy the chunks of a block; the number of the software that computed it."""
    met: list[int] = []
    wanted = [variable for variable, _ in targets]
    for number, at, chunk in stored(plan, path, wanted, lambda its: met.append(software.meet(its, path))):
        target = targets[number][1]
        if at:
            target.write_direct_chunk(at, chunk)
        else:
            target.write(h5py.h5s.ALL, h5py.h5s.ALL, np.frombuffer(chunk, target.dtype).reshape(()))
    return met


def versions() -> dict[str, str]:
    """Versions of all that decides on the bytes of a block."""
    packages = {package: version(package) for package in ("numpy", "numba", "llvmlite", "scipy", "pydantic", "h5py")}
    libraries = {"hdf5": h5py.version.hdf5_version, "zlib": zlib.ZLIB_RUNTIME_VERSION}
    return {"saddlescape": __version__, **packages, **libraries}


def _provenance(file: h5py.File, plan: Plan, files: dict[int, Path], software: dict[str, Any]) -> None:
    sweep = plan.sweep
    file.attrs.update({"Conventions": "CF-1.11, ACDD-1.3", "title": schema.title(plan)})
    file.attrs["schema_version"] = schema.SCHEMA_VERSION
    group = file.create_group("provenance")
    group.attrs.update({"plan": plan.digest, "seed": np.uint64(sweep.spec.starts.seed), "draws": DRAW_RULE})
    group.attrs.update({f"{package}_version": its for package, its in versions().items()})
    texts = {
        "spec": sweep.text,
        "resolved": json.dumps(sweep.resolved(), sort_keys=True),
        "overrides": json.dumps(sweep.overrides),
        "blocks": json.dumps([files[number].name for number in sorted(files)]),
        **{name: json.dumps(told) for name, told in software.items()},
    }
    for name, text in texts.items():
        group.create_dataset(name, data=text, dtype=h5py.string_dtype())
