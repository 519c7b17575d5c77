"""The session of the explorer, without a browser: what it sends and when, what it keeps, and how it stops."""

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_cases import TINY
from test_explore_lattice import SLICE, SPECS

from saddlescape.explorer import session as sessions
from saddlescape.explorer.description import LINES, describe
from saddlescape.explorer.document import document
from saddlescape.explorer.lattice import SIDE, Window, points
from saddlescape.explorer.session import Session
from saddlescape.explorer.tiles import inside, lacks
from saddlescape.explorer.train import path_of, surface, train
from saddlescape.runs.from_array import run_starts
from saddlescape.spec import parse
from saddlescape.system.resources import cores
from saddlescape.words.outcomes import Outcome

WAIT = 60
"""Seconds after which a test fails that waits for a message."""

LONG = SLICE.replace("steps = 20", "steps = 1000000").replace("0.5", "1e-9") + "[stop]\nsolved = 0\n"
VIEW = {"type": "view", "k": -3, "n": [-20, 20], "m": [-20, 20]}
WINDOW = Window(-3, (-20, 20), (-20, 20))


class Page:
    """What a page hears; `until` waits for a message and returns all messages so far."""

    def __init__(self):
        self.heard, self._news = [], threading.Condition()

    def send(self, header, payload):
        with self._news:
            self.heard.append((header, payload))
            self._news.notify_all()

    def until(self, condition):
        with self._news:
            assert self._news.wait_for(lambda: any(condition(header) for header, _ in self.heard), WAIT), self.heard
            return list(self.heard)

    def of(self, kind):
        return [(header, payload) for header, payload in self.heard if header["type"] == kind]


def is_done(header):
    return header.get("state") == "done"


@pytest.fixture
def page():
    return Page()


@pytest.fixture
def begin(page):
    """Start a session of a spec; at the end its thread has ended."""
    begun = []

    def begin(text=SPECS["momentum"]):
        begun.append(Session(document(parse(text, Path())), page.send))
        return begun[-1]

    yield begin
    for session in begun:
        session.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "explore"]


def unpacked(header, payload):
    """The tiles of a message: values (SIDE, SIDE) by variable, for each tile."""
    number = len(header["tiles"]) * SIDE * SIDE
    loss, clock = np.frombuffer(payload, "f8", 2 * number).reshape(2, -1, SIDE, SIDE)
    outcome = np.frombuffer(payload, "i1", number, 16 * number).reshape(-1, SIDE, SIDE)
    places = [(header["k"], *place) for place in header["tiles"]]
    return {place: dict(loss=loss[i], clock=clock[i], outcome=outcome[i]) for i, place in enumerate(places)}


def check_trained(shown, messages, window):
    """All starts of a window are there, and all that are there are what the engine computes."""
    tiles = {place: values for message in messages for place, values in unpacked(*message).items()}
    for place, values in tiles.items():
        expected, known = train(shown.spec, shown.plane.starts(place[0], *points(place)), lambda: False), ~lacks(values)
        if place[0] == window.k:
            assert known[inside(window, [place])[0]].all(), place
        for name, array in expected.items():
            assert values[name][known].tobytes() == array.reshape(SIDE, SIDE)[known].tobytes(), (place, name)
    assert {place for place in tiles if place[0] == window.k} == {*window.tiles()}
    return tiles


def test_coarse_tiles_come_first_and_all_are_what_a_run_computes(begin, page, monkeypatch):
    monkeypatch.setattr(sessions, "AT_ONCE", np.inf)
    begin().receive(VIEW)
    page.until(is_done)
    levels = [header["k"] for header, _ in page.of("tiles")]
    assert levels == sorted(levels, reverse=True)
    assert {*levels} == {-3, -2, -1}
    assert sum(len(header["tiles"]) for header, _ in page.of("tiles") if header["k"] == -1) == 4
    tiles = check_trained(document(parse(SPECS["momentum"], Path())), page.of("tiles"), WINDOW)
    assert not any(lacks(values).any() for place, values in tiles.items() if place[0] < -1)
    assert {Outcome.TRAPPED, Outcome.SOLVED} <= {int(each) for tile in tiles.values() for each in tile["outcome"].flat}


def test_a_page_is_sent_only_what_it_lacks(begin, page):
    session = begin()
    session.receive(VIEW)
    page.until(is_done)
    page.heard.clear()
    session.receive({**VIEW, "n": [-20, 28]})
    page.until(is_done)
    assert {place[0] for header, _ in page.of("tiles") for place in header["tiles"] if header["k"] == -3} == {3}
    page.heard.clear()
    session.receive({**VIEW, "type": "forget", "n": [0, 7], "m": [0, 7]})
    session.receive(VIEW)
    page.until(is_done)
    assert [(header["k"], header["tiles"]) for header, _ in page.of("tiles")] == [(-3, [(0, 0)])]


def test_the_latest_view_wins(begin, page, monkeypatch):
    asked, trained = threading.Event(), []

    def slow(spec, theta, stale, numbers):
        trained.append(len(theta))
        if len(trained) == 1:
            asked.wait(WAIT)
        return train(spec, theta, stale, numbers)

    monkeypatch.setattr(sessions, "train", slow)
    session = begin()
    session.receive(VIEW)
    for k in range(-20, -10):
        session.receive({**VIEW, "k": k})
    asked.set()
    page.until(is_done)
    assert {header["k"] for header, _ in page.of("tiles")} == {-11, -10, -9}
    assert [header["k"] for header, _ in page.heard if is_done(header)] == [-11]


def test_a_burst_of_wheel_events_wastes_at_most_one_batch(begin, page, monkeypatch):
    training, go_on, runs = threading.Event(), threading.Event(), []

    def slow(spec, theta, *rest):
        runs.append(len(theta))
        training.set()
        assert go_on.wait(WAIT)
        return train(spec, theta, *rest)

    monkeypatch.setattr(sessions, "train", slow)
    session = begin()
    session.receive(VIEW)
    assert training.wait(WAIT)
    for k in range(-15, -3):
        session.receive({**VIEW, "k": k})
    go_on.set()
    page.until(lambda header: is_done(header) and header["k"] == -4)
    shown = {place: values for message in page.of("tiles") for place, values in unpacked(*message).items()}
    places = [(SIDE * i + n) * 2**k + 1j * (SIDE * j + m) * 2**k for (k, i, j), values in shown.items()
              for n, m in np.argwhere(~lacks(values)).tolist()]  # fmt: skip
    assert sum(runs[1:]) == len({*places})


def test_held_tiles_that_nobody_waits_for_are_not_sent(begin, page, monkeypatch):
    monkeypatch.setattr(sessions, "MOST", 2)
    session = begin()
    session.receive(VIEW)
    page.until(is_done)
    for k in (-3, -2, -1):
        session.receive({**VIEW, "type": "forget", "k": k})
    page.heard.clear()
    send = page.send

    def hear(header, payload):
        send(header, payload)
        if header["type"] == "tiles" and header["k"] == -1:
            session.receive({**VIEW, "k": -20})

    monkeypatch.setattr(session, "_send", hear)
    session.receive(VIEW)
    page.until(is_done)
    assert [header["k"] for header, _ in page.of("tiles") if header["k"] > -9] == [-1]


def test_a_start_is_trained_before_the_rest_of_a_view(begin, page):
    session = begin()
    session.receive(VIEW)
    session.receive({"type": "start", "k": -3, "n": 16, "m": 24})
    page.until(is_done)
    (header, payload), *_ = page.of("path")
    records, grid, n = header["records"], header["grid"], 9
    clock, loss = np.frombuffer(payload, "f8", 2 * records).reshape(2, -1)
    theta = np.frombuffer(payload, "f8", records * n, 16 * records).reshape(-1, n)
    surface = np.frombuffer(payload, "f4", records * grid * grid, 8 * records * (2 + n))
    columns = 2 + n + sum(width for _, _, width in header["measures"])
    assert len(payload) == 8 * records * columns + 4 * records * grid * grid
    shown = document(parse(SPECS["momentum"], Path()))
    start = shown.plane.starts(-3, np.array([16]), np.array([24]))
    end = train(shown.spec, start, lambda: False)
    assert theta[0].tobytes() == start.tobytes()
    assert (clock[0], clock[-1], loss[-1]) == (0, end["clock"][0], end["loss"][0])
    assert surface.min() > 0
    assert surface.max() < 1


def watched(function, training, answers):
    """The function, whose third argument tells whether it is stale; `answers` are those that it gets."""

    def told(spec, theta, stale, numbers):
        def looks():
            training.set()
            answers.append(stale())
            return answers[-1]

        return function(spec, theta, looks, numbers=numbers)

    return told


def test_what_nobody_waits_for_is_left_after_a_slice(begin, page, monkeypatch):
    """A slice of the kernel takes a tenth of a second; each thread asks after each of its slices."""
    training, answers = threading.Event(), []
    monkeypatch.setattr(sessions, "train", watched(train, training, answers))
    session = begin(LONG)
    session.receive(VIEW)
    assert training.wait(WAIT)
    session.close()
    assert 1 <= answers.count(True) <= cores()
    assert not page.of("tiles")


def test_the_tiles_that_are_kept_are_bounded(begin, page, monkeypatch):
    for name, number in {"KEPT": 20, "REMEMBERED": 30, "MOST": 8}.items():
        monkeypatch.setattr(sessions, name, number)
    session = begin()
    session.receive(VIEW)
    page.until(is_done)
    assert sum(len(header["tiles"]) for header, _ in page.of("tiles")) > 30
    assert len(session) == 20
    assert len(session._sent) == 30


def test_keys_change_what_is_trained_and_old_tiles_are_not_sent(begin, page):
    session = begin()
    session.receive(VIEW)
    page.until(is_done)
    page.heard.clear()
    session.receive({"type": "keys", "learning_rate": 0.5, "steps": 9})
    session.receive(VIEW)
    page.until(is_done)
    (spec, _), *_ = page.of("spec")
    assert (spec["generation"], spec["keys"]) == (1, {"learning_rate": 0.5, "steps": 9})
    assert {header["generation"] for header, _ in page.of("tiles")} == {1}
    assert max(tile["clock"].max() for message in page.of("tiles") for tile in unpacked(*message).values()) == 9


def test_another_plane_is_trained_and_traced(begin, page):
    session = begin()
    session.receive(VIEW)
    page.until(is_done)
    page.heard.clear()
    session.receive({"type": "plane", "x": 0, "y": 8, "point": "zero"})
    session.receive({"type": "keys", "steps": 9})
    session.receive(VIEW)
    page.until(is_done)
    specs = [header for header, _ in page.of("spec")]
    assert [spec["generation"] for spec in specs] == [1, 2]
    assert (specs[1]["axes"], specs[1]["point"], specs[1]["keys"]["steps"]) == ({"x": 0, "y": 8}, "zero", 9)
    shown = document(parse(SPECS["momentum"], Path())).through(0, 8, "zero").changed({"training.steps": 9})
    assert {header["generation"] for header, _ in page.of("tiles")} == {2}
    check_trained(shown, page.of("tiles"), WINDOW)
    session.receive({"type": "start", "k": -3, "n": 16, "m": 24})
    page.until(lambda header: header["type"] == "path")
    ((header, payload),) = page.of("path")
    theta = np.frombuffer(payload, "f8", 9, 16 * header["records"])
    assert theta.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 24 * 2.0 ** (shown.plane.skew - 3)]


@pytest.mark.parametrize(
    ("changes", "line"),
    [({"y": 0}, "must differ"), ({"x": 9}, "must be less than 9"), ({"point": 81}, "from 0 to 80"), ({"x": -1}, "x"),
     ({"point": -1}, "point"), ({"point": "one"}, "point"), ({"point": 1.5}, "point"), ({"point": True}, "point"),
     ({"x": 0.0}, "x"), ({"base": [0] * 9}, "base")],
    ids=str,
)  # fmt: skip
def test_a_plane_that_does_not_exist_gets_one_line_and_changes_nothing(begin, page, changes, line):
    session = begin()
    session.receive({"type": "plane", "x": 0, "y": 8, "point": "zero", **changes})
    ((fault, _),) = page.heard
    assert fault["type"] == "fault"
    assert line in fault["message"]
    session.receive(VIEW)
    page.until(is_done)
    assert {header["generation"] for header, _ in page.of("tiles")} == {0}


def test_an_export_is_a_spec(begin, page):
    begin().receive({**VIEW, "type": "export"})
    ((file, _),) = page.of("file")
    starts = parse(file["text"], Path()).spec.starts
    assert (starts.x.from_, starts.x.to, starts.x.n) == (-2.5, 2.5, 41)


FAULTS = [
    None, 3, "view", [], {}, {"type": "view"}, {"type": "run"}, {**VIEW, "path": "/etc/passwd"}, {**VIEW, "k": 1e9},
    {**VIEW, "k": True}, {**VIEW, "k": float("nan")}, {**VIEW, "n": [0.5, 3]}, {**VIEW, "n": [3, 2]},
    {**VIEW, "n": [0, 2**11]}, {**VIEW, "n": [2**60, 2**60 + 1]}, {**VIEW, "n": [0, 1, 2]}, {**VIEW, "n": ["0", "1"]},
    {"type": "keys", "learning_rate": float("inf")}, {"type": "keys", "learning_rate": 0}, {"type": "keys", "steps": 0},
    {"type": "keys", "problem.file": "other.csv"}, {"type": "keys", "title": "mine"}, {"type": "start", "k": 0, "n": 1},
]  # fmt: skip


@pytest.mark.parametrize("message", FAULTS, ids=repr)
def test_a_message_that_no_page_sends_gets_one_line(begin, page, message):
    begin().receive(message)
    ((fault, _),) = page.heard
    assert fault["type"] == "fault"
    assert len(fault["message"]) <= 200
    assert fault["message"].isprintable()


def test_keys_that_do_not_fit_the_spec_get_its_fault(begin, page):
    text = SLICE.replace("steps = 20", "steps = 20\nbatch = 3")
    begin(text).receive({"type": "keys", "steps": 7})
    ((fault, _),) = page.heard
    assert "training.steps" in fault["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
FIELDS = ("k", "n", "m", "steps", "x", "y", "point", "values", "theta", "kick", "draw")
WORDS = st.sampled_from(["view", "export", "start", "keys", "forget", "plane", "given", "take"]) | st.text()


def test_a_session_survives_any_message():
    page = Page()
    session = Session(document(parse(SPECS["momentum"], Path())), page.send)

    @settings(max_examples=60)
    @given(JSON | st.fixed_dictionaries({"type": WORDS}, optional=dict.fromkeys(FIELDS, JSON)))
    def say(message):
        session.receive(message)

    say()
    page.heard.clear()
    session.receive(VIEW)
    page.until(is_done)
    session.close()


def test_a_path_that_nobody_waits_for_is_left_after_a_slice(begin, page, monkeypatch):
    training, answers = threading.Event(), []
    monkeypatch.setattr(sessions, "path_of", watched(path_of, training, answers))
    session = begin(LONG)
    session.receive({"type": "start", "k": -3, "n": 5, "m": 5})
    assert training.wait(WAIT)
    session.close()
    assert answers.count(True) == 1
    assert not page.of("path")


def test_the_surface_of_a_run_that_diverges_is_shown_as_far_as_it_goes():
    text = SPECS["momentum"].replace("learning_rate = 3.0", "learning_rate = 1e300") + "[stop]\ndiverged = 1e300\n"
    shown = document(parse(text.replace("hidden = [2]", 'hidden = [2]\noutput = "linear"'), Path()))
    path = path_of(shown.spec, np.array(shown.plane.base), lambda: False)
    assert np.isfinite(path.surface[0]).all()
    assert np.isinf(path.surface[-1]).any()
    nothing = surface(shown.spec, np.stack([path.theta[0], np.full(9, np.nan)]))
    assert nothing[0].tobytes() == path.surface[0].tobytes()
    assert np.isnan(nothing[1]).all()


def test_units_of_the_first_hidden_layer_have_lines_if_they_have_two_inputs():
    def units(*changes):
        text = TINY
        for change in changes:
            text = text.replace(*change)
        return describe(document(parse(text, Path())))["units"]

    hidden = "hidden = [2]"
    assert units() == [[0, 1, 2], [3, 4, 5]]
    assert units((hidden, "hidden = [2]\nbias = false")) == [[0, 1], [2, 3]]
    assert units((hidden, 'hidden = [2, 3]\nskip = "input"')) == [[0, 1, 2], [3, 4, 5]]
    assert units((hidden, "hidden = []")) == []
    assert units(('name = "xor"', 'name = "parity"\nbits = 3')) == []
    assert len(units((hidden, "hidden = [30]"))) == LINES


def states(page):
    """The kinds of messages, and the state of each status."""
    return [header.get("state", header["type"]) for header, _ in page.heard]


def test_the_page_hears_that_kernels_are_compiled_for_each_new_structure(begin, page):
    session = begin()
    for change in ({}, {"type": "keys", "values": {"network.hidden": [3]}}):
        page.heard.clear()
        if change:
            session.receive(change)
        session.receive(VIEW)
        page.until(is_done)
        session.receive({"type": "start", "k": -3, "n": 16, "m": 24})
        page.until(lambda header: header["type"] == "path")
        own = [state for state in states(page) if state != "spec"]
        assert own[:2] == ["compiling", "tiles"]
        assert own[-3:] == ["done", "compiling", "path"]
    page.heard.clear()
    session.receive({**VIEW, "k": -4})
    page.until(is_done)
    session.receive({"type": "start", "k": -3, "n": 15, "m": 24})
    page.until(lambda header: header["type"] == "path")
    assert "compiling" not in states(page)


def test_no_run_of_the_map_is_fitted_as_each_start_is_a_point_of_its_own():
    text = TINY.replace('name = "xor"', 'name = "random"\nsamples = 9\ninputs = 2\noutputs = 1')
    text = text.replace("hidden = [2]", 'hidden = [2]\noutput = "linear"').replace("steps = 20", "steps = 20000")
    text = text.replace("learning_rate = 0.5", 'learning_rate = 0.2\nloss = "mse"')
    spec = parse(text + "[stop]\nsolved = 1e-6\ngradient = 1e-6\n", Path()).spec
    theta = np.random.default_rng(0).normal(size=(20, spec.n_params))
    together, alone = run_starts(spec, theta)["outcome"], train(spec, theta, lambda: False)["outcome"]
    assert (together == Outcome.FITTED).any()
    assert (alone == np.where(together == Outcome.FITTED, Outcome.TRAPPED, together)).all()


def test_the_map_of_a_gradient_flow_has_times(begin, page):
    text = SLICE.replace("learning_rate = 0.5", 'optimizer = "flow"').replace("steps = 20", "time = 40.0")
    shown = document(parse(text, Path()))
    assert describe(shown)["clock"] == "time"
    session = begin(text)
    session.receive(VIEW)
    page.until(is_done)
    tiles = check_trained(shown, page.of("tiles"), WINDOW)
    clocks = np.concatenate([values["clock"][~lacks(values)] for values in tiles.values()])
    outcomes = np.concatenate([values["outcome"][~lacks(values)] for values in tiles.values()])
    assert clocks.max() == 40
    assert (clocks[outcomes == Outcome.SOLVED] % 1 != 0).all()
    session.receive({"type": "start", "k": -3, "n": 16, "m": 8})
    page.until(lambda header: header["type"] == "path")
    ((header, payload),) = page.of("path")
    assert np.frombuffer(payload, "f8", header["records"])[-1] == tiles[-3, 2, 1]["clock"][0, 0]
