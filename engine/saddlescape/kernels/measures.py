"""Measures of the state of one network, in float64, taken only at records and at the end (docs/measures.md).

This is scalar code that no variant changes, so it is compiled once and called by its address; a mask selects the
measures at run time.  Functions receive pointers instead of arrays, because Numba counts references to an array
whenever it is passed or sliced.  Most are inlined, because Numba compiles each function with all its callees.
"""

import math
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from saddlescape.kernels.caching import cached
from saddlescape.words.measures import AFTER, MEASURES

FIELDS = tuple(name for name in MEASURES if name not in AFTER)
"""Measures in the order of their columns; bit ``1 << k`` of a mask selects the k-th."""

SMALLEST = 5e-324
"""The smallest positive distance: only identical units are closer."""

inlined = njit(error_model="numpy", inline="always")


def columns(fields: Collection[str], layers: int) -> dict[str, int | slice]:
    """Columns of the measures `fields` by name: an index or, for a measure of each layer, a slice.

    `layers` is the number of layers of weights.
    """
    lengths = {(): 1, ("layer",): layers, ("hidden_layer",): layers - 1}
    result: dict[str, int | slice] = {}
    first = 0
    for field in sorted(fields, key=FIELDS.index):
        dims = MEASURES[field].dims
        result[field] = slice(first, first + lengths[dims]) if dims else first
        first += lengths[dims]
    return result


def mask(fields: Iterable[str]) -> int:
    """The mask that selects the measures.

    Raises
    ------
    ValueError
        If the kernels have no function for a measure.
    """
    for field in fields:
        if field not in FUNCTIONS:
            raise ValueError(f"measures of the kernels must be of {', '.join(FUNCTIONS)}; got {field!r}")
    return sum(1 << FIELDS.index(field) for field in fields)


QUIET_NAN = {types.float32: 0x7FC00000, types.float64: 0x7FF8000000000000}


@intrinsic
def canonical(typingctx, number):
    """The number, or the positive quiet NaN for every NaN: the bits of a NaN depend on the processor."""

    def codegen(context, builder, sig, args):
        (value,) = args
        word = ir.IntType(number.bitwidth)
        bits = builder.select(
            builder.fcmp_unordered("uno", value, value), ir.Constant(word, QUIET_NAN[number]),
            builder.bitcast(value, word),
        )  # fmt: skip
        return builder.bitcast(bits, value.type)

    return number(number), codegen


@njit(error_model="numpy")
def largest(values, first, stride, n):
    """Maximum norm of `n` numbers from index `first` on with the given stride; NaN if one is NaN."""
    most = 0.0
    for k in range(n):
        value = abs(np.float64(values[first + k * stride]))
        if not value <= most:
            most = value
    return most


@njit(error_model="numpy")
def norm(values, first, n):
    """Euclidean norm, scaled by the largest component: it is 0 only if every component is 0."""
    most = largest(values, first, 1, n)
    if most == 0.0 or not most < math.inf:
        return most
    total = 0.0
    for k in range(n):
        value = values[first + k] / most
        total += value * value
    return most * math.sqrt(total)


class State(NamedTuple):
    """A network and its state, scratch memory, and the tolerance of the effective width."""

    sizes: Any  # of the layers
    layers: int  # of weights
    widths: Any  # parameters of a unit of each layer of weights
    odd: Any  # whether the activation of a layer is an odd function
    n: int  # parameters
    loss: float
    theta: Any
    grad: Any
    start: Any
    scratch: Any
    tolerance: float


# A measure is a function (state, first, layer): the parameters of the layer begin at index `first`.  A measure of the
# whole network ignores both.


@njit(error_model="numpy")
def copy_units(state, first, layer):
    """Copy the unit vectors (incoming weights, bias, outgoing weights) of a hidden layer to the scratch memory.

    Each vector follows its norm.  Returns the length of a vector.
    """
    width, units, out = state.widths[layer], state.sizes[layer + 1], state.sizes[layer + 2]
    n, stride = width + out, state.widths[layer + 1]
    for unit in range(units):
        offset = unit * (n + 1) + 1
        for k in range(width):
            state.scratch[offset + k] = state.theta[first + unit * width + k]
        for k in range(out):
            state.scratch[offset + width + k] = state.theta[first + width * units + k * stride + unit]
        state.scratch[offset - 1] = norm(state.scratch, offset, n)
    return n


@inlined
def distance(scratch, a, b, n, sign, closest):
    """min(|a - sign b| / max(|a|, |b|), closest); 0 if and only if a = sign b; `closest` if the quotient is NaN."""
    most, scale = 0.0, max(scratch[a - 1], scratch[b - 1])
    for k in range(n):
        gap = abs(scratch[a + k] - sign * scratch[b + k])
        if not gap <= most:
            most = gap
    if most == 0.0:
        return 0.0
    if not most / scale < closest:
        return closest
    total = 0.0
    for k in range(n):
        gap = (scratch[a + k] - sign * scratch[b + k]) / most
        total += gap * gap
    return min(max(most * math.sqrt(total) / scale, SMALLEST), closest)


@njit(error_model="numpy")
def unit_distance(state, layer, i, j, n, closest):
    """Distance of two copied units, up to sign if the activation is odd, but at most `closest`."""
    a, b = i * (n + 1) + 1, j * (n + 1) + 1
    for s in range(1 + state.odd[layer]):
        closest = distance(state.scratch, a, b, n, 1.0 - 2.0 * s, closest)
    return closest


@inlined
def separation(state, first, layer):
    """Smallest distance of two unit vectors of one hidden layer; NaN without a pair whose distance is a number."""
    closest, first = math.inf, 0
    for layer in range(state.layers - 1):
        n = copy_units(state, first, layer)
        for i in range(state.sizes[layer + 1]):
            for j in range(i):
                closest = unit_distance(state, layer, i, j, n, closest)
        first += state.widths[layer] * state.sizes[layer + 1]
    return closest if closest < math.inf else math.nan


@inlined
def distance_to_start(state, first, layer):
    """Euclidean distance of the parameters to the start."""
    for k in range(state.n):
        state.scratch[k] = state.theta[k] - state.start[k]
    return norm(state.scratch, 0, state.n)


@inlined
def layer_norm(state, first, layer):
    """Euclidean norm of the weights and biases of a layer."""
    return norm(state.theta, first, state.widths[layer] * state.sizes[layer + 1])


@inlined
def imbalance(state, first, layer):
    """Sum of squares of incoming weights and biases minus sum of squares of outgoing weights of a hidden layer."""
    units, incoming, outgoing = state.sizes[layer + 1], 0.0, 0.0
    n = units * state.widths[layer]
    for k in range(n):
        incoming += state.theta[first + k] * state.theta[first + k]
    for j in range(state.sizes[layer + 2]):
        for i in range(units):
            value = state.theta[first + n + j * state.widths[layer + 1] + i]
            outgoing += value * value
    return incoming - outgoing


@njit(error_model="numpy")
def groups_of_units(state, first, layer, tolerance):
    """Number of groups of units: units that are connected by distances below the tolerance form one group.

    The scratch memory contains the group of each unit after the unit vectors.
    """
    n, units = copy_units(state, first, layer), state.sizes[layer + 1]
    group, groups = units * (n + 1), units
    for i in range(units):
        state.scratch[group + i] = i
        for j in range(i):
            mine, other = state.scratch[group + i], state.scratch[group + j]
            if mine != other and unit_distance(state, layer, i, j, n, tolerance) < tolerance:
                for k in range(i + 1):
                    if state.scratch[group + k] == mine:
                        state.scratch[group + k] = other
                groups -= 1
    return np.float64(groups)


@inlined
def normalize(scratch, theta, first, n, out):
    """Write a vector divided by its norm into the scratch memory; NaN for the zero vector."""
    most, total = largest(theta, first, 1, n), 0.0
    for k in range(n):
        scratch[out + k] = theta[first + k] / most
        total += scratch[out + k] * scratch[out + k]
    for k in range(n):
        scratch[out + k] /= math.sqrt(total)


@inlined
def cosine(state, first, layer):
    """Mean |cosine| of the incoming weights and biases over pairs of units; NaN without a pair of nonzero vectors."""
    n, total, pairs = state.widths[layer], 0.0, 0
    for i in range(state.sizes[layer + 1]):
        normalize(state.scratch, state.theta, first + i * n, n, i * n)
        for j in range(i):
            product = 0.0
            for k in range(n):
                product += state.scratch[i * n + k] * state.scratch[j * n + k]
            if abs(product) >= 0.0:
                total, pairs = total + min(abs(product), 1.0), pairs + 1
    return total / pairs


OF_NETWORK: dict[str, Any] = {
    "loss": inlined(lambda state, first, layer: state.loss),
    "grad_norm": inlined(lambda state, first, layer: norm(state.grad, 0, state.n)),
    "separation": separation,
    "param_norm": inlined(lambda state, first, layer: norm(state.theta, 0, state.n)),
    "distance": distance_to_start,
}
"""Measures of the whole network, by name."""

OF_LAYER: dict[str, Any] = {
    "layer_norm": layer_norm,
    "imbalance": imbalance,
    "effective_width": inlined(lambda state, first, layer: groups_of_units(state, first, layer, SMALLEST)),
    "effective_width_tol": inlined(lambda state, first, layer: groups_of_units(state, first, layer, state.tolerance)),
    "cosine": cosine,
}
"""Measures of a layer, by name."""

FUNCTIONS = OF_NETWORK | OF_LAYER


def dispatcher(functions: dict[str, Any]) -> Any:
    """Compiled ``call(field, state, first, layer)``, which calls the function of ``FIELDS[field]``."""

    def branch(index: int, function: Any, others: Any) -> Any:
        @inlined
        def call(field, state, first, layer):
            if field == index:
                return function(state, first, layer)
            return others(field, state, first, layer)

        return call

    call = inlined(lambda field, state, first, layer: math.nan)  # never called: see `mask`
    for name, function in functions.items():
        call = branch(FIELDS.index(name), function, call)
    return call


of_network, of_layer = dispatcher(OF_NETWORK), dispatcher(OF_LAYER)
LOSS_BIT, NETWORK_BITS, LAYER_BITS = (mask(fields) for fields in (["loss"], OF_NETWORK, ["layer_norm"]))


def write_row(fields, out, n, loss, theta, grad, start, sizes, layers, widths, odd, scratch, tolerance):
    """Write the measures of the mask `fields` of a network with `n` parameters; all numbers are float64."""
    state, column = State(sizes, layers, widths, odd, n, loss, theta, grad, start, scratch, tolerance), 0
    for field in range(len(FIELDS)):
        if fields & NETWORK_BITS & 1 << field:
            out[column] = canonical(of_network(field, state, 0, 0))
            column += 1
        elif fields & 1 << field:
            first = 0
            for layer in range(layers if LAYER_BITS & 1 << field else layers - 1):
                out[column] = canonical(of_layer(field, state, first, layer))
                first += widths[layer] * sizes[layer + 1]
                column += 1


WORD, NUMBER = types.int64, types.float64
NUMBERS, WORDS = types.CPointer(NUMBER), types.CPointer(WORD)
ROW = types.void(
    WORD, NUMBERS, WORD, NUMBER, NUMBERS, NUMBERS, NUMBERS, WORDS, WORD, WORDS, WORDS, NUMBERS, NUMBER
)  # fmt: skip


@cache
def address() -> int:
    """Address of `write_row`."""
    return int(cached(ROW)(write_row).address)


@intrinsic
def measure(
    typingctx, address, fields, out, n, loss, theta, grad, start, sizes, layers, widths, odd, scratch, tolerance
):  # fmt: skip
    """Call `write_row` by its address."""

    def codegen(context, builder, sig, args):
        target, *arguments = args
        function = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
        builder.call(builder.inttoptr(target, function.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(WORD, *ROW.args), codegen
