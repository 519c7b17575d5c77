"""Files written without libhdf5: libhdf5 and our reader find all of their content, and libhdf5 can change them."""

import io

import h5py
import numpy as np
import pytest

from saddlescape.store import chunkindex, chunks, objects
from saddlescape.store.container import Numbers, content
from saddlescape.store.raw import Raw

ATTRIBUTES = {"plan": "0123456789abcdef" * 4, "block": 2**40, "software": '{"π": "1"}', "none": ""}
VALUES = {
    "many": np.arange(7 * 300.0).reshape(7, 300),
    "one": np.arange(6, dtype="f4").reshape(1, 6),
    "whole": np.arange(-3, 4, dtype="i1"),
    "single": np.array(-(2**40)),
}
EXTENTS = {"many": (2, 3), "one": (1, 9), "whole": (7,), "single": ()}


def numbers(name):
    dtype = VALUES[name].dtype
    return Numbers(name, dtype.name, VALUES[name].shape, EXTENTS[name], list(split(name)))


def split(name):
    return chunks.split(VALUES[name], EXTENTS[name], VALUES[name].dtype)


@pytest.fixture(params=[[*VALUES], ["one"], ["single"], []], ids=str)
def names(request):
    return request.param


@pytest.fixture
def file(names):
    return content(ATTRIBUTES, [numbers(name) for name in names])


def test_libhdf5_reads_everything(names, file):
    with h5py.File(io.BytesIO(file)) as opened:
        texts = {name: value.decode() for name, value in opened.attrs.items() if name != "block"}
        assert {**texts, "block": opened.attrs["block"]} == ATTRIBUTES
        assert {*opened} == {*names}
        for name in names:
            np.testing.assert_array_equal(opened[name][()], VALUES[name])
            assert opened[name].dtype == VALUES[name].dtype


def test_our_reader_finds_every_chunk(names, file):
    raw = Raw(file)
    root = objects.messages(raw, objects.root(raw))
    assert objects.value(raw, objects.attributes(raw, root)["block"]) == ATTRIBUTES["block"]
    links = objects.links(raw, root)
    assert [*links] == names
    for name in names:
        header = {message.kind: message.content for message in objects.messages(raw, links[name])}
        found = chunkindex.chunks(raw, header[objects.LAYOUT])
        assert [(chunk.first, raw.values(chunk.address, chunk.size)) for chunk in found] == list(split(name))


def test_libhdf5_changes_it(names, file):
    changed = io.BytesIO(file)
    with h5py.File(changed, "a") as opened:
        for name in names:
            opened[name][...] = 5
        if "one" in names:
            opened["one"].resize((40, 60))
            opened["one"][...] = 7
        opened["more"] = np.arange(1000)
        opened.attrs["more"] = "x"
    with h5py.File(changed) as opened:
        assert {*opened} == {*names, "more"}
        assert opened.attrs["plan"].decode() == ATTRIBUTES["plan"]
        assert all((opened[name][()] == (7 if name == "one" else 5)).all() for name in names)


def test_a_block_without_values_is_small():
    assert len(content(ATTRIBUTES, [])) < 2**10
    assert len(content(ATTRIBUTES, [numbers("one")])) < 2**11
