"""Points of weight space that a plane of the explorer goes through, and how long ones are found and canceled."""

import threading
from pathlib import Path

import numpy as np
import pytest
from spec_cases import TINY
from test_explore_lattice import SLICE
from test_explore_session import LONG, VIEW, WAIT, begin, is_done, page, unpacked  # noqa: F401

import saddlescape as ss
from saddlescape.errors import RefusedError
from saddlescape.explorer import changes, given, messages
from saddlescape.explorer import points as places
from saddlescape.explorer.document import document
from saddlescape.explorer.points import base_of
from saddlescape.explorer.train import Stale
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome

SOLVES = TINY.replace("seed = 1", "seed = 3").replace("0.5", "3.0").replace("= 20", "= 200\nmomentum = 0.7")
RATE, DECAY = "log:training.learning_rate", "training.weight_decay"


def opened(text=SOLVES):
    return document(parse(text, Path()))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("points")
    overrides = ["record.final_parameters=true"]
    (folder / "solves.toml").write_text(SOLVES)
    with ss.run(folder / "solves.toml", folder / "run", overrides=overrides, threads=1) as result:
        yield result


def test_the_end_of_a_run_is_that_of_the_result(result):
    for run in (0, 7):
        shown = opened().through(3, 5, f"end:{run}")
        assert np.array(shown.plane.base).tobytes() == result.final_theta[run].tobytes()
        assert shown.spec.starts.base == tuple(result.final_theta[run])
        assert shown.point == f"end:{run}"
    slice_ = opened(SLICE).through(3, 5, "end:13")
    assert slice_.plane.base == tuple(ss.replay(parse(SLICE, Path()), (), 13)["theta"][-1])


def test_a_solution_is_the_end_of_the_first_run_that_is_solved(result, monkeypatch):
    first = int(np.flatnonzero(result.outcome == Outcome.SOLVED)[0])
    assert first > 0
    for size in (64, 1):  # found in the first batch, and in a later one
        monkeypatch.setattr(places, "FIRST_BATCH", size)
        assert opened().through(0, 1, "solution").plane.base == tuple(result.final_theta[first])


def test_points_follow_the_keys_of_the_page():
    shown = opened().through(3, 5, "end:2").changed({"training.steps": 9, "training.learning_rate": 0.25})
    sweep = parse(SOLVES.replace("200", "9").replace("3.0", "0.25"), Path())
    assert shown.plane.base == tuple(ss.replay(sweep, (), 2)["theta"][-1])
    assert (shown.point, shown.plane.x, shown.plane.y) == ("end:2", 3, 5)
    there = tuple(float(value) for value in range(9))
    assert opened().through(3, 5, there).changed({"training.steps": 9}).plane.base == there


@pytest.mark.parametrize(
    ("text", "point", "line"),
    [(SOLVES, "end:10", "must be a run from 0 to 9; got 10"), (SOLVES, "slice", "the spec has no slice"),
     (SOLVES.replace("200", "1"), "solution", "there is no solution; none of the 10 runs"),
     (SOLVES, (0.0, 1.0), "a value for each of the 9 parameters; got 2"), (SOLVES, (1e300,) * 9, "1.25e.299 in size"),
     (TINY.replace("0.5", "1e300").replace("[2]", '[2]\noutput = "linear"'), "end:1", "1 diverges")],
)  # fmt: skip
def test_a_point_that_does_not_exist_gets_one_line(text, point, line):
    with pytest.raises(RefusedError, match=line) as told:
        opened(text).through(0, 1, point)
    assert len(str(told.value).splitlines()) == 1


def test_a_point_of_a_sweep_has_its_values_and_its_runs():
    axes = '[[axes]]\nkey = "network.hidden"\nvalues = [[2], [3]]\n[[axes]]\nkey = "starts.scale"\nvalues = [1, 2]\n'
    sweep = parse(TINY + axes, Path())
    shown = document(sweep).through(0, 1, 4, at=3).changed({"training.steps": 9})
    assert (shown.at, shown.values) == (3, {"network.hidden": [3], "starts.scale": 2.0})
    assert shown.plane.base == tuple(ss.start(sweep, (1, 1), 4))
    assert shown.numbers["log:starts.scale"].ends == (0, np.log10(2))
    back = shown.through(0, 1, 4, at=0)
    assert (back.plane.base, back.spec.steps) == (tuple(ss.start(sweep, (0, 0), 4)), 9)
    with pytest.raises(RefusedError, match="must be a point of the sweep from 0 to 3; got 4"):
        shown.through(0, 1, 4, at=4)


def test_an_old_result_is_solved_by_what_solved_it_then():
    text = TINY.replace('name = "xor"', 'name = "moons"\nsamples = 6')
    old, new = (document(parse(text, Path(), generation=generation)) for generation in (1, 3))
    assert (new.spec.stop.solved, new.spec.events.accuracy) == (0, 0.99)
    assert (old.spec.stop.solved, old.spec.events.accuracy) == (0.4, 0)
    assert "solved = 0.4" in old.window(messages.View(type="view", k=0, n=(0, 1), m=(0, 1)).window)


def test_the_search_for_a_point_ends_when_nobody_waits_for_it():
    for point in ("end:3", "solution"):
        with pytest.raises(Stale):
            base_of(parse(SOLVES, Path()).spec, point, 10, lambda: True)


@pytest.fixture
def held(monkeypatch):
    """Runs that end at a point are trained until `go` is set, or nobody waits for them; and what was asked for."""
    go, asked, left = threading.Event(), [], []

    def trained(spec, point, runs, stale):
        if not places.is_trained(point):
            return base_of(spec, point, runs, stale)
        asked.append(point)
        for _ in range(WAIT * 100):
            if stale():
                left.append(point)
                raise Stale
            if go.wait(0.01):
                return base_of(spec, point, runs, stale)
        raise AssertionError(asked)

    monkeypatch.setattr("saddlescape.explorer.document.base_of", trained)
    return go, asked, left


PLANE = {"type": "plane", "x": 0, "y": 8, "point": "end:3"}


def is_finding(header):
    return header.get("state") == "finding"


def test_the_map_is_trained_while_a_point_is_found(begin, page, held):  # noqa: F811
    go, _, _ = held
    session = begin()
    session.receive(PLANE)
    page.until(is_finding)
    session.receive(VIEW)
    page.until(is_done)
    assert not page.of("spec")
    session.receive({"type": "keys", "steps": 9})  # is made after the plane
    go.set()
    page.until(lambda header: header.get("generation") == 2 and header["type"] == "spec")
    specs = [header for header, _ in page.of("spec")]
    assert [(spec["generation"], spec["point"], spec["keys"]["steps"]) for spec in specs] == [
        (1, "end:3", 120), (2, "end:3", 9),
    ]  # fmt: skip
    assert specs[1]["axes"] == {"x": 0, "y": 8}


@pytest.mark.parametrize("instead", [{"type": "cancel"}, {**PLANE, "point": "zero"}, {**PLANE, "point": "end:4"}])
def test_a_point_that_is_found_is_canceled_or_replaced(begin, page, held, instead):  # noqa: F811
    go, asked, left = held
    session = begin()
    session.receive(PLANE)
    page.until(is_finding)
    session.receive(instead)
    page.until(lambda header: header["type"] == "canceled")
    go.set()
    if instead["type"] == "plane":
        page.until(lambda header: header["type"] == "spec")
        assert [header["point"] for header, _ in page.of("spec")] == [instead["point"]]
    session.close()
    assert "end:3" in left or "end:3" not in asked
    assert not any(header.get("point") == "end:3" for header, _ in page.of("spec"))


def test_a_point_that_is_found_too_late_is_not_shown(begin, page, monkeypatch):  # noqa: F811
    begun, canceled = threading.Event(), threading.Event()

    def late(spec, point, runs, stale):
        begun.set()
        assert canceled.wait(WAIT)
        return np.zeros(9)

    monkeypatch.setattr("saddlescape.explorer.document.base_of", late)
    session = begin()
    session.receive(PLANE)
    page.until(is_finding)
    assert begun.wait(WAIT)
    session.receive({"type": "cancel"})
    canceled.set()
    session.close()
    assert not page.of("spec")


def test_a_long_search_is_left_after_a_slice(begin, page):  # noqa: F811
    session = begin(LONG)
    session.receive({**PLANE, "point": "solution"})
    page.until(is_finding)
    session.receive({"type": "cancel"})
    page.until(lambda header: header["type"] == "canceled")
    session.receive(VIEW)
    session.close()  # ends both threads
    assert not page.of("spec")


def test_a_point_that_cannot_be_found_gets_one_line(begin, page):  # noqa: F811
    session = begin(SOLVES.replace("200", "1"))
    session.receive({**PLANE, "point": "solution"})
    page.until(lambda header: header["type"] == "fault")
    ((fault, _),) = page.of("fault")
    assert "there is no solution" in fault["message"]
    session.receive({"type": "keys", "steps": 9})
    page.until(lambda header: header["type"] == "spec")


def test_tiles_of_numbers_are_trained_and_those_that_do_not_exist_are_empty(begin, page):  # noqa: F811
    session = begin(TINY)
    session.receive({"type": "plane", "x": RATE, "y": "training.momentum", "point": 3})
    session.receive({**VIEW, "n": [-8, 7], "m": [-8, 39]})
    page.until(is_done)
    tiles = {place: values for message in page.of("tiles") for place, values in unpacked(*message).items()}
    assert (tiles[-3, 0, -1]["outcome"] == -1).all()
    assert (tiles[-3, 0, 0]["outcome"] >= 0).all()
    assert (tiles[-3, 0, 4]["outcome"] >= 0).tolist() == [[True] + [False] * 7] * 8  # a momentum of 1, and above
    session.receive({"type": "start", "k": -3, "n": 3, "m": 2})
    page.until(lambda header: header["type"] == "path")
    ((header, payload),) = page.of("path")
    assert header["numbers"] == {"training.learning_rate": 10**0.375, "training.momentum": 2.0**-4}
    loss = np.frombuffer(payload, "f8", header["records"], 8 * header["records"])
    assert loss[-1] == tiles[-3, 0, 0]["loss"][3, 2]
    session.receive({"type": "start", "k": -3, "n": 3, "m": -2})
    page.until(lambda header: header["type"] == "fault")


def test_a_start_of_ones_own_has_the_numbers_of_the_page(begin, page):  # noqa: F811
    shown = opened().through(RATE, DECAY, 0)
    theta, numbers = list(shown.plane.base), {"training.learning_rate": 0.25, "training.weight_decay": 0.125}
    taken = parse(given.text(shown, messages.Take(type="take", theta=theta, numbers=numbers)), Path())
    assert taken.axes == ()
    assert (taken.spec.training.learning_rate, taken.spec.training.weight_decay) == (0.25, 0.125)
    found = given.numbers(shown, messages.Given(type="given", theta=theta))
    assert {key: values.tolist() for key, values in found.items()} == {
        "training.learning_rate": [3.0], "training.weight_decay": [0.0],
    }  # fmt: skip
    for wrong in ({"training.learning_rate": -1.0}, {"training.momentum": 0.5}):
        with pytest.raises(RefusedError, match="cannot have these numbers"):
            given.numbers(shown, messages.Given(type="given", theta=theta, numbers=wrong))


FAULTS = [
    {"x": "log:"}, {"x": "starts"}, {"x": "starts.scale; import os"}, {"x": "a." + "b" * 80}, {"x": "\n"}, {"x": None},
    {"point": "end:-1"}, {"point": "end:"}, {"point": "end:1e9"}, {"point": []}, {"point": [float("nan")] * 9},
    {"point": [0.0] * 3000}, {"point": {"end": 1}}, {"at": -1}, {"at": "0"}, {"point": "solution "}, {"at": 1.5},
]  # fmt: skip


@pytest.mark.parametrize("changed", FAULTS, ids=lambda changed: repr(changed)[:40])
def test_a_plane_that_no_page_asks_for_gets_one_line(begin, page, changed):  # noqa: F811
    begin().receive({**PLANE, "point": "zero", **changed})
    ((fault, _),) = page.heard
    assert fault["type"] == "fault"
    assert len(fault["message"]) <= 200
    assert fault["message"].isprintable()


def test_all_changes_have_a_thread_of_their_own_that_ends(begin):  # noqa: F811
    session = begin()
    assert isinstance(session._changes, changes.Changes)
    assert len([thread for thread in threading.enumerate() if thread.name == "explore"]) == 2
