"""The natural logarithm of one number, with the same bits on every machine."""

import math
from typing import Any

from numba import njit, types
from numba.extending import intrinsic

from saddlescape.kernels.elementary import log
from saddlescape.kernels.lanes import Lanes, LaneType

LN2 = 0.6931471805599453
SMALLEST_NORMAL = 2.0**-1022


@intrinsic
def log_of_normal(typingctx: Any, x: Any) -> Any:
    """`elementary.log` of a positive normal number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return log(Lanes(builder, LaneType("float64", 1), args[0])).value

    return types.float64(types.float64), codegen


@njit(error_model="numpy")
def ln(x):
    """Natural logarithm of a number that is not negative: -inf of 0, and that of inf and NaN is the number itself."""
    if x == 0.0:
        return -math.inf
    if not x < math.inf:
        return x
    if x < SMALLEST_NORMAL:
        return log_of_normal(x * 2.0**64) - 64 * LN2
    return log_of_normal(x)
