"""Addresses of chunks agree with libhdf5."""

import io
import struct

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlescape.store import chunkindex, chunks, objects
from saddlescape.store.raw import Raw
from saddlescape.store.schema import VERSIONS

EXTENTS = st.lists(st.integers(1, 7), min_size=1, max_size=7).map(tuple)


def made(shape, chunk, dtype="f4", versions=VERSIONS, **storage):
    """Bytes of a file with one dataset, by default as in an early block; its header, and its chunks by libhdf5."""
    kept = io.BytesIO()
    with h5py.File(kept, "w", libver=versions) as file:
        file.attrs["plan"] = "something before"
        if storage:
            dataset = file.create_dataset("x", shape, dtype, **storage)
        else:
            filters = {"chunks": chunk, "maxshape": (None,) * len(shape), "shuffle": True, "compression": "gzip"}
            dataset = file.create_dataset("x", shape, dtype, **(filters if shape else {}))
            chunks.write(dataset, np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype))
        dataset.flush()
        told = []
        if dataset.chunks:
            dataset.id.chunk_iter(lambda c: told.append((c.chunk_offset, c.filter_mask, c.byte_offset, c.size)))
        header = h5py.h5o.get_info(dataset.id).addr
    return kept.getvalue(), header, told


def found(content, header):
    """The chunks according to our reader."""
    raw = Raw(content)
    (layout,) = (message.content for message in objects.messages(raw, header) if message.kind == objects.LAYOUT)
    return list(chunkindex.chunks(raw, layout))


@settings(derandomize=True, max_examples=60)
@given(EXTENTS, st.data())
def test_chunks_are_where_libhdf5_says(extents, data):
    shape = tuple(data.draw(st.integers(1, min(3 * n, 9))) for n in extents)
    content, header, told = made(shape, extents, data.draw(st.sampled_from(["i1", "i8", "f4", "f8"])))
    assert found(content, header) == told


def test_trees_of_several_levels_are_followed():
    content, header, told = made((100, 100), (1, 1))
    assert len(told) == 10_000
    assert found(content, header) == told


def test_headers_of_as_many_dimensions_as_there_may_be_are_read():
    content, header, told = made((3,) + (1,) * 23, (1,) * 24)
    assert found(content, header) == told


def test_a_single_value_is_all_of_it():
    content, header, _ = made((), ())
    ((first, mask, at, size),) = found(content, header)
    assert (first, mask, content[at : at + size]) == ((), 0, np.zeros((), "f4").tobytes())


@pytest.mark.parametrize(
    ("storage", "match"),
    [
        ({"versions": ("latest", "latest"), "chunks": (2, 2)}, "a data layout of version [45]"),
    ],
)
def test_another_form_is_refused(storage, match):
    content, header, _ = made((4, 4), (2, 2), **storage)
    with pytest.raises(ValueError, match=match):
        found(content, header)


def test_the_form_of_old_versions_is_read():
    content, header, told = made((4, 4), (2, 2), versions=("earliest", "v108"), chunks=(2, 2), data=np.ones((4, 4)))
    assert found(content, header) == told


def tree(content):
    return content.index(b"TREE\x01")


def spoilt(content, at, layout, value):
    changed = bytearray(content)
    struct.pack_into(layout, changed, at, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("at", "layout", "value"),
    [(5, "<B", 3), (6, "<H", 0), (4, "<B", 0), (0, "<B", 0)],
    ids=["a level without an end", "no keys", "of groups", "no tree"],
)
def test_a_tree_that_is_none_is_refused(at, layout, value):
    content, header, _ = made((4,), (4,))
    content = spoilt(content, tree(content) + at, layout, value)
    with pytest.raises((ValueError, struct.error)):
        found(content, header)


def test_a_tree_in_itself_is_refused():
    content, header, _ = made((100,), (1,))
    root = next(at for at in range(len(content)) if content[at : at + 6] == b"TREE\x01\x01")
    content = spoilt(content, root + chunkindex.NODE + 24, "<Q", root)
    with pytest.raises(ValueError, match="no node"):
        found(content, header)
