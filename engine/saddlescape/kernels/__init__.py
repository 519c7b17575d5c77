"""Everything compiled: train many small networks at once, one a SIMD lane.  The only room that knows numba."""

from saddlescape.kernels.batch import Batch, Trained, Trainer, train

__all__ = ["Batch", "Trained", "Trainer", "train"]
