"""Streaming lanes of the gradient flow: like `train.advance`, but each lane has its own time and step size.

A tick is one attempted step.  Records lie anywhere within a step and never change it.  Escapes and solutions end a step
(flow_events.py).

`clock` and `progress` are those of state.py, but `clock[FLAGS]` is FRESH if a lane has a start whose gradient is not
computed yet, and `progress[DUE_TICK]` is the tick at which a run has used all its attempts.  `state` (flow_state.py)
contains further numbers of each lane.  What follows an attempt:

| STATUS | EVENT_SIZE | the attempt | next |
| --- | --- | --- | --- |
| REJECTED | any | the error was too large; the lane has not moved | a smaller step size |
| ACCEPTED | infinite | the lane has moved to the end of the step | records within the step, then `check_events` |
| CROSSED | any | the step ended after an event; the lane has not moved | `locate_event` |
| ACCEPTED | finite | the lane has moved, but not to the known event | `locate_event`, records, `check_events` |

States of a lane, and the functions that change them:

| from | to | function | when |
| --- | --- | --- | --- |
| - | fresh | `fill_lanes`, `refill` | start copied, gradient not computed |
| fresh | running | `evaluate`, `begin` | initial step size, record at time 0, `check_events` |
| running | running | `attempt` | see the table above |
| running | finished | `check_events` | there is a reason to stop (`flow_stop_reason`) |
| finished | fresh | `refill_finished` | if there is another start |
| finished | idle | `refill_finished` | otherwise |
"""

import math

from numba import njit

from saddlescape.kernels.caching import cached
from saddlescape.kernels.flow import ATOL, END, RTOL, attempt, evaluate, interpolate
from saddlescape.kernels.flow_events import index, locate_event
from saddlescape.kernels.flow_state import (
    ACCEPTED,
    ATTEMPTED,
    CROSSED,
    DUE_TIME,
    EVENT_SIZE,
    FRACTION,
    POINT,
    POINT_GRADIENT,
    POINT_LOSS,
    STATUS,
    STEP_SIZE,
    TIME,
)
from saddlescape.kernels.lane import fill_records, finish, inlined, refill, stop_reason, write_record
from saddlescape.kernels.measures import largest
from saddlescape.kernels.state import (
    ACTIVE,
    BUDGET,
    DUE_TICK,
    ESCAPE,
    FINISHED,
    FIXED_POINT,
    FLAGS,
    GRADIENT,
    NEVER,
    NEXT_DUE,
    NEXT_RECORD,
    RUN,
    SOLUTION,
    SOLVED,
    START_TICK,
    STIFF,
    STOP,
    TICK,
    LaneState,
    pointers,
)
from saddlescape.kernels.tick import ESCAPE_LOSS, LOSS, TOLERANCE, add_offset, pointer
from saddlescape.kernels.train import fill_lanes

FRESH = 1
"""Value of `clock[FLAGS]`: a lane has a new start whose gradient is not computed yet."""


@njit(error_model="numpy")
def initial_step_size(lane, lanes, n):
    """Step size that changes theta by one percent, in the norm of the tolerances (Hairer et al., II.4)."""
    size, slope, counted = 0.0, 0.0, 0
    for k in range(n.params):
        theta, gradient = lanes.theta[k * n.lanes + lane], lanes.grad[k * n.lanes + lane]
        atol, rtol = lanes.hyperparameters[ATOL * n.lanes + lane], lanes.hyperparameters[RTOL * n.lanes + lane]
        allowed = atol + rtol * abs(theta)
        if allowed > 0.0:
            size, slope, counted = size + (theta / allowed) ** 2, slope + (gradient / allowed) ** 2, counted + 1
    size, slope = math.sqrt(size / max(1, counted)), math.sqrt(slope / max(1, counted))
    return 0.01 * size / slope if size >= 1e-5 and slope >= 1e-5 else 1e-6


@inlined
def set_due_time(lane, lanes, runs, records, n):
    """Set DUE_TIME to the time of the next record or the end of the run."""
    run, record = lanes.progress[RUN * n.lanes + lane], lanes.progress[NEXT_RECORD * n.lanes + lane]
    due = lanes.hyperparameters[END * n.lanes + lane]
    if runs.recorded[run] >= 0 and record < n.records:
        due = min(due, records.at[record])
    lanes.state[index(DUE_TIME, lane, n)] = due


@inlined
def flow_stop_reason(lane, now, budget, lanes, n):
    """Reason for which the lane's run stops in its present state; -1 if it continues."""
    reason = stop_reason(lane, now, budget, lanes, n)
    ended = lanes.state[index(TIME, lane, n)] >= lanes.hyperparameters[END * n.lanes + lane]
    if reason == GRADIENT and largest(lanes.grad, lane, n.lanes, n.params) == 0.0:
        return FIXED_POINT
    if ended and reason < 0:
        return BUDGET
    return STIFF if reason == BUDGET and not ended else reason


@inlined
def check_events(lane, now, lanes, runs, records, measured, n):
    """Note the escape and the solution of a lane after `now` attempts, and finish its run if there is a reason."""
    run, time = lanes.progress[RUN * n.lanes + lane], lanes.state[index(TIME, lane, n)]
    if lanes.monitor[LOSS * n.lanes + lane] < lanes.hyperparameters[ESCAPE_LOSS * n.lanes + lane]:
        runs.events[4 * run + ESCAPE], runs.times[3 * run + ESCAPE] = now, time
        lanes.hyperparameters[ESCAPE_LOSS * n.lanes + lane] = -math.inf
    reason = flow_stop_reason(lane, now, runs.steps[run], lanes, n)
    if reason == SOLVED:
        runs.events[4 * run + SOLUTION], runs.times[3 * run + SOLUTION] = now, time
        if measured.goes_on:
            lanes.hyperparameters[TOLERANCE * n.lanes + lane] = -math.inf
            reason = flow_stop_reason(lane, now, runs.steps[run], lanes, n)
    if reason == FIXED_POINT:
        fill_records(lane, lanes.hyperparameters[END * n.lanes + lane], lanes, runs, records, measured, n)
    if reason >= 0:
        finish(lane, now, reason, lanes, runs, measured, n)
        runs.times[3 * run + STOP] = time


@njit(error_model="numpy")
def begin(lane, lanes, runs, records, measured, n):
    """Initialize the numbers of a new run, record its start and check its events."""
    state, run = lanes.state, lanes.progress[RUN * n.lanes + lane]
    state[index(STEP_SIZE, lane, n)], state[index(EVENT_SIZE, lane, n)] = initial_step_size(lane, lanes, n), math.inf
    lanes.progress[DUE_TICK * n.lanes + lane] = lanes.progress[START_TICK * n.lanes + lane] + runs.steps[run]
    if runs.recorded[run] >= 0 and n.records > 0 and records.at[0] == 0.0:
        write_record(runs.recorded[run], 0, lane, lanes, runs, records, measured, n)
        lanes.progress[NEXT_RECORD * n.lanes + lane] = 1
    set_due_time(lane, lanes, runs, records, n)
    check_events(lane, 0, lanes, runs, records, measured, n)


@njit(error_model="numpy")
def refill_finished(lanes, runs, n):
    """Refill the lanes whose runs have finished; returns whether there are new starts."""
    fresh = False
    for lane in range(n.lanes):
        if lanes.progress[RUN * n.lanes + lane] >= 0 and lanes.progress[FINISHED * n.lanes + lane] == 1:
            refill(lane, lanes, runs, n)
            fresh = fresh or lanes.progress[RUN * n.lanes + lane] >= 0
    return fresh


@njit(error_model="numpy")
def next_due_tick(lanes, n):
    """The next tick at which a run has used all its attempts."""
    due = NEVER
    for lane in range(n.lanes):
        due = min(due, lanes.progress[DUE_TICK * n.lanes + lane])
    return due


@cached()
def begin_runs(lanes, runs, records, measured, n):
    """Begin the runs of fresh lanes; returns whether some finished at once and were replaced by fresh ones."""
    progress = lanes.progress
    for lane in range(n.lanes):
        fresh = progress[DUE_TICK * n.lanes + lane] == progress[START_TICK * n.lanes + lane]
        if progress[RUN * n.lanes + lane] >= 0 and fresh:
            begin(lane, lanes, runs, records, measured, n)
    fresh = refill_finished(lanes, runs, n)
    lanes.clock[NEXT_DUE] = next_due_tick(lanes, n)
    return fresh


@inlined
def record_is_due(lane, lanes, runs, records, n):
    """Whether the lane's next record lies within its last step; sets FRACTION to its position, or to 1."""
    state, run, record = lanes.state, lanes.progress[RUN * n.lanes + lane], lanes.progress[NEXT_RECORD * n.lanes + lane]
    time, fraction = state[index(TIME, lane, n)], index(FRACTION, lane, n)
    state[fraction] = 1.0
    if run < 0 or state[index(STATUS, lane, n)] != ACCEPTED or runs.recorded[run] < 0 or record >= n.records:
        return False
    if records.at[record] > time:
        return False
    state[fraction] = 1.0 - (time - records.at[record]) / state[index(ATTEMPTED, lane, n)]
    return True


@njit(error_model="numpy")
def any_record_is_due(lanes, runs, records, n):
    """Whether a record of any lane is due; sets FRACTION of all lanes."""
    any_due = False
    for lane in range(n.lanes):
        any_due = record_is_due(lane, lanes, runs, records, n) or any_due
    return any_due


@cached()
def write_due_records(lanes, interpolated, runs, records, measured, n):
    """Write the records that are due from the `interpolated` states; returns whether further records are due."""
    for lane in range(n.lanes):
        if record_is_due(lane, lanes, runs, records, n):
            run, record = lanes.progress[RUN * n.lanes + lane], lanes.progress[NEXT_RECORD * n.lanes + lane]
            write_record(runs.recorded[run], record, lane, interpolated, runs, records, measured, n)
            lanes.progress[NEXT_RECORD * n.lanes + lane] = record + 1
            set_due_time(lane, lanes, runs, records, n)
    return any_record_is_due(lanes, runs, records, n)


@cached()
def locate_events(lanes, runs, records, n):
    """Locate the events of the last attempts; returns whether a record is due."""
    for lane in range(n.lanes):
        status, locating = lanes.state[index(STATUS, lane, n)], lanes.state[index(EVENT_SIZE, lane, n)] < math.inf
        if lanes.progress[RUN * n.lanes + lane] >= 0 and (status == CROSSED or (status == ACCEPTED and locating)):
            locate_event(lane, lanes, n)
    return any_record_is_due(lanes, runs, records, n)


@cached()
def finish_runs(lanes, runs, records, measured, n):
    """Check the events of lanes that have moved or used all attempts; returns whether lanes have new starts."""
    now = lanes.clock[TICK] + 1
    for lane in range(n.lanes):
        moved = lanes.state[index(STATUS, lane, n)] == ACCEPTED
        if lanes.progress[RUN * n.lanes + lane] >= 0 and (moved or now >= lanes.progress[DUE_TICK * n.lanes + lane]):
            check_events(lane, now - lanes.progress[START_TICK * n.lanes + lane], lanes, runs, records, measured, n)
    lanes.clock[TICK] = now
    fresh = refill_finished(lanes, runs, n)
    lanes.clock[TICK] = now - 1
    lanes.clock[NEXT_DUE] = next_due_tick(lanes, n)
    return fresh


@njit(error_model="numpy", inline="always")
def run_ticks(net, x, t, lanes, runs, records, measured, n, ticks):
    """Run at most `ticks` ticks, fewer if every run finishes; all arrays are pointers."""
    clock, state = lanes.clock, lanes.state
    interpolated = LaneState(
        add_offset(state, POINT * n.params * n.lanes), state, add_offset(state, POINT_GRADIENT * n.params * n.lanes),
        lanes.hyperparameters, add_offset(state, index(POINT_LOSS, 0, n)), lanes.keys, lanes.X, lanes.T,
        lanes.progress, clock,
    )  # fmt: skip
    if clock[TICK] < 0:  # the first call
        fill_lanes(lanes, runs, n)
        clock[FLAGS] = FRESH
    for _ in range(ticks):
        # 1. Begin the runs of fresh lanes; a run that finishes at its start is replaced by another fresh one.
        while clock[FLAGS] == FRESH:
            evaluate(net, lanes.theta, lanes.grad, lanes.hyperparameters, lanes.monitor, x, t)
            clock[FLAGS] = FRESH if begin_runs(lanes, runs, records, measured, n) else 0
        if clock[ACTIVE] == 0:  # every run is finished, every lane idle
            break
        # 2. Attempt a step of every lane; the lanes with a small error and without an event have moved.
        due = attempt(net, lanes.theta, state, lanes.grad, lanes.hyperparameters, lanes.monitor, x, t)
        if due or clock[TICK] + 1 >= clock[NEXT_DUE]:
            # 3. Locate events.
            record_due = locate_events(lanes, runs, records, n)
            # 4. Write the records within the last steps, one per lane at a time.
            while record_due:
                interpolate(net, lanes.theta, state, lanes.hyperparameters, x, t)
                record_due = write_due_records(lanes, interpolated, runs, records, measured, n)
            # 5. Note events, finish runs, refill their lanes.
            clock[FLAGS] = FRESH if finish_runs(lanes, runs, records, measured, n) else 0
        clock[TICK] += 1


@cached(nogil=True)
def integrate(net, X, T, all_lanes, all_runs, all_records, all_measured, ticks):
    """`run_ticks` for arrays."""
    lanes, runs, records, measured, n = pointers(all_lanes, all_runs, all_records, all_measured, X, T)
    run_ticks(net, pointer(X), pointer(T), lanes, runs, records, measured, n, ticks)
