"""Measure the search for the stationary points of XOR 2-2-1: processor time, and the points found."""

import argparse
import time
from pathlib import Path

import report

from saddlescape.analysis import atlas
from saddlescape.spec import parse

TANH = 'coding = "pm1"\n[network]\nactivation = "tanh"\noutput = "linear"\n'
DECAY = '[training]\noptimizer = "gd"\nweight_decay = {}\n'
CASES = {
    "logistic": "",
    "logistic, decay 0.001": DECAY.format(0.001),
    "tanh and linear output, decay 0.1": TANH + DECAY.format(0.1),
}


def row(text, starts):
    """Return processor time in seconds, of all and of one start, and what was found."""
    spec = parse(f'[problem]\nname = "xor"\n{text}', Path()).spec
    atlas(spec, 100)  # compiles
    began = time.process_time()
    found = atlas(spec, starts)
    took = time.process_time() - began
    return [round(took, 1), f"{took / starts * 1e6:.1f}", len(found), found.euler, found.unsettled, len(found.edges)]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="with few starts; to test the benchmark")
    starts, before = 2000 if options.parse_args().quick else 10**6, report.machine()
    data = {name: row(text, starts) for name, text in CASES.items()}
    head = [f"{starts:,} starts", "processor time, s", "us a start", "points", "sum", "unsettled", "descents"]
    report.save("atlas", data, report.table(head, [[name, *values] for name, values in data.items()]), before)


if __name__ == "__main__":
    main()
