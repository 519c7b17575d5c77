"""The same training in PyTorch: ``vmap(grad(loss))``, with steps in place from Python."""

from itertools import pairwise

import torch
from torch.func import grad, vmap


def loss(theta, sizes, X, T):
    """Half the sum of squares of one network, from its parameters (n_params,)."""
    y, first = X, 0
    for before, after in pairwise(sizes):
        size = after * (before + 1)
        weights = theta[first : first + size].reshape(after, before + 1)
        y, first = torch.tanh(y @ weights[:, :-1].T + weights[:, -1]), first + size
    return 0.5 * ((y - T) ** 2).sum()


def peer(sizes, X, T, rate, device="cpu"):
    """Return ``run(theta, steps)``, which returns the parameters (networks, n_params) after gradient descent."""

    def run(theta, steps):
        theta = torch.tensor(theta, device=device)
        x, target = (torch.tensor(a, dtype=theta.dtype, device=device) for a in (X, T))
        slope = vmap(grad(lambda w: loss(w, sizes, x, target)))
        with torch.no_grad():
            for _ in range(steps):
                theta.sub_(slope(theta), alpha=rate)
        return theta.cpu().numpy()

    return run
