"""Classes: which targets are classes, and which samples are classified right."""

import numpy as np
import numpy.typing as npt

from saddlescape.words.classes import MIDWAY

Floats = npt.NDArray[np.floating]

VALUES = {"01": (0.0, 1.0), "pm1": (-1.0, 1.0)}
"""The two values of the targets of each coding."""


def coding(T: Floats) -> str | None:
    """The coding of targets (samples, outputs) that are classes, "01" or "pm1"; None if they are no classes.

    One output has both values of the coding; of several outputs, exactly one has the larger value in each sample.
    """
    for name, (low, high) in VALUES.items():
        if np.isin(T, (low, high)).all():
            several = T.shape[1] > 1
            ones = np.count_nonzero(np.equal(T, high), axis=1)
            valid = bool((ones == 1).all()) if several else len(np.unique(T)) == 2
            return name if valid else None
    return None


def right(outputs: Floats, T: Floats, own: str | None = None) -> npt.NDArray[np.bool_]:
    """Whether each sample is classified right, from outputs (..., samples, outputs) as they are compared with `T`.

    The class of a sample is whether its only output is above the midway of the two values of the targets, or else the
    first of its largest outputs.  `own` is the coding of targets that may have only one class, as test data may.
    """
    midway = MIDWAY[own or coding(T) or "01"]
    if T.shape[1] == 1:
        return np.asarray((outputs > midway)[..., 0] == (midway < T)[:, 0])
    return np.asarray(outputs.argmax(axis=-1) == T.argmax(axis=1))


def largest_share(T: Floats) -> float:
    """Share of the samples that have the most frequent class."""
    classes = T.argmax(axis=1) if T.shape[1] > 1 else (T[:, 0] > MIDWAY[coding(T) or "01"]).astype(np.intp)
    return float(np.bincount(classes).max() / len(T))
