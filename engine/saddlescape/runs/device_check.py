"""Check a device: some runs of each batch are computed again on the processor, and every bit is compared."""

import zlib
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import DeviceError
from saddlescape.kernels import Batch, Device, Trained, Trainer, train

SAMPLE = 8
"""Runs of a batch that are computed again.  A thread computes that many at once, so fewer would take the same time."""

ONE_IN = 8
"""In one of so many batches, runs of any length are computed again; in the others, those of at most median length.

A block of `xor` of 1488 runs takes 130 ms on one core; its check takes 5 ms with runs of any length, else 1 ms."""

OF_TRAJECTORIES = ("measures", "theta_path")


def check_sample(
    device: Device,
    trainer: Trainer,
    X: npt.NDArray[Any],
    T: npt.NDArray[Any],
    batch: Batch,
    trained: Trained,
    after_slice: Callable[[int], None] | None = None,
) -> None:
    """Compare a sample of the runs of a batch with the processor; ``after_slice(0)`` may raise to abandon it.

    Raises
    ------
    DeviceError
        If a bit differs; the message names the device and its driver.
    """
    runs = sample(batch, trained)
    expected = train(trainer, X, T, part(batch, runs), after_slice=lambda _: after_slice(0) if after_slice else None)
    rows = batch.recorded[runs]
    for name in (field.name for field in fields(Trained)):
        ours, theirs = getattr(expected, name), getattr(trained, name)
        if len(theirs):
            theirs = theirs[rows[rows >= 0] if name in OF_TRAJECTORIES else runs]
            if ours.tobytes() != np.ascontiguousarray(theirs).tobytes():
                raise DeviceError(f"{device.name} computed other bits than this processor ({name} of a run)")


def sample(batch: Batch, trained: Trained) -> npt.NDArray[np.intp]:
    """Indices of the runs to compute again: random, the same for the same results, with a trajectory if possible."""
    random, steps = np.random.default_rng(zlib.crc32(trained.final.tobytes())), trained.stop_step
    runs = np.flatnonzero(steps <= (np.median(steps) if random.integers(ONE_IN) else steps.max()))
    sampled, recorded = random.choice(runs, min(SAMPLE, len(runs)), replace=False), runs[batch.recorded[runs] >= 0]
    if len(recorded):
        sampled[0] = random.choice(recorded)
    return np.unique(sampled)


def part(batch: Batch, runs: npt.NDArray[np.intp]) -> Batch:
    """The batch of some of its runs."""
    per_run = ("theta", "escape_loss", "solved", "diverged", "gradient", "steps")
    recorded = batch.recorded[runs]
    return replace(
        batch,
        **{name: getattr(batch, name)[runs] for name in per_run},
        hyperparameters={name: values[runs] for name, values in batch.hyperparameters.items()},
        recorded=np.where(recorded < 0, -1, np.cumsum(recorded >= 0) - 1),
        keys=None if batch.keys is None else batch.keys[runs],
    )
