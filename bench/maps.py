"""Time the maps of the gallery and the claims, from spec to result (and page), with the machine code on disk.

Processor time is the sum over all threads; it depends little on other processes.
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

SIDES = [f"starts.{k}={{ index = {index}, from = -10, to = 9.9, n = 1024 }}" for k, index in (("x", 8), ("y", 5))]


def slices(folder):
    """Run Kolen and Pollack's nine slices, 200 x 200 starts each."""
    for number in range(3, 12):
        runner.run(f"gallery/figure-{number}", folder / str(number))


def large(folder):
    """Run figure 11 with 1024 x 1024 starts."""
    runner.run(load("gallery/figure-11", SIDES), folder / "large")


def examined(folder):
    """Test all claims and write their page."""
    (folder / "claims.html").write_text(page(list(claims.examine(folder))), encoding="utf-8")


WORK = {
    "Kolen & Pollack's nine slices, 200 x 200": slices,
    "figure 11, 1024 x 1024": large,
    "saddlescape claims": examined,
}


def timed(work):
    """Return the wall-clock and the processor seconds of a function of a folder."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter(), time.process_time()
        work(Path(folder))
        return time.perf_counter() - began[0], time.process_time() - began[1]


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    before = report.machine()
    for work in WORK.values():
        timed(work)  # compiles kernels that are not on disk
    took = {name: timed(work) for name, work in WORK.items()}
    heads = ["", "wall clock, s", "processor time, s"]
    text = report.table(heads, [[name, *seconds] for name, seconds in took.items()])
    report.save("maps", took, text, before)


if __name__ == "__main__":
    main()
