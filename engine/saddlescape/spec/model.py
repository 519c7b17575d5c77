"""The keys of a spec: types, ranges and defaults, one class per section."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
)
from pydantic_core import PydanticCustomError

from saddlescape.network import layout
from saddlescape.network.problems import DRAWN, MAX_SAMPLES, MAX_WIDTH, Problem, drawn_problem, logic_problem
from saddlescape.spec.files import DataFiles

NUMERIC = (
    "starts.scale",
    "training.learning_rate",
    "training.momentum",
    "training.epsilon",
    "training.smoothing",
    "training.beta1",
    "training.beta2",
    "training.eta_plus",
    "training.eta_minus",
    "training.step_max",
    "training.step_min",
    "training.weight_decay",
    "training.schedule_decay",
    "training.noise",
    "training.rtol",
    "training.atol",
    "stop.solved",
    "stop.gradient",
    "stop.diverged",
)
"""Keys that only change a number of a run, not the network, its data or its kernel; so do `LAYER_RATES`."""

LAYER_RATES = "training.layer_rates"


def is_number(key: str) -> bool:
    """Whether a key only changes a number of a run: one of `NUMERIC`, or the rate of one layer."""
    return key in NUMERIC or key.startswith(f"{LAYER_RATES}.")


def whole(value: Any) -> Any:
    """An integer in place of a float that is one, so that 1e6 is 1000000; anything else as it is."""
    return int(value) if type(value) is float and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(whole)]
Floats = Annotated[tuple[float, ...], Field(strict=False, min_length=1)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Steps = Annotated[Integer, Field(ge=1, le=10**12)]
Width = Annotated[Integer, Field(ge=1, le=MAX_WIDTH)]
Seed = Annotated[Integer, Field(ge=0, le=2**63 - 1)]


def _schedule(spacing: str, what: str, numbers: tuple[type, ...]) -> Callable[[Any], str | tuple[Any, ...]]:
    """Validator of a schedule: "log:N", another spacing, or a list of numbers."""

    def check(value: Any) -> str | tuple[Any, ...]:
        if isinstance(value, str) and re.fullmatch(rf"(log|{spacing}):0*[1-9]\d{{0,8}}", value, re.ASCII):
            return value
        steps = [whole(v) for v in value] if isinstance(value, list | tuple) else []
        if steps and all(type(v) in numbers and 0 <= v < 1e300 for v in steps):
            if falls := [(a, b) for a, b in pairwise(steps) if b <= a]:
                raise ValueError(f"must be increasing; got {falls[0][1]!r} after {falls[0][0]!r}")
            return tuple(map(numbers[-1], steps))
        raise ValueError(f'must be "log:N", "{spacing}:N" or a list of {what} from 0 on; got {value!r:.80}')

    return check


def _activation(value: Any) -> str | tuple[str, ...]:
    names = value if isinstance(value, list | tuple) else [value]
    for name in names:
        if not isinstance(name, str) or name not in ACTIVATIONS:
            words = [repr(word) for word in ACTIVATIONS]
            expected = f"{', '.join(words[:-1])} or {words[-1]}"
            raise PydanticCustomError("literal_error", "{expected}", {"expected": expected})
    return value if isinstance(value, str) else tuple(names)


def _samples(value: Any) -> int | str:
    value = whole(value)
    if value in ("full", "online", "shuffled") or (type(value) is int and value >= 1):
        return cast(int | str, value)
    raise ValueError(f'must be "full", "online", "shuffled" or a number of samples, 1 or more; got {value!r:.80}')


def _line(value: str) -> str:
    if len(value) > 1000 or re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError(f"must be one line of at most 1000 characters; got {value!r:.80}")
    return value


def _different(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"must differ from each other; got {', '.join(values)}")
    return values


Activation = Literal[
    "logistic", "tanh", "relu", "leaky_relu", "linear", "softplus", "silu", "gelu", "erf", "sin"
]
ACTIVATIONS: tuple[str, ...] = get_args(Activation)

ELEMENTS: dict[str, Any] = {
    "network.hidden": Width,
    "network.activation": Activation,
    "starts.base": float,
    "starts.direction": float,
    LAYER_RATES: NonNegative,
}
"""Keys that are lists, with the type of their elements; an element is a key too: ``network.hidden.0``."""


Measured = Literal[
    "loss", "grad_norm", "separation", "param_norm", "distance",
    "layer_norm", "imbalance", "effective_width", "effective_width_tol", "cosine", "outputs",
]  # fmt: skip


class Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def resolved(self) -> dict[str, Any]:
        """Plain JSON values by key; written out here, so that no release of pydantic changes the digest of a spec."""
        fields = type(self).model_fields.items()
        values = {name: getattr(self, name) for name, _ in fields}
        return {
            field.alias or name: _plain(values[name])
            for name, field in fields
            if not (field.json_schema_extra == LATER and values[name] == field.default)
        }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.resolved() if isinstance(value, Section) else value


LATER: dict[str, Any] = {"later": True}
"""Marks the keys that came after the first version."""


def later(default: Any) -> Any:
    """Default of a key that came after the first version: the resolved spec leaves it out where it has that value.

    So older specs keep their digest, and runs that an older version began go on.
    """
    return Field(default, json_schema_extra=LATER)


class ProblemKeys(Section):
    name: Literal[
        "xor", "and", "or", "nand", "nor", "xnor", "parity", "encoder", "random", "linear", "teacher"
    ] | None = None  # fmt: skip
    file: str | None = None
    coding: Literal["01", "pm1"] = "01"
    bits: Annotated[Integer, Field(ge=1, le=12)] | None = None
    size: Annotated[Integer, Field(ge=2, le=MAX_WIDTH)] | None = None
    samples: Annotated[Integer, Field(ge=1, le=MAX_SAMPLES)] | None = later(None)
    inputs: Annotated[Integer, Field(ge=1, le=MAX_WIDTH)] | None = later(None)
    outputs: Annotated[Integer, Field(ge=1, le=MAX_WIDTH)] | None = later(None)
    hidden: Width | None = later(None)
    seed: Seed = later(0)
    input_scale: Positive = later(1.0)
    target_scale: Positive = later(1.0)


class Network(Section):
    hidden: Annotated[tuple[Width, ...], Field(strict=False, max_length=8)] = (2,)
    activation: Annotated[str | tuple[str, ...], PlainValidator(_activation)] = "logistic"
    output: Activation = "logistic"
    bias: bool = True
    dtype: Literal["float64", "float32"] = "float64"


class Side(Section):
    """One side of a slice: `n` values of the parameter `index`, both ends included."""

    index: Annotated[Integer, Field(ge=0)]
    from_: Annotated[float, Field(alias="from")]
    to: float
    n: Annotated[Integer, Field(ge=1, le=10**5)]


class Starts(Section):
    kind: Literal[
        "zero", "constant", "normal", "uniform", "sphere", "tied", "mirrored", "ray", "slice", "file"
    ] = "normal"
    scale: NonNegative = 1.0
    count: Annotated[Integer, Field(ge=1, le=10**9)] = 4096
    seed: Seed = 20120425
    biases: bool = True
    file: str | None = None
    base: Floats | None = None
    x: Side | None = None
    y: Side | None = None
    direction: Floats | None = None


class Training(Section):
    """What a run steps by; the numbers of the steppers are `torch.optim`'s, with its defaults."""

    loss: Literal["half_sse", "mse", "huber", "bce", "bce_logits", "softmax_ce"] = "half_sse"
    stepper: Literal[
        "gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "rprop",
        "sign", "normalized", "multiplicative", "flow",
    ] = "momentum"  # fmt: skip
    learning_rate: Positive = 0.5
    momentum: Fraction = 0.9
    epsilon: NonNegative = 1e-8
    smoothing: Fraction = 0.99
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eta_plus: Annotated[float, Field(ge=1)] = 1.2
    eta_minus: Annotated[float, Field(gt=0, le=1)] = 0.5
    step_max: Positive = 50.0
    step_min: Positive = 1e-6
    weight_decay: NonNegative = 0.0
    schedule: Literal["constant", "exponential", "cosine", "inverse_time"] = "constant"
    schedule_decay: NonNegative = 0.999
    layer_rates: Annotated[tuple[NonNegative, ...], Field(strict=False)] | None = None
    noise: NonNegative = 0.0
    batch: Annotated[int | Literal["full", "online", "shuffled"], PlainValidator(_samples)] = "full"
    steps: Steps = 20000
    epochs: Steps | None = None
    time: Annotated[float, Field(gt=0, le=1e12)] = 1000.0
    rtol: Annotated[float, Field(ge=1e-13, le=0.1)] = 1e-8
    atol: NonNegative = 1e-15


class Stop(Section):
    solved: NonNegative = 0.4
    gradient: NonNegative = 0.0
    diverged: Positive = 1e6


class PerOutcome(Section):
    """Trajectories of so many runs of each outcome, the first ones of a point."""

    per_outcome: Annotated[Integer, Field(ge=1)]


def _how_many(value: Any) -> int | Literal["all"] | PerOutcome:
    if value == "all":
        return "all"
    if type(number := whole(value)) is int and number >= 0:
        return number
    if isinstance(value, Mapping) and value.keys() == {"per_outcome"}:
        number = whole(value["per_outcome"])
        if type(number) is int and 1 <= number <= 10**6:
            return PerOutcome(per_outcome=number)
    choices = '"all", a number of runs, 0 or more, or { per_outcome = N } with N from 1 to 10^6'
    raise ValueError(f"must be {choices}; got {value!r:.80}")


class Record(Section):
    steps: Annotated[str | tuple[int, ...], PlainValidator(_schedule("every", "steps", (int,)))] = "log:64"
    times: Annotated[
        str | tuple[float, ...], PlainValidator(_schedule("linear", "times", (int, float)))
    ] = "log:64"
    fields: Annotated[tuple[Measured, ...], Field(strict=False), AfterValidator(_different)] = (
        "loss", "grad_norm", "separation",
    )  # fmt: skip
    tolerance: Positive = later(0.01)
    dtype: Literal["float32", "float64"] | None = later(None)
    keep_bits: Annotated[Integer, Field(ge=1, le=52)] | None = later(None)
    parameters: bool = False
    final_parameters: bool = False
    runs: Annotated[int | Literal["all"] | PerOutcome, PlainValidator(_how_many)] = 256


class Spec(Section):
    """One point of a sweep, complete and checked."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    title: Annotated[str, AfterValidator(_line)] = ""
    problem: ProblemKeys = ProblemKeys()
    network: Network = Network()
    starts: Starts = Starts()
    training: Training = Training()
    stop: Stop = Stop()
    record: Record = Record()

    _files: DataFiles = PrivateAttr(default_factory=lambda: DataFiles(Path()))

    @property
    def loaded(self) -> Problem:
        """The problem; ValueError with one line for the user if its file is no good.

        Of a sweep over many only a few are kept, the others made again; `samples` and `sizes` are kept.
        """
        keys = self.problem
        if keys.file is not None:
            return self._files.problem(keys.file)
        if keys.name in DRAWN and keys.samples and keys.inputs and keys.outputs:
            more = keys.hidden, keys.seed, keys.input_scale, keys.target_scale
            return drawn_problem(keys.name, keys.samples, keys.inputs, keys.outputs, *more)
        return logic_problem(keys.name or "", keys.coding, keys.bits, keys.size)

    @cached_property
    def _shape(self) -> tuple[int, int, int]:
        X, T = self.loaded.X, self.loaded.T
        return (*X.shape, T.shape[1])

    @property
    def samples(self) -> int:
        """Of the problem."""
        return self._shape[0]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer: inputs, hidden layers, outputs."""
        return (self._shape[1], *self.network.hidden, self._shape[2])

    def number(self, key: str) -> float:
        """The value of a key that `is_number`; a layer without a rate has 1."""
        section, name, *place = key.split(".")
        value = getattr(getattr(self, section), name)
        if not place:
            return float(value)
        return float(value[int(place[0])]) if value is not None and int(place[0]) < len(value) else 1.0

    def replaced(self, key: str, value: float) -> "Spec":
        """This spec with another value of a key that `is_number`; a layer's rate must be there."""
        section, name, *place = key.split(".")
        old = getattr(self, section)
        new = tuple(value if str(k) == place[0] else v for k, v in enumerate(getattr(old, name))) if place else value
        return self.model_copy(update={section: old.model_copy(update={name: new})})

    @property
    def batch(self) -> int:
        """Samples of a step; 0 for all, also where a batch has them all."""
        batch = self.training.batch
        size = {"full": 0, "online": 1, "shuffled": 1}[batch] if isinstance(batch, str) else batch
        return 0 if size and not self.shuffled and size == len(self.loaded.X) else size

    @property
    def shuffled(self) -> bool:
        """Whether the samples come in a fresh order each epoch."""
        return self.training.batch == "shuffled"

    @property
    def epoch(self) -> int:
        """Steps that go once through the samples."""
        return -(-self.samples // self.batch) if self.batch else 1

    @property
    def steps(self) -> int:
        """Steps at most."""
        return self.training.steps if self.training.epochs is None else self.training.epochs * self.epoch

    @property
    def flows(self) -> bool:
        """Whether runs follow the gradient flow, in time."""
        return self.training.stepper == "flow"

    @property
    def activations(self) -> tuple[str, ...]:
        """Activation of each layer, outputs included."""
        given = self.network.activation
        hidden = (given,) * len(self.network.hidden) if isinstance(given, str) else given
        return (*hidden, self.network.output)

    @property
    def n_params(self) -> int:
        return layout.n_params(self.sizes, self.network.bias)

    @cached_property
    def given_starts(self) -> npt.NDArray[np.float64]:
        """The starts in `starts.file`, float64 (count, n_params); ValueError with one line for the user."""
        starts = self._files.starts(self.starts.file or "")
        if starts.ndim != 2 or not len(starts) or starts.shape[1] != self.n_params:
            raise ValueError(f"must have shape (count, {self.n_params}); got {starts.shape}")
        if not np.isfinite(starts).all():
            row = int(np.argwhere(~np.isfinite(starts))[0, 0])
            raise ValueError(f"must be finite; start {row} is not")
        return starts
