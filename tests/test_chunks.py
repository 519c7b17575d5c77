"""Our encoded chunks equal those of HDF5's filters, for all shapes and at edges."""

import io
import tracemalloc

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlescape.store import chunks
from saddlescape.store.container import Numbers, content
from saddlescape.store.schema import FileVariable, create

EXTENTS = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 9)), min_size=1, max_size=4)


@settings(max_examples=150, derandomize=True)
@given(EXTENTS, st.sampled_from(["i1", "i8", "f4", "f8"]), st.integers(0, 2**32))
def test_hdf5_reads_what_was_written(extents, dtype, seed):
    shape, chunk = zip(*extents, strict=True)
    values = np.random.default_rng(seed).integers(-99, 99, shape).astype(dtype)
    numbers = Numbers("x", dtype, shape, chunk, list(chunks.split(values, chunk, np.dtype(dtype))))
    with h5py.File(io.BytesIO(content({}, [numbers])), "a") as file:
        dataset = file["x"]
        np.testing.assert_array_equal(dataset[()], values)
        assert dataset.id.get_num_chunks() == np.prod([-(-n // c) for n, c in extents])
        dataset.resize([n + c for n, c in extents])  # the rest of a chunk at an edge is zero, as HDF5 has it
        assert not dataset[tuple(slice(n, -(-n // c) * c) for n, c in extents)].any()
        for chunk in map(dataset.id.get_chunk_info, range(dataset.id.get_num_chunks())):
            decoded = chunks.decoded(dataset.id.read_direct_chunk(chunk.chunk_offset)[1], dataset.chunks, dataset.dtype)
            place = tuple(slice(a, a + n) for a, n in zip(chunk.chunk_offset, dataset.chunks, strict=True))
            np.testing.assert_array_equal(decoded, dataset[place])


@pytest.mark.parametrize("dtype", ["i1", "f4", "f8"])
def test_chunks_are_those_of_hdf5s_own_filters(dtype):
    values = np.arange(6 * 50).reshape(6, 50).astype(dtype)
    with h5py.File("block", "w", driver="core", backing_store=False) as file:
        ours, theirs = (create(file, FileVariable(n, (), dtype, {}, (6, 50)), (6, 50)) for n in "ab")
        chunks.write(ours, values)
        theirs[...] = values
        (mask, own), (same, hdf5) = (d.id.read_direct_chunk((0, 0)) for d in (ours, theirs))
        assert mask == same == 0
        assert chunks.zlib.decompress(own) == chunks.zlib.decompress(hdf5)


def test_a_single_number_is_written_too():
    with h5py.File("block", "w", driver="core", backing_store=False) as file:
        dataset = create(file, FileVariable("x", (), "i8", {}, ()), ())
        chunks.write(dataset, np.array(7))
        assert dataset[()] == 7
        assert chunks.decoded(np.array(7).tobytes(), (), dataset.dtype) == 7


@pytest.mark.parametrize("size", [79, 81, 2**26])
def test_a_chunk_that_is_not_what_it_says_is_not_unpacked(size):
    stored = chunks.zlib.compress(bytes(size))
    tracemalloc.start()
    with pytest.raises(ValueError, match="not 80 bytes"):
        chunks.decoded(stored, (10,), np.dtype("f8"))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert chunks.decoded(chunks.zlib.compress(bytes(80)), (10,), np.dtype("f8")).tolist() == [0] * 10


def test_a_chunk_that_does_not_end_is_not_taken():
    stored = chunks.zlib.compress(bytes(80))
    with pytest.raises(ValueError, match="not 80 bytes"):
        chunks.decoded(stored[:-1], (10,), np.dtype("f8"))


@settings(max_examples=50, derandomize=True)
@given(st.binary(max_size=2000), st.integers(0, 2**32))
def test_a_chunk_is_never_larger_than_said(start, seed):
    plain = start + np.random.default_rng(seed).bytes(3000)
    assert len(chunks.zlib.compress(plain, chunks.LEVEL)) <= FileVariable("x", (), "i1", {}, (len(plain),)).max_size
