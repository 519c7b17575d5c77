"""Write data/golden/torch-steppers.npz: PyTorch's trajectories at a few steps, kept for the quick tests.

Run from the root of the project with the peers' environment: ``python tests/peers/make_golden.py``.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch_runs

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden_cases import GOLDEN

AT = np.array([0, 4, 40, 400, 1000])


def main():
    start = np.random.default_rng(torch_runs.SEED).normal(0, 0.5, 13)
    origin = {
        "made by": "tests/peers/make_golden.py", "torch": torch.__version__, "X": torch_runs.X, "T": torch_runs.T,
        "numbers": torch_runs.NUMBERS, "cases": torch_runs.CASES,
        "learning_rates": {name: arguments["lr"] for name, (_, arguments) in torch_runs.OPTIMIZERS.items()},
    }  # fmt: skip
    paths = {case: torch_runs.trajectory(case, start)[AT] for case in torch_runs.CASES}
    with np.load(GOLDEN) as old:
        assert all((old[case] == paths[case]).all() for case in json.loads(str(old["origin"]))["cases"])
    np.savez(GOLDEN, origin=json.dumps(origin), start=start, steps=AT, **paths)


if __name__ == "__main__":
    main()
