"""Forward and backward pass of a network of any depth, a tile of a few samples at a time.

Notation, per sample: z is the pre-activation of a unit, y its value, slope the derivative of y with respect to z, and
delta the derivative of the loss with respect to z.  In a tile, the dependency chains of several samples overlap, and
each weight is loaded once for all of them.  `values` and `deltas` are scratch rows, one per unit and sample of the
tile; the rows of `deltas` contain the slopes until the backward pass replaces them.  All sums have the same order for
every unit of a layer, whatever the tiles are, so identical units stay identical to the last bit.

With residual connections, the value of a unit includes that of the same unit of the layer below.  The derivative of the
loss with respect to the value is then needed below, and the backward pass replaces `values` by it.
"""

import math
from dataclasses import dataclass
from typing import Any

from saddlescape.kernels.activations import ACTIVATIONS
from saddlescape.kernels.code import UNROLLED, Index, Rows, Words, fold, in_code, repeat
from saddlescape.kernels.elementary import exp_of_negative, log1p
from saddlescape.kernels.lanes import Lanes, fma, larger, select
from saddlescape.kernels.losses import LOSSES, factors
from saddlescape.kernels.noise import DROPOUT, quarters
from saddlescape.kernels.solutions import Judge
from saddlescape.kernels.variant import Layer, Variant
from saddlescape.words import losses

TILE = 4
"""Number of samples in a tile."""

ACTIVATION_COST = 32
"""Lane operations of a costly activation, to decide which loops are unrolled."""


@dataclass(frozen=True)
class Tile:
    """`size` consecutive samples of a batch of `batch`, the first of index `first`, and the memory for their passes."""

    variant: Variant
    first: Index | int
    size: int
    batch: int
    theta: Rows
    grad: Rows | None
    """None for the forward pass alone."""
    X: Rows
    T: Rows
    values: Rows
    deltas: Rows
    sums: Rows
    """Two rows: the loss and the largest error of the samples so far."""
    right: Rows | None = None
    """One row: the number of samples so far whose class is right; None if they are not counted."""

    number: Index | int = 0
    """Of the tile in its batch."""

    dropout: "Dropout | None" = None

    def unit(self, layer: Layer, j: Any, s: int) -> Any:
        """Row of `values` and `deltas` of unit `j` of a layer for sample `s` of the tile."""
        return (layer.first_unit + j) * self.size + s

    def incoming(self, layer: Layer, i: Any, s: int) -> Lanes:
        """Input `i` of a layer: an input of the network, or the value of a unit of the layer below."""
        if layer.is_first:
            return self.network_input(i, s)
        return self.values[(layer.first_unit - layer.fan_in + i) * self.size + s]

    def network_input(self, i: Any, s: int) -> Lanes:
        """Input `i` of the network."""
        return self.X[(self.first + s) * self.variant.trainer.sizes[0] + i]

    def repeat(self, n: int, body: Any, operations: int) -> None:
        repeat(self.theta.builder, n, body, operations * self.size)

    @property
    def samples(self) -> range:
        return range(self.size)

    def target(self, layer: Layer, j: Any, s: int) -> Lanes:
        """Target of output `j`."""
        return self.T[(self.first + s) * layer.fan_out + j]

    def update_max_error(self, error: Lanes) -> None:
        """Update the largest error."""
        self.sums[1] = larger(self.sums[1], error)


@dataclass(frozen=True)
class Dropout:
    """Inverted dropout (Srivastava et al. 2014), as in `torch.nn.Dropout`: for each sample, each hidden unit is dropped
    with probability `rate`, and the activations of the others are multiplied by 1 / (1 - rate)."""

    rate: Lanes
    scale: Lanes
    keys: Words
    key: tuple[Any, Any]
    step: Any

    def apply(self, tile: Tile, layer: Layer, j: Any, rows: list[Any]) -> None:
        """Drop or scale the values and slopes of unit `j` in these rows, one per sample of the tile."""
        unit = tile.number * tile.variant.n_units + (j + layer.first_unit)
        counter = self.step, self.keys.of(unit + DROPOUT)
        builder, kind = self.keys.builder, self.keys.kind
        for row, u in zip(rows, quarters(builder, kind, self.key, counter, tile.size), strict=True):
            kept = self.rate <= u
            for numbers in (tile.values, tile.deltas):
                numbers[row] = select(kept, numbers[row] * self.scale, 0.0)


def pre_activations(tile: Tile, layer: Layer, j: Any) -> list[Lanes]:
    """Pre-activations of unit `j`, one per sample: the bias plus the weighted inputs, added in order."""
    row = j * layer.width + layer.first_param

    def add(i: Any, z: list[Lanes]) -> list[Lanes]:
        weight = tile.theta[row + i]
        return [fma(weight, tile.incoming(layer, i, s), z[s]) for s in tile.samples]

    def add_direct(i: Any, z: list[Lanes]) -> list[Lanes]:
        weight = tile.theta[row + (layer.fan_in - 1) + i]
        return [fma(weight, tile.network_input(i + -1, s), z[s]) for s in tile.samples]

    weight = tile.theta[row]
    first = [tile.incoming(layer, 0, s) for s in tile.samples]
    if layer.bias:
        bias = tile.theta[row + (layer.width - 1)]
        z = [fma(weight, x, bias) for x in first]
    else:
        z = [weight * x for x in first]
    z = fold(tile.theta, layer.fan_in, z, add)
    return fold(tile.theta, 1 + layer.direct, z, add_direct) if layer.direct else z


def forward(tile: Tile, layer: Layer) -> None:
    """Compute the values and slopes of a hidden layer."""

    def unit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            row = tile.unit(layer, j, s)
            tile.values[row], tile.deltas[row] = ACTIVATIONS[layer.activation](z)
            if layer.residual and not tile.dropout:
                tile.values[row] = tile.values[row] + tile.incoming(layer, j, s)
        if tile.dropout:
            tile.dropout.apply(tile, layer, j, [tile.unit(layer, j, s) for s in tile.samples])
        for s in tile.samples if tile.dropout and layer.residual else ():
            row = tile.unit(layer, j, s)
            tile.values[row] = tile.values[row] + tile.incoming(layer, j, s)

    tile.repeat(layer.fan_out, unit, layer.fan_in + ACTIVATION_COST * (2 if tile.dropout else 1))


def output_deltas(tile: Tile, layer: Layer) -> None:
    """Compute the deltas of the outputs, and update the loss and the largest error."""
    trainer = tile.variant.trainer
    _, factor = factors(trainer.loss, trainer.reduction, tile.batch, layer.fan_out)
    if (term_of := LOSSES[trainer.loss].term) is None:
        softmax_deltas(tile, layer, factor)
        return
    judge = Judge(tile, layer)

    def unit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            y, slope = ACTIVATIONS[layer.activation](z)
            term, delta, error = term_of(z, y, slope, tile.target(layer, j, s))
            tile.deltas[tile.unit(layer, j, s)] = delta if factor == 1 else delta * factor
            tile.sums[0] = tile.sums[0] + term
            tile.update_max_error(error)
            judge.look(s, y, tile.target(layer, j, s))

    tile.repeat(layer.fan_out, unit, layer.fan_in + ACTIVATION_COST)
    judge.count()


def softmax_deltas(tile: Tile, layer: Layer, factor: float) -> None:
    """Softmax and cross-entropy for targets whose sum is one.  The term of a sample is m + ln(sum exp(z - m)) - z t.

    m is the largest logit.  The sum is 1 + rest, and 1 - p of the largest logit is rest / (1 + rest), so neither the
    loss nor a delta rounds to zero where a sample is almost learned.  `ties` adds the terms e = 1 separately, with
    their derivatives if they are dual numbers.
    """
    zero, judge = tile.sums[0].like(0.0), Judge(tile, layer)
    largest, rest, ties, scale = (tile.sums.scratch(tile.size) for _ in range(4))
    for s in tile.samples:
        largest[s], rest[s], ties[s] = zero.like(-math.inf), zero, zero.like(-1.0)

    def logit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            tile.values[tile.unit(layer, j, s)] = z
            largest[s] = select(largest[s] > z, largest[s], z)
            judge.look(s, z, tile.target(layer, j, s))

    def exponentiate(j: Any) -> None:
        for s in tile.samples:
            row = tile.unit(layer, j, s)
            gap = tile.values[row] - largest[s]
            e = exp_of_negative(gap)
            tile.values[row] = e
            rest[s], ties[s] = rest[s] + select(e < 1.0, e, 0.0), ties[s] + select(e < 1.0, zero, e)
            tile.sums[0] = fma(-gap, tile.target(layer, j, s), tile.sums[0])

    def delta_of(j: Any) -> None:
        for s in tile.samples:
            row, t = tile.unit(layer, j, s), tile.target(layer, j, s)
            e = tile.values[row]
            near_one = fma(e - 1.0, scale[s], (1.0 - t) - rest[s] * scale[s])
            delta = select(e < 1.0, e * scale[s] - t, near_one)
            tile.deltas[row] = delta * factor
            tile.update_max_error(abs(delta))

    tile.repeat(layer.fan_out, logit, layer.fan_in)
    judge.count()
    tile.repeat(layer.fan_out, exponentiate, ACTIVATION_COST)
    for s in tile.samples:
        rest[s] = rest[s] + ties[s]
        scale[s] = 1.0 / (1.0 + rest[s])
        tile.sums[0] = tile.sums[0] + log1p(rest[s])
    tile.repeat(layer.fan_out, delta_of, 8)


def write_outputs(tile: Tile, layer: Layer, outputs: Rows) -> None:
    """Write the outputs, one row per sample and output; they are probabilities if the loss takes logits."""
    loss = tile.variant.trainer.loss
    if LOSSES[loss].term is None:
        write_softmax(tile, layer, outputs)
        return
    activation = ACTIVATIONS[losses.LOSSES[loss].link or layer.activation]

    def unit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            outputs[(tile.first + s) * layer.fan_out + j] = activation(z)[0]

    tile.repeat(layer.fan_out, unit, layer.fan_in + ACTIVATION_COST)


def write_softmax(tile: Tile, layer: Layer, outputs: Rows) -> None:
    """Write the softmax of the outputs, exp(z - m) / sum exp(z - m), where m is the largest logit."""
    zero = tile.theta[0].like(0.0)
    largest, total = (tile.sums.scratch(tile.size) for _ in range(2))
    for s in tile.samples:
        largest[s], total[s] = zero.like(-math.inf), zero

    def row(j: Any, s: int) -> Any:
        return (tile.first + s) * layer.fan_out + j

    def logit(j: Any) -> None:
        for s, z in enumerate(pre_activations(tile, layer, j)):
            outputs[row(j, s)], largest[s] = z, select(largest[s] > z, largest[s], z)

    def exponentiate(j: Any) -> None:
        for s in tile.samples:
            outputs[row(j, s)] = e = exp_of_negative(outputs[row(j, s)] - largest[s])
            total[s] = total[s] + e

    def normalize(j: Any) -> None:
        for s in tile.samples:
            outputs[row(j, s)] = outputs[row(j, s)] / total[s]

    for step, cost in ((logit, layer.fan_in), (exponentiate, ACTIVATION_COST), (normalize, 8)):
        tile.repeat(layer.fan_out, step, cost)


def add_gradient(tile: Tile, layer: Layer) -> None:
    """Add the gradient of the tile to `grad` for the parameters of a layer, sample by sample."""
    grad, cost = tile.grad, in_code(tile.theta.kind, 1, weight=2)
    assert grad is not None

    def unit(j: Any) -> None:
        row = j * layer.width + layer.first_param
        deltas = [tile.deltas[tile.unit(layer, j, s)] for s in tile.samples]

        def weight(i: Any) -> None:
            total = grad[row + i]
            for s, delta in enumerate(deltas):
                total = fma(delta, tile.incoming(layer, i, s), total)
            grad[row + i] = total

        def direct_weight(i: Any) -> None:
            total = grad[row + layer.fan_in + i]
            for s, delta in enumerate(deltas):
                total = fma(delta, tile.network_input(i, s), total)
            grad[row + layer.fan_in + i] = total

        tile.repeat(layer.fan_in, weight, cost)
        if layer.direct:
            tile.repeat(layer.direct, direct_weight, cost)
        if layer.bias:
            total = grad[row + (layer.width - 1)]
            for delta in deltas:
                total = total + delta
            grad[row + (layer.width - 1)] = total

    tile.repeat(layer.fan_out, unit, layer.width * cost)


def backpropagate(tile: Tile, layer: Layer, below: Layer) -> None:
    """Compute the deltas of the layer below from those of this layer, whose units are summed in order."""

    def unit(i: Any) -> None:
        def weight_and_deltas(j: Any) -> tuple[Lanes, list[Lanes]]:
            weight = tile.theta[j * layer.width + (layer.first_param + i)]
            return weight, [tile.deltas[tile.unit(layer, j, s)] for s in tile.samples]

        def add(j: Any, sums: list[Lanes]) -> list[Lanes]:
            weight, deltas = weight_and_deltas(j)
            return [fma(weight, delta, total) for delta, total in zip(deltas, sums, strict=True)]

        weight, deltas = weight_and_deltas(0)
        sums = fold(tile.theta, layer.fan_out, [weight * delta for delta in deltas], add)
        for s in tile.samples:
            row, total = tile.unit(below, i, s), sums[s]
            if layer.residual:
                total = total + tile.values[tile.unit(layer, i, s)]
            if below.residual:
                tile.values[row] = total
            tile.deltas[row] = total * tile.deltas[row]

    tile.repeat(layer.fan_in, unit, in_code(tile.theta.kind, layer.fan_out, weight=2))


def forward_and_backward(tile: Tile) -> None:
    """The forward pass of one tile and, for a gradient, the backward pass."""
    *hidden, last = layers = tile.variant.layers
    for layer in hidden:
        forward(tile, layer)
    output_deltas(tile, last)
    if tile.grad is None:
        return
    for below, layer in reversed(list(zip((None, *hidden), layers, strict=True))):
        add_gradient(tile, layer)
        if below is not None:
            backpropagate(tile, layer, below)


def loss_and_gradient(
    builder: Any, variant: Variant, theta: Rows, grad: Rows | None, X: Rows, T: Rows, first: Index | int, batch: int,
    right: Rows | None = None, dropout: Dropout | None = None,
) -> tuple[Lanes, Lanes]:
    """(loss, largest error of an output) of `batch` samples, the first of index `first`; writes `grad`, if given.

    Adds the number of samples whose class is right to the row `right`.
    """
    units = variant.n_units
    zero = theta[0].like(-0.0)  # -0.0 + x has the bits of x, and LLVM does not turn stores of -0.0 into memset
    (values, release_values), (deltas, release_deltas) = (theta.borrowed(units * TILE) for _ in range(2))
    sums = theta.scratch(2)
    sums[0] = sums[1] = zero

    def clear(k: Any) -> None:
        assert grad is not None
        grad[k] = zero

    def tile(number: Any, size: int) -> None:
        at = first + number * TILE
        rows = theta, grad, X, T, values, deltas, sums, right
        forward_and_backward(Tile(variant, at, size, batch, *rows, number, dropout))

    if grad is not None:
        repeat(builder, variant.n_params, clear, in_code(variant.kind, 1, weight=2))
    tiles, rest = divmod(batch, TILE)
    if tiles:
        repeat(builder, tiles, lambda n: tile(n, TILE), tiles * UNROLLED)
    if rest:
        tile(tiles, rest)
    release_values()
    release_deltas()
    factor, _ = factors(variant.trainer.loss, variant.trainer.reduction, batch, variant.layers[-1].fan_out)
    return sums[0] * factor, sums[1]
