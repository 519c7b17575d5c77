"""The variant of a kernel: everything that the compiler specializes on, as the Numba type of a small argument."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from numba import types
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox

from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.schedules import SCHEDULES, ScheduleRule
from saddlescape.kernels.update_rules import RULES, UpdateRule
from saddlescape.network import layout
from saddlescape.words.optimizers import OPTIMIZERS, Decay, Optimizer

LIMITS = 4
"""Number of limits of a run, which are the first rows of `hyperparameters` (tick.py)."""


@dataclass(frozen=True)
class Trainer:
    """What all runs of a call share: layer sizes (inputs first, outputs last), functions by name, and batches.

    `loss`, `optimizer`, `schedule`, `skip` and `reduction` are words of the spec; None is the loss's own reduction.
    `weight_decay`, `l1`, `layer_rates`, `bias_rate`, `noise`, `warmup`, `dropout` and `clip` state whether there are
    such hyperparameters; their values belong to the runs.  If `shuffled`, each epoch takes the samples in a new order;
    if `sampled`, each step draws with replacement.
    """

    sizes: tuple[int, ...]
    bias: bool
    activations: tuple[str, ...]
    """One per layer, including the output layer."""

    loss: str
    optimizer: str
    schedule: str = "constant"
    weight_decay: bool = False
    layer_rates: bool = False
    batch: int = 0
    """Samples per step; 0 means all."""
    shuffled: bool = False
    noise: bool = False
    skip: str = "none"
    reduction: str | None = None
    l1: bool = False
    decay: str = "all"
    """The parameters with weight decay and l1: "all", or "weights" without biases."""
    bias_rate: bool = False
    warmup: bool = False
    classes: str = ""
    """Coding of the targets, "01" or "pm1", if runs are solved by their accuracy."""
    loss_limit: bool = False
    """Whether runs are solved by their loss."""
    sampled: bool = False
    dropout: bool = False
    clip: bool = False

    @property
    def penalties(self) -> tuple[str, ...]:
        """Hyperparameters whose terms are part of the objective."""
        return ("weight_decay",) * self.weight_decay + ("l1",) * self.l1

    @property
    def has_margin(self) -> bool:
        """Whether runs are solved by more than the largest error of an output."""
        return bool(self.classes) or self.loss_limit


@dataclass(frozen=True)
class Layer:
    """One layer of weights.

    `first_param` is the offset of its parameters in the parameter vector, `first_unit` the number of units in the
    layers below, without the inputs.
    """

    fan_in: int
    fan_out: int
    bias: bool
    first_param: int
    first_unit: int
    activation: str
    residual: bool = False
    """Whether the values of the layer below are added to those of this hidden layer."""
    direct: int = 0
    """Number of inputs of the network whose weights follow those from the layer below."""

    @property
    def width(self) -> int:
        """Number of parameters of one unit: its incoming weights, then its bias."""
        return self.fan_in + self.direct + self.bias

    @property
    def is_first(self) -> bool:
        return self.first_unit == 0


@dataclass(frozen=True)
class Variant:
    """Everything that selects machine code."""

    trainer: Trainer
    samples: int
    watch_gradient: bool
    kind: LaneType

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of the forward pass."""
        trainer, layers, param, unit = self.trainer, [], 0, 0
        residual = (*layout.residual(trainer.sizes, trainer.skip), False)
        for number, (fan_in, fan_out) in enumerate(pairwise(trainer.sizes)):
            direct = layout.fan_ins(trainer.sizes, trainer.skip)[number] - fan_in
            own = trainer.activations[number], residual[number], direct
            layers.append(layer := Layer(fan_in, fan_out, trainer.bias, param, unit, *own))
            param, unit = param + layer.width * fan_out, unit + fan_out
        return tuple(layers)

    @property
    def optimizer(self) -> Optimizer:
        return OPTIMIZERS[self.trainer.optimizer]

    @property
    def rule(self) -> UpdateRule:
        return RULES[self.trainer.optimizer]

    @property
    def schedule(self) -> ScheduleRule | None:
        return SCHEDULES.get(self.trainer.schedule)

    @cached_property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of the hyperparameters of a run, in the order of their rows."""
        has_decay = self.optimizer.decay is Decay.DECOUPLED or self.trainer.weight_decay
        decay = ("weight_decay",) if has_decay else ()
        layers = [f"layer_rate_{k}" for k in range(len(self.layers) * self.trainer.layer_rates)]
        schedule = self.schedule.hyperparameters if self.schedule else ()
        names = ("noise", "l1", "bias_rate", "warmup", "dropout", "clip")
        later = tuple(name for name in names if getattr(self.trainer, name))
        learning_rate = ("learning_rate",) if self.optimizer.steps else ()
        limits = (
            *("error_limit",) * self.trainer.has_margin,
            *("accuracy_limit",) * bool(self.trainer.classes),
            *("loss_limit",) * self.trainer.loss_limit,
        )
        return (*learning_rate, *self.optimizer.own, *decay, *schedule, *layers, *later, *limits)

    @property
    def first_hyperparameter(self) -> int:
        """Row of the first hyperparameter of a run, after its limits."""
        return LIMITS

    @property
    def keeps_loss_gradient(self) -> bool:
        """Whether `grad` also stores the gradient of the loss: it is clipped or gets noise before the penalties."""
        return bool(self.trainer.penalties) and (self.trainer.noise or self.trainer.clip) and not self.steps_apart

    @property
    def steps_apart(self) -> bool:
        """Whether steps compute gradients of their own, with minibatches or dropout, not that of `evaluate`."""
        return bool(self.trainer.batch) or self.trainer.dropout

    @property
    def evaluates_every_tick(self) -> bool:
        """Whether each tick evaluates the loss and the gradient over all samples; losses with dropout tell nothing."""
        return not self.trainer.batch or self.trainer.dropout

    @property
    def adds_penalties_early(self) -> bool:
        """Whether the gradient of the objective, as evaluated over all samples, is also that of the steps."""
        return not (self.trainer.noise or self.trainer.clip or self.steps_apart)

    @property
    def flows(self) -> bool:
        """Whether runs follow the gradient flow."""
        return not self.optimizer.steps

    @property
    def n_states(self) -> int:
        """Rows of the optimizer's state: of the parameters, of the whole step, and the step count of the schedule."""
        return self.n_params * self.rule.states + self.rule.step_states + self.counts_steps

    @property
    def counts_steps(self) -> bool:
        """Whether the learning rate depends on the number of the step."""
        return self.schedule is not None or self.trainer.warmup

    @property
    def batches(self) -> tuple[int, int]:
        """Samples per batch and steps per epoch; the last batch of an epoch may be smaller, except if it is drawn."""
        size = self.trainer.batch or self.samples
        return size, -(-self.samples // size)

    @property
    def own_samples(self) -> int:
        """Samples that each lane has for itself: those of an epoch, shuffled or drawn; otherwise none."""
        size, steps = self.batches
        return size * steps if self.trainer.sampled else self.samples * self.trainer.shuffled

    @property
    def n_params(self) -> int:
        return sum(layer.width * layer.fan_out for layer in self.layers)

    @property
    def n_units(self) -> int:
        return sum(self.trainer.sizes[1:])


class Net:
    """An argument without data whose Numba type is the variant; `wanted` is what `outputs` computes."""

    def __init__(self, variant: Variant, wanted: str = "outputs") -> None:
        self.variant, self.wanted = variant, wanted


class NetType(types.Type):
    """Numba type of a `Net`, which differs between variants."""

    def __init__(self, variant: Variant, wanted: str = "outputs") -> None:
        self.variant, self.wanted = variant, wanted
        super().__init__(name=f"Net({variant}{'' if wanted == 'outputs' else f', {wanted}'})")


@typeof_impl.register(Net)
def _typeof_net(value: Net, context: Any) -> NetType:
    return NetType(value.variant, value.wanted)


register_model(NetType)(models.OpaqueModel)


@unbox(NetType)
def _unbox_net(ty: NetType, obj: Any, context: Any) -> NativeValue:
    return NativeValue(context.context.get_dummy_value())
