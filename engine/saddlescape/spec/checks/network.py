"""Checks of the network, and of the range of its floating-point type."""

from collections.abc import Iterator

import numpy as np

from saddlescape.errors import Fault
from saddlescape.network import layout
from saddlescape.spec.checks.check import LARGEST, Chosen, magnitude, nothing
from saddlescape.spec.checks.problem import is_valid
from saddlescape.spec.keys import NUMERIC, is_number
from saddlescape.spec.spec import Spec


def activations(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """There is one activation for all layers, or one for each."""
    names, layers = spec.network.activation, len(spec.network.hidden)
    if not isinstance(names, str) and len(names) != layers:
        requirement = f"must have {layers} name{'s' * (layers != 1)}, one for each layer in network.hidden"
        yield Fault("network.activation", f"{requirement}; got {len(names)}; one name in quotes is for all")


_UNSKIPPED = {
    "residual": "no hidden layer is as wide as the layer below",
    "input": "without hidden layers the inputs are connected to the outputs already",
}


def skip(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """There is something that the connections skip."""
    if not is_valid(spec):
        return
    connected = {"residual": any(layout.residual(spec.sizes, "residual")), "input": bool(spec.network.hidden)}
    own = spec.network.skip
    values = chosen.get("network.skip") if own == "none" else [own]
    missing = [value for value in values or () if not connected.get(value)]
    if missing and (own != "none" or len(missing) == len(values or ())):
        reason = " and ".join(_UNSKIPPED[value] for value in missing if value in _UNSKIPPED)
        yield nothing("network.skip", reason, {"network.hidden", "problem"}, chosen)


def numbers(spec: Spec, chosen: Chosen) -> Iterator[Fault]:
    """All numbers, including values of axes, fit the floating-point type of the network."""
    dtype, least = spec.network.dtype, 1 / LARGEST["float32"]
    for key in (*NUMERIC, *(key for key in chosen if is_number(key) and key not in NUMERIC)):
        values = chosen.get(key) or [spec.number(key)]
        if max(map(abs, values)) > LARGEST[dtype]:
            yield from magnitude(spec, key, np.array(values))
        tiny = [value for value in values if 0 < value < least] if dtype == "float32" else []
        if tiny:
            yield Fault(key, f'must be 0 or at least {least:g} with dtype = "float32"; got {tiny[0]:g}')
