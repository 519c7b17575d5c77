"""Checks of the training."""

import json
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault
from saddlescape.spec.checks.check import Chosen, idle, layers
from saddlescape.spec.checks.problem import is_valid
from saddlescape.spec.spec import Spec
from saddlescape.words.losses import LOSSES, Targets
from saddlescape.words.optimizers import HYPERPARAMETERS, owners
from saddlescape.words.schedules import SCHEDULES


def loss(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The output activation and the targets fit the loss."""
    name, output = spec.training.loss, spec.network.output
    needed = LOSSES[name].output
    if needed is not None and output != needed:
        yield Fault("training.loss", f'"{name}" needs output = "{needed}"; got {output!r}')
    if LOSSES[name].targets is not Targets.ANY and is_valid(spec):
        yield from _probabilities(name, spec.loaded.T)


def _probabilities(name: str, T: npt.NDArray[np.float64]) -> Iterator[Fault]:
    outside, totals = T[(T < 0) | (T > 1)], T.sum(axis=1)
    off = np.flatnonzero(abs(totals - 1) > 1e-9)
    if len(outside):
        yield Fault("training.loss", f'"{name}" needs targets from 0 to 1; got {outside[0]:g}; use "mse"')
    elif LOSSES[name].targets is Targets.DISTRIBUTIONS and len(off):
        message = f"needs targets that add up to 1 in each sample; got {totals[off[0]]:g} in sample {off[0]}"
        yield Fault("training.loss", f'"{name}" {message}; use "bce_logits"')


def optimizer(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The optimizer uses all hyperparameters that are set."""
    keys = spec.training
    for key in (key for key in HYPERPARAMETERS if key in keys.model_fields_set and key != "learning_rate"):
        if keys.optimizer not in owners(key):
            who, more = " or ".join(f'"{owner}"' for owner in owners(key)), " or change the optimizer"
            reason = f"belongs to optimizer = {who}"
            if key == "l1" and spec.flows:
                reason = 'does not go with optimizer = "flow", as the slope of |theta| jumps at 0'
            yield from idle(f"training.{key}", reason, "training.optimizer", chosen, more)
    if keys.step_min > keys.step_max:
        yield Fault("training.step_min", f"must be at most step_max = {keys.step_max:g}; got {keys.step_min:g}")


_FLOW = {
    "schedule": "constant", "layer_rates": None, "batch": "full", "epochs": None, "bias_rate": 1.0, "warmup": 0.0
}  # fmt: skip
"""Keys of `training` with the only values that the flow allows."""


def flow(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The flow has no keys that refer to steps; only the flow has recorded times."""
    keys = spec.training
    if not spec.flows:
        if "times" in spec.record.model_fields_set:
            more = " and write record.steps, or change the optimizer"
            yield from idle("record.times", 'belongs to optimizer = "flow"', "training.optimizer", chosen, more)
        return
    unused = {
        "training.learning_rate": keys,
        "training.dropout": keys,
        "record.steps": spec.record,
        "record.epochs": spec.record,
    }
    paths = [
        f"training.{key}"
        for key, only in _FLOW.items()
        if getattr(keys, key) != only or any(value != only for value in chosen.get(f"training.{key}", ()))
    ]
    paths += [path for path, section in unused.items() if path.split(".")[1] in section.model_fields_set]
    for path in paths:
        reason = 'does not go with optimizer = "flow", which follows the gradient in time'
        yield from idle(path, reason, "training.optimizer", chosen)
    if spec.network.dtype != "float64":
        yield Fault("network.dtype", f'must be "float64" with optimizer = "flow"; got "{spec.network.dtype}"')


def rate_schedule(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The schedule uses `schedule_decay` and `schedule_steps`, and allows their values."""
    keys, stepwise = spec.training, 'schedule = "step"'
    if "schedule_steps" in keys.model_fields_set and keys.schedule != "step":
        yield from idle("training.schedule_steps", f"belongs to {stepwise}", "training.schedule", chosen)
    if "schedule_steps" not in keys.model_fields_set and keys.schedule == "step":
        yield Fault("training.schedule_steps", f"is missing; {stepwise} needs it, for example schedule_steps = 100")
    if "schedule_decay" in keys.model_fields_set and not SCHEDULES[keys.schedule].decays:
        who = " or ".join(f'"{name}"' for name, schedule in SCHEDULES.items() if schedule.decays)
        yield from idle("training.schedule_decay", f"belongs to schedule = {who}", "training.schedule", chosen)
    outside = [d for d in (chosen.get("training.schedule_decay") or [keys.schedule_decay]) if not 0 < d <= 1]
    if keys.schedule in ("exponential", "step") and outside:
        requirement = f'must be greater than 0 and at most 1 with schedule = "{keys.schedule}"'
        yield Fault("training.schedule_decay", f"{requirement}; got {outside[0]:g}; 1 keeps the rate constant")


def batches(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """The steps are whole epochs; batches do not have a limit of the gradient."""
    keys = spec.training
    if keys.epochs is not None and "steps" in keys.model_fields_set:
        yield Fault("training.epochs", f"cannot be combined with steps; got both, steps = {keys.steps}; leave one out")
    if not is_valid(spec):
        return
    samples = spec.samples
    if spec.batch > samples:
        requirement = f"must be at most {samples}, the number of samples"
        yield Fault("training.batch", f'{requirement}; got {spec.batch}; or write "full"')
    elif spec.steps % spec.epoch:
        epochs = -(-spec.steps // spec.epoch)
        message = f"must be a multiple of {spec.epoch}, the steps of an epoch; got {spec.steps}"
        yield Fault("training.steps", f"{message}; or write epochs = {epochs}")
    if spec.batch and max((spec.stop.gradient, *chosen.get("stop.gradient", ()))) > 0:
        reason = "as the gradient over all samples is not computed with minibatches"
        got = json.dumps(keys.batch, default=str)
        yield Fault("stop.gradient", f'needs batch = "full", {reason}; got batch = {got}')


def layer_rates(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """There is one learning-rate factor for each layer of weights."""
    yield from layers(spec, "training.layer_rates", spec.training.layer_rates)
