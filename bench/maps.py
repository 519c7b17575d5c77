"""Seconds that the maps of the gallery and the claims take, from spec to result (and page), machine code on disk.

Processor time is that of all threads: it says the same while others are at work.
"""

import argparse
import tempfile
import time
from pathlib import Path

import report

from saddlescape import claims
from saddlescape.claims.page import page
from saddlescape.runs import runner
from saddlescape.spec import load

SIDES = [f"starts.{k}={{ index = {at}, from = -10, to = 9.9, n = 1024 }}" for k, at in (("x", 8), ("y", 5))]


def slices(folder):
    """Kolen and Pollack's nine, 200 x 200 each."""
    for number in range(3, 12):
        runner.run(f"gallery/figure-{number}", folder / str(number))


def large(folder):
    """Figure 11 with 1024 x 1024 starts."""
    runner.run(load("gallery/figure-11", SIDES), folder / "large")


def examined(folder):
    """All claims, and their page."""
    (folder / "claims.html").write_text(page(list(claims.examine(folder))), encoding="utf-8")


WORK = {
    "Kolen & Pollack's nine slices, 200 x 200": slices,
    "figure 11, 1024 x 1024": large,
    "saddlescape claims": examined,
}


def timed(work):
    """(wall-clock, processor) seconds."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter(), time.process_time()
        work(Path(folder))
        return time.perf_counter() - began[0], time.process_time() - began[1]


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    before = report.machine()
    for work in WORK.values():
        timed(work)  # compiles what is not on disk
    took = {name: timed(work) for name, work in WORK.items()}
    heads = ["", "wall clock, s", "processor time, s"]
    text = report.table(heads, [[name, *seconds] for name, seconds in took.items()])
    report.keep("maps", took, text, before)


if __name__ == "__main__":
    main()
