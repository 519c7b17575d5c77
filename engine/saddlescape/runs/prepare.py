"""Prepare the arguments of the kernel, a variant, a problem and a batch, from a spec and the numbers of starts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import Batch, Device, Finished, Needs, Trained, Trainer, device_needs, sample, train
from saddlescape.network.classes import coding
from saddlescape.network.plateau import plateau_loss
from saddlescape.plan import starts
from saddlescape.runs.device_check import check_sample
from saddlescape.spec import NUMERIC, Spec
from saddlescape.system.spacing import log
from saddlescape.words.measures import AFTER
from saddlescape.words.optimizers import OPTIMIZERS, Decay
from saddlescape.words.outcomes import ESCAPE_DROP
from saddlescape.words.schedules import PEAK

Floats = npt.NDArray[np.float64]


def plain_trainer(spec: Spec) -> Trainer:
    """The variant for the network and the loss of a spec, with gradient descent on all samples."""
    network = spec.sizes, spec.network.bias, spec.activations, spec.training.loss
    return Trainer(*network, "gd", skip=spec.network.skip, reduction=spec.training.reduction)


def trainer(spec: Spec, numbers: Mapping[str, Floats]) -> Trainer:
    """The variant of the kernel for a spec: everything that selects compiled code."""
    training = spec.training

    def used(key: str, unused: float = 0) -> bool:
        values = numbers[key]
        own = values if values.strides[0] else values[:1]  # one number for all runs, as of `Sweep.numbers`
        return bool(np.count_nonzero(own != unused if unused else own))  # in less time than any()

    coupled = OPTIMIZERS[training.optimizer].decay is Decay.COUPLED
    return Trainer(
        spec.sizes, spec.network.bias, spec.activations, training.loss, training.optimizer,
        schedule=training.schedule,
        weight_decay=coupled and used("training.weight_decay"),
        layer_rates=training.layer_rates is not None,
        batch=spec.batch,
        shuffled=spec.order == "shuffled",
        noise=used("training.noise"),
        classes=coding(spec.loaded.T) or "" if used("events.accuracy") else "",
        loss_limit=used("events.loss"),
        sampled=spec.order == "sampled",
        dropout=used("training.dropout"),
        skip=spec.network.skip,
        reduction=training.reduction,
        l1=used("training.l1"),
        decay=training.decay,
        bias_rate=used("training.bias_rate", unused=1),
        warmup=used("training.warmup"),
        clip=used("training.clip"),
    )  # fmt: skip


def hyperparameters(spec: Spec, numbers: Mapping[str, Floats]) -> dict[str, Floats]:
    """The hyperparameters of the runs, by the kernel's names."""
    own = {key.removeprefix("training."): values for key, values in numbers.items() if key.startswith("training.")}
    decay = own["schedule_decay"]
    for number, rate in enumerate(spec.training.layer_rates or ()):
        own[f"layer_rate_{number}"] = own.get(f"layer_rates.{number}", np.full(len(decay), rate))
    if spec.training.schedule == "constant" and not spec.flows:  # which has none of the following
        return own
    cycle = {"cycle_peak": PEAK * spec.steps - 1, "cycle_end": spec.steps - 1}
    same = {"half_turn": 0.5 / spec.steps, "time": spec.training.time, **cycle, "log_decay": 0.0}
    own |= {name: np.full(len(decay), value, dtype=np.float64) for name, value in same.items()}
    return own | {"log_decay": log(decay)} if spec.training.schedule in ("exponential", "step") else own


def limits(numbers: Mapping[str, Floats]) -> dict[str, Floats]:
    """Limits by the kernel's names, with numbers that are never reached in place of 0, which stands for never."""
    error, accuracy, loss = (numbers[key] for key in ("stop.solved", "events.accuracy", "events.loss"))
    return {
        "error_limit": np.where(error > 0, error, -1.0),
        "accuracy_limit": np.where(accuracy > 0, accuracy, 2.0),
        "loss_limit": np.where(loss > 0, loss, -1.0),
    }


@dataclass(frozen=True)
class Prepared:
    """Runs of one spec, ready to be trained."""

    spec: Spec
    trainer: Trainer
    batch: Batch
    device: Device | None = None

    def train(
        self,
        batch: Batch | None = None,
        after_slice: Callable[[int], None] | None = None,
        finished: Finished | None = None,
    ) -> Trained:
        """Train the batch, or another batch of the same spec; check some runs of a device on the processor."""
        problem, batch = self.spec.loaded, batch or self.batch
        trained = train(
            self.trainer, problem.X, problem.T, batch,
            device=self.device, after_slice=after_slice, finished=finished,
        )  # fmt: skip
        if self.device is not None:
            check_sample(self.device, self.trainer, problem.X, problem.T, batch, trained, after_slice)
        return trained

    def device_needs(self) -> Needs:
        """The memory that such batches need on a device; this one must have one run, which is recorded."""
        problem = self.spec.loaded
        return device_needs(self.trainer, problem.X, problem.T, self.batch)


def numbers_of(spec: Spec, n: int) -> dict[str, Floats]:
    """The numbers of `n` runs of a spec, by the keys of `NUMERIC`."""
    return {key: np.full(n, spec.number(key)) for key in NUMERIC}


def prepare(
    spec: Spec,
    start: npt.NDArray[np.int64],
    numbers: Mapping[str, Floats] | None = None,
    *,
    theta: Floats | None = None,
    recorded: npt.NDArray[np.int64] | None = None,
    record_at: npt.NDArray[Any] | None = None,
    device: Device | None = None,
    variant: Trainer | None = None,
) -> Prepared:
    """Prepare runs for training.

    Parameters
    ----------
    start : (n_runs,), the number of each run; it selects the start and the random numbers of the steps.
    numbers : arrays (n_runs,) by the keys of `NUMERIC`; by default the values of the spec.
    theta : (n_runs, n_params), starts to use instead of those of the spec.
    recorded, record_at : as for `Batch`; by default no run is recorded.
    device : by default the processor.
    variant : of the kernel; by default that for these numbers.
    """
    n = len(start)
    numbers = numbers_of(spec, n) if numbers is None else numbers
    theta = starts.draw(spec, start, sampler=sample, numbers=numbers) if theta is None else theta
    if record_at is None:
        record_at = np.zeros(1, dtype=np.float64 if spec.flows else np.int64)  # each dtype compiles its own kernel
    keys, variant = spec.training, variant or trainer(spec, numbers)
    escape = (1 - ESCAPE_DROP) * plateau_loss(spec.loaded, keys.loss, spec.network.output, keys.reduction)
    batch = Batch(
        theta=theta.astype(spec.network.dtype),
        hyperparameters=hyperparameters(spec, numbers) | (limits(numbers) if variant.has_margin else {}),
        escape_loss=np.full(n, escape),
        solved=np.zeros(n) if variant.has_margin else numbers["stop.solved"],
        diverged=numbers["stop.diverged"],
        gradient=numbers["stop.gradient"],
        steps=np.full(n, spec.steps, dtype=np.int64),
        recorded=np.full(n, -1) if recorded is None else recorded,
        record_at=record_at,
        record_theta=spec.record.parameters or not {*AFTER}.isdisjoint(spec.record.fields),
        fields=tuple(name for name in spec.record.fields if name not in AFTER),
        tolerance=spec.record.tolerance,
        goes_on=not spec.stop.at_solved,
        keys=np.stack([np.full(n, spec.starts.seed, dtype=np.uint64), start.astype(np.uint64)], axis=1),
    )
    return Prepared(spec, variant, batch, device)
