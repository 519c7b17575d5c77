"""The same training by PyTorch's own optimizers, schedulers, autograd and float64."""

import numpy as np
import torch
from torch.optim import lr_scheduler

from saddlescape.network import layout

torch.set_default_dtype(torch.float64)  # the product of factors that NAdam keeps has the default type

STEPS = 1000
SEED = 20120425
"""Of the start.  Rprop follows the sign of a component however near zero; from other starts rounding decides one."""
SIZES = (2, 3, 1)
X = [[0, 0], [0, 1], [1, 0], [1, 1]]
T = [[-0.8], [0.8], [0.8], [-0.8]]
NUMBERS = {
    "momentum": 0.9, "epsilon": 1e-8, "smoothing": 0.99, "beta1": 0.9, "beta2": 0.999, "eta_plus": 1.2,
    "eta_minus": 0.5, "step_max": 50.0, "step_min": 1e-6, "weight_decay": 0.01, "schedule_decay": 0.998,
    "momentum_decay": 0.004, "clip": 0.1, "l1": 0.003, "bias_rate": 0.3, "warmup": 50.0, "schedule_steps": 10.0,
    "cycle_peak": 0.3 * STEPS - 1, "cycle_end": STEPS - 1.0,
}  # fmt: skip
OPTIMIZERS = {
    "gd": (torch.optim.SGD, {"lr": 0.1}),
    "momentum": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.1, "eps": 1e-8}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.0003}),
    "adam": (torch.optim.Adam, {"lr": 0.01}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.01}),
    "amsgrad": (torch.optim.Adam, {"lr": 0.01, "amsgrad": True}),
    "nadam": (torch.optim.NAdam, {"lr": 0.002}),
    "adamax": (torch.optim.Adamax, {"lr": 0.01}),
    "adadelta": (torch.optim.Adadelta, {"lr": 1.0, "rho": 0.99, "eps": 1e-8}),
    "rprop": (torch.optim.Rprop, {"lr": 0.01}),
}
DECAYED = {"weight_decay": True, "decay": "weights"}
CASES = {
    **{name: {} for name in OPTIMIZERS},
    **{f"{name} decay": {"weight_decay": True} for name in ("gd", "nesterov", "adagrad", "rmsprop", "adam")},
    **{f"{name} schedule": {"schedule": "exponential"} for name in ("momentum", "adam")},
    **{f"{name} online": {"batch": 1} for name in ("momentum", "adam")},
    **{f"{name} decay": {"weight_decay": True} for name in ("amsgrad", "nadam", "adamax", "adadelta")},
    "momentum clip": {"clip": True},
    "momentum l1": {"l1": True},
    "momentum biases": {"bias_rate": True},
    "gd weights": DECAYED,
    "adam warmup": {"warmup": True},
    "gd step": {"schedule": "step"},
    "momentum one_cycle": {"schedule": "one_cycle"},
    "adam batches": {"batch": 3},
    "nesterov all": {**DECAYED, "clip": True, "l1": True, "bias_rate": True, "warmup": True, "schedule": "step",
                     "batch": 3},
    "adamw all": {"decay": "weights", "clip": True, "l1": True, "bias_rate": True, "schedule": "one_cycle"},
}  # fmt: skip
"""Name (its first word is the optimizer): options of a Trainer."""

SCHEDULERS = {
    "exponential": lambda optimizer, rates: lr_scheduler.LambdaLR(optimizer, lambda t: NUMBERS["schedule_decay"] ** t),
    "step": lambda optimizer, rates: lr_scheduler.StepLR(
        optimizer, int(NUMBERS["schedule_steps"]), NUMBERS["schedule_decay"]
    ),
    "one_cycle": lambda optimizer, rates: lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=STEPS, cycle_momentum=False
    ),
}
BIAS = layout.is_bias(SIZES, True)


def forward(theta, x):
    """Outputs of the tanh network with flat parameters `theta`."""
    for rows in layout.layers(SIZES, True):
        w = theta[torch.as_tensor(rows)]
        x = torch.tanh(x @ w[:, :-1].T + w[:, -1])
    return x


def parameter_groups(case, start):
    """All parameters in one group or, where biases are treated apart, weights and biases; and how to join them."""
    options, rate = CASES[case], OPTIMIZERS[case.split()[0]][1]["lr"]
    apart = options.get("bias_rate") or options.get("decay") == "weights"
    masks, groups = (~BIAS, BIAS) if apart else (np.ones(len(BIAS), dtype=bool),), []
    for mask, is_bias in zip(masks, (False, True), strict=False):
        leaf = torch.tensor(start[mask], requires_grad=True)
        groups.append(group := {"params": [leaf], "lr": rate})
        if is_bias and options.get("bias_rate"):
            group["lr"] = rate * NUMBERS["bias_rate"]
        if is_bias and options.get("decay") == "weights":
            group["weight_decay"] = 0.0
        elif options.get("weight_decay"):
            group["weight_decay"] = NUMBERS["weight_decay"]
    places = torch.as_tensor(np.argsort(np.concatenate([np.flatnonzero(mask) for mask in masks])))
    return groups, lambda: torch.cat([group["params"][0] for group in groups])[places]


def change_gradient(groups, options):
    """Clip the gradient of the loss, then add that of l1."""
    if options.get("clip"):
        torch.nn.utils.clip_grad_norm_([group["params"][0] for group in groups], NUMBERS["clip"])
    for group in groups[:1] if options.get("decay") == "weights" else groups:
        if options.get("l1"):
            group["params"][0].grad.add_(NUMBERS["l1"] * group["params"][0].detach().sign())


def schedulers(optimizer, options):
    """PyTorch's schedulers of a case."""
    rates = [group["lr"] for group in optimizer.param_groups]
    if options.get("warmup"):
        steps = int(NUMBERS["warmup"])
        yield lr_scheduler.LinearLR(optimizer, 1 / steps, total_iters=steps - 1)
    if "schedule" in options:
        yield SCHEDULERS[options["schedule"]](optimizer, rates)


def trajectory(case, start):
    """Parameters at steps 0 to STEPS from `start`, (STEPS + 1, n_params) float64."""
    options, (optimizer, arguments) = CASES[case], OPTIMIZERS[case.split()[0]]
    groups, theta = parameter_groups(case, start)
    optimizer = optimizer(groups, **arguments)
    rates = list(schedulers(optimizer, options))
    x, t = (torch.tensor(values, dtype=torch.float64) for values in (X, T))
    size, path = options.get("batch", len(X)), [theta().detach()]
    for step in range(STEPS):
        here = slice(first := step % -(-len(X) // size) * size, first + size)
        optimizer.zero_grad()
        (0.5 * (forward(theta(), x[here]) - t[here]) ** 2).sum().backward()
        change_gradient(groups, options)
        optimizer.step()
        for rate in rates:
            rate.step()
        path.append(theta().detach())
    return torch.stack(path).numpy()
