"""Measure the cost of recording: processor time of blocks with and without trajectories, and their bytes per second.

Compression is timed separately, on the same trajectories.
"""

import argparse
import time

import report

from saddlescape.plan import Plan
from saddlescape.runs.compute import compute
from saddlescape.spec import load
from saddlescape.store import blocks
from saddlescape.words.measures import MEASURES

SAMPLED = {
    "256 of 4096 runs": "record.runs=256",
    "32 of each outcome": "record.runs={per_outcome=32}",
}
DERIVED = ("sharpness", "ntk_change")
"""Measures of derivatives, of 256 of 4096 runs."""
ALL = {
    "loss": ("record.fields=['loss']",),
    "loss, gradient norm, separation": (),
    "loss and parameters": ("record.fields=['loss']", "record.parameters=true"),
    "all three and parameters": ("record.parameters=true",),
}


def plan_of(*settings):
    """Return the plan of the bundled XOR sweep in which no run is solved, so that each takes all its steps."""
    return Plan(load("xor", ["stop.solved=0", *settings]))


def timed(plan, rounds, work=compute):
    """Return the least processor seconds of the last block, and its result."""
    block, took = plan.block(plan.blocks - 1), []
    work(plan, block)  # compiles
    for _ in range(rounds):
        began = time.process_time()
        done = work(plan, block)
        took.append(time.process_time() - began)
    return min(took), done


def stored(data):
    """Return the number of bytes of the trajectories."""
    return sum(values.nbytes for name, values in data.items() if name in MEASURES or name == "theta")


def sampled(steps, rounds):
    """Measure the cost of recording at log:64 relative to the run, for each choice of recorded runs."""
    settings = (f"training.steps={steps}",)
    without, _ = timed(plan_of(*settings, "record.runs=0"), rounds)
    return {name: timed(plan_of(*settings, runs), rounds)[0] / without - 1 for name, runs in SAMPLED.items()}


def derived(steps, rounds):
    """Measure the cost of measures of derivatives relative to the run with the recorded measures of the sweep."""
    settings = (f"training.steps={steps}",)
    without, _ = timed(plan_of(*settings), rounds)
    fields = {name: f"record.fields=['loss', 'grad_norm', 'separation', '{name}']" for name in DERIVED}
    return {name: timed(plan_of(*settings, key), rounds)[0] / without - 1 for name, key in fields.items()}


def whole(rounds):
    """Measure MB, MB per second of recording and of compression, for each choice of recorded measures."""
    settings = ("starts.count=1024", "training.steps=1000", "record.steps=every:10")
    without, _ = timed(plan_of(*settings, "record.runs=0"), rounds)
    rates = {}
    for name, keys in ALL.items():
        plan = plan_of(*settings, "record.runs=all", *keys)
        took, data = timed(plan, rounds)
        encoded, _ = timed(plan, 1, lambda plan, block, data=data: blocks.encode(plan, block, data))
        rates[name] = [stored(data) / 1e6, stored(data) / 1e6 / (took - without), stored(data) / 1e6 / encoded]
    return rates


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="small numbers, once; to test the benchmark")
    arguments, before = options.parse_args(), report.machine()
    steps, rounds = (1000, 1) if arguments.quick else (20000, 5)
    data = {"sampled": {f"{steps} steps": sampled(steps, rounds)}, "whole": whole(rounds)}
    data["derived"] = derived(steps, rounds)
    shares = [[name, *row.values()] for name, row in data["sampled"].items()]
    measures = [[name, share] for name, share in data["derived"].items()]
    rates = [[name, *row] for name, row in data["whole"].items()]
    text = "\n\n".join((
        report.table(["recorded at log:64, over the run without", *SAMPLED], shares),
        report.table(["measure of 256 runs at log:64", "over the run without"], measures),
        report.table(["all runs, every 10th of 1000 steps", "MB", "MB/s a core", "MB/s of deflate"], rates),
    ))  # fmt: skip
    report.save("recording", data, text, before)


if __name__ == "__main__":
    main()
