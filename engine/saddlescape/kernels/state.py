"""The arrays of a training call, their rows, and the pointers through which compiled code reads and writes them.

`clock` counts for all lanes, `progress` has one column per lane, and `monitor` (rows in tick.py) contains what the last
tick computed:

| array | entry or row | meaning |
| --- | --- | --- |
| clock | TICK | number of ticks so far; -1 before the lanes are filled |
|  | ACTIVE | number of lanes with an unfinished run; the call ends at 0 |
|  | NEXT_DUE | the first tick at which a lane is due |
|  | FLAGS | UNCHANGED, CHECK_REQUESTED of the last tick until they are handled; FRESH in the gradient flow |
| progress | RUN | the run of the lane; -1 if the lane is idle |
|  | START_TICK | the tick at which the run started |
|  | NEXT_RECORD | the index of its next record |
|  | DUE_TICK | the tick at which the lane is due next, for a record or the end of its budget |
|  | FINISHED | 1 from the stop of the run until the lane is refilled |
| monitor | LOSS, MAX_ERROR | loss and largest error before the step |
|  | IDLE | 1 in a lane without a run, which therefore never counts as unchanged |
|  | CHANGED | the bits that the step changed; if there are none, the state is a fixed point |
|  | CHECK | 1 if the lane is checked for events at this tick |

CHECK is 1 at every tick without minibatches; with minibatches, at the start of a run and after epochs that request it.
"""

from typing import Any, NamedTuple

from numba import njit

from saddlescape.kernels.measures import LOSS_BIT
from saddlescape.kernels.tick import FIRST_HYPERPARAMETER, MONITOR_ROWS, pointer
from saddlescape.kernels.variant import Variant
from saddlescape.words.outcomes import StopReason

BUDGET, SOLVED, FIXED_POINT, GRADIENT, DIVERGED, STIFF = map(int, StopReason)
ESCAPE, SOLUTION, STOP, REASON = range(4)  # columns of `events`
MAX_GRADIENT, MEASURES = range(2)  # columns of `final`: the first of the measures is the second
RUN, START_TICK, NEXT_RECORD, DUE_TICK, FINISHED, PROGRESS_ROWS = range(6)  # rows of `progress`, and their number
TICK, ACTIVE, NEXT_DUE, FLAGS, CLOCK_ENTRIES = range(5)  # entries of `clock`, and their number
NEVER = 2**62
ONLY_LOSS = LOSS_BIT  # a mask of measures


class LaneState(NamedTuple):
    """State of the lanes; arrays (rows, lanes) of the dtype of the networks unless stated otherwise."""

    theta: Any
    state: Any  # of the optimizer
    grad: Any
    hyperparameters: Any
    monitor: Any
    keys: Any  # (3, lanes) uint64: seed, run, step
    X: Any  # (own samples * n_in, lanes), shuffled or drawn
    T: Any  # (own samples * n_out, lanes)
    progress: Any  # (PROGRESS_ROWS, lanes) int64
    clock: Any  # (CLOCK_ENTRIES,) int64


class Runs(NamedTuple):
    """All runs of one call; `theta` contains the starts and, at the end, the final parameters."""

    theta: Any  # (runs, n_params)
    hyperparameters: Any  # (runs, rows of `LaneState.hyperparameters`)
    steps: Any  # (runs,) budget
    recorded: Any  # (runs,) row of the trajectory, or -1
    keys: Any  # (runs, 2) uint64: seed and number of the run
    events: Any  # (runs, 4) escape, solve and stop step, stop reason
    final: Any  # (runs, ...) largest gradient component, then the measures
    times: Any  # (runs or 0, 3) float64: times of escape, solution and stop, in the gradient flow
    next: Any  # (1,) int64: the run that the next free lane takes


class Records(NamedTuple):
    """Trajectories: `measures` (recorded runs, records, ...), `theta` (recorded runs or 0, records, n_params)."""

    at: Any  # (records,) increasing; int64 steps, float64 times of the gradient flow
    measures: Any
    theta: Any


class MeasureArguments(NamedTuple):
    """Arguments of the measures: masks of the measures at records and at the end, and fields of `measures.State`."""

    measure: int  # address of `measures.write_row`
    fields: int
    final_fields: int
    sizes: Any
    widths: Any  # (layers,) int64: parameters of a unit
    odd: Any  # (layers,) int64
    scratch: Any
    tolerance: float
    goes_on: int
    """Whether runs go on after they are solved."""


class Counts(NamedTuple):
    """Lengths of the arrays that the pointers refer to."""

    lanes: int
    params: int
    states: int
    hyperparameters: int
    runs: int
    records: int
    row: int
    final: int
    keeps_theta: int
    layers: int
    samples: int
    inputs: int
    outputs: int


def lane_dtypes(variant: Variant) -> dict[str, str]:
    """Dtypes of the arrays of the state of lanes."""
    own = {"keys": "uint64", "progress": "int64", "clock": "int64"}
    return dict.fromkeys(LaneState._fields, variant.kind.dtype) | own


def lane_rows(variant: Variant) -> dict[str, int]:
    """Rows of the arrays of the state of lanes."""
    sizes, samples, n = variant.trainer.sizes, variant.own_samples, variant.n_params
    gradients = 1 + (variant.keeps_loss_gradient or variant.trainer.dropout)
    return {
        "theta": n, "state": variant.n_states, "grad": n * gradients,
        "hyperparameters": FIRST_HYPERPARAMETER + len(variant.hyperparameters), "monitor": MONITOR_ROWS, "keys": 3,
        "X": samples * sizes[0], "T": samples * sizes[-1], "progress": PROGRESS_ROWS, "clock": CLOCK_ENTRIES,
    }  # fmt: skip


def scratch_size(variant: Variant) -> int:
    """Numbers of scratch memory for the measures."""
    longest, widest = 3 + 2 * max(variant.trainer.sizes), max(variant.trainer.sizes)
    return 3 * variant.n_params + max(longest * widest, variant.n_params)


@njit(error_model="numpy")
def pointers(lanes, runs, records, measured, X, T):
    """The same structures with pointers in place of arrays, and the lengths of the arrays."""
    n = Counts(
        lanes.theta.shape[1], lanes.theta.shape[0], lanes.state.shape[0], lanes.hyperparameters.shape[0],
        runs.theta.shape[0], records.at.shape[0], records.measures.shape[2], runs.final.shape[1],
        records.theta.shape[0], measured.sizes.shape[0] - 1, X.shape[0], X.shape[1], T.shape[1],
    )  # fmt: skip
    to_lanes = LaneState(
        pointer(lanes.theta), pointer(lanes.state), pointer(lanes.grad), pointer(lanes.hyperparameters),
        pointer(lanes.monitor), pointer(lanes.keys), pointer(lanes.X), pointer(lanes.T), pointer(lanes.progress),
        pointer(lanes.clock),
    )  # fmt: skip
    to_runs = Runs(
        pointer(runs.theta), pointer(runs.hyperparameters), pointer(runs.steps), pointer(runs.recorded),
        pointer(runs.keys), pointer(runs.events), pointer(runs.final), pointer(runs.times), pointer(runs.next),
    )  # fmt: skip
    to_records = Records(pointer(records.at), pointer(records.measures), pointer(records.theta))
    to_measured = MeasureArguments(
        measured.measure, measured.fields, measured.final_fields, pointer(measured.sizes),
        pointer(measured.widths), pointer(measured.odd), pointer(measured.scratch), measured.tolerance,
        measured.goes_on,
    )  # fmt: skip
    return to_lanes, to_runs, to_records, to_measured, n
