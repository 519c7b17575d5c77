"""The keys of a spec: types, ranges, defaults and what they mean, one class per section."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, PlainValidator, PrivateAttr

from saddlescape.network import layout
from saddlescape.network.problems import MAX_SAMPLES, MAX_WIDTH, Problem, drawn_problem, logic_problem
from saddlescape.spec.files import DataFiles
from saddlescape.spec.values import (
    BATCHES,
    Activation,
    Fields,
    Floats,
    Integer,
    NonNegative,
    OneOf,
    Positive,
    Section,
    Seed,
    Steps,
    Width,
    activations,
    hyperparameter,
    key,
    line,
    samples,
    schedule,
    whole,
)
from saddlescape.words.losses import LOSSES
from saddlescape.words.measures import BASIC
from saddlescape.words.optimizers import HYPERPARAMETERS, OPTIMIZERS
from saddlescape.words.problems import DRAWN, PROBLEMS
from saddlescape.words.schedules import SCHEDULES
from saddlescape.words.starts import STARTS

NUMERIC = (
    "starts.scale",
    *(f"training.{name}" for name, its in HYPERPARAMETERS.items() if its.by_run),
    "training.schedule_decay",
    "stop.solved",
    "stop.gradient",
    "stop.diverged",
)
"""Keys that only change a number of a run, not the network, its data or its kernel; so do `LAYER_RATES`."""

LAYER_RATES = "training.layer_rates"


def is_number(key: str) -> bool:
    """Whether a key only changes a number of a run: one of `NUMERIC`, or the rate of one layer."""
    return key in NUMERIC or key.startswith(f"{LAYER_RATES}.")


ELEMENTS: dict[str, Any] = {
    "network.hidden": Width,
    "network.activation": Activation,
    "starts.base": float,
    "starts.direction": float,
    LAYER_RATES: NonNegative,
}
"""Keys that are lists, with the type of their elements; an element is a key too: ``network.hidden.0``."""

_FILE = "relative to the spec"
_DRAWS = "of random, linear and teacher"


class ProblemKeys(Section):
    """The problem to learn."""

    name: Annotated[str, OneOf(PROBLEMS)] | None = key(None, "a built-in problem; below")
    file: str | None = key(
        None,
        f"columns `x1.. t1..`, or arrays `X`, `T`; at most {MAX_SAMPLES} samples, {MAX_WIDTH} columns each, 16 MiB",
        f".csv or .npz, {_FILE}",
    )
    coding: Literal["01", "pm1"] = key("01", "false and true are 0 and 1, or -1 and +1, in inputs and targets")
    bits: Annotated[Integer, Field(ge=1, le=12)] | None = key(None, "inputs of parity")
    size: Annotated[Integer, Field(ge=2, le=MAX_WIDTH)] | None = key(None, "inputs, samples and outputs of the encoder")
    samples: Annotated[Integer, Field(ge=1, le=MAX_SAMPLES)] | None = key(None, _DRAWS, later=True)
    inputs: Annotated[Integer, Field(ge=1, le=MAX_WIDTH)] | None = key(None, _DRAWS, later=True)
    outputs: Annotated[Integer, Field(ge=1, le=MAX_WIDTH)] | None = key(None, _DRAWS, later=True)
    hidden: Width | None = key(None, "hidden units of the teacher", later=True)
    seed: Seed = key(0, "seed of random, linear and teacher", later=True)
    input_scale: Positive = key(1.0, "factor of the drawn inputs", later=True)
    target_scale: Positive = key(1.0, "factor of the drawn targets", later=True)


class NetworkKeys(Section):
    """The network."""

    hidden: Annotated[tuple[Width, ...], Field(strict=False, max_length=8)] = key(
        (2,), "widths of the hidden layers; `[]`: no hidden layer", f"at most 8 widths, 1 to {MAX_WIDTH}"
    )
    activation: Annotated[str | tuple[str, ...], PlainValidator(activations)] = key(
        "logistic", "activation of the hidden units", "an activation (below), or a list with one for each hidden layer"
    )
    output: Activation = key("logistic", "activation of the outputs", "an activation")
    bias: bool = key(True, "whether units have biases")
    dtype: Literal["float64", "float32"] = key("float64", "floating-point type of the training")


class Side(Section):
    """One side of a slice: `n` values of the parameter `index`, both ends included."""

    index: Annotated[Integer, Field(ge=0)]
    from_: Annotated[float, Field(alias="from")]
    to: float
    n: Annotated[Integer, Field(ge=1, le=10**5)]

    def finer(self, levels: int) -> "Side":
        """The side with 2**levels as many intervals."""
        n = (self.n - 1) * 2**levels + 1
        return Side.model_validate({**self.model_dump(by_alias=True), "n": n})

    @property
    def toml(self) -> str:
        """The table of it."""
        return f"{{ index = {self.index}, from = {self.from_!r}, to = {self.to!r}, n = {self.n} }}"


_SIDE = "kind slice: a parameter that varies over the grid, ends included"
_TABLE = "{index, from, to, n}"


class Starts(Section):
    """The starts of the runs."""

    kind: Annotated[str, OneOf(STARTS)] = key("normal", "distribution of the starts; below")
    scale: NonNegative = key(
        1.0, "standard deviation, half-width, radius or the constant; unused by zero, slice and file"
    )
    count: Annotated[Integer, Field(ge=1, le=10**9)] = key(4096, "starts per point; for a file, its number of rows")
    seed: Seed = key(
        20120425, "with the number of the run, it determines the start, the noise and the shuffled order"
    )
    biases: bool = key(True, "false: biases start at zero (not in slice and file)")
    file: str | None = key(
        None, "kind file; order: layer by layer, per unit its incoming weights, then its bias", ".npy (count, n_params)"
    )
    base: Floats | None = key(None, "kind slice: the other parameters", "n_params numbers")
    x: Side | None = key(None, _SIDE, _TABLE)
    y: Side | None = key(None, _SIDE, _TABLE)
    direction: Floats | None = key(
        None,
        "kind ray: multiplied by scale, not normalized; by default the normal draw of run 0, normalized to length 1",
        "n_params numbers",
    )


class Training(Section):
    """The training: loss, optimizer and steps."""

    loss: Annotated[str, OneOf(LOSSES)] = key("half_sse", "below")
    optimizer: Annotated[str, OneOf(OPTIMIZERS)] = key(
        "momentum", "defined as in `torch.optim` if it exists there; below", once="stepper"
    )
    learning_rate: float = hyperparameter("learning_rate")
    momentum: float = hyperparameter("momentum")
    epsilon: float = hyperparameter("epsilon")
    smoothing: float = hyperparameter("smoothing")
    beta1: float = hyperparameter("beta1")
    beta2: float = hyperparameter("beta2")
    eta_plus: float = hyperparameter("eta_plus")
    eta_minus: float = hyperparameter("eta_minus")
    step_max: float = hyperparameter("step_max")
    step_min: float = hyperparameter("step_min")
    weight_decay: float = hyperparameter("weight_decay")
    schedule: Annotated[str, OneOf(SCHEDULES)] = key(
        "constant", "factor of the learning rate at step t, counted from 0; below"
    )
    schedule_decay: NonNegative = key(0.999, "d of the schedule", ">= 0; exponential: 0 < d <= 1")
    layer_rates: Annotated[tuple[NonNegative, ...], Field(strict=False)] | None = key(
        None,
        "factor of the learning rate of each layer; 1 by default",
        "one >= 0 for each layer of weights",
    )
    noise: float = hyperparameter("noise")
    batch: Annotated[int | str, PlainValidator(samples)] = key(
        "full",
        "samples per step, in order; online: one; shuffled: one, in a new random order each epoch; the last batch of "
        "an epoch may be smaller",
        f"{', '.join(map(json.dumps, BATCHES))} or a number",
    )
    steps: Steps = key(
        20000, "largest number of steps (parameter updates), in whole epochs; flow: of attempted steps"
    )
    epochs: Steps | None = key(None, "in place of steps: number of passes through all samples")
    time: float = hyperparameter("time")
    rtol: float = hyperparameter("rtol")
    atol: float = hyperparameter("atol")


class Stop(Section):
    """Early stopping."""

    solved: NonNegative = key(
        0.4, "stop if every output (for logits, its probability) is this close to its target; 0: never"
    )
    gradient: NonNegative = key(
        0.0, "stop if no gradient component of the [objective](#weight-decay) is larger; 0: never"
    )
    diverged: Positive = key(1e6, "stop if the loss exceeds this")


class PerOutcome(Section):
    """Trajectories of the first N runs of each outcome at a point."""

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
    """What is recorded."""

    steps: Annotated[str | tuple[int, ...], PlainValidator(schedule("every", "steps", (int,)))] = key(
        "log:64",
        "recorded steps; 0 and the last step are always included",
        '"log:N", "every:N", increasing list; at most 10^7 records',
    )
    times: Annotated[str | tuple[float, ...], PlainValidator(schedule("linear", "times", (int, float)))] = key(
        "log:64",
        "flow: recorded times, in place of `record.steps`; 0 and the last time are always included",
        '"log:N" from time / 10^4, "linear:N", increasing list',
    )
    fields: Fields = key(
        BASIC, "measures in trajectories and at the end of each run", "of the [measures](measures.md)"
    )
    tolerance: Positive = key(0.01, "effective_width_tol: units closer than this count as one", later=True)
    dtype: Literal["float32", "float64"] | None = key(
        None, "type of trajectories; by default float32 for measures and `network.dtype` for parameters", later=True
    )
    keep_bits: Annotated[Integer, Field(ge=1, le=52)] | None = key(
        None,
        "bits kept of each mantissa in trajectories, rounded to nearest: files shrink, and the relative error is at "
        "most 2^-(keep_bits + 1)",
        later=True,
    )
    parameters: bool = key(False, "record theta in trajectories")
    final_parameters: bool = key(False, "keep theta at the start and at the end of each run")
    runs: Annotated[int | Literal["all"] | PerOutcome, PlainValidator(_how_many)] = key(
        256,
        "runs of each point with a trajectory: this many, evenly spaced, or the first N of each outcome",
        '"all", a number >= 0, or { per_outcome = N }',
    )


class Spec(Section):
    """One point of a sweep, complete and checked."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = key(1, "version of this format")
    title: Annotated[str, AfterValidator(line)] = key("", "title of the sweep", "string, one line")
    problem: ProblemKeys = ProblemKeys()
    network: NetworkKeys = NetworkKeys()
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
        return self.changed(section, **{name: new})

    def changed(self, section: str, **values: Any) -> "Spec":
        """This spec with other values, which are sound already, in a section."""
        return self.model_copy(update={section: getattr(self, section).model_copy(update=values)})

    @property
    def batch(self) -> int:
        """Samples of a step; 0 for all, also where a batch has them all."""
        batch = self.training.batch
        size = BATCHES[batch] if isinstance(batch, str) else batch
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
        return not OPTIMIZERS[self.training.optimizer].steps

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
