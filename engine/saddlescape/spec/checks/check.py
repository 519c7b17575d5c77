"""What the checks of a spec share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Fault
from saddlescape.spec.model import Spec

Chosen = Mapping[str, Sequence[Any]]
"""The keys that an axis sets, with its values (of numbers the extreme ones), and those of overrides, with none."""

Check = Callable[[Spec, Chosen], Iterator[Fault]]

LARGEST = {"float64": 1e300, "float32": 1e30}
"""Numbers that can be multiplied a few times before they overflow."""


def magnitude(spec: Spec, path: str, values: npt.NDArray[np.float64]) -> Iterator[Fault]:
    """What the network's arithmetic would take for infinite."""
    dtype = spec.network.dtype
    large = values[np.abs(values) > LARGEST[dtype]]
    if len(large):
        yield Fault(path, f'must be at most {LARGEST[dtype]:g} in size with dtype = "{dtype}"; got {large[0]:g}')
