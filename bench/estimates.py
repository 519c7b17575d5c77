"""The time that a dry run prints over the processor time of the run, on one thread, without machine code on disk."""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import report

XOR = 'name = "xor"'
TEACHER = 'name = "teacher"\nsamples = 4096\ninputs = 64\noutputs = 64\nhidden = 4'
SPEC = """[problem]
{problem}
[starts]
count = {count}
[training]
steps = {steps}
learning_rate = 0.001
[record]
runs = 0
[[axes]]
key = "{key}"
values = {values}
"""
CASES = {
    "35 widths": (XOR, 64, 1000, "network.hidden", [[n] for n in range(1, 36)]),
    "10^5 runs": (XOR, 100_000, 1000, "starts.scale", [1.0]),
    "6 activations": (XOR, 64, 1000, "network.activation", ["logistic", "tanh", "relu", "softplus", "gelu", "sin"]),
    "200 teachers of 4096 samples": (TEACHER, 1, 1, "problem.seed", list(range(200))),
}


def saddlescape(folder, *words):
    """(processor seconds, output) of a command with an empty cache of machine code."""
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "saddlescape", *map(str, words)]
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def measure(problem, count, steps, key, values):
    """(seconds of the dry run's estimate, processor seconds of the run)."""
    with tempfile.TemporaryDirectory() as name:
        spec = Path(name) / "spec.toml"
        text = SPEC.format(problem=problem, count=count, steps=steps, key=key, values=json.dumps(values))
        spec.write_text(text)
        run = ("run", spec, "-o", Path(name) / "run", "--threads", 1, "--json")
        estimate = json.loads(saddlescape(name, *run, "--dry-run")[1])["seconds"]
        return estimate, saddlescape(name, *run)[0]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; by default all")
    chosen, before = options.parse_args().cases or CASES, report.machine()
    data = {name: measure(*CASES[name]) for name in chosen}
    rows = [[name, *seconds, seconds[0] / seconds[1]] for name, seconds in data.items()]
    heads = ["run", "estimate, s", "processor time, s", "ratio"]
    report.save("estimates", data, report.table(heads, rows), before)


if __name__ == "__main__":
    main()
