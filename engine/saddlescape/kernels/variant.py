"""What the compiler specialises on: the trainer, its samples and the lanes, as the Numba type of a small argument."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from numba import types
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox

from saddlescape.kernels.lanes import Kind


@dataclass(frozen=True)
class Trainer:
    """What all runs of a call share: layer sizes (inputs first, outputs last) and the functions' names."""

    sizes: tuple[int, ...]
    bias: bool
    activation: str
    output: str
    loss: str
    stepper: str


@dataclass(frozen=True)
class Layer:
    """One layer of weights; `first_unit` counts the units of the layers below, inputs not among them."""

    fan_in: int
    fan_out: int
    bias: bool
    first_param: int
    first_unit: int
    activation: str

    @property
    def width(self) -> int:
        """Parameters of one unit: its incoming weights, then its bias."""
        return self.fan_in + self.bias

    @property
    def is_first(self) -> bool:
        return self.first_unit == 0


@dataclass(frozen=True)
class Variant:
    """Everything that selects machine code."""

    trainer: Trainer
    samples: int
    watch_gradient: bool
    kind: Kind

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """From the inputs to the outputs."""
        trainer, found, param, unit = self.trainer, [], 0, 0
        for number, (fan_in, fan_out) in enumerate(pairwise(trainer.sizes), start=2):
            activation = trainer.output if number == len(trainer.sizes) else trainer.activation
            found.append(Layer(fan_in, fan_out, trainer.bias, param, unit, activation))
            param, unit = param + (fan_in + trainer.bias) * fan_out, unit + fan_out
        return tuple(found)

    @property
    def n_params(self) -> int:
        return sum(layer.width * layer.fan_out for layer in self.layers)

    @property
    def n_units(self) -> int:
        return sum(self.trainer.sizes[1:])


class Net:
    """A value whose Numba type is the variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant


class NetType(types.Type):
    """Numba type of `Net`."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        super().__init__(name=f"Net({variant})")


@typeof_impl.register(Net)
def _typeof_net(value: Net, context: Any) -> NetType:
    return NetType(value.variant)


register_model(NetType)(models.OpaqueModel)


@unbox(NetType)
def _unbox_net(ty: NetType, obj: Any, context: Any) -> NativeValue:
    return NativeValue(context.context.get_dummy_value())
