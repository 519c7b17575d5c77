"""The same training by PyTorch's own optimizers, autograd and float64."""

import torch

from saddlescape.network import layout

STEPS = 1000
SEED = 20120425
"""Of the start.  Rprop follows the sign of a component however near zero; from other starts rounding decides one."""
SIZES = (2, 3, 1)
X = [[0, 0], [0, 1], [1, 0], [1, 1]]
T = [[-0.8], [0.8], [0.8], [-0.8]]
NUMBERS = {
    "momentum": 0.9, "epsilon": 1e-8, "smoothing": 0.99, "beta1": 0.9, "beta2": 0.999, "eta_plus": 1.2,
    "eta_minus": 0.5, "step_max": 50.0, "step_min": 1e-6, "weight_decay": 0.01, "schedule_decay": 0.998,
    "momentum_decay": 0.004,
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
CASES = {
    **{name: {} for name in OPTIMIZERS},
    **{f"{name} decay": {"weight_decay": True} for name in ("gd", "nesterov", "adagrad", "rmsprop", "adam")},
    **{f"{name} schedule": {"schedule": "exponential"} for name in ("momentum", "adam")},
    **{f"{name} online": {"batch": 1} for name in ("momentum", "adam")},
}
"""Name (its first word is the optimizer): options of a Trainer."""


def forward(theta, x):
    """Outputs of the tanh network with flat parameters `theta`."""
    for rows in layout.layers(SIZES, True):
        w = theta[torch.as_tensor(rows)]
        x = torch.tanh(x @ w[:, :-1].T + w[:, -1])
    return x


def trajectory(case, start):
    """Parameters at steps 0 to STEPS from `start`, (STEPS + 1, n_params) float64."""
    options, (optimizer, arguments) = CASES[case], OPTIMIZERS[case.split()[0]]
    theta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    decay = {"weight_decay": NUMBERS["weight_decay"]} if options.get("weight_decay") else {}
    optimizer = optimizer([theta], **arguments, **decay)
    x, t = (torch.tensor(values, dtype=torch.float64) for values in (X, T))
    size, path = options.get("batch", len(X)), [theta.detach().clone()]
    for step in range(STEPS):
        if "schedule" in options:
            optimizer.param_groups[0]["lr"] = arguments["lr"] * NUMBERS["schedule_decay"] ** step
        here = slice(step * size % len(X), step * size % len(X) + size)
        optimizer.zero_grad()
        (0.5 * (forward(theta, x[here]) - t[here]) ** 2).sum().backward()
        optimizer.step()
        path.append(theta.detach().clone())
    return torch.stack(path).numpy()
