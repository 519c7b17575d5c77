"""Starts of one's own in the explorer: their paths, kicks, and specs that the command line repeats to the bit."""

from pathlib import Path

import numpy as np
import pytest
from spec_cases import TINY
from test_explore_lattice import SPECS
from test_explore_session import begin, page  # noqa: F401

import saddlescape as ss
from saddlescape.errors import SpecError
from saddlescape.explorer import given
from saddlescape.explorer.document import document
from saddlescape.explorer.messages import VALUES, BadMessage, Take, read
from saddlescape.explorer.train import measures_of
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome


def path(header, payload, n):
    """The arrays of the message of a path, by their names."""
    records, grid, at = header["records"], header["grid"], 0
    arrays = {}
    for name, kind, width in [
        ("clock", "f8", 1), ("loss", "f8", 1), ("theta", "f8", n), ("surface", "f4", grid * grid),
        *((name, "f8", columns) for name, _, columns in header["measures"]),
    ]:  # fmt: skip
        arrays[name] = np.frombuffer(payload, kind, records * width, at).reshape(records, width)
        at += arrays[name].nbytes
    assert at == len(payload)
    return arrays


def told(session, page, message):  # noqa: F811
    """The header and the arrays of the path of a start."""
    page.heard.clear()
    session.receive(message)
    page.until(lambda header: header["type"] in ("path", "fault"))
    ((header, payload),) = page.of("path")
    return header, path(header, payload, 9)


ZERO = {"type": "given", "theta": [0.0] * 9}


def test_zero_stays_and_a_kick_makes_it_leave(begin, page):  # noqa: F811
    session = begin()
    header, its = told(session, page, ZERO)
    assert (Outcome(header["outcome"]), header["given"], header["on_plane"]) == (Outcome.FROZEN, True, False)
    assert not its["theta"].any()
    header, kicked = told(session, page, {**ZERO, "kick": 0.5, "draw": 3})
    start = kicked["theta"][0]
    drawn = parse(TINY.replace("seed = 1\n", "scale = 0.5\n"), Path())
    assert start.tobytes() == ss.start(drawn, run=3).tobytes()
    assert Outcome(header["outcome"]) in (Outcome.TRAPPED, Outcome.SOLVED)
    assert kicked["loss"][-1] < its["loss"][-1]
    again = told(session, page, {**ZERO, "theta": start.tolist()})[1]
    for name, values in kicked.items():
        assert again[name].tobytes() == values.tobytes(), name


def test_the_measures_of_a_path_are_those_of_trace(begin, page):  # noqa: F811
    session = begin()
    header, its = told(session, page, {"type": "start", "k": -3, "n": 16, "m": 24})
    assert "given" not in header
    names = [name for name, _, _ in header["measures"]]
    assert names[:3] == ["grad_norm", "separation", "param_norm"]
    assert ("accuracy" in names, "test_loss" in names, "outputs" in names) == (True, False, False)
    assert dict((name, columns) for name, _, columns in header["measures"])["layer_norm"] == 2
    (traced,) = ss.trace(document(parse(SPECS["momentum"], Path())).spec, its["theta"][:1], ["loss", *names])
    for name in ("loss", *names):
        assert its[name].tobytes() == np.asarray(traced[name], dtype=np.float64).tobytes(), name


def test_networks_have_the_measures_that_they_can_have():
    def measures(*changes):
        text = TINY
        for change in changes:
            text = text.replace(*change)
        return {*measures_of(parse(text, Path()).spec)}

    assert {"separation", "cosine", "imbalance", "accuracy"} <= measures()
    assert not {"separation", "cosine", "effective_width"} & measures(("hidden = [2]", "hidden = [1]"))
    assert "imbalance" in measures(("hidden = [2]", "hidden = [1]"))
    assert not {"separation", "cosine", "imbalance"} & measures(("hidden = [2]", "hidden = []"))
    assert "sharpness" in measures()
    assert "sharpness" not in measures(("hidden = [2]", "hidden = [17]"))
    sine = measures(('name = "xor"', 'name = "sine"\nsamples = 9\ntest_fraction = 0.3'))
    assert ("accuracy" in sine, "test_loss" in sine) == (False, True)


@pytest.mark.parametrize(
    "theta", [[0.0] * 9, [0.1, -0.7, 1e-300, 3.3, 5e-324, 1 / 3, -2.0, 0.6, -10.0]], ids=["zero", "other"]
)
def test_the_spec_of_a_start_repeats_its_path_to_the_bit(begin, page, tmp_path, theta):  # noqa: F811
    session = begin()
    _, its = told(session, page, {"type": "given", "theta": theta})
    session.receive({"type": "take", "theta": its["theta"][0].tolist()})
    ((file, _),) = page.of("file")
    assert file["name"] == "start.toml"
    (tmp_path / "start.toml").write_text(file["text"])
    with ss.run(tmp_path / "start.toml", tmp_path / "run", threads=1) as r:
        assert r["outcome"].ravel().tolist() == [page.of("path")[0][0]["outcome"]]
        before = int(np.searchsorted(r["record_step"], its["clock"][-1, 0]))
        for name in ("loss", "theta", "grad_norm", "separation", "layer_norm"):
            along = np.asarray(r[name]).reshape(len(r["record_step"]), -1)
            assert along[:before].tobytes() == its[name][:before].tobytes(), name
        assert r["final_loss"].ravel().tobytes() == its["loss"][-1].tobytes()
        assert r["stop_step"].ravel().tolist() == its["clock"][-1].tolist()


def test_a_start_on_the_plane_is_known(begin, page):  # noqa: F811
    shown = document(parse(SPECS["momentum"], Path()))
    theta = list(shown.plane.base)
    theta[5] = 0.123
    assert told(begin(), page, {"type": "given", "theta": theta})[0]["on_plane"] is True
    assert shown.plane.has(np.array(theta))
    theta[0] += 1e-12
    assert not shown.plane.has(np.array(theta))


def test_a_start_that_does_not_fit_gets_one_line(begin, page):  # noqa: F811
    session = begin()
    for message in ({**ZERO, "theta": [0.0] * 8}, {"type": "take", "theta": [0.0] * 8}):
        page.heard.clear()
        session.receive(message)
        page.until(lambda header: header["type"] == "fault")
        assert page.of("fault")[0][0]["message"] == "start: must have 9 numbers, one for each parameter; got 8"
    session.receive({"type": "take", "theta": [0.0] * 9})
    assert page.of("file")
    narrow = document(parse(SPECS["float32"], Path()))
    with pytest.raises(SpecError, match="float32"):
        given.text(narrow, Take(type="take", theta=[1e31] * 9))


@pytest.mark.parametrize(
    "change",
    [{"theta": []}, {"theta": [0] * (VALUES + 1)}, {"theta": [float("nan")]}, {"theta": [1e301]}, {"theta": ["0"]},
     {"theta": 0}, {"kick": -1.0}, {"kick": float("inf")}, {"draw": -1}, {"draw": 0.5}, {"file": "x"}],
    ids=lambda change: repr(change)[:30],
)  # fmt: skip
def test_a_start_is_bounded(change):
    with pytest.raises(BadMessage):
        read({**ZERO, **change})
