"""Checks of keys that do not fit each other, a module for each section of a spec."""

from saddlescape.spec.checks import idle, network, problem, record, starts, training
from saddlescape.spec.checks.check import CHOICES, LARGEST, NOTHING, Chosen, SpecCheck

__all__ = ["CHECKS", "CHOICES", "LARGEST", "NOTHING", "Chosen"]

LENGTH = ("problem", "training.batch", "training.steps", "training.epochs")
DRAWS = ("starts.kind", "starts.direction")

CHECKS: list[tuple[tuple[str, ...], SpecCheck]] = [
    (("problem",), problem.choice),
    (("problem",), problem.data),
    (("network.activation", "network.hidden"), network.activations),
    (("problem", "network.output", "training.loss"), training.loss),
    (("training.optimizer",), training.optimizer),
    (("training", "network.dtype", "record"), training.flow),
    (("training.schedule",), training.rate_schedule),
    ((*LENGTH, "stop.gradient"), training.batches),
    (("network.hidden", "training.layer_rates"), training.layer_rates),
    ((*LENGTH, "training.optimizer", "training.time", "record.steps", "record.times"), record.schedule),
    (("network.hidden", "record.fields"), record.measures),
    (("starts.kind",), starts.choice),
    (("problem", "network.hidden", "network.bias", "network.dtype", "starts"), starts.shape),
    (("network.dtype",), network.numbers),
    (("starts.kind",), idle.axis("starts.scale", "these starts have no scale", idle.given)),
    (("training.optimizer",), idle.axis("training.learning_rate", "the flow has none", lambda spec: spec.flows, False)),
    (("starts.kind", "network.bias"), idle.axis("starts.biases", "no bias is drawn", idle.no_biases)),
    ((*DRAWS, "training.batch", "training.noise"), idle.axis("starts.seed", "nothing is drawn", idle.undrawn)),
    (("network.hidden",), idle.axis("network.activation", "there are no hidden units", idle.shallow)),
]
"""Each check, and the keys that it needs sound: where one is at fault already, it says nothing."""
