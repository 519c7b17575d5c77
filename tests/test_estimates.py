"""What is said of a run before it: at most so much memory, disk and time; over specs of many kinds."""

import json
import subprocess
import sys

import pytest
from spec_cases import TINY
from test_cost import taken

# Of this process alone: ru_maxrss of a child starts with the memory of the process that forked it.
PEAK = """
import sys, time
from pathlib import Path
from saddlescape.plan import plan
from saddlescape_cli.main import main

plan.BLOCK_RUNS = int(sys.argv.pop(1))
try:
    main()
finally:
    told = Path("/proc/self/status").read_text().split()
    print(1024 * int(told[told.index("VmHWM:") + 1]), time.process_time())
"""


def axis(key, values):
    return f'[[axes]]\nkey = "{key}"\nvalues = {json.dumps(values)}\n'


THREADS = 2
TEACHER = 'name = "teacher"\nsamples = 4096\ninputs = 64\noutputs = 64\nhidden = 4'
BIG = TINY.replace('name = "xor"', TEACHER).replace("steps = 20", "steps = 1").replace("count = 10", "count = 1")
BIG = BIG.replace("learning_rate = 0.5", "learning_rate = 0.001")
DEEP = TINY.replace("hidden = [2]", "hidden = [8, 8, 8, 8, 8, 8, 8, 8]")
EVERY = ("record.runs='all'", "record.steps='every:1'")
CASES = {
    "the smallest": (TINY, (), 2**14),
    "many problems": (BIG + axis("problem.seed", list(range(20))), ("record.runs=0",), 2**14),
    "many blocks": (TINY, ("starts.count=500", "record.runs=0"), 1),
    "many runs": (TINY, ("starts.count=100000", "record.runs=0"), 2**14),
    "trajectories": (TINY, ("starts.count=9000", *EVERY), 2**14),
    "parameters": (TINY, ("starts.count=9000", *EVERY, "record.parameters=true"), 2**14),
    "ends": (TINY, ("starts.count=20000", "record.runs=0", "record.final_parameters=true"), 2**14),
    "float32": (TINY, ("starts.count=20000", "network.dtype=float32", "record.final_parameters=true"), 2**14),
    "per outcome": (TINY, ("starts.count=5000", "record.runs={per_outcome=3}", "record.steps='every:1'"), 1000),
    "batches": (TINY, ("starts.count=2000", "training.batch=online"), 2**14),
    "an axis of numbers": (TINY + axis("starts.scale", [1 + n / 1e4 for n in range(5000)]), ("record.runs=0",), 2**14),
    "a shard": (TINY, ("starts.count=300", "record.runs=0", "shard"), 1),
}
SLOW = {
    "a flow": (TINY, ("training.optimizer=flow", "training.learning_rate=", "starts.count=2000"), 2**14),
    "many structures": (TINY + axis("network.hidden", [[n] for n in range(1, 13)]), ("record.runs=0",), 2**14),
    "many blocks of much": (TINY, ("starts.count=20000", "record.runs=0"), 1),
    "two dtypes": (TINY + axis("network.dtype", ["float64", "float32"]), (), 2**14),
    "long trajectories": (TINY, ("starts.count=300", "training.steps=20000", *EVERY, "record.parameters=true"), 2**14),
    "a deep network in batches": (DEEP, ("training.batch=3",), 2**14),
    "decay or none": (TINY + axis("training.weight_decay", [0, 0.01]), ("stop.gradient=1e-9",), 2**14),
    "outputs": (TINY, ('record.fields=["loss", "outputs"]',), 2**14),
    "more problems": (BIG + axis("problem.seed", list(range(600))), ("record.runs=0",), 2**14),
}
QUICK = ("many problems",)
EACH = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in (CASES | SLOW) if name not in QUICK)]


def run(block, *words):
    """What the command line prints with blocks of so many runs, and its peak of memory and its processor time."""
    command = [sys.executable, "-c", PEAK, str(block), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *printed, measured = done.stdout.splitlines()
    peak, processor = measured.split()
    return "\n".join(printed), int(peak), float(processor)


@pytest.mark.parametrize("case", EACH)
def test_a_run_takes_no_more_than_was_said(tmp_path, case):
    text, overrides, block = (CASES | SLOW)[case]
    (tmp_path / "spec.toml").write_text(text)
    settings = [word for key in overrides if key != "shard" for word in ("--set", key)]
    settings += ["--shard", "1/2"] if "shard" in overrides else []
    words = ["run", str(tmp_path / "spec.toml"), "-o", str(tmp_path / "run"), "--json", *settings]
    words += ["--threads", str(THREADS)]
    printed, _, _ = run(block, *words, "--dry-run")
    said, (_, peak, processor) = json.loads(printed), run(block, *words)
    assert peak < said["memory_bytes"]
    assert taken(tmp_path / "run") < said["disk_bytes"]
    assert processor < THREADS * said["seconds"]
