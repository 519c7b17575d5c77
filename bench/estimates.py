"""Compare the time that a dry run prints with the processor time of the run after it, on one thread.

The dry run starts without machine code on disk; it leaves the kernel of its probe there.
"""

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


def saddlescape(cache, *words):
    """Return the processor seconds and the output of a command with this cache of machine code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "saddlescape", *map(str, words)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def measure(problem, count, steps, key, values):
    """Return the seconds that a dry run prints, and the processor seconds of the run after it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = SPEC.format(problem=problem, count=count, steps=steps, key=key, values=json.dumps(values))
        (folder / "spec.toml").write_text(text)
        run = ("run", folder / "spec.toml", "-o", folder / "run", "--threads", 1, "--json")
        _, printed = saddlescape(folder / "cache", *run, "--dry-run")
        return json.loads(printed)["seconds"], saddlescape(folder / "cache", *run)[0]


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
