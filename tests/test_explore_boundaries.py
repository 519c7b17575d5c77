"""Boundaries first: which starts of the explorer's map wait for others, and that all of them are trained in the end."""

import threading
from pathlib import Path

import numpy as np
import pytest
from test_explore_lattice import SPECS, rerun
from test_explore_session import Page, is_done, unpacked

from saddlescape.explorer import session as sessions
from saddlescape.explorer.document import document
from saddlescape.explorer.lattice import EVEN, SIDE, Window
from saddlescape.explorer.session import Session
from saddlescape.explorer.tiles import CLOCKS, UNKNOWN, VALUES, WAITS, Tiles, cut, inside, lacks, let_wait
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome

VIEW = Window(-4, (-60, 60), (-60, 60))
ASKED = {"type": "view", "k": VIEW.k, "n": list(VIEW.n), "m": list(VIEW.m)}
CODES = [UNKNOWN, -1, Outcome.TRAPPED, Outcome.SOLVED]


def shown(values):
    """The outcome and the clock that a start is taken to have; None if nothing is known."""
    code = int(values["outcome"])
    if code == UNKNOWN:
        return None
    code = code if code > WAITS else WAITS - code
    return code, max(1.0, float(values["clock"])) if code == Outcome.SOLVED else 1.0


def agreed(coarse, n, m):
    """The slow way: outcome and least clock on which coarser starts agree; `coarse` has those known by n and m."""
    near = {
        coarse[a, b]
        for a in range(n // 2 - 2, n // 2 + 3) for b in range(m // 2 - 2, m // 2 + 3)
        if (a, b) in coarse and abs(2 * a - n) <= 3 and abs(2 * b - m) <= 3
    }  # fmt: skip
    codes, clocks = {code for code, _ in near}, [clock for _, clock in near]
    if len(codes) != 1 or min(codes) < 0 or max(clocks) > CLOCKS * min(clocks):
        return None
    return codes.pop(), min(clocks)


@pytest.mark.parametrize("seed", range(4))
def test_starts_agree_as_the_slow_way_says(seed):
    rng = np.random.default_rng(seed)
    level, tiles = Window(5, (-9, 20), (3, 30)), Tiles(100)
    coarse = {}
    for tile in level.coarser(1).tiles():
        if rng.random() < 0.1:
            continue
        values = np.zeros((SIDE, SIDE), dtype=VALUES)
        chances = [0.01, 0.01, 0.97, 0.01] if rng.random() < 0.5 else [0.01, 0.01, 0.01, 0.97]
        values["outcome"] = rng.choice(CODES, (SIDE, SIDE), p=chances)
        values["clock"] = rng.integers(9, 20, (SIDE, SIDE))
        waits = rng.random((SIDE, SIDE)) < 0.3
        values["outcome"][waits & (values["outcome"] >= 0)] = WAITS - Outcome.SOLVED
        tiles.keep(tile, values)
        for (a, b), value in np.ndenumerate(values):
            if (known := shown(value)) is not None:
                coarse[SIDE * tile[1] + a, SIDE * tile[2] + b] = known
    parts = level.tiles()
    found = cut(tiles.agreed(level), level, parts)
    agreements = 0
    for tile, values in zip(parts, found, strict=True):
        for (a, b), value in np.ndenumerate(values):
            expected = agreed(coarse, SIDE * tile[1] + a, SIDE * tile[2] + b)
            agreements += expected is not None
            assert (expected and expected[0]) == (None if value["outcome"] == UNKNOWN else value["outcome"])
            assert expected is None or value["clock"] == expected[1]
    assert 50 < agreements < found.size - 50


def test_only_starts_of_which_nothing_is_known_wait():
    values, found = (np.zeros((2, 3), dtype=VALUES) for _ in range(2))
    found["clock"] = 7
    values["outcome"] = [[WAITS - 2, WAITS - 2, UNKNOWN], [UNKNOWN, Outcome.SOLVED, UNKNOWN]]
    found["outcome"] = [[1, 1, 1], [1, 1, UNKNOWN]]
    assert let_wait(values, found).tolist() == [[True, True, False], [True, False, False]]  # the first has a parent
    assert values["outcome"].tolist() == [[WAITS - 2, WAITS - 1, UNKNOWN], [WAITS - 1, Outcome.SOLVED, UNKNOWN]]
    assert values["clock"].tolist() == [[0, 7, 0], [7, 0, 0]]
    assert lacks(values).tolist() == [[True, True, True], [True, False, True]]


@pytest.fixture
def heard(monkeypatch):
    """What a page hears of a view whose passes all let starts wait; and the numbers of runs of batches."""
    monkeypatch.setattr(sessions, "AT_ONCE", 0)
    runs, train, page = [], sessions.train, Page()

    def counted(spec, theta, *rest):
        runs.append((len(theta), sum(header["stage"] == "rest" for header, _ in page.of("tiles"))))
        return train(spec, theta, *rest)

    monkeypatch.setattr(sessions, "train", counted)
    session = Session(document(parse(SPECS["momentum"], Path())), page.send)
    session.receive(ASKED)
    page.until(is_done)
    session.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "explore"]
    return page.of("tiles"), runs


def test_boundaries_are_trained_first_and_everything_in_the_end(heard):
    messages, runs = heard
    stages = [header["stage"] for header, _ in messages]
    assert stages == sorted(stages, key=["", "boundaries", "rest"].index)
    tiles, first = {}, {}
    for message in messages:
        for tile, values in unpacked(*message).items():
            assert tile not in tiles or lacks(values).sum() < lacks(tiles[tile]).sum()  # something is new of it
        tiles |= unpacked(*message)
        if message[0]["stage"] != "rest":
            first |= unpacked(*message)
    check_waits(first)
    check_runs(tiles)
    trained = sum(number for number, _ in runs)
    assert trained == len({*starts(tiles)})  # none of them twice
    for tile, values in tiles.items():
        outside = ~lacks(values) & ~inside(VIEW.coarser(tile[0] - VIEW.k), [tile])[0]
        outside[EVEN] = False  # neighbors of the starts of the view, in the coarser tile
        assert not outside.any()
    assert sum(number for number, rest in runs if not rest) < 0.6 * trained


def starts(tiles):
    """The starts of which tiles have the results, as integers of the finest level."""
    for (k, i, j), values in tiles.items():
        for a, b in np.argwhere(~lacks(values)).tolist():
            yield (SIDE * i + a) << (k - VIEW.k), (SIDE * j + b) << (k - VIEW.k)


def check_waits(tiles):
    """Those starts wait around which the coarser ones agree, and no others."""
    known, waiting, early = {}, 0, (VIEW.k + 4, VIEW.k + 3)  # the cost is known after two batches
    for (k, i, j), values in tiles.items():
        for (a, b), code in np.ndenumerate(values["outcome"]):
            value = {"outcome": code, "clock": values["clock"][a, b]}
            if code != UNKNOWN:
                known.setdefault(k, {})[SIDE * i + a, SIDE * j + b] = shown(value)
    for (k, i, j), values in tiles.items():
        for (a, b), code in np.ndenumerate(values["outcome"]):
            n, m = SIDE * i + a, SIDE * j + b
            window = VIEW.coarser(k - VIEW.k)
            if not (window.n[0] <= n <= window.n[1] and window.m[0] <= m <= window.m[1]):
                continue
            assert code != UNKNOWN
            if k in early:
                continue
            if n % 2 == 0 and m % 2 == 0:
                (a, b), above = (n // 2 % SIDE, m // 2 % SIDE), tiles[k + 1, i // 2, j // 2]["outcome"]
                assert code == above[a, b]
                continue
            expected = agreed(known[k + 1], n, m)
            assert (code <= WAITS) == (expected is not None), (k, n, m)
            waiting += code <= WAITS
            if expected is not None:
                assert known[k][n, m] == expected
    assert waiting > 1000


def check_runs(tiles):
    """The starts of the finest tiles are the runs of the exported window, to the bit."""
    text = document(parse(SPECS["momentum"], Path())).window(VIEW)
    of = {name: np.empty((121, 121), dtype=VALUES[name]) for name in VALUES.names}
    for (k, i, j), values in tiles.items():
        for (a, b), _ in np.ndenumerate(values["outcome"]) if k == VIEW.k else ():
            n, m = SIDE * i + a + 60, SIDE * j + b + 60
            if 0 <= n <= 120 and 0 <= m <= 120:
                for name, array in of.items():
                    array[n, m] = values[name][a, b]
    for name, values in rerun(text).items():
        assert of[name].ravel().tobytes() == values.astype(VALUES[name]).tobytes(), name


def test_quick_views_are_trained_whole(monkeypatch):
    monkeypatch.setattr(sessions, "AT_ONCE", np.inf)
    page = Page()
    session = Session(document(parse(SPECS["momentum"], Path())), page.send)
    session.receive(ASKED)
    page.until(is_done)
    session.close()
    assert {header["stage"] for header, _ in page.of("tiles")} == {""}
    places = [(header["k"], *place) for header, _ in page.of("tiles") for place in header["tiles"]]
    assert len(places) == len({*places})


def test_a_view_that_comes_back_is_trained_on_where_starts_waited(monkeypatch):
    """Tiles with starts that wait are known, but not whole; another view, and the first one again, finish them."""
    monkeypatch.setattr(sessions, "AT_ONCE", 0)
    page, left = Page(), threading.Event()
    session = Session(document(parse(SPECS["momentum"], Path())), lambda *message: hear(*message))

    def hear(header, payload):
        page.send(header, payload)
        if header.get("stage") == "boundaries" and header["k"] == VIEW.k and not left.is_set():
            left.set()
            session.receive({**ASKED, "k": VIEW.k - 20})

    session.receive(ASKED)
    page.until(lambda header: is_done(header) and header["k"] == VIEW.k - 20)
    assert left.is_set()
    session.receive(ASKED)
    page.until(lambda header: is_done(header) and header["k"] == VIEW.k)
    session.close()
    tiles = {}
    for message in page.of("tiles"):
        tiles |= unpacked(*message)
    check_runs(tiles)
