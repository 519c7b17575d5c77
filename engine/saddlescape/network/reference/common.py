"""The array type of the reference functions, and their look-up by name."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Function = TypeVar("Function")


def function(table: Mapping[str, Function], kind: str, name: str) -> Function:
    """The function of this name; ValueError if there is none."""
    if name not in table:
        raise ValueError(f"{kind} must be one of {', '.join(table)}; got {name!r}")
    return table[name]
