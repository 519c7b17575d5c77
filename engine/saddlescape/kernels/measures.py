"""Measures of one network's state, in float64; taken at record steps and at the end only (docs/measures.md).

All of it is scalar code that no variant changes, compiled once and called by its address; a mask says at run time which
measures are taken.  Functions take pointers, not arrays: Numba counts references to an array whenever it is passed on
or sliced.  Most are merged into their caller: Numba compiles each function anew with all that it calls.
"""

import math
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from saddlescape.kernels.caching import cached
from saddlescape.words.measures import FROM_PARAMETERS, MEASURES

FIELDS = tuple(name for name in MEASURES if name not in FROM_PARAMETERS)
"""Measures in the order in which a row has them; a mask has the bit ``1 << k`` for the k-th."""

LOSS_FIELD, GRAD_NORM, SEPARATION, PARAM_NORM = map(FIELDS.index, ("loss", "grad_norm", "separation", "param_norm"))
LAYER_NORM, IMBALANCE, WIDTH_TOL, COSINE = map(
    FIELDS.index, ("layer_norm", "imbalance", "effective_width_tol", "cosine")
)
SMALLEST = 5e-324
"""Nearer than this are only units that coincide to the bit."""


def places(fields: Collection[str], layers: int) -> dict[str, int | slice]:
    """Where a row has the measures: a column or, of one that each layer has, a slice; `layers` are those of weights."""
    found: dict[str, int | slice] = {}
    at = 0
    for field in sorted(fields, key=FIELDS.index):
        number = FIELDS.index(field)
        n = 1 if number < LAYER_NORM else layers if number == LAYER_NORM else layers - 1
        found[field] = at if number < LAYER_NORM else slice(at, at + n)
        at += n
    return found


def mask(fields: Collection[str]) -> int:
    """The mask of the measures."""
    return sum(1 << FIELDS.index(field) for field in fields)


@njit(error_model="numpy")
def largest(values, first, stride, n):
    """Largest magnitude of `n` numbers from `first` on, `stride` apart (the maximum norm); NaN if one is NaN."""
    most = 0.0
    for k in range(n):
        value = abs(np.float64(values[first + k * stride]))
        if not value <= most:
            most = value
    return most


@njit(error_model="numpy")
def norm(values, first, n):
    """Euclidean norm, scaled by the largest component: 0 only if every component is, however small."""
    most = largest(values, first, 1, n)
    if most == 0.0 or not most < math.inf:
        return most
    total = 0.0
    for k in range(n):
        value = values[first + k] / most
        total += value * value
    return most * math.sqrt(total)


@njit(error_model="numpy")
def copy_units(shape, theta, first, layer):
    """Copy the unit vectors (incoming weights, bias, outgoing weights) of a hidden layer to the scratch; their length.

    Each stands behind its norm.  The parameters of the layer begin at `first`.
    """
    width, units, out = shape.sizes[layer] + shape.bias, shape.sizes[layer + 1], shape.sizes[layer + 2]
    n = width + out
    for unit in range(units):
        at = unit * (n + 1) + 1
        for k in range(width):
            shape.scratch[at + k] = theta[first + unit * width + k]
        for k in range(out):
            shape.scratch[at + width + k] = theta[first + width * units + k * (units + shape.bias) + unit]
        shape.scratch[at - 1] = norm(shape.scratch, at, n)
    return n


@njit(error_model="numpy", inline="always")
def distance(scratch, a, b, n, sign, closest):
    """|a - sign b| over the larger norm, 0 if and only if they are equal; `closest` if it is no less or no number."""
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
def apart(shape, layer, i, j, n, closest):
    """Distance of two copied units of a layer, up to sign where it is odd; `closest` if it is no less."""
    a, b = i * (n + 1) + 1, j * (n + 1) + 1
    for s in range(1 + shape.odd[layer]):
        closest = distance(shape.scratch, a, b, n, 1.0 - 2.0 * s, closest)
    return closest


@njit(error_model="numpy", inline="always")
def separation(shape, theta):
    """Smallest distance of two unit vectors of one hidden layer; NaN where there is none that is a number."""
    closest, first = math.inf, 0
    for layer in range(shape.layers - 1):
        n = copy_units(shape, theta, first, layer)
        for i in range(shape.sizes[layer + 1]):
            for j in range(i):
                closest = apart(shape, layer, i, j, n, closest)
        first += (shape.sizes[layer] + shape.bias) * shape.sizes[layer + 1]
    return closest if closest < math.inf else math.nan


@njit(error_model="numpy", inline="always")
def effective_width(shape, theta, first, layer, tolerance):
    """Groups of units of a layer; two units are in one group if a chain of steps below the tolerance joins them.

    The group of each unit is kept in the scratch behind the units.
    """
    n, units = copy_units(shape, theta, first, layer), shape.sizes[layer + 1]
    group, groups = units * (n + 1), units
    for i in range(units):
        shape.scratch[group + i] = i
        for j in range(i):
            mine, other = shape.scratch[group + i], shape.scratch[group + j]
            if mine != other and apart(shape, layer, i, j, n, tolerance) < tolerance:
                for k in range(i + 1):
                    if shape.scratch[group + k] == mine:
                        shape.scratch[group + k] = other
                groups -= 1
    return np.float64(groups)


@njit(error_model="numpy", inline="always")
def imbalance(shape, theta, first, layer):
    """Sum of squares of a hidden layer's incoming weights and biases, minus that of its outgoing weights."""
    units, incoming, outgoing = shape.sizes[layer + 1], 0.0, 0.0
    n = units * (shape.sizes[layer] + shape.bias)
    for k in range(n):
        incoming += theta[first + k] * theta[first + k]
    for j in range(shape.sizes[layer + 2]):
        for i in range(units):
            value = theta[first + n + j * (units + shape.bias) + i]
            outgoing += value * value
    return incoming - outgoing


@njit(error_model="numpy", inline="always")
def aim(scratch, theta, first, n, out):
    """Write the direction of a vector into the scratch; of a vector that has none, NaN."""
    most, total = largest(theta, first, 1, n), 0.0
    for k in range(n):
        scratch[out + k] = theta[first + k] / most
        total += scratch[out + k] * scratch[out + k]
    for k in range(n):
        scratch[out + k] /= math.sqrt(total)


@njit(error_model="numpy", inline="always")
def cosine(shape, theta, first, layer):
    """Mean |cosine| of the incoming weights and biases of two units of a layer; NaN without a pair that has one."""
    n, total, pairs = shape.sizes[layer] + shape.bias, 0.0, 0
    for i in range(shape.sizes[layer + 1]):
        aim(shape.scratch, theta, first + i * n, n, i * n)
        for j in range(i):
            product = 0.0
            for k in range(n):
                product += shape.scratch[i * n + k] * shape.scratch[j * n + k]
            if abs(product) >= 0.0:
                total, pairs = total + min(abs(product), 1.0), pairs + 1
    return total / pairs


@njit(error_model="numpy", inline="always")
def displacement(shape, theta, start, n):
    """Euclidean distance of two networks."""
    for k in range(n):
        shape.scratch[k] = theta[k] - start[k]
    return norm(shape.scratch, 0, n)


@njit(error_model="numpy", inline="always")
def of_layer(field, shape, theta, first, layer):
    """A measure of one layer, whose parameters begin at `first`."""
    if field == LAYER_NORM:
        return norm(theta, first, (shape.sizes[layer] + shape.bias) * shape.sizes[layer + 1])
    if field == IMBALANCE:
        return imbalance(shape, theta, first, layer)
    if field == COSINE:
        return cosine(shape, theta, first, layer)
    return effective_width(shape, theta, first, layer, shape.tolerance if field == WIDTH_TOL else SMALLEST)


@njit(error_model="numpy", inline="always")
def of_network(field, shape, theta, grad, start, n, loss):
    """A measure of the network as a whole."""
    if field == LOSS_FIELD:
        return loss
    if field == GRAD_NORM:
        return norm(grad, 0, n)
    if field == SEPARATION:
        return separation(shape, theta)
    return norm(theta, 0, n) if field == PARAM_NORM else displacement(shape, theta, start, n)


class Shape(NamedTuple):
    """Layer sizes, how many layers of weights, whether there are biases, which layers are odd functions; scratch; the
    tolerance of the effective width."""

    sizes: Any
    layers: int
    bias: int
    odd: Any
    scratch: Any
    tolerance: float


def write_row(fields, out, n, loss, theta, grad, start, sizes, layers, bias, odd, scratch, tolerance):
    """Write the measures of the mask `fields` of a network with `n` parameters; all numbers are float64."""
    shape, at = Shape(sizes, layers, bias, odd, scratch, tolerance), 0
    for field in range(len(FIELDS)):
        if fields >> field & 1 and field < LAYER_NORM:
            out[at] = of_network(field, shape, theta, grad, start, n, loss)
            at += 1
        elif fields >> field & 1:
            first = 0
            for layer in range(layers if field == LAYER_NORM else layers - 1):
                out[at] = of_layer(field, shape, theta, first, layer)
                first += (sizes[layer] + bias) * sizes[layer + 1]
                at += 1


WORD, NUMBER = types.int64, types.float64
NUMBERS, WORDS = types.CPointer(NUMBER), types.CPointer(WORD)
ROW = types.void(
    WORD, NUMBERS, WORD, NUMBER, NUMBERS, NUMBERS, NUMBERS, WORDS, WORD, WORD, WORDS, NUMBERS, NUMBER
)  # fmt: skip


@cache
def address() -> int:
    """Address of `write_row`."""
    return int(cached(ROW)(write_row).address)


@intrinsic
def measure(
    typingctx, address, fields, out, n, loss, theta, grad, start, sizes, layers, bias, odd, scratch, tolerance
):  # fmt: skip
    """`write_row` at its address."""

    def codegen(context, builder, sig, args):
        target, *given = args
        function = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(target, function.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(WORD, *ROW.args), codegen
