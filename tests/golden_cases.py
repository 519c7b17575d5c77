"""Run the kernel in the cases of the golden PyTorch trajectories."""

from pathlib import Path

import numpy as np

from saddlescape.kernels import Batch, Trainer, train

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "torch-steppers.npz"


def kernel_trajectory(optimizer, options, start, X, T, numbers, learning_rate, record_step):
    """Parameters of one run at the steps `record_step`, the last of which is its budget."""
    hyperparameters = {**numbers, "learning_rate": learning_rate, "log_decay": np.log(numbers["schedule_decay"])}
    batch = Batch(
        theta=start[None], hyperparameters={name: np.full(1, value) for name, value in hyperparameters.items()},
        escape_loss=np.full(1, -1.0), solved=np.zeros(1), diverged=np.full(1, 1e6), gradient=np.zeros(1),
        steps=np.full(1, record_step[-1]), recorded=np.zeros(1, dtype=np.int64), record_at=record_step,
        record_theta=True,
    )  # fmt: skip
    trainer = Trainer((2, 3, 1), True, ("tanh", "tanh"), "half_sse", optimizer, **options)
    return train(trainer, np.array(X, dtype=float), np.array(T, dtype=float), batch).theta_path[0]
