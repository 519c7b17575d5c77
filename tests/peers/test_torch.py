"""Every optimizer against PyTorch's, every step of 1000."""

import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch_runs

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden_cases import kernel_trajectory
from tolerances import PEERS

import saddlescape
from saddlescape.spec.sections import Training
from saddlescape.words.optimizers import OPTIMIZERS


@pytest.mark.parametrize("case", torch_runs.CASES)
def test_a_thousand_steps_equal_torch(case):
    optimizer, options = case.split()[0], torch_runs.CASES[case]
    start = np.random.default_rng(torch_runs.SEED).normal(0, 0.5, 13)
    every = 4 if options.get("batch") else 1
    steps = np.arange(0, torch_runs.STEPS + 1, every)
    rate = torch_runs.OPTIMIZERS[optimizer][1]["lr"]
    path = kernel_trajectory(optimizer, options, start, torch_runs.X, torch_runs.T, torch_runs.NUMBERS, rate, steps)
    np.testing.assert_allclose(path, torch_runs.trajectory(case, start)[steps], rtol=PEERS, atol=PEERS)


NAMES = {"eps": "epsilon", "alpha": "smoothing", "rho": "smoothing"} | {
    name: name for name in ("momentum", "weight_decay", "momentum_decay")
}
PAIRS = {"betas": ("beta1", "beta2"), "etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")}
DIFFER = {
    ("momentum", "momentum"): 0, ("nesterov", "momentum"): 0, ("adagrad", "epsilon"): 1e-10,
    ("adamw", "weight_decay"): 0.01,
}  # fmt: skip
"""Defaults of PyTorch that are not those here, as docs/spec.md says."""


def torch_defaults(optimizer):
    for name, parameter in inspect.signature(torch_runs.OPTIMIZERS[optimizer][0]).parameters.items():
        if name in NAMES:
            yield NAMES[name], parameter.default
        elif name in PAIRS:
            yield from zip(PAIRS[name], parameter.default, strict=True)


def test_defaults_are_those_of_torch_but_for_the_documented():
    defaults = Training().model_dump()
    differ = {
        (optimizer, name): torch_default
        for optimizer in torch_runs.OPTIMIZERS
        for name, torch_default in torch_defaults(optimizer)
        if name in OPTIMIZERS[optimizer].hyperparameters
        and torch_default != OPTIMIZERS[optimizer].defaults.get(name, defaults[name])
    }
    assert differ == DIFFER
    gammas = [
        inspect.signature(torch.optim.lr_scheduler.StepLR).parameters["gamma"].default, defaults["schedule_decay"]
    ]
    assert gammas == [0.1, 0.999]


def test_the_network_of_the_docs_has_the_outputs_of_its_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs/how-to.md").read_text()
    names = {}
    exec(re.search(r"## Take a network to PyTorch.*?```python\n(.*?)```", page, re.DOTALL)[1], names)
    theta, X = names["r"].sel(scale=1.0).final_theta[:1], np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)
    ours = saddlescape.outputs(names["r"].sweep.spec, theta, X)
    assert np.ptp(ours) > 0.1
    with torch.no_grad():
        np.testing.assert_allclose(np.ravel(ours), names["network"](torch.tensor(X)).numpy().ravel(), rtol=PEERS)
