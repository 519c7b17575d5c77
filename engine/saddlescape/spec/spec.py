"""The spec of one point, with the quantities that follow from it: sizes, steps, activations, data."""

import math
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, PrivateAttr

from saddlescape.network import layout
from saddlescape.network.division import divided
from saddlescape.network.problems import Problem, drawn_problem, logic_problem, shaped_problem
from saddlescape.network.shapes import Shape
from saddlescape.spec.files import DataFiles
from saddlescape.spec.sections import Events, NetworkKeys, ProblemKeys, Record, Starts, Stop, Training
from saddlescape.spec.values import BATCHES, ORDERS, Minibatch, Section, key, line
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape.words.problems import DRAWN, PROBLEMS, SHAPES


class Spec(Section):
    """The validated spec of one point of a sweep; its tables are attributes, and keys of spec.md those of tables."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = key(1, "version of this format")
    title: Annotated[str, AfterValidator(line)] = key("", "title of the sweep", "string, one line")
    problem: ProblemKeys = ProblemKeys()
    network: NetworkKeys = NetworkKeys()
    starts: Starts = Starts()
    training: Training = Training()
    events: Events = Events()
    stop: Stop = Stop()
    record: Record = Record()

    _files: DataFiles = PrivateAttr(default_factory=lambda: DataFiles(Path()))

    @property
    def loaded(self) -> Problem:
        """The problem, with its test data; ValueError with one line for the user if its data are not valid.

        Only the last few drawn problems are cached; `samples` and `sizes` are cached for all.
        """
        keys = self.problem
        test = self.test_data
        if test is None and keys.test_fraction is None and not keys.standardize:
            return self.undivided
        return divided(self.undivided, test, keys.test_fraction, keys.test_seed, keys.standardize)

    @property
    def test_data(self) -> Problem | None:
        """The data in `problem.test_file`; ValueError as of `loaded`."""
        return None if self.problem.test_file is None else self._files.problem(self.problem.test_file)

    @property
    def undivided(self) -> Problem:
        """All samples of the problem, as they are without `standardize`; ValueError as of `loaded`."""
        keys = self.problem
        if keys.file is not None:
            return self._files.problem(keys.file)
        if keys.name in DRAWN and keys.name not in SHAPES and keys.samples and keys.inputs and keys.outputs:
            optional = keys.hidden, keys.seed, keys.input_scale, keys.target_scale
            return drawn_problem(keys.name, keys.samples, keys.inputs, keys.outputs, *optional)
        target_coding = keys.target_coding or keys.coding
        if keys.name in SHAPES and keys.samples:
            return shaped_problem(keys.name, self.drawn_shape, target_coding, keys.input_scale, keys.target_scale)
        return logic_problem(keys.name or "", keys.input_coding or keys.coding, keys.bits, keys.size, target_coding)

    @property
    def drawn_shape(self) -> Shape:
        """The numbers of a problem of `SHAPES`."""
        keys, its = self.problem, PROBLEMS[self.problem.name or "moons"]
        noise = its.noise if keys.noise is None else keys.noise
        numbers = keys.label_noise, keys.balance, keys.classes or its.classes or 2, keys.inputs or 2
        return Shape(keys.samples or 1, keys.seed, noise, *numbers, keys.factor, keys.turns, keys.frequency)

    @cached_property
    def _shape(self) -> tuple[int, int, int, int]:
        problem = self.loaded
        tests = 0 if problem.X_test is None else len(problem.X_test)
        return (*problem.X.shape, problem.T.shape[1], tests)

    @property
    def test_samples(self) -> int:
        """Number of test samples."""
        return self._shape[3]

    @property
    def samples(self) -> int:
        """Number of training samples."""
        return self._shape[0]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of units in each layer: inputs, hidden layers, outputs."""
        return (self._shape[1], *self.network.hidden, self._shape[2])

    def number(self, key: str) -> float:
        """Value of a `key` that `is_number`; NaN if it is not set or a list; a factor of a layer is 1 if not set."""
        section, name, *index = key.split(".")
        value = getattr(getattr(self, section), name)
        if not index:
            return float(value) if isinstance(value, int | float) else math.nan
        if isinstance(value, int | float):
            return float(value)
        return float(value[int(index[0])]) if value is not None and int(index[0]) < len(value) else 1.0

    def replaced(self, key: str, value: float) -> "Spec":
        """This spec with another `value` of a `key` that `is_number`; an element of a list must exist."""
        section, name, *index = key.split(".")
        old = getattr(getattr(self, section), name)
        new = tuple(value if str(k) == index[0] else v for k, v in enumerate(old)) if index else value
        return self.changed(section, **{name: new})

    def changed(self, section: str, **values: Any) -> "Spec":
        """This spec with other `values` of keys of a `section`; they are not validated."""
        return self.model_copy(update={section: getattr(self, section).model_copy(update=values)})

    @property
    def batch(self) -> int:
        """Number of samples per step; 0 means all of them."""
        batch = self.training.batch
        size = BATCHES[batch] if isinstance(batch, str) else batch.size if isinstance(batch, Minibatch) else batch
        return 0 if size and self.order == "fixed" and size == len(self.loaded.X) else size

    @property
    def order(self) -> str:
        """The order in which the steps of an epoch take the samples, one of `ORDERS`."""
        batch = self.training.batch
        order = batch.order if isinstance(batch, Minibatch) else str(batch)
        return order if order in ORDERS else "fixed"

    @property
    def epoch(self) -> int:
        """Number of steps per epoch."""
        return -(-self.samples // self.batch) if self.batch else 1

    @property
    def steps(self) -> int:
        """Maximum number of steps."""
        return self.training.steps if self.training.epochs is None else self.training.epochs * self.epoch

    @property
    def flows(self) -> bool:
        """Whether the optimizer is the gradient flow, whose runs have times instead of steps."""
        return not OPTIMIZERS[self.training.optimizer].steps

    @property
    def activations(self) -> tuple[str, ...]:
        """Activation of each layer, including the outputs."""
        activation = self.network.activation
        hidden = (activation,) * len(self.network.hidden) if isinstance(activation, str) else activation
        return (*hidden, self.network.output)

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return layout.n_params(*self.shape)

    @property
    def shape(self) -> tuple[tuple[int, ...], bool, str]:
        """What determines the parameters (arguments of `layout`): sizes, whether there are biases, skip connections."""
        return self.sizes, self.network.bias, self.network.skip

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
