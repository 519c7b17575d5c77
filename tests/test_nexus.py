"""The map for NeXus viewers: the time of its copy is linear in the number of chunks."""

import time

import h5py
import pytest

from saddlescape.store import nexus
from saddlescape.store.schema import FileVariable, create

FEW, MANY = 1000, 8000
GROWTH = 24
"""Limit of the ratio of times for eight times the chunks: 8 is linear, 64 would be quadratic."""


def seconds(path, monkeypatch, chunks):
    """CPU time of the copy of this number of chunks with one outcome each."""
    variable = FileVariable("outcome", ("x", "run"), "i1", {}, (1, 1))
    monkeypatch.setattr(nexus, "variables", lambda plan: (variable,))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=range(chunks)).make_scale("x")
        source = create(file, variable, (chunks, 1))
        for number in range(chunks):
            source.id.write_direct_chunk((number, 0), b"\x00")
        group, looked = file.create_group("map"), []
        began = time.process_time()
        nexus._without_runs(file, group, None, lambda: looked.append(1))
        assert len(looked) == chunks == group["outcome"].id.get_num_chunks()
        return time.process_time() - began


def test_the_time_for_the_map_is_linear_in_its_chunks(tmp_path, monkeypatch):
    few, many = (min(seconds(tmp_path / "map.h5", monkeypatch, n) for _ in range(2)) for n in (FEW, MANY))
    assert many < GROWTH * few


def test_a_stop_is_heard_while_the_map_is_copied(tmp_path, monkeypatch):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_at_once(tmp_path / "map.h5", monkeypatch, stop)


def stop_at_once(path, monkeypatch, stop):
    variable = FileVariable("outcome", ("x", "run"), "i1", {}, (1, 1))
    monkeypatch.setattr(nexus, "variables", lambda plan: (variable,))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=range(2)).make_scale("x")
        create(file, variable, (2, 1)).id.write_direct_chunk((0, 0), b"\x00")
        nexus._without_runs(file, file.create_group("map"), None, stop)
