"""Percentages for people."""

from operator import index
from typing import SupportsIndex

MAX_DECIMALS = 3


def percent(part: SupportsIndex, whole: SupportsIndex, decimals: int = 1) -> str:
    """Format a percentage such as "99.6 %"; "0 %" and "100 %" are exact.

    Percentages that would round to 0 or 100 get more decimals: 4095 of 4096 is "99.98 %", 1 of 10 000 is "0.01 %".  If
    three decimals are not enough, the result is "<0.001 %" or ">99.999 %".

    Parameters
    ----------
    part, whole : counts, `whole` at least 1.
    decimals : minimum number of decimals, 0 to 3.
    """
    k, n = index(part), index(whole)
    if k in (0, n):
        return "100 %" if k else "0 %"
    for digits in range(decimals, MAX_DECIMALS + 1):
        text = f"{100 * k / n:.{digits}f}"
        if 0 < float(text) < 100:
            return f"{text} %"
    return "<0.001 %" if 2 * k < n else ">99.999 %"
