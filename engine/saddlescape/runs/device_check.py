"""Check a device: some runs of each batch are computed again on the processor, and every bit is compared."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import DeviceError
from saddlescape.kernels import Batch, Device, Trained, Trainer, train

SAMPLE = 4
"""Runs of a batch that are computed again."""

OF_TRAJECTORIES = ("measures", "theta_path")


def check_sample(
    device: Device, trainer: Trainer, X: npt.NDArray[Any], T: npt.NDArray[Any], batch: Batch, trained: Trained
) -> None:
    """Compare evenly spaced runs of a batch with the processor.

    Raises
    ------
    DeviceError
        If a bit differs; the message names the device and its driver.
    """
    runs = np.unique(np.linspace(0, len(batch.theta) - 1, SAMPLE).astype(np.intp))
    expected = train(trainer, X, T, part(batch, runs))
    rows = batch.recorded[runs]
    for name in (field.name for field in fields(Trained)):
        ours, theirs = getattr(expected, name), getattr(trained, name)
        if len(theirs):
            theirs = theirs[rows[rows >= 0] if name in OF_TRAJECTORIES else runs]
            if ours.tobytes() != np.ascontiguousarray(theirs).tobytes():
                words = f"{device.name} computed other bits than this processor ({name} of a run)"
                raise DeviceError(f"{words}; finished blocks are kept: continue with resume and device cpu")


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
