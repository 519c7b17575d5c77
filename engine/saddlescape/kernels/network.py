"""Loss and gradient of a network of any depth, a few samples at a time.

Legend, per sample: z pre-activation, y value of a unit, slope its derivative, delta the loss's derivative by z.
Samples go through the network in tiles, so that the chains of several samples overlap and a weight is loaded once
for all of them.  `values` and `deltas` are scratch rows by unit and sample of the tile; `deltas` hold slopes until
the error comes back.  Sums run in one order, the same for every unit of a layer and whatever the tiles, so
identical units stay identical to the last bit.
"""

import math
from dataclasses import dataclass
from typing import Any

from saddlescape.kernels.activations import ACTIVATIONS
from saddlescape.kernels.code import UNROLLED, Index, Rows, fold, repeat
from saddlescape.kernels.elementary import exp_of_negative, log1p
from saddlescape.kernels.lanes import Lanes, fma, select
from saddlescape.kernels.losses import LOSSES
from saddlescape.kernels.variant import Layer, Variant
from saddlescape.words import losses

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

    def target(self, layer: Layer, j: Any, s: int) -> Lanes:
        """What output `j` should be."""
        return self.T[(self.first + s) * layer.fan_out + j]

    def notice(self, error: Lanes) -> None:
        """Keep the largest error."""
        worst = self.sums[1]
        self.sums[1] = select(worst < error, error, worst)


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
    return fold(tile.theta, layer.fan_in, z, add)


def forward(tile: Tile, layer: Layer) -> None:
    """Values and slopes of a hidden layer."""

    def unit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            row = tile.unit(layer, j, s)
            tile.values[row], tile.deltas[row] = ACTIVATIONS[layer.activation](z)

    tile.repeat(layer.fan_out, unit, layer.fan_in + ACTIVATION_COST)


def outputs(tile: Tile, layer: Layer) -> None:
    """Deltas of the outputs; the loss and the largest error grow."""
    loss = LOSSES[tile.variant.trainer.loss]
    factor = loss.slope_factor(tile.batch, layer.fan_out)
    if (term_of := loss.term) is None:
        softmax(tile, layer, factor)
        return

    def unit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            y, slope = ACTIVATIONS[layer.activation](z)
            term, delta, error = term_of(z, y, slope, tile.target(layer, j, s))
            tile.deltas[tile.unit(layer, j, s)] = delta if factor == 1 else delta * factor
            tile.sums[0] = tile.sums[0] + term
            tile.notice(error)

    tile.repeat(layer.fan_out, unit, layer.fan_in + ACTIVATION_COST)


def softmax(tile: Tile, layer: Layer, factor: float) -> None:
    """Cross-entropy of the outputs' softmax and targets that add up to one, per sample: m + ln(sum exp(z - m)) - z t.

    m is the largest logit.  The sum is 1 + rest, and 1 - p of the largest is rest / (1 + rest): neither the loss nor
    a delta rounds to zero where a sample is nearly learned.  Where e is 1 its derivative still counts.
    """
    zero = tile.sums[0].like(0.0)
    largest, rest, ties, share = (tile.sums.scratch(tile.size) for _ in range(4))
    for s in tile.samples:
        largest[s], rest[s], ties[s] = zero.like(-math.inf), zero, zero.like(-1.0)

    def logit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            tile.values[tile.unit(layer, j, s)] = z
            largest[s] = select(largest[s] > z, largest[s], z)

    def weigh(j: Any) -> None:
        for s in tile.samples:
            row = tile.unit(layer, j, s)
            gap = tile.values[row] - largest[s]
            e = exp_of_negative(gap)
            tile.values[row] = e
            rest[s], ties[s] = rest[s] + select(e < 1.0, e, 0.0), ties[s] + select(e < 1.0, zero, e)
            tile.sums[0] = fma(-gap, tile.target(layer, j, s), tile.sums[0])

    def compare(j: Any) -> None:
        for s in tile.samples:
            row, t = tile.unit(layer, j, s), tile.target(layer, j, s)
            e = tile.values[row]
            near_one = fma(e - 1.0, share[s], (1.0 - t) - rest[s] * share[s])
            delta = select(e < 1.0, e * share[s] - t, near_one)
            tile.deltas[row] = delta * factor
            tile.notice(abs(delta))

    tile.repeat(layer.fan_out, logit, layer.fan_in)
    tile.repeat(layer.fan_out, weigh, ACTIVATION_COST)
    for s in tile.samples:
        rest[s] = rest[s] + ties[s]
        share[s] = 1.0 / (1.0 + rest[s])
        tile.sums[0] = tile.sums[0] + log1p(rest[s])
    tile.repeat(layer.fan_out, compare, 8)


def say(tile: Tile, layer: Layer, said: Rows) -> None:
    """What the outputs say, one row for each output of each sample; probabilities where the loss takes logits."""
    loss = tile.variant.trainer.loss
    if LOSSES[loss].term is None:
        say_shares(tile, layer, said)
        return
    of = ACTIVATIONS[losses.LOSSES[loss].link or layer.activation]

    def unit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            said[(tile.first + s) * layer.fan_out + j] = of(z)[0]

    tile.repeat(layer.fan_out, unit, layer.fan_in + ACTIVATION_COST)


def say_shares(tile: Tile, layer: Layer, said: Rows) -> None:
    """The softmax of the outputs, exp(z - m) / sum exp(z - m) with m the largest logit."""
    zero = tile.theta[0].like(0.0)
    largest, total = (tile.sums.scratch(tile.size) for _ in range(2))
    for s in tile.samples:
        largest[s], total[s] = zero.like(-math.inf), zero

    def row(j: Any, s: int) -> Any:
        return (tile.first + s) * layer.fan_out + j

    def logit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            said[row(j, s)], largest[s] = z, select(largest[s] > z, largest[s], z)

    def weigh(j: Any) -> None:
        for s in tile.samples:
            said[row(j, s)] = e = exp_of_negative(said[row(j, s)] - largest[s])
            total[s] = total[s] + e

    def share(j: Any) -> None:
        for s in tile.samples:
            said[row(j, s)] = said[row(j, s)] / total[s]

    for step, cost in ((logit, layer.fan_in), (weigh, ACTIVATION_COST), (share, 8)):
        tile.repeat(layer.fan_out, step, cost)


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
        back = fold(tile.theta, layer.fan_out, [weight * delta for delta in deltas], add)
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
    units = variant.n_units
    zero = theta[0].like(-0.0)  # what is added to it keeps its bits; and LLVM makes no call to memset of it
    values, deltas, sums = (theta.scratch(n) for n in (units * TILE, units * TILE, 2))
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
    return sums[0] * LOSSES[variant.trainer.loss].factor(batch, variant.layers[-1].fan_out), sums[1]
