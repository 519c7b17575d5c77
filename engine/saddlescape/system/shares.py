"""Shares of a whole in words."""

from operator import index
from typing import SupportsIndex

MOST_DECIMALS = 3


def percent(part: SupportsIndex, whole: SupportsIndex, decimals: int = 1) -> str:
    """A share such as "99.6 %", which is "0 %" only of nothing and "100 %" only of all.

    Where so few decimals would round to one of these there are more: 4095 of 4096 are "99.98 %", 1 of 10 000 is
    "0.01 %".  What three decimals cannot say is "<0.001 %" or ">99.999 %".

    Parameters
    ----------
    part, whole : counts, `whole` at least 1.
    decimals : 0 to 3.
    """
    k, n = index(part), index(whole)
    if k in (0, n):
        return "100 %" if k else "0 %"
    for places in range(decimals, MOST_DECIMALS + 1):
        text = f"{100 * k / n:.{places}f}"
        if 0 < float(text) < 100:
            return f"{text} %"
    return "<0.001 %" if 2 * k < n else ">99.999 %"
