"""Malicious result files: each is a valid result with one modification."""

import json

import h5py
import numpy as np

from saddlescape.store.heap import HEADER

SIGNATURE = b"GCOL\x01\0\0\0"


def replaced(file, name, *args, dims=None, **kwargs):
    """Replace a dataset, over the same dimensions by default."""
    names = [dim[0].name for dim in file[name].dims] if dims is None else dims
    del file[name]
    made = file.create_dataset(name, *args, **kwargs)
    for number, dim in enumerate(names):
        made.dims[number].attach_scale(file[dim])
    return made


def of_type(dtype, name="outcome", **more):
    return lambda file: replaced(file, name, file[name].shape, dtype, **more)


def link(name, to):
    def change(file):
        del file[name]
        file[name] = to

    return change


def virtual(file):
    layout = h5py.VirtualLayout(file["outcome"].shape, "i1")
    layout[...] = h5py.VirtualSource("/etc/hostname", "x", file["outcome"].shape)
    names = [dim[0].name for dim in file["outcome"].dims]
    del file["outcome"]
    made = file.create_virtual_dataset("outcome", layout)
    for number, dim in enumerate(names):
        made.dims[number].attach_scale(file[dim])


def vast(file, **storage):
    """Every dimension and variable of runs declares an impossible length."""
    names = [name for name in file if isinstance(file[name], h5py.Dataset) and not file[name].is_scale]
    over = {name: [dim[0].name.strip("/") for dim in file[name].dims] for name in names}
    del file["run"]
    file.create_dataset("run", (2**40,), "i8", **storage).make_scale("run")
    for name, dims in over.items():
        if "run" in dims:
            replaced(file, name, [file[dim].shape[0] for dim in dims], file[name].dtype, dims=dims, **storage)


def unknown_filter(file):
    kept = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    kept.set_chunk(file["outcome"].shape)
    kept.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple(file["outcome"].shape)
    names = [dim[0].name for dim in file["outcome"].dims]
    del file["outcome"]
    h5py.h5d.create(file.id, b"outcome", h5py.h5t.STD_I8LE, space, kept)
    for number, dim in enumerate(names):
        file["outcome"].dims[number].attach_scale(file[dim])


def huge_chunk(file):
    shape = file["outcome"].shape
    replaced(file, "outcome", shape, "i1", chunks=(*shape[:-1], 2**30), maxshape=(*shape[:-1], None), compression=1)


def anonymous(file):
    values = file["outcome"][...]
    del file["outcome"]
    file["outcome"] = values


def cross_dimensions(file):
    del file["outcome"].attrs["DIMENSION_LIST"]
    kind = h5py.vlen_dtype(h5py.ref_dtype)
    references = np.empty(file["outcome"].ndim, dtype=object)
    for number in range(len(references)):
        references[number] = np.array([file["provenance"].ref], dtype=h5py.ref_dtype)
    file["outcome"].attrs.create("DIMENSION_LIST", references, dtype=kind)


def other_list(values):
    """The attribute of dimension scales with another type: libhdf5 writes references beyond their buffer."""

    def change(file):
        del file["outcome"].attrs["DIMENSION_LIST"]
        file["outcome"].attrs["DIMENSION_LIST"] = values

    return change


def long_list(file):
    """More references than dimensions."""
    kind = h5py.vlen_dtype(h5py.ref_dtype)
    references = np.empty(50, dtype=object)
    for number in range(50):
        references[number] = np.array([file["run"].ref], dtype=h5py.ref_dtype)
    del file["outcome"].attrs["DIMENSION_LIST"]
    file["outcome"].attrs.create("DIMENSION_LIST", references, dtype=kind)


def text(name, content):
    def change(file):
        del file["provenance"][name]
        file["provenance"].create_dataset(name, data=content)

    return change


def attribute(path, name, value):
    return lambda file: file[path].attrs.__setitem__(name, value)


def codes(name, code):
    def change(file):
        file[name][..., 0] = code

    return change


def many_objects(file):
    for number in range(1001):
        file.create_group(f"g{number}")


def many_attributes(file):
    for number in range(1001):
        file["outcome"].attrs[f"a{number}"] = number


def named_type(file):
    del file["outcome"]
    file["outcome"] = np.dtype("i1")


def as_group(file):
    del file["outcome"]
    file.create_group("outcome")


def longer_scale(file):
    replaced(file, "escape_step", (*file["escape_step"].shape[:-1], 3), "i8")


CASES = {
    "external link": link("loss", h5py.ExternalLink("/etc/hostname", "/x")),
    "soft link": link("loss", h5py.SoftLink("/outcome")),
    "external provenance": link("provenance", h5py.ExternalLink("other.h5", "/provenance")),
    "external storage": of_type("i1", external=[("/etc/hostname", 0, 1000)]),
    "virtual data": virtual,
    "absurd shape, nothing stored": vast,
    "absurd shape, in chunks": lambda file: vast(file, chunks=True),
    "huge chunk": huge_chunk,
    "unknown filter": unknown_filter,
    "filter that we never write": of_type("i1", chunks=True, compression="lzf"),
    "compound": of_type([("a", "i4"), ("b", "f8")]),
    "object references": of_type(h5py.ref_dtype),
    "region references": of_type(h5py.regionref_dtype),
    "opaque": of_type("V8"),
    "ragged": of_type(h5py.vlen_dtype("i4")),
    "complex": of_type("c16"),
    "long double": of_type(np.longdouble),
    "enumeration": of_type(h5py.enum_dtype({"A": 0, "B": 1})),
    "another type": of_type("i8"),
    "another type of a measure": of_type(h5py.ref_dtype, name="loss"),
    "text for numbers": of_type(h5py.string_dtype()),
    "wrong rank": lambda file: replaced(file, "outcome", data=np.zeros(10, "i1"), dims=["run"]),
    "wrong length": longer_scale,
    "wrong order": lambda file: replaced(
        file, "outcome", data=np.zeros(file["outcome"].shape[::-1], "i1"), dims=["run", "bias", "activation"]
    ),
    "missing variable": lambda file: file.__delitem__("solve_step"),
    "missing steps of records": lambda file: file.__delitem__("record_step"),
    "missing outcome": lambda file: file.__delitem__("outcome"),
    "anonymous dimensions": anonymous,
    "dimensions of another kind": cross_dimensions,
    "numbers for a list of dimensions": other_list(np.full(7000, 0x4141414141414141, "i8")),
    "text for a list of dimensions": other_list("x" * 9000),
    "too many dimensions": long_list,
    "a class of numbers": attribute("run", "CLASS", np.full(7000, 0x4141414141414141, "i8")),
    "another class": attribute("run", "CLASS", "IMAGE"),
    "unknown outcome": codes("outcome", 77),
    "negative outcome": codes("outcome", -3),
    "future schema": attribute("/", "schema_version", 2),
    "schema of text": attribute("/", "schema_version", "one"),
    "schema of many": attribute("/", "schema_version", np.ones(100)),
    "long title": attribute("/", "title", np.zeros(9000)),
    "title of another kind": attribute("/", "title", np.zeros((), [("a", "i4")])),
    "many attributes": many_attributes,
    "many objects": many_objects,
    "named type": named_type,
    "group for a variable": as_group,
}
"""Cases that every command refuses on opening."""

TEXTS = {
    "no resolved spec": lambda file: file["provenance"].__delitem__("resolved"),
    "resolved spec of numbers": text("resolved", np.arange(3)),
    "resolved spec that is no JSON": text("resolved", "{"),
    "resolved spec nested beyond reason": text("resolved", "[" * 10**5),
    "resolved spec of another form": text("resolved", json.dumps({"axes": 5})),
    "linked spec": link("provenance/spec", h5py.ExternalLink("/etc/hostname", "/x")),
}
"""Cases refused when the values are read."""



def endless_heap(content):
    """The free space of the last global heap has size zero: libhdf5 looks for the next object in it for ever."""
    changed, at = bytearray(content), content.rindex(SIGNATURE) + HEADER
    while index := int.from_bytes(content[at : at + 2], "little"):
        at += HEADER + -(-int.from_bytes(content[at + 8 : at + 16], "little") // 8) * 8
    assert index == 0
    changed[at + 8 : at + 16] = bytes(8)
    return bytes(changed)


BYTES = {
    "endless heap": endless_heap,
    "empty": lambda content: b"",
    "text": lambda content: b"hello\n" * 100,
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut at the superblock": lambda content: content[:40],
    "signature only": lambda content: content[:8] + bytes(1000),
    "zeros in the middle": lambda content: content[:500] + bytes(len(content) - 1000) + content[-500:],
}
"""Files that are not HDF5, or truncated."""

# One process tries every command on every file, with little memory and a time limit.
TRY = """
import contextlib, io, json, resource, sys
from pathlib import Path
from saddlescape_cli.main import main
from saddlescape import plots, results
from saddlescape.results import export
import pyarrow.parquet
commands = [["info"], ["plot", "-o", "out.png"], ["verify"]]
commands += [["export", "-o", f"out.{to}", "--to", to] for to in ("csv", "npz", "parquet")]
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29,) * 2)
for path in sys.argv[1:]:
    for command, *more in commands:
        for left in Path().glob("out.*"):
            left.unlink()
        sys.argv = ["saddlescape", command, path, *more]
        with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.redirect_stdout(io.StringIO()):
            try:
                main()
            except SystemExit as end:
                code = end.code or 0
        left = [str(p) for p in Path().glob("out.*")]
        print(json.dumps([path, command, code, told.getvalue(), left if code else []]), flush=True)
"""


def write(folder, whole):
    """Files of all cases, by name."""
    made = {}
    for number, (name, change) in enumerate((CASES | TEXTS | BYTES).items()):
        path = made[name] = folder / f"{number}.h5"
        content = whole.read_bytes()
        path.write_bytes(change(content) if name in BYTES else content)
        if name not in BYTES:
            with h5py.File(path, "a") as file:
                change(file)
    return made

