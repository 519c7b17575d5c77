"""Measure what someone who moves through the explorer's map waits for, next to the time of the kernel alone.

Also in the browser, if `make test-browser` has installed it.
"""

import argparse
import json
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import report

from saddlescape.explorer.document import document
from saddlescape.explorer.lattice import SIDE, Window
from saddlescape.explorer.server import explore
from saddlescape.explorer.session import Session
from saddlescape.explorer.tiles import UNKNOWN, WAITS, inside
from saddlescape.explorer.train import train
from saddlescape.runs.from_array import run_starts
from saddlescape.spec import load

BROWSER = Path(__file__).parents[1] / ".venv-browser/bin/python"
FULL = Window(-3, (-100, 99), (-100, 99))
RATES = ("log:training.layer_rates.0", "log:training.layer_rates.1")
LONG = ["training.steps=1000000", "training.learning_rate=1e-9", "stop.solved=0"]


class Watched(Session):
    """A session that notes when it sends what."""

    def __init__(self, shown):
        self.heard, self.payloads, self._news = [], [], threading.Condition()
        super().__init__(shown, self._hear)

    def _hear(self, header, payload):
        with self._news:
            self.heard.append((time.perf_counter(), header))
            self.payloads.append(payload)
            self._news.notify_all()

    def ask(self, message, until):
        """Send a message, and wait for the first answer for which `until` is true; seconds until each answer."""
        with self._news:
            self.heard.clear()
            self.payloads.clear()
        began = time.perf_counter()
        self.receive(message)
        with self._news:
            self._news.wait_for(lambda: any(until(header) for _, header in self.heard))
            return [(at - began, header) for at, header in self.heard]


@contextmanager
def watched(shown):
    session = Watched(shown)
    yield session
    session.close()


def view(window):
    return {"type": "view", "k": window.k, "n": list(window.n), "m": list(window.m)}


def done(header):
    return header.get("state") == "done"


def first(heard):
    """Return the seconds until the whole coarsest level was there."""
    tiles = [(at, header["k"]) for at, header in heard if header["type"] == "tiles"]
    return max(at for at, k in tiles if k == max(k for _, k in tiles))


def kernel_seconds(shown, window):
    """Return the seconds of one call that trains all starts of a window."""
    n, m = (np.arange(low, high + 1) for low, high in (window.n, window.m))
    theta = shown.plane.starts(window.k, np.repeat(n, len(m)), np.tile(m, len(n)))
    began = time.perf_counter()
    run_starts(shown.spec, theta)
    return time.perf_counter() - began


def maps(rounds):
    """Measure the map of figure 11: milliseconds until the first and the full picture, and of the kernel alone."""
    shown = document(load("xor-slice"))
    train(shown.spec, np.array([shown.plane.base]), lambda: False)  # compiles
    firsts, fulls, alone, taps, zooms, work = [], [], [], [], [], []
    for turn in range(rounds):
        with watched(shown) as session:
            session.ask(view(Window(-9, (10**4, 10**4 + 7), (0, 7))), done)  # so that the cost is known
            session.ask(view(Window(-9, (10**4 + 8, 10**4 + 15), (0, 7))), done)
            began = time.process_time()
            heard = session.ask(view(FULL), done)
            between = time.process_time()
            firsts.append(first(heard))
            fulls.append(heard[-1][0])
            alone.append(kernel_seconds(shown, FULL))
            work.append((between - began, time.process_time() - between))
            zooms.append(session.ask(view(Window(-5, (-300, -101), (-100, 99))), done)[0][0])
            path = session.ask({"type": "start", "k": -3, "n": turn, "m": 9}, lambda header: header["type"] == "path")
            taps.append(path[-1][0])
    return {
        "first picture of the whole map": 1e3 * median(firsts),
        "first picture after a wheel event": 1e3 * median(zooms),
        "200 x 200 starts": 1e3 * median(fulls),
        "the same starts by the kernel alone": 1e3 * median(alone),
        "processor time of the 200 x 200 starts": 1e3 * median(each for each, _ in work),
        "processor time of the same starts by the kernel alone": 1e3 * median(each for _, each in work),
        "trajectory and surface of a start": 1e3 * median(taps[1:] or taps),
    }


def trainability(rounds):
    """Measure the map of trainability: seconds until the first picture, and of the kernel alone."""
    shown = document(load("gallery/trainability"))
    shown = shown.through(*RATES, shown.point)
    with watched(shown) as session:
        session.ask(view(Window(0, (0, 0), (0, 0))), done)  # compiles
    seconds = []
    for _ in range(rounds):
        with watched(shown) as session:
            heard = session.ask(view(Window(-4, (-48, 95), (-48, 95))), lambda header: header.get("k", 9) < 0)
            seconds.append(first([each for each in heard if each[1].get("k") >= 0]))
    return median(seconds)


def outcomes(heard, payloads, window):
    """Outcomes of the starts of a window, as the messages say; `WAITS` or less for starts that wait."""
    (n, n_last), (m, m_last) = window.n, window.m
    codes = np.full((n_last - n + 1, m_last - m + 1), UNKNOWN)
    for (_, header), payload in zip(heard, payloads, strict=True):
        if header["type"] == "tiles" and header["k"] == window.k:
            its = np.frombuffer(payload[-len(header["tiles"]) * SIDE**2 :], "i1").reshape(-1, SIDE, SIDE)
            tiles = [(window.k, *place) for place in header["tiles"]]
            for (_, i, j), tile, seen in zip(tiles, its, inside(window, tiles), strict=True):
                a, b = np.nonzero(seen)
                codes[SIDE * i + a - n, SIDE * j + b - m] = tile[a, b]
    return codes


def boundaries(window):
    """Measure what of the map of trainability is trained, and shown wrongly, once its boundaries are there."""
    shown = document(load("gallery/trainability"))
    with watched(shown.through(*RATES, shown.point)) as session:
        heard = session.ask(view(window), done)
        rest = next(n for n, (_, header) in enumerate(heard) if header.get("stage") == "rest")
        then, end = (outcomes(heard[:n], session.payloads[:n], window) for n in (rest, len(heard)))
    told = np.where(then <= WAITS, WAITS - then, then)
    return {
        "starts": then.size,
        "of them trained when all boundaries are there": int((then > WAITS).sum()),
        "shown with a wrong outcome then": int((told != end).sum()),
        "seconds until then": heard[rest][0],
        "seconds until all are trained": heard[-1][0],
    }


def cancelled(rounds):
    """Measure how long a session takes to leave runs of a million steps: milliseconds, the most."""
    shown, seconds = document(load("xor-slice", LONG)), []
    for turn in range(rounds):
        session = Watched(shown)
        session.receive(view(FULL))
        time.sleep(0.5 + 0.02 * turn)
        began = time.perf_counter()
        session.close()
        seconds.append(time.perf_counter() - began)
    return 1e3 * max(seconds)


def in_browser(rounds):
    """Measure the page in chromium: milliseconds until the first and the full picture, and of a redraw."""
    served, started = {}, threading.Event()

    def ready(explorer, stop):
        served.update(address=explorer.address, stop=stop)
        started.set()

    thread = threading.Thread(target=explore, args=(document(load("xor-slice")), ready))
    thread.start()
    started.wait()
    command = [BROWSER, Path(__file__).with_name("explorer_page.py"), served["address"], str(rounds)]
    try:
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    finally:
        served["stop"]()
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds; to test the benchmark")
    options, before = parser.parse_args(), report.machine()
    rounds = 2 if options.quick else 9
    data = maps(rounds)
    data["to leave runs of 1 000 000 steps, the most"] = cancelled(rounds)
    if BROWSER.exists():
        data |= in_browser(rounds)
    data["first picture of `gallery/trainability`"] = 1e3 * trainability(min(rounds, 3))
    report.save("explorer", data, report.table(["what", "ms"], [[*row] for row in data.items()]), before)
    data = boundaries(Window(-1, (-9, 9), (-9, 9)) if options.quick else Window(-3, (-36, 36), (-36, 36)))
    report.save("boundaries", data, report.table(["what", "number"], [[*row] for row in data.items()]), before)


if __name__ == "__main__":
    main()
