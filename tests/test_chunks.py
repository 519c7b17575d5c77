"""Chunks made by us are what HDF5's own filters make of them, for every shape and edge."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlescape.store import chunks
from saddlescape.store.schema import Variable, create

EXTENTS = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 9)), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(EXTENTS, st.sampled_from(["i1", "i8", "f4", "f8"]), st.integers(0, 2**32))
def test_hdf5_reads_what_was_written(extents, dtype, seed):
    shape, chunk = zip(*extents, strict=True)
    values = np.random.default_rng(seed).integers(-99, 99, shape).astype(dtype)
    with h5py.File("block", "w", driver="core", backing_store=False) as file:
        dataset = create(file, Variable("x", (), dtype, {}, chunk), shape, resizable=True)
        chunks.write(dataset, values)
        np.testing.assert_array_equal(dataset[()], values)
        assert dataset.id.get_num_chunks() == np.prod([-(-n // c) for n, c in extents])
        dataset.resize([n + c for n, c in extents])  # the rest of a chunk at an edge is zero, as HDF5 has it
        assert not dataset[tuple(slice(n, -(-n // c) * c) for n, c in extents)].any()


@pytest.mark.parametrize("dtype", ["i1", "f4", "f8"])
def test_chunks_are_those_of_hdf5s_own_filters(dtype):
    values = np.arange(6 * 50).reshape(6, 50).astype(dtype)
    with h5py.File("block", "w", driver="core", backing_store=False) as file:
        ours, theirs = (create(file, Variable(n, (), dtype, {}, (6, 50)), (6, 50), resizable=False) for n in "ab")
        chunks.write(ours, values)
        theirs[...] = values
        (mask, own), (same, hdf5) = (d.id.read_direct_chunk((0, 0)) for d in (ours, theirs))
        assert mask == same == 0
        assert chunks.zlib.decompress(own) == chunks.zlib.decompress(hdf5)


def test_a_single_number_is_written_too():
    with h5py.File("block", "w", driver="core", backing_store=False) as file:
        dataset = create(file, Variable("x", (), "i8", {}, ()), (), resizable=True)
        chunks.write(dataset, np.array(7))
        assert dataset[()] == 7
