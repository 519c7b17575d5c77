"""Checks of keys that do not fit each other, one module for each section of a spec."""

from saddlescape.spec.checks import events, idle, network, problem, record, starts, training
from saddlescape.spec.checks.check import LARGEST, Chosen, Idle, SpecCheck

__all__ = ["CHECKS", "LARGEST", "Chosen", "Idle"]

LENGTH = ("problem", "training.batch", "training.steps", "training.epochs")
BIASES = ("starts.kind", "network.bias", "starts.biases", "starts.bias_constant")
DECAY = ("network.bias", "training.weight_decay", "training.l1")
STEPS = ("training.batch", "training.noise", "training.dropout")
DRAWS = ("starts.kind", "starts.direction")

CHECKS: list[tuple[tuple[str, ...], SpecCheck]] = [
    (("problem",), problem.choice),
    (("problem",), problem.data),
    (("problem",), problem.drawn),
    (("problem",), problem.test),
    (("problem",), problem.scales),
    (("network.activation", "network.hidden"), network.activations),
    (("problem", "network.hidden", "network.skip"), network.skip),
    (("problem", "network.output", "training.loss"), training.loss),
    (("training.optimizer",), training.optimizer),
    (("training", "network.dtype", "record"), training.flow),
    (("training.schedule",), training.rate_schedule),
    ((*LENGTH, "stop.gradient"), training.batches),
    (("network.hidden", "training.layer_rates"), training.layer_rates),
    (
        (*LENGTH, "training.optimizer", "training.time", "record.steps", "record.epochs", "record.times"),
        record.schedule,
    ),
    (("problem", "network.hidden", "record.fields"), record.measures),
    (("starts.kind",), starts.choice),
    (("starts.kind", "starts.centre"), starts.sparse),
    (("problem", "network.hidden", "network.bias", "network.dtype", "starts"), starts.shape),
    (("network.hidden", "network.dtype", "starts.layer_scales", "starts.bias_constant"), starts.by_layer),
    (("network.dtype",), network.numbers),
    (("problem", "events.accuracy"), events.classes),
    (("stop.solved", "stop.at_solved", "events"), events.going_on),
    idle.key("starts.count", "each point of a slice is one start", idle.grid, "starts.kind"),
    idle.key("starts.scale", "these starts have no scale", idle.unscaled, "starts.kind"),
    idle.key("starts.biases", "no bias is drawn", idle.undrawn_biases, "starts.kind", "network.bias"),
    idle.key("starts.layer_scales", "these starts have no scale", idle.unscaled, "starts.kind"),
    idle.key("starts.centre", "these starts have no scale", idle.unscaled, "starts.kind"),
    idle.key("starts.bias_scale", "no bias is drawn", idle.no_drawn_biases, *BIASES),
    idle.key("starts.bias_constant", "no bias has a start of its own", idle.no_biases, "starts.kind", "network.bias"),
    idle.key("starts.bias_constant", "biases = false sets them to zero", idle.zero_biases, "starts.biases"),
    idle.key("starts.seed", "nothing is drawn", idle.undrawn, *DRAWS, *STEPS),
    idle.key("training.bias_rate", "there are no biases", idle.unbiased, "network.bias"),
    idle.key("training.decay", "neither weight_decay nor l1 is set, or there are no biases", idle.unpenalized, *DECAY),
    idle.key("training.dropout", "there are no hidden units", idle.shallow, "network.hidden"),
    idle.key("network.activation", "there are no hidden units", idle.shallow, "network.hidden"),
]
"""Each check with the keys that it needs; if one of them is faulty already, the check is skipped."""
