"""Compute one block of a plan: draw the starts, train them with the kernel, and classify the outcomes."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.kernels import Batch, Device, Trained, Trainer, columns
from saddlescape.network import layout
from saddlescape.network.classes import coding, largest_share
from saddlescape.plan import Block, Plan, starts
from saddlescape.plan.fitted import best, decided
from saddlescape.runs.classify import classify
from saddlescape.runs.derived import Origin, derived, origin
from saddlescape.runs.evaluate import evaluate
from saddlescape.runs.finished import Finished, finished, part
from saddlescape.runs.growth import growth
from saddlescape.runs.prepare import Prepared, numbers_of, prepare, trainer
from saddlescape.spec import Spec, only_numbers
from saddlescape.spec.sections import Record
from saddlescape.system.arithmetic import ieee
from saddlescape.system.rounding import rounded
from saddlescape.words.measures import AFTER, BASIC, MEASURES
from saddlescape.words.optimizers import OPTIMIZERS
from saddlescape.words.outcomes import SHRINKING, SHRUNK, Outcome
from saddlescape.words.problems import TABLES

Data = dict[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """Runs of a block whose specs differ only in numbers; `where` contains their flat indices in the block.

    If they are only a part of such runs, `whole` contains all of them, which determine the kernel.
    """

    spec: Spec
    where: npt.NDArray[np.intp]
    point: npt.NDArray[np.intp]
    start: npt.NDArray[np.int64]
    numbers: dict[str, npt.NDArray[np.float64]]
    whole: "Group | None" = None

    @cached_property
    def trainer(self) -> Trainer:
        """The variant of the kernel."""
        return self.whole.trainer if self.whole else trainer(self.spec, self.numbers)

    def part(self, wanted: npt.NDArray[np.bool_]) -> "Group":
        """Some of the runs."""
        numbers = {key: values[wanted] for key, values in self.numbers.items()}
        where, point, start = self.where[wanted], self.point[wanted], self.start[wanted]
        return replace(self, where=where, point=point, start=start, numbers=numbers, whole=self.whole or self)

    @cached_property
    def single(self) -> npt.NDArray[np.bool_]:
        """Whether all starts at the point of each run are the same; (1,) if the answer is that of all points."""
        return starts.single(self.spec, numbers=self.numbers)


def _flat(index: Sequence[npt.NDArray[np.intp]], lengths: Sequence[int], n: int) -> npt.NDArray[np.intp]:
    """Flat index, in C order, of each of `n` cells in a grid of these lengths."""
    number = np.zeros(n, dtype=np.intp)
    for i, length in zip(index, lengths, strict=True):
        number = number * length + i
    return number


def groups_of(plan: Plan, index: list[npt.NDArray[np.intp]]) -> Iterator[Group]:
    """Group runs, given by their index along each dimension of the plan, by the structure of their spec."""
    sweep, n = plan.sweep, len(index[-1])
    axes, cells = index[: len(sweep.shape)], index[len(sweep.shape) : -1]
    start = _flat(cells, plan.shape[len(sweep.shape) : -1], n) if cells else index[-1]
    point = _flat(axes, sweep.shape, n)
    kinds = [k for k, side in enumerate(sweep.grid) if not only_numbers(side)]
    structure = _flat([axes[k] for k in kinds], [sweep.shape[k] for k in kinds], n)
    for value in np.unique(structure) if kinds else (0,):
        where = np.flatnonzero(structure == value) if kinds else np.arange(n)
        points = [i[where] for i in axes] if kinds else axes
        spec = sweep.structure([int(i[0]) for i in points])
        numbers = sweep.numbers(points, len(where), spec)
        yield Group(spec, where, point[where], start[where].astype(np.int64), numbers)


def _distinct(group: Group, count: int) -> tuple[Any, Any]:
    """(first, inverse), as of `numpy.unique`: the distinct runs, and which each run equals; if all differ, slices."""
    if group.spec.order != "fixed" or not group.single.any():
        return slice(None), slice(None)
    same = group.single & (group.numbers["training.noise"] == 0) & (group.numbers["training.dropout"] == 0)
    identity = np.where(same, group.point * count, group.point * count + group.start)
    _, first, inverse = np.unique(identity, return_index=True, return_inverse=True)
    return first, inverse


def _train_group(
    plan: Plan,
    group: Group,
    recorded: npt.NDArray[np.bool_],
    after_slice: Callable[[int], None] | None,
    device: Device | None,
) -> tuple[Prepared, Trained, Any]:
    first, inverse = _distinct(group, math.prod(plan.shape[len(plan.sweep.shape) :]))
    start, numbers = group.start[first], group.numbers
    if not isinstance(first, slice):
        numbers = {key: values[first] for key, values in numbers.items()}
    any_recorded = recorded if isinstance(inverse, slice) else np.bincount(inverse, recorded) > 0
    rows = np.where(any_recorded, np.cumsum(any_recorded) - 1, -1)
    ready = prepare(
        group.spec, start, numbers,
        recorded=rows, record_at=plan.record_at, device=device, variant=group.trainer,
    )  # fmt: skip
    return ready, ready.train(after_slice=after_slice), inverse


def _collapsed(batch: Batch, trained: Trained) -> npt.NDArray[np.bool_]:
    before, after = (abs(theta).max(axis=1) for theta in (batch.theta, trained.theta))
    return np.asarray(after < SHRUNK * before)


def _beats_largest_class(spec: Spec, theta: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether runs classify more samples right than the most frequent class has; true if targets are no classes."""
    T = spec.loaded.T
    if not coding(T):
        return np.ones(len(theta), dtype=bool)
    ((_, accuracy),) = evaluate(("accuracy",), spec, theta)
    return np.asarray(accuracy > largest_share(T))


def _candidates(spec: Spec, codes: npt.NDArray[np.int8], theta: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """The outcomes with *fitted* in place of *trapped* for runs that may be as good as their data allow."""
    where = np.flatnonzero(codes == Outcome.TRAPPED)
    if spec.problem.name in TABLES or not len(where):
        return codes
    codes[where[_beats_largest_class(spec, theta[where])]] = Outcome.FITTED
    return codes


def codes_of(
    spec: Spec, batch: Batch, trained: Trained, can_collapse: bool | npt.NDArray[np.bool_]
) -> npt.NDArray[np.int8]:
    """The outcomes of runs, of which none is fitted."""
    rate = 1.0 if spec.flows else batch.hyperparameters["learning_rate"]
    update = rate * trained.largest_gradient
    if OPTIMIZERS[spec.training.optimizer].multiplies:
        update = update * abs(trained.theta).max(axis=1)
    events = (trained.stop_reason, trained.stop_step, trained.escape_step, trained.solve_step)
    collapsed = _collapsed(batch, trained) & can_collapse if np.count_nonzero(can_collapse) else None
    return classify(*events, update, trained.separation, collapsed)


def _outcomes(
    spec: Spec,
    batch: Batch,
    trained: Trained,
    grown: Mapping[str, tuple[Floats, Floats]],
    can_fit: bool,
    can_collapse: bool | npt.NDArray[np.bool_],
    epochs: bool,
) -> Data:
    codes = codes_of(spec, batch, trained, can_collapse)
    events = (trained.stop_reason, trained.stop_step, trained.escape_step, trained.solve_step)
    names = ("stop_reason", "stop_step", "escape_step", "solve_step")
    ends = measured({*BASIC, *spec.record.fields}, spec, trained.final, trained.theta, origin(spec, batch))
    times = zip(("escape_time", "solve_time", "stop_time"), trained.times.T, strict=True) if spec.flows else ()
    solve = trained.solve_step
    return {
        **dict(times),
        **({"solve_epoch": np.where(solve < 0, -1, solve // spec.epoch)} if epochs else {}),
        "outcome": _candidates(spec, codes, trained.theta) if can_fit else codes,
        **dict(zip(names, events, strict=True)),
        **{f"final_{name}": values for name, values in ends},
        **{f"final_{name}": values for name, (_, values) in grown.items()},
    }


def can_collapse(spec: Spec, numbers: Mapping[str, Floats]) -> npt.NDArray[np.bool_]:
    """Whether runs with these numbers can be *collapsed*, as of `Plan.can_collapse`."""
    shrinking = [numbers[f"training.{name}"] != 0 for name in SHRINKING]
    return np.asarray(np.logical_or.reduce(shrinking) | bool(spec.batch))


@ieee()
def train_starts(
    spec: Spec,
    theta: Floats,
    first: int = 0,
    device: Device | None = None,
    *,
    numbers: Mapping[str, Floats] | None = None,
    after_slice: Callable[[int], None] | None = None,
    progress: Callable[[Finished], None] | None = None,
) -> Data:
    """All variables, with parameters, of runs `first`, `first` + 1, ... from the starts `theta` (n_runs, n_params).

    `progress` is called with the runs that have finished since its last call.
    """
    start = np.arange(first, first + len(theta))
    numbers = numbers_of(spec, len(theta)) if numbers is None else numbers
    ready, can = prepare(spec, start, numbers, theta=theta, device=device), can_collapse(spec, numbers)

    def tell(rows: npt.NDArray[np.intp], trained: Trained) -> None:
        if progress is not None:
            codes = codes_of(spec, part(ready.batch, rows), trained, can[rows])
            progress(finished(start[rows], codes, trained))

    trained = ready.train(after_slice=after_slice, finished=tell if progress else None)
    grown, epochs = growth(spec.record.fields, ready, trained, after_slice), spec.record.epochs is not None
    found = _outcomes(spec, ready.batch, trained, grown, True, can, epochs or spec.batch > 0)
    return {**found, "start_theta": ready.batch.theta, "final_theta": trained.theta}


def measured(
    fields: Collection[str], spec: Spec, rows: Floats, theta: npt.NDArray[Any], runs: Origin
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield measures by name: from the kernel's rows (n_runs, ..., n_values), or from parameters of the same shape."""
    for name, index in columns({*fields} - {*AFTER}, len(spec.sizes) - 1).items():
        yield name, rows[..., index]
    yield from evaluate(fields, spec, theta)
    yield from derived(fields, spec, theta, runs)


def filled(plan: Plan, name: str, values: Floats) -> Floats:
    """A measure, padded by NaN to the layers of the plan's deepest network; other variables unchanged."""
    dims = MEASURES[name].dims if name in MEASURES else ()
    outer = values.ndim - len(dims)
    missing = [(0, plan.inner[dim] - n) for dim, n in zip(dims, values.shape[outer:], strict=True)]
    complete = not any(n for _, n in missing)
    return values if complete else np.pad(values, [*[(0, 0)] * outer, *missing], constant_values=np.nan)


def _placed(plan: Plan, spec: Spec, theta: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Parameter vectors, padded by NaN to the parameters of all networks of the plan."""
    own = set(layout.places(*spec.shape))
    if len(own) == plan.n_params:
        return theta.astype(plan.dtype, copy=False)
    placed = np.full((*theta.shape[:-1], plan.n_params), np.nan, dtype=plan.dtype)
    placed[..., [parameter in own for parameter in plan.places]] = theta
    return placed


def _group_data(
    plan: Plan, group: Group, recorded: npt.NDArray[np.bool_], after_slice: Any, device: Device | None
) -> tuple[Data, Data]:
    """The variables of one group: (one value per run, one per recorded trajectory)."""
    ready, trained, inverse = _train_group(plan, group, recorded, after_slice, device)
    record, batch = plan.sweep.spec.record, ready.batch
    grown = growth(record.fields, ready, trained, after_slice)
    ends = _outcomes(group.spec, batch, trained, grown, plan.can_fit, plan.can_collapse, plan.counts_epochs)
    runs = {name: filled(plan, name.removeprefix("final_"), values)[inverse] for name, values in ends.items()}
    if record.final_parameters:
        runs["start_theta"] = _placed(plan, group.spec, batch.theta)[inverse]
        runs["final_theta"] = _placed(plan, group.spec, trained.theta)[inverse]
    rows = batch.recorded[inverse][recorded]
    runs_of_paths = origin(group.spec, batch).of(np.flatnonzero(batch.recorded >= 0))
    along = dict(measured(record.fields, group.spec, trained.measures, trained.theta_path, runs_of_paths))
    along |= {name: values for name, (values, _) in grown.items()}
    paths = {name: _stored(record, filled(plan, name, values), "float32") for name, values in along.items()}
    if record.parameters:
        paths["theta"] = _stored(record, _placed(plan, group.spec, trained.theta_path), plan.dtype)
    every = np.array_equal(rows, np.arange(len(trained.measures)))  # saves a copy
    return runs, paths if every else {name: values[rows] for name, values in paths.items()}


def _stored(record: Record, values: npt.NDArray[Any], dtype: str) -> npt.NDArray[Any]:
    """Numbers along trajectories, rounded and cast as they are stored; `dtype` is the default."""
    values = rounded(values, record.keep_bits) if record.keep_bits else values
    return values.astype(record.dtype or dtype, copy=False)


@ieee()
def compute_runs(
    plan: Plan,
    index: list[npt.NDArray[np.intp]],
    after_slice: Callable[[int], None] | None = None,
    device: Device | None = None,
) -> Data:
    """All variables, except trajectories, of single runs, given by their index along each dimension of the plan."""
    data: Data = {}
    for group in groups_of(plan, index):
        runs, _ = _group_data(plan, group, np.zeros(len(group.where), dtype=bool), after_slice, device)
        for name, values in runs.items():
            data.setdefault(name, np.empty((len(index[-1]), *values.shape[1:]), values.dtype))[group.where] = values
    return data


@ieee()
def compute(
    plan: Plan, block: Block, after_slice: Callable[[int], None] | None = None, device: Device | None = None
) -> Data:
    """All variables of one block, in its shape; `after_slice(network_steps)` may raise to stop the computation."""
    index = index_of(block)
    recorded, groups = is_recorded(plan, index[-1]), list(groups_of(plan, index))
    return in_shape(plan, block, trained_runs(plan, groups, recorded, after_slice, device), groups)


def trained_runs(
    plan: Plan,
    groups: Sequence[Group],
    recorded: npt.NDArray[np.bool_],
    after_slice: Callable[[int], None] | None,
    device: Device | None,
) -> Data:
    """The variables of the runs in some groups of a block: one row for each run of the block, or each recorded one."""
    order, data = np.cumsum(recorded) - 1, Data()
    for group in groups:
        own = recorded[group.where]
        runs, paths = _group_data(plan, group, own, after_slice, device)
        put_rows(data, runs, group.where, len(recorded))
        put_rows(data, paths, order[group.where[own]], int(recorded.sum()))
    return data


def put_rows(data: Data, arrays: Data, where: npt.NDArray[np.intp], n: int) -> None:
    """Put rows of variables into `data`, whose arrays have `n` rows."""
    for name, values in arrays.items():
        if len(where) == n:
            data[name] = values
        else:
            data.setdefault(name, np.empty((n, *values.shape[1:]), values.dtype))[where] = values


def settled(plan: Plan, block: Block, data: Data) -> npt.NDArray[np.int8]:
    """The outcomes of a block as they are stored: candidates are fitted or trapped, if the block has whole points."""
    return fitted(data, block.shape[-1]) if plan.can_fit and not plan.parts_points else data["outcome"]


def chosen_rows(plan: Plan, block: Block, outcome: npt.NDArray[np.int8]) -> npt.NDArray[np.intp]:
    """The runs of a block that have a trajectory because of their outcomes; see `chosen`."""
    return chosen(outcome.reshape(-1, block.shape[-1]), plan.per_outcome, len(plan.outcomes))


def in_shape(plan: Plan, block: Block, data: Data, groups: Sequence[Group]) -> Data:
    """The variables of a block, in its shape, from their rows."""
    data["outcome"] = settled(plan, block, data)
    points, along = block.shape[:-1], [name for name in data if name in MEASURES or name == "theta"]
    if plan.per_outcome:
        rows = chosen_rows(plan, block, data["outcome"])
        data |= {name: _rows(data[name], rows) for name in along}
        data["trajectory_run"] = np.where(rows < 0, -1, rows % block.shape[-1] + block.start[-1]).ravel()
        along.append("trajectory_run")
    shape = {name: (*points, -1) if name in along else block.shape for name in data}
    shaped = {name: values.reshape(*shape[name], *values.shape[1:]) for name, values in data.items()}
    return {**shaped, "distinct_starts": _distinct_starts(plan, block, groups)}


def index_of(block: Block) -> list[npt.NDArray[np.intp]]:
    """The index of each run of a block along each dimension of the plan."""
    return [i.ravel() + first for i, first in zip(np.indices(block.shape), block.start, strict=True)]


def is_recorded(plan: Plan, run: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether runs of these numbers have a trajectory, or may have one, depending on their outcomes."""
    stride, number = plan.trajectory_stride, len(plan.trajectory_run)
    recorded: npt.NDArray[np.bool_] = (run % stride == 0) & (run < stride * number) | (plan.per_outcome > 0)
    return recorded


def fitted(data: Data, runs: int, alone: bool = False) -> npt.NDArray[np.int8]:
    """The outcomes of points with so many runs, of which candidates are fitted or trapped."""
    arrays = (data[name].reshape(-1, runs) for name in ("outcome", "stop_reason", "final_loss"))
    outcome, reason, loss = arrays
    if alone:  # there is nothing to compare it with
        return np.where(outcome == Outcome.FITTED, np.int8(Outcome.TRAPPED), outcome).ravel()
    return decided(outcome, reason, loss, best(outcome, loss)).ravel()


def chosen(outcome: npt.NDArray[np.int8], number: int, outcomes: int = len(Outcome)) -> npt.NDArray[np.intp]:
    """The first `number` runs of each outcome at each point.

    Parameters
    ----------
    outcome : codes, shape (n_points, n_runs).
    outcomes : number of outcomes that runs can have.

    Returns
    -------
    Indices into the flat codes, shape (n_points, n_outcomes * number), outcomes in the order of their codes; -1 where
    there are fewer runs.
    """
    rows = np.full((len(outcome), outcomes, number), -1, dtype=np.intp)
    for code in range(outcomes):
        rank = np.cumsum(outcome == code, axis=1) - 1
        point, run = np.nonzero((outcome == code) & (rank < number))
        rows[point, code, rank[point, run]] = point * outcome.shape[1] + run
    return rows.reshape(len(outcome), -1)


def _rows(values: npt.NDArray[Any], rows: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """The rows of trajectories; NaN for the index -1."""
    selected = values[rows.ravel()]
    selected[rows.ravel() < 0] = np.nan
    return selected


def _distinct_starts(plan: Plan, block: Block, groups: Sequence[Group]) -> npt.NDArray[np.int64]:
    """Number of distinct starts at each point of the block, int64, of the block's shape without the runs."""
    out = np.empty(math.prod(block.shape), dtype=np.int64)
    for group in groups:
        out[group.where] = np.where(group.single, 1, plan.count)
    return out.reshape(block.shape)[..., 0]
