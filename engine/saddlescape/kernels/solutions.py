"""When a run is solved by its accuracy or its loss, besides the largest error of an output."""

import math
from typing import TYPE_CHECKING

from saddlescape.kernels.lanes import Lanes, select
from saddlescape.words import losses
from saddlescape.words.classes import MIDWAY

if TYPE_CHECKING:
    from saddlescape.kernels.code import Rows
    from saddlescape.kernels.network import Tile
    from saddlescape.kernels.variant import Layer, Variant

MET = -1e-30
"""Margin of a run whose loss equals its limit: any negative number."""


class Judge:
    """Counts the samples of a tile whose class is right in `tile.right`, as `network.classes.right` does.

    The class of a sample is whether its only output is above the midway, or else the first of its largest outputs.
    """

    def __init__(self, tile: "Tile", layer: "Layer") -> None:
        self.tile, self.several = tile, layer.fan_out > 1
        self.right = tile.right
        if self.right is None:
            return
        trainer = tile.variant.trainer
        self.midway = MIDWAY[trainer.classes]
        self.threshold = 0.0 if losses.LOSSES[trainer.loss].link else self.midway
        if self.several:
            self.largest, self.hit = (tile.sums.scratch(tile.size) for _ in range(2))
            for s in tile.samples:
                self.largest[s], self.hit[s] = self.right[0].like(-math.inf), self.right[0].like(0.0)

    def look(self, s: int, output: Lanes, target: Lanes) -> None:
        """Take note of the next output of a sample."""
        if self.right is None:
            return
        high = select(target > self.midway, target.like(1.0), 0.0)
        if self.several:
            above = output > self.largest[s]
            self.largest[s], self.hit[s] = select(above, output, self.largest[s]), select(above, high, self.hit[s])
        else:
            self.right[0] = self.right[0] + select(output > self.threshold, high, 1.0 - high)

    def count(self) -> None:
        """Count the samples, after all outputs."""
        if self.right is not None and self.several:
            for s in self.tile.samples:
                self.right[0] = self.right[0] + self.hit[s]


def counter(variant: "Variant", rows: "Rows") -> "Rows | None":
    """A row that counts right samples, on the stack; None if the variant does not need it."""
    if not variant.trainer.classes:
        return None
    right = rows.scratch(1)
    right[0] = rows[0].like(0.0)
    return right


def margin(
    variant: "Variant", hyperparameters: "Rows", loss: Lanes, max_error: Lanes, right: "Rows | None"
) -> Lanes:
    """What is compared with the tolerance: `max_error` or, in variants with other limits, negative if one is met.

    It is continuous in the loss and the error, for the location of events in the gradient flow; accuracy makes it jump.
    """
    if not variant.trainer.has_margin:
        return max_error

    def limit(name: str) -> Lanes:
        return hyperparameters[variant.first_hyperparameter + variant.hyperparameters.index(name)]

    value = max_error - limit("error_limit")
    if variant.trainer.loss_limit:
        above = loss - limit("loss_limit")
        value = select(above < value, above, value)
        value = select(value < 0.0, value, select(loss <= limit("loss_limit"), value.like(MET), value))
    if right is not None:
        value = select(right[0] / float(variant.samples) < limit("accuracy_limit"), value, -1.0)
    return value


