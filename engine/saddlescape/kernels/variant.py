"""What the compiler specialises on: the network, the trainer and the lane count, as the type of a small argument.

Numba's disk cache watches only the file of the cached function, so the type also carries a digest of every
kernel source: an edit anywhere in this package makes a new signature and never meets old machine code.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import NativeValue, intrinsic, models, register_model, typeof_impl, unbox

UNROLLED_SAMPLES = 16
"""Up to this many samples the count is a constant of the machine code; above, a loop bound read at run time."""

SOURCES = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
).hexdigest()


class Variant(NamedTuple):
    """Everything that selects machine code; `samples` is 0 where the count is not a constant."""

    sizes: tuple[int, ...]
    bias: bool
    activation: str
    output: str
    loss: str
    stepper: str
    samples: int
    watch_gradient: bool
    lanes: int


class Net:
    """A value whose Numba type is the variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant


class NetType(types.Type):
    """Numba type of `Net`."""

    def __init__(self, variant: Variant) -> None:
        self.variant, self.lanes = variant, variant.lanes
        super().__init__(name=f"Net({tuple(variant)}, {SOURCES})")


class LayerType(types.Type):
    """Layer `index` of a network (0 is the first with weights), as a type: recursion over layers is typed."""

    def __init__(self, net: NetType, index: int) -> None:
        self.net, self.index = net, index
        super().__init__(name=f"Layer({net.name}, {index})")

    @property
    def first_param(self) -> int:
        sizes, bias = self.net.variant.sizes, self.net.variant.bias
        return sum((sizes[i] + bias) * sizes[i + 1] for i in range(self.index))

    @property
    def first_unit(self) -> int:
        """Row of the layer's first unit in the activations and slopes (inputs have no rows)."""
        return sum(self.net.variant.sizes[1 : self.index + 1])

    @property
    def is_output(self) -> bool:
        return self.index == len(self.net.variant.sizes) - 2


@typeof_impl.register(Net)
def _typeof_net(value: Net, context: Any) -> NetType:
    return NetType(value.variant)


register_model(NetType)(models.OpaqueModel)
register_model(LayerType)(models.OpaqueModel)


@unbox(NetType)
def _unbox_net(ty: NetType, obj: Any, context: Any) -> NativeValue:
    return NativeValue(context.context.get_dummy_value())


def _constant(read: Any) -> Any:
    @intrinsic
    def constant(typingctx: Any, of: Any) -> Any:
        value = int(read(of))
        return types.intp(of), lambda context, builder, sig, args: ir.Constant(ir.IntType(64), value)

    return constant


def _layer(read: Any) -> Any:
    @intrinsic
    def layer(typingctx: Any, of: Any) -> Any:
        return read(of)(of), lambda context, builder, sig, args: context.get_dummy_value()

    return layer


n_lanes = _constant(lambda net: net.lanes)
n_inputs = _constant(lambda net: net.variant.sizes[0])
n_outputs = _constant(lambda net: net.variant.sizes[-1])
n_params = _constant(lambda net: LayerType(net, len(net.variant.sizes) - 1).first_param)
constant_samples = _constant(lambda net: net.variant.samples)
has_velocity = _constant(lambda net: net.variant.stepper != "gd")
is_mean = _constant(lambda net: net.variant.loss != "half_sse")
watches_gradient = _constant(lambda net: net.variant.watch_gradient)
fan_in = _constant(lambda layer: layer.net.variant.sizes[layer.index])
fan_out = _constant(lambda layer: layer.net.variant.sizes[layer.index + 1])
has_bias = _constant(lambda layer: layer.net.variant.bias)
first_param = _constant(lambda layer: layer.first_param)
first_unit = _constant(lambda layer: layer.first_unit)
first_layer = _layer(lambda net: LayerType(net, 0))
next_layer = _layer(lambda layer: LayerType(layer.net, layer.index + 1))
