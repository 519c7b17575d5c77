"""Measure how many starts of each kind a core draws per second: processor time of a block of runs."""

import argparse
import time
from pathlib import Path

import numpy as np
import report

from saddlescape.kernels import sample
from saddlescape.plan import starts
from saddlescape.plan.plan import BLOCK_RUNS
from saddlescape.spec import parse
from saddlescape.words.starts import STARTS

HIDDEN = {"2-2-1": [2], "2-8-8-1": [8, 8]}


def rate(kind, hidden, rounds):
    """Return millions of starts per second of processor time, the most of some rounds."""
    text = f'[problem]\nname = "xor"\n[network]\nhidden = {hidden}\n[starts]\nkind = "{kind}"\n'
    spec, runs = parse(text, Path()).spec, np.arange(BLOCK_RUNS)
    numbers, took = {"starts.scale": np.full(BLOCK_RUNS, 1.5)}, []
    for _ in range(rounds + 1):  # the first compiles
        began = time.thread_time()
        starts.draw(spec, runs, sampler=sample, numbers=numbers)
        took.append(time.thread_time() - began)
    return BLOCK_RUNS / min(took[1:]) / 1e6


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="once; to test the benchmark")
    rounds, before = 1 if options.parse_args().quick else 50, report.machine()
    kinds = [kind for kind, its in STARTS.items() if its.seeded]
    data = {kind: [rate(kind, hidden, rounds) for hidden in HIDDEN.values()] for kind in kinds}
    text = report.table(["millions of starts a second and core", *HIDDEN], [[kind, *row] for kind, row in data.items()])
    report.save("starts", data, text, before)


if __name__ == "__main__":
    main()
