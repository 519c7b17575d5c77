"""The objective, the loss plus penalties of the parameters, and loops over parameters that treat biases apart."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from saddlescape.kernels.code import Rows, repeat
from saddlescape.kernels.lanes import Lanes, copysign, fma, select
from saddlescape.kernels.variant import Layer, Trainer, Variant

Values = Mapping[str, Lanes]
Body = Callable[[Any], None]


def each_parameter(
    builder: Any, variant: Variant, group: Callable[[int, bool], Body], cost: int, *, layers: bool, biases: bool
) -> None:
    """Call ``group(layer, is_bias)(k)`` for every parameter `k`; `cost` is the number of its lane operations.

    `layers` and `biases` state whether the groups differ between layers and between weights and biases; a group that
    does not differ is that of layer 0, or of the weights.
    """
    if not (layers or biases):
        repeat(builder, variant.n_params, group(0, False), cost)
        return
    for number, layer in enumerate(variant.layers):
        weight = group(number * layers, False)
        if biases and layer.bias:
            _each_unit(builder, layer, weight, group(number * layers, True), cost)
        else:
            repeat(builder, layer.width * layer.fan_out, partial(_shifted, weight, layer.first_param), cost)


def _shifted(body: Body, first: int, k: Any) -> None:
    body(first + k)


def _each_unit(builder: Any, layer: Layer, weight: Body, bias: Body, cost: int) -> None:
    def unit(j: Any) -> None:
        row = layer.first_param + j * layer.width
        repeat(builder, layer.width - 1, lambda i: weight(row + i), cost)
        bias(row + (layer.width - 1))

    repeat(builder, layer.fan_out, unit, layer.width * cost)


def add_penalty(builder: Any, variant: Variant, theta: Rows, grad: Rows, values: Values) -> None:
    """Change `grad` to the gradient of the objective (docs/spec.md#weight-decay)."""
    n = variant.n_params

    def group(layer: int, is_bias: bool) -> Body:
        def parameter(k: Any) -> None:
            if variant.keeps_loss_gradient:
                grad[n + k] = grad[k]
            grad[k] = penalized(variant.trainer, own_penalties(variant.trainer, values, is_bias), theta[k], grad[k])

        return parameter

    each_parameter(builder, variant, group, 1, layers=False, biases=variant.trainer.decay == "weights")


def own_penalties(trainer: Trainer, values: Values, is_bias: bool) -> dict[str, Lanes]:
    """The values without the penalties that the parameters do not have."""
    free = ("weight_decay", "l1") if is_bias and trainer.decay == "weights" else ()
    return {name: value for name, value in values.items() if name not in free}


def penalized(trainer: Trainer, values: Values, theta: Lanes, g: Lanes) -> Lanes:
    """The gradient `g` plus weight_decay theta plus l1 sign(theta), where sign(0) is 0."""
    if trainer.weight_decay and "weight_decay" in values:
        g = fma(values["weight_decay"], theta, g)
    if trainer.l1 and "l1" in values:
        g = g + select(abs(theta) > 0.0, copysign(values["l1"], theta), 0.0)
    return g


def hold_biases(builder: Any, variant: Variant, grad: Rows, bias_rate: Lanes) -> None:
    """Set the gradient of the biases to zero where they are held."""

    def bias(k: Any) -> None:
        grad[k] = select(bias_rate > 0.0, grad[k], 0.0)

    def group(layer: int, is_bias: bool) -> Body:
        return bias if is_bias else lambda k: None

    each_parameter(builder, variant, group, 1, layers=False, biases=True)
