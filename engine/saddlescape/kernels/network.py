"""Loss and gradient of a network of any depth, a few samples at a time.

Legend, per sample: z pre-activation, y value of a unit, slope its derivative, delta the loss's derivative by z.
Samples go through the network in tiles, so that the chains of several samples overlap and a weight is loaded once
for all of them.  `values` and `deltas` are scratch rows by unit and sample of the tile; `deltas` hold slopes until
the error comes back.  Sums run in one order, the same for every unit of a layer and whatever the tiles, so
identical units stay identical to the last bit.
"""

from dataclasses import dataclass
from typing import Any

from saddlescape.kernels.activations import ACTIVATIONS
from saddlescape.kernels.code import UNROLLED, Index, Rows, fold, repeat, scratch
from saddlescape.kernels.lanes import Lanes, fma, select
from saddlescape.kernels.losses import LOSSES
from saddlescape.kernels.variant import Layer, Variant

TILE = 4
"""Samples that go through the network together."""

ACTIVATION_COST = 32
"""Lane operations of a costly activation, for the choice of what to unroll."""


@dataclass(frozen=True)
class Tile:
    """`size` samples from sample `first` on, of a batch of `batch`, and the memory that they pass through."""

    variant: Variant
    first: Index | int
    size: int
    batch: int
    theta: Rows
    grad: Rows
    X: Rows
    T: Rows
    values: Rows
    deltas: Rows
    sums: Rows
    """Loss so far, and largest error of an output so far."""

    def unit(self, layer: Layer, j: Any, s: int) -> Any:
        """Row of unit `j` of a layer for sample `s` of the tile."""
        return (layer.first_unit + j) * self.size + s

    def incoming(self, layer: Layer, i: Any, s: int) -> Lanes:
        """What the layer hears from below: a number of the sample, or a unit's value."""
        if layer.is_first:
            return self.X[(self.first + s) * layer.fan_in + i]
        return self.values[(layer.first_unit - layer.fan_in + i) * self.size + s]

    def repeat(self, n: int, body: Any, operations: int) -> None:
        repeat(self.theta.builder, n, body, operations * self.size)

    @property
    def samples(self) -> range:
        return range(self.size)


def pre_activations(tile: Tile, layer: Layer, j: Any) -> list[Lanes]:
    """Bias plus weighted inputs of unit `j`, inputs in order, one for each sample."""
    row = j * layer.width + layer.first_param

    def add(i: Any, z: list[Lanes]) -> list[Lanes]:
        weight = tile.theta[row + i]
        return [fma(weight, tile.incoming(layer, i, s), z[s]) for s in tile.samples]

    weight = tile.theta[row]
    first = [tile.incoming(layer, 0, s) for s in tile.samples]
    if layer.bias:
        bias = tile.theta[row + layer.fan_in]
        z = [fma(weight, x, bias) for x in first]
    else:
        z = [weight * x for x in first]
    return fold(tile.theta.builder, layer.fan_in, z, add)


def forward(tile: Tile, layer: Layer) -> None:
    """Values and slopes of a hidden layer."""

    def unit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            row = tile.unit(layer, j, s)
            tile.values[row], tile.deltas[row] = ACTIVATIONS[layer.activation](z)

    tile.repeat(layer.fan_out, unit, layer.fan_in + ACTIVATION_COST)


def outputs(tile: Tile, layer: Layer) -> None:
    """Deltas of the outputs; the loss and the largest error grow."""
    trainer = tile.variant.trainer
    loss = LOSSES[trainer.loss]
    factor = loss.slope_factor(tile.batch * layer.fan_out)

    def unit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            y, slope = ACTIVATIONS[layer.activation](z)
            target = tile.T[(tile.first + s) * layer.fan_out + j]
            term, delta = loss.term(z, y, slope, target)
            tile.deltas[tile.unit(layer, j, s)] = delta if factor == 1 else delta * factor
            error, worst = abs(y - target), tile.sums[1]
            tile.sums[0], tile.sums[1] = tile.sums[0] + term, select(worst < error, error, worst)

    tile.repeat(layer.fan_out, unit, layer.fan_in + ACTIVATION_COST)


def add_gradient(tile: Tile, layer: Layer) -> None:
    """Add the tile's gradient of a layer's parameters, samples in order."""

    def unit(j: Any) -> None:
        row = j * layer.width + layer.first_param
        deltas = [tile.deltas[tile.unit(layer, j, s)] for s in tile.samples]

        def weight(i: Any) -> None:
            total = tile.grad[row + i]
            for s, delta in enumerate(deltas):
                total = fma(delta, tile.incoming(layer, i, s), total)
            tile.grad[row + i] = total

        tile.repeat(layer.fan_in, weight, 1)
        if layer.bias:
            total = tile.grad[row + layer.fan_in]
            for delta in deltas:
                total = total + delta
            tile.grad[row + layer.fan_in] = total

    tile.repeat(layer.fan_out, unit, layer.width)


def send_back(tile: Tile, layer: Layer, below: Layer) -> None:
    """Deltas of the layer below, units of this layer in order."""

    def unit(i: Any) -> None:
        def share(j: Any) -> tuple[Lanes, list[Lanes]]:
            weight = tile.theta[j * layer.width + (layer.first_param + i)]
            return weight, [tile.deltas[tile.unit(layer, j, s)] for s in tile.samples]

        def add(j: Any, back: list[Lanes]) -> list[Lanes]:
            weight, deltas = share(j)
            return [fma(weight, delta, old) for delta, old in zip(deltas, back, strict=True)]

        weight, deltas = share(0)
        back = fold(tile.theta.builder, layer.fan_out, [weight * delta for delta in deltas], add)
        for s in tile.samples:
            row = tile.unit(below, i, s)
            tile.deltas[row] = back[s] * tile.deltas[row]

    tile.repeat(layer.fan_in, unit, layer.fan_out)


def through(tile: Tile) -> None:
    """One tile forward and backward."""
    *hidden, last = layers = tile.variant.layers
    for layer in hidden:
        forward(tile, layer)
    outputs(tile, last)
    for below, layer in reversed(list(zip((None, *hidden), layers, strict=True))):
        add_gradient(tile, layer)
        if below is not None:
            send_back(tile, layer, below)


def loss_and_gradient(
    builder: Any, variant: Variant, theta: Rows, grad: Rows, X: Rows, T: Rows, first: Index | int, batch: int
) -> tuple[Lanes, Lanes]:
    """(loss, largest error of an output) over `batch` samples from `first` on, in order; `grad` is filled."""
    kind, units = variant.kind, variant.n_units
    zero = theta[0].like(-0.0)  # what is added to it keeps its bits; and LLVM makes no call to memset of it
    values, deltas, sums = (scratch(builder, kind, n) for n in (units * TILE, units * TILE, 2))
    sums[0] = sums[1] = zero

    def clear(k: Any) -> None:
        grad[k] = zero

    def tile(at: Any, size: int) -> None:
        through(Tile(variant, at, size, batch, theta, grad, X, T, values, deltas, sums))

    repeat(builder, variant.n_params, clear, 1)
    tiles, rest = divmod(batch, TILE)
    if tiles:
        repeat(builder, tiles, lambda n: tile(first + n * TILE, TILE), tiles * UNROLLED)
    if rest:
        tile(first + tiles * TILE, rest)
    factor = LOSSES[variant.trainer.loss].factor(batch * variant.layers[-1].fan_out)
    return sums[0] * factor, sums[1]
