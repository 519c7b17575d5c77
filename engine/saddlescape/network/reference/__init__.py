"""The reference implementation of the kernels in plain NumPy: one network, slow and easy to read.

The kernels are tested against it.
"""

from saddlescape.network.reference.activations import ACTIVATIONS, activate
from saddlescape.network.reference.losses import LINKS, LOSSES
from saddlescape.network.reference.measures import (
    cosine,
    effective_width,
    imbalance,
    layer_norm,
    norm,
    separation,
)
from saddlescape.network.reference.network import Network, loss_and_gradient, outputs
from saddlescape.network.reference.optimizers import RULES, SCHEDULES, schedule, step
from saddlescape.network.reference.training import Limits, batches, events, trajectory

__all__ = [
    "ACTIVATIONS",
    "LINKS",
    "LOSSES",
    "RULES",
    "SCHEDULES",
    "Limits",
    "Network",
    "activate",
    "batches",
    "cosine",
    "effective_width",
    "events",
    "imbalance",
    "layer_norm",
    "loss_and_gradient",
    "norm",
    "outputs",
    "schedule",
    "separation",
    "step",
    "trajectory",
]
