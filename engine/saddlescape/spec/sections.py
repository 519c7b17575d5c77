"""The tables of a spec: their keys with types, ranges, defaults and meanings."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, model_validator

from saddlescape.network.problems import MAX_SAMPLES, MAX_WIDTH
from saddlescape.spec.values import (
    BATCHES,
    MAX_UNITS,
    Activation,
    Fields,
    Floats,
    Integer,
    Minibatch,
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
    numbers,
    samples,
    schedule,
    whole,
)
from saddlescape.words.losses import LOSSES
from saddlescape.words.measures import BASIC
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape.words.problems import PROBLEMS
from saddlescape.words.schedules import SCHEDULES
from saddlescape.words.starts import STARTS

_DRAWS = "of random, linear and teacher"
_CLASSES = "moons, circles, spirals and blobs"


class ProblemKeys(Section):
    """The problem to learn."""

    name: Annotated[str, OneOf(PROBLEMS)] | None = key(None, "a built-in problem; below")
    file: str | None = key(
        None,
        f"columns `x1.. t1..`, or arrays `X`, `T`; at most {MAX_SAMPLES} samples, {MAX_WIDTH} columns each, 16 MiB",
        ".csv or .npz, relative to the spec",
    )
    coding: Literal["01", "pm1"] = key("01", "values of false and true in inputs and targets: 0 and 1, or -1 and +1")
    bits: Annotated[Integer, Field(ge=1, le=12)] | None = key(None, "number of inputs of parity")
    size: Annotated[Integer, Field(ge=2, le=MAX_WIDTH)] | None = key(
        None, "number of inputs, samples and outputs of the encoder"
    )
    samples: Annotated[Integer, Field(ge=1, le=MAX_SAMPLES)] | None = key(
        None, "number of samples of a drawn problem, with those held out", later=True
    )
    inputs: Annotated[Integer, Field(ge=1, le=MAX_WIDTH)] | None = key(
        None, f"number of inputs {_DRAWS}, and of blobs (there 2 by default)", later=True
    )
    outputs: Annotated[Integer, Field(ge=1, le=MAX_WIDTH)] | None = key(None, f"number of outputs {_DRAWS}", later=True)
    hidden: Width | None = key(None, "number of hidden units of the teacher", later=True)
    seed: Seed = key(0, "seed of a drawn problem", later=True)
    input_scale: Positive = key(1.0, "factor of the drawn inputs", later=True)
    target_scale: Positive = key(1.0, f"factor of the drawn targets {_DRAWS}, and of sine", later=True)
    input_coding: Literal["01", "pm1"] | None = key(None, "coding of the inputs, if not `coding`", later=True)
    target_coding: Literal["01", "pm1"] | None = key(None, "coding of the targets, if not `coding`", later=True)
    noise: NonNegative | None = key(
        None,
        f"{_CLASSES}, sine: standard deviation of the noise of inputs, of sine of targets; 0, of blobs 1",
        later=True,
    )
    label_noise: Annotated[float, Field(ge=0, le=1)] = key(
        0.0, f"{_CLASSES}: probability that the label of a sample is that of another class", later=True
    )
    balance: Annotated[float, Field(gt=0, lt=1)] | None = key(
        None,
        f"{_CLASSES}: share of the samples that have the last class; by default classes are equally large",
        later=True,
    )
    classes: Annotated[Integer, Field(ge=2, le=MAX_WIDTH)] | None = key(
        None, "number of classes of spirals (2 by default) and blobs (3)", later=True
    )
    factor: Annotated[float, Field(ge=0, lt=1)] = key(0.8, "radius of the inner of two circles", later=True)
    turns: Positive = key(1.0, "number of turns of each spiral", later=True)
    frequency: Positive = key(1.0, "number of periods of the sine", later=True)
    test_file: str | None = key(
        None, "[test data](#test-data): a file with the columns of `problem.file`", ".csv or .npz", later=True
    )
    test_fraction: Annotated[float, Field(gt=0, lt=1)] | None = key(
        None, "[test data](#test-data): share of the samples that is held out", later=True
    )
    test_seed: Seed = key(0, "determines which samples are held out", later=True)
    standardize: bool = key(
        False, "whether the inputs have [mean 0 and standard deviation 1](#standardized-inputs)", later=True
    )


class NetworkKeys(Section):
    """The layers of the network and their activations."""

    hidden: Annotated[tuple[Width, ...], Field(strict=False, max_length=8)] = key(
        (2,), "widths of the hidden layers; `[]`: no hidden layer", f"at most 8 widths, 1 to {MAX_UNITS}"
    )
    activation: Annotated[str | tuple[str, ...], PlainValidator(activations)] = key(
        "logistic", "activation of the hidden units", "an activation (below), or a list with one for each hidden layer"
    )
    output: Activation = key("logistic", "activation of the outputs", "an activation")
    bias: bool = key(True, "whether units have biases")
    dtype: Literal["float64", "float32"] = key("float64", "floating-point type of the training")
    skip: Literal["none", "residual", "input"] = key(
        "none", "[skip connections](#skip-connections) past hidden layers", later=True
    )


class Side(Section):
    """One side of a slice: `n` evenly spaced values of the parameter `index`, including both ends."""

    index: Annotated[Integer, Field(ge=0)]
    from_: Annotated[float, Field(alias="from")]
    to: float
    n: Annotated[Integer, Field(ge=1, le=10**5)]

    def finer(self, levels: int) -> "Side":
        """The side with 2**levels times as many intervals."""
        n = (self.n - 1) * 2**levels + 1
        return Side.model_validate({**self.model_dump(by_alias=True), "n": n})

    @property
    def toml(self) -> str:
        """The side as a TOML table."""
        return f"{{ index = {self.index}, from = {self.from_!r}, to = {self.to!r}, n = {self.n} }}"


_SIDE = "kind slice: a parameter that varies over the grid, including the ends"
_TABLE = "{index, from, to, n}"


class Starts(Section):
    """The starts of the runs."""

    kind: Annotated[str, OneOf(STARTS)] = key("normal", "distribution of the starts; below")
    scale: NonNegative = key(1.0, "standard deviation, half-width, radius or the constant; not of zero, slice and file")
    count: Annotated[Integer, Field(ge=1, le=10**9)] = key(
        4096, "number of starts per point; of a file its number of rows; not of a slice"
    )
    seed: Seed = key(
        20120425, "with the number of the run, it determines the start, the noise, and shuffled or drawn samples"
    )
    biases: bool = key(True, "false: biases start at zero; not of zero, slice, file and kinds that draw none")
    file: str | None = key(
        None,
        "kind file; the parameters layer by layer, for each unit its incoming weights, then its bias",
        ".npy (count, n_params)",
    )
    base: Floats | None = key(None, "kind slice: values of the other parameters", "n_params numbers")
    x: Side | None = key(None, _SIDE, _TABLE)
    y: Side | None = key(None, _SIDE, _TABLE)
    direction: Floats | None = key(
        None,
        "kind ray: multiplied by scale, not normalized; by default the normal draw of run 0, normalized to length 1",
        "n_params numbers",
    )
    sparsity: Annotated[float, Field(ge=0, le=1)] | None = key(
        None,
        "kind sparse: share of the units of a layer that an input does not reach, rounded up; 0.1 by default",
        later=True,
    )
    layer_scales: Annotated[tuple[NonNegative, ...], Field(strict=False)] | None = key(
        None,
        "factor of the weights and the drawn biases of each layer; 0: the layer starts at zero; 1 by default; "
        "not of zero, slice and file",
        "one number >= 0 for each layer of weights",
        later=True,
    )
    bias_scale: NonNegative | None = key(
        None, "factor of the drawn biases, instead of that of their layer in `layer_scales`; 1 by default", later=True
    )
    bias_constant: Annotated[float | tuple[float, ...] | None, PlainValidator(numbers)] = key(
        None,
        "value of the biases, which are then not drawn and have no scale; not of zero, slice and file",
        "a number, or one for each layer of weights",
        later=True,
    )
    centre: float = key(
        0.0, "added to every weight, times the factor of its layer; not of zero, slice and file", "a number", later=True
    )


class Training(Section):
    """The training: loss, optimizer and steps."""

    loss: Annotated[str, OneOf(LOSSES)] = key("half_sse", "the loss; below")
    reduction: Literal["sum", "mean"] | None = key(
        None, "sum or mean of the loss over samples and outputs; by default that of the loss; [below](#losses)",
        later=True,
    )
    optimizer: Annotated[str, OneOf(OPTIMIZERS)] = key(
        "momentum", "the optimizer, defined as in `torch.optim` if it exists there; below", once="stepper"
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
    momentum_decay: float = hyperparameter("momentum_decay", later=True)
    growth_max: float = hyperparameter("growth_max", later=True)
    weight_decay: float = hyperparameter("weight_decay")
    l1: float = hyperparameter("l1", later=True)
    decay: Literal["all", "weights"] = key(
        "all", "parameters with weight decay and l1; weights: not the biases", later=True
    )
    schedule: Annotated[str, OneOf(SCHEDULES)] = key(
        "constant", "factor of the learning rate at step t, counted from 0; below"
    )
    schedule_decay: NonNegative = key(0.999, "d of the schedule", ">= 0; exponential: 0 < d <= 1")
    schedule_steps: Annotated[float, Field(ge=1)] = key(1.0, "step: n, steps between changes; must be set", later=True)
    warmup: NonNegative = key(
        0.0, "W, steps of linear warm-up: another factor of the learning rate, (t + 1) / W but at most 1", later=True
    )
    layer_rates: Annotated[tuple[NonNegative, ...], Field(strict=False)] | None = key(
        None,
        "factor of the learning rate of each layer; 1 by default",
        "one number >= 0 for each layer of weights",
    )
    bias_rate: NonNegative = key(
        1.0, "factor of the learning rate of biases, besides `layer_rates`; 0 holds them", later=True
    )
    noise: float = hyperparameter("noise")
    dropout: Annotated[float, Field(ge=0, lt=1)] = key(
        0.0, "probability with which a step drops a hidden unit, for each sample; [below](#dropout)", later=True
    )
    clip: float = hyperparameter("clip", later=True)
    batch: Annotated[int | str | Minibatch, PlainValidator(samples)] = key(
        "full",
        "number of samples per step, in order; online: one; shuffled: one, in a new random order in each epoch; "
        "sampled: one, drawn with replacement; [below](#minibatches)",
        f"{', '.join(map(json.dumps, BATCHES))}, a number, or {{ size, order }}",
    )
    steps: Steps = key(20000, "maximum number of steps (parameter updates), in whole epochs; flow: of attempted steps")
    epochs: Steps | None = key(None, "instead of steps: number of passes through all samples")
    time: float = hyperparameter("time")
    rtol: float = hyperparameter("rtol")
    atol: float = hyperparameter("atol")

    @model_validator(mode="after")
    def _defaults_of_the_optimizer(self) -> Self:
        own = OPTIMIZERS[self.optimizer].defaults
        self.__dict__.update({key: value for key, value in own.items() if key not in self.model_fields_set})
        return self


class Events(Section):
    """Further events that make a run *solved*."""

    accuracy: Annotated[float, Field(ge=0, le=1)] = key(
        0.0, "*solved* if this share of the samples, or more, is classified right; 0: never", later=True
    )
    loss: NonNegative = key(
        0.0, "*solved* if the loss, without weight decay and l1, is at most this; 0: never", later=True
    )


class Stop(Section):
    """Early stopping."""

    solved: NonNegative = key(
        0.4, "*solved* if every output (for logits, its probability) is within this of its target; 0: never"
    )
    gradient: NonNegative = key(
        0.0, "stop if no gradient component of the [objective](#weight-decay) is larger; 0: never"
    )
    diverged: Positive = key(1e6, "stop if the loss exceeds this")
    at_solved: bool = key(True, "false: go on after the run is *solved*; `solve_step` remains", later=True)


class PerOutcome(Section):
    """Trajectories of the first N runs of each outcome at a point."""

    per_outcome: Annotated[Integer, Field(ge=1)]


def _runs(value: Any) -> int | Literal["all"] | PerOutcome:
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
    """What a result records of each run."""

    steps: Annotated[str | tuple[int, ...], PlainValidator(schedule("every", "steps", (int,)))] = key(
        "log:64",
        "recorded steps; 0 and the last step are always included",
        '"log:N", "every:N", increasing list; at most 10^7 records',
    )
    times: Annotated[str | tuple[float, ...], PlainValidator(schedule("linear", "times", (int, float)))] = key(
        "log:64",
        "flow: recorded times, instead of `record.steps`; 0 and the last time are always included",
        '"log:N" from time / 10^4, "linear:N", increasing list',
    )
    epochs: Annotated[str | tuple[int, ...], PlainValidator(schedule("every", "epochs", (int,)))] | None = key(
        None,
        "recorded epochs, instead of `record.steps`: full passes through the samples",
        '"log:N", "every:N", increasing list; at most 10^7 records',
        later=True,
    )
    fields: Fields = key(
        BASIC,
        "measures that are recorded in trajectories and at the end of each run",
        "a list of [measures](measures.md)",
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
    parameters: bool = key(False, "record the parameters in trajectories")
    final_parameters: bool = key(False, "record the parameters at the start and at the end of each run")
    runs: Annotated[int | Literal["all"] | PerOutcome, PlainValidator(_runs)] = key(
        256,
        "runs of each point that have a trajectory: this many, evenly spaced, or the first N of each outcome",
        '"all", a number >= 0, or { per_outcome = N }',
    )
