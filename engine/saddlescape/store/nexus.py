"""The default plot of a result in NeXus viewers (silx, h5web, JupyterLab): its map of outcomes.

References
----------
NXdata and its attributes: manual.nexusformat.org, "NXdata" and "Rules for storing data".
"""

import itertools
from collections.abc import Callable
from dataclasses import replace

import h5py
import numpy as np

from saddlescape.plan import Plan
from saddlescape.store.schema import create, variables

SIGNAL = "outcome"


def default_plot(file: h5py.File, plan: Plan, after_chunk: Callable[[], None]) -> None:
    """Add ``/entry/map``: links to the outcomes and to the numeric coordinates.

    If each point has only one run, as in a slice, the map has no dimension for it: the chunks of the outcomes are
    copied, as their bytes are the same without it; ``after_chunk()`` may raise to stop that.
    """
    file.attrs.update({"NX_class": "NXroot", "default": "entry"})
    entry = file.create_group("entry")
    entry.attrs.update({"NX_class": "NXentry", "default": "map"})
    group = entry.create_group("map")
    flat = plan.shape[-1] == 1 and len(plan.shape) > 1
    names = [d.name for d in plan.dimensions][: -1 if flat else None]
    numeric = [name for name in names if file[name].dtype.kind in "iuf"]
    axes = np.array([name if name in numeric else "." for name in names], dtype=h5py.string_dtype())
    group.attrs.update({"NX_class": "NXdata", "signal": SIGNAL, "axes": axes, "title": file.attrs["title"]})
    for name in numeric:
        group[name] = h5py.SoftLink(f"/{name}")
        group.attrs[f"{name}_indices"] = names.index(name)
    if flat:
        _without_runs(file, group, plan, after_chunk)
    else:
        group[SIGNAL] = h5py.SoftLink(f"/{SIGNAL}")


def _without_runs(file: h5py.File, group: h5py.Group, plan: Plan, after_chunk: Callable[[], None]) -> None:
    variable = next(variable for variable in variables(plan) if variable.name == SIGNAL)
    source = file[SIGNAL]
    flat = replace(variable, dims=variable.dims[:-1], chunk=variable.chunk[:-1])
    target = create(group, flat, source.shape[:-1])
    for number, name in enumerate(flat.dims):
        target.dims[number].attach_scale(file[name])
    target.attrs.update(variable.attrs)
    starts = (range(0, n, extent) for n, extent in zip(source.shape, source.chunks, strict=True))
    for first in itertools.product(*starts):  # by position, because libhdf5 finds the n-th chunk by linear search
        mask, chunk = source.id.read_direct_chunk(first)
        target.id.write_direct_chunk(first[:-1], chunk, mask)
        after_chunk()
