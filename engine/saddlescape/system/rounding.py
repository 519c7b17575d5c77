"""Rounding to fewer bits."""

import numpy as np
import numpy.typing as npt


def rounded(values: npt.NDArray[np.floating], bits: int) -> npt.NDArray[np.float64]:
    """Round the mantissa of numbers to `bits` bits, to nearest, ties to even; infinities and NaN are unchanged.

    The relative error of a normal number is at most 2**-(bits + 1).
    """
    wide = np.array(values, dtype=np.float64)
    if bits >= 52:
        return wide
    words, last = wide.view(np.uint64), np.uint64(1) << np.uint64(52 - bits)
    odd = (words & last) != 0
    up = ((words + (last >> np.uint64(1)) - np.uint64(1) + odd) & ~(last - np.uint64(1))).view(np.float64)
    return np.where(np.isfinite(wide), up, wide)
