"""Files read without libhdf5 give the same values as with it."""

import re

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_cases import run_folder, sweep

import saddlescape as ss
from saddlescape.errors import CorruptError
from saddlescape.plan import Plan
from saddlescape.store import chunks, objects
from saddlescape.store.dataset import Dataset
from saddlescape.store.raw import Raw

VERSIONS = [("earliest", "v110"), ("v108", "v110")]
"""Versions of the HDF5 format: the default of h5py, and ours."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_folder(Plan(sweep()), tmp_path_factory.mktemp("reader") / "run")


def root(path):
    raw = Raw.of_file(path)
    return raw, objects.messages(raw, objects.root(raw))


def opened(path, name="x"):
    raw, said = root(path)
    return Dataset(raw, objects.messages(raw, objects.links(raw, said)[name]))


def attributes(path):
    raw, said = root(path)
    return {name: objects.value(raw, kept) for name, kept in objects.attributes(raw, said).items()}


def same(path, other):
    """Assert that two results have equal contents; h5py reads one of them."""
    with h5py.File(path) as file, ss.open(other) as result:
        assert list(result) == [name for name in file if isinstance(file[name], h5py.Dataset)]
        for name in result:
            values = file[name].asstr()[...] if h5py.check_string_dtype(file[name].dtype) else file[name][...]
            np.testing.assert_array_equal(result[name], values)
            assert result.stored(name).dims == (
                (name,) if file[name].is_scale else tuple(dim[0].name[1:] for dim in file[name].dims)
            )
        assert result.attrs == dict(file.attrs)
        assert result.spec_text == file["provenance/spec"].asstr()[()]


def test_a_result_is_as_libhdf5_has_it(whole):
    same(whole, whole)


@pytest.mark.parametrize("versions", VERSIONS, ids=str)
def test_a_result_that_h5py_has_copied_is_the_same(whole, tmp_path, versions):
    with h5py.File(whole) as file, h5py.File(tmp_path / "copy.h5", "w", libver=versions) as copy:
        for name in file:
            file.copy(file[name], copy, name)
        copy.attrs.update(file.attrs)
        for name in (name for name in copy if "DIMENSION_LIST" in copy[name].attrs):
            del copy[name].attrs["DIMENSION_LIST"]  # which refers to where things were
            for number, dim in enumerate(file[name].dims):
                copy[name].dims[number].attach_scale(copy[dim[0].name])
    same(whole, tmp_path / "copy.h5")


@pytest.mark.parametrize("many", [1, 40])
def test_attributes_that_a_user_added_are_read(whole, tmp_path, many):
    path = tmp_path / "result.h5"
    path.write_bytes(whole.read_bytes())
    added = {f"note {n}": "x" * n for n in range(many)} | {f"numbers {n}": np.arange(n + 1.0) for n in range(many)}
    with h5py.File(path, "r+") as file:
        file.attrs.update(added)
        file["outcome"].attrs.update(added)
        file["mine"] = np.arange(4, dtype="u4")
        file["mine"].make_scale()
    with ss.open(path) as result:
        for attrs in (result.attrs, result.stored("outcome").attrs):
            assert {name: np.asarray(attrs[name]).tolist() for name in added} == {
                name: np.asarray(value).tolist() for name, value in added.items()
            }
        np.testing.assert_array_equal(result["mine"], np.arange(4))


@settings(derandomize=True, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), min_size=1, max_size=4),
    st.sampled_from(["i1", "<i2", ">i4", "u8", "<f2", "f4", ">f8", "S3"]),
    st.fixed_dictionaries(
        {
            "compression": st.sampled_from([None, 1, 9]),
            "shuffle": st.booleans(),
            "fletcher32": st.booleans(),
            "chunks": st.booleans(),
        }
    ),
    st.sampled_from(VERSIONS),
    st.data(),
)
def test_any_part_of_values_is_as_libhdf5_has_it(tmp_path_factory, lengths, dtype, storage, versions, data):
    path = tmp_path_factory.getbasetemp() / "values.h5"
    shape = tuple(n for n, _ in lengths)
    extents = tuple(min(pair) for pair in lengths)
    kept = storage | {"chunks": extents} if any(storage.values()) else {}
    values = (np.arange(np.prod(shape)) % 100).reshape(shape).astype(dtype)
    with h5py.File(path, "w", libver=versions) as file:
        file.create_dataset("x", data=values, **kept)
    found = opened(path)
    tile = found.chunks or shape
    ends = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in shape]
    ends = [(a, min(b, a - a % m + m)) for (a, b), m in zip(ends, tile, strict=True)]
    place = tuple(slice(min(a, n - 1), max(b, min(a, n - 1))) for (a, b), n in zip(ends, shape, strict=True))
    np.testing.assert_array_equal(found.read(place), values[place])
    assert found.dtype == np.dtype(dtype)


@pytest.mark.parametrize("versions", VERSIONS, ids=str)
@pytest.mark.parametrize("many", [1, 5, 30, 400])
def test_any_number_of_objects_and_attributes_is_found(tmp_path, versions, many):
    names = {f"name {number} {'x' * (number % 70)}" for number in range(many)}
    with h5py.File(tmp_path / "many.h5", "w", libver=versions) as file:
        for name in names:
            file.create_group(name)
            file.attrs[name] = name
        at = {name: h5py.h5o.get_info(file[name].id).addr for name in names}
    raw, said = root(tmp_path / "many.h5")
    assert objects.links(raw, said) == at
    assert attributes(tmp_path / "many.h5") == {name: name for name in names}


def test_attributes_larger_than_a_heap_takes_are_read(tmp_path):
    with h5py.File(tmp_path / "large.h5", "w", libver=VERSIONS[1]) as file:
        for number in range(20):
            file.attrs[f"a{number}"] = np.arange(1000.0 + number)
    found = attributes(tmp_path / "large.h5")
    assert {name: value.tolist() for name, value in found.items()} == {
        f"a{number}": list(range(1000 + number)) for number in range(20)
    }


def test_words_of_any_kind_are_read(tmp_path):
    words = ["", "x", "Grüße", "y" * 3000]
    with h5py.File(tmp_path / "words.h5", "w") as file:
        file["x"] = words
        file.create_dataset("chunked", data=words * 50, chunks=(7,), compression=1)
        file["fixed"] = np.array([b"a", b"bcd"])
    assert opened(tmp_path / "words.h5").texts().tolist() == words
    assert opened(tmp_path / "words.h5", "chunked").texts().tolist() == words * 50
    assert opened(tmp_path / "words.h5", "fixed").texts().tolist() == ["a", "bcd"]


@pytest.mark.parametrize("size", [1, 2, 7, 720, 2**19 + 3])
def test_the_checksum_of_chunks_is_that_of_hdf5(tmp_path, size):
    for content in (bytes(size), b"\xff" * size, np.random.default_rng(size).bytes(size)):
        with h5py.File(tmp_path / "x.h5", "w") as file:
            x = file.create_dataset("x", (size,), "u1", chunks=(size,), fletcher32=True)
            x[:size] = np.frombuffer(content, "u1")
            stored = x.id.read_direct_chunk((0,))[1]
        assert chunks.fletcher32(stored[:-4]) == int.from_bytes(stored[-4:], "little")


@pytest.mark.parametrize("signature", [b"\x89HDF", b"OHDR", b"OCHK", b"BTHD", b"BTLF", b"FRHP", b"FHDB", b"FHIB"])
def test_damaged_metadata_are_told_by_their_checksums(whole, tmp_path, signature):
    content, refused = whole.read_bytes(), []
    for found in re.finditer(re.escape(signature), content):
        changed = bytearray(content)
        changed[found.start() + 13] ^= 1
        (tmp_path / "damaged.h5").write_bytes(changed)
        try:
            same(whole, tmp_path / "damaged.h5")  # where a part of the file is damaged that is not read
        except CorruptError:
            refused.append(found.start())
    assert refused


@pytest.mark.parametrize("size", range(30))
def test_the_checksum_of_metadata_is_that_of_hdf5(size):
    """The header of a group with a link whose name has `size` bytes."""
    with h5py.File("x", "w", driver="core", backing_store=False, libver="v110") as file:
        file.create_group("x" * (size + 1))
        file.flush()
        content = file.id.get_file_image()
        header = h5py.h5o.get_info(file["/"].id).addr
    raw = Raw(content)
    raw.checked = True
    assert objects.links(raw, objects.messages(raw, header)).keys() == {"x" * (size + 1)}
