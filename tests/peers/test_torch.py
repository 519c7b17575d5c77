"""Every optimizer against PyTorch's, every step of 1000."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch_runs

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden_cases import kernel_trajectory
from tolerances import PEERS


@pytest.mark.parametrize("case", torch_runs.CASES)
def test_a_thousand_steps_equal_torch(case):
    optimizer, options = case.split()[0], torch_runs.CASES[case]
    start = np.random.default_rng(torch_runs.SEED).normal(0, 0.5, 13)
    every = 4 if options.get("batch") else 1
    steps = np.arange(0, torch_runs.STEPS + 1, every)
    rate = torch_runs.OPTIMIZERS[optimizer][1]["lr"]
    path = kernel_trajectory(optimizer, options, start, torch_runs.X, torch_runs.T, torch_runs.NUMBERS, rate, steps)
    np.testing.assert_allclose(path, torch_runs.trajectory(case, start)[steps], rtol=PEERS, atol=PEERS)
