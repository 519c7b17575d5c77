"""Scalar code for a single lane: refill, records, events and stops.

No variant changes this code, so what it does with a lane cannot depend on the number of lanes.
"""

import math

import numpy as np
from numba import njit

from saddlescape.kernels.measures import canonical, largest, measure
from saddlescape.kernels.state import (
    ACTIVE,
    BUDGET,
    DIVERGED,
    DUE_TICK,
    ESCAPE,
    FINISHED,
    GRADIENT,
    MAX_GRADIENT,
    MEASURES,
    NEVER,
    NEXT_DUE,
    NEXT_RECORD,
    ONLY_LOSS,
    REASON,
    RUN,
    SOLUTION,
    SOLVED,
    START_TICK,
    STOP,
    TICK,
)
from saddlescape.kernels.tick import (
    CHANGED,
    CHECK,
    DIVERGED_LOSS,
    ESCAPE_LOSS,
    GRADIENT_TOLERANCE,
    IDLE,
    LOSS,
    MAX_ERROR,
    STEP,
    TOLERANCE,
    add_offset,
    claim,
)

inlined = njit(error_model="numpy", forceinline=True)
"""For functions called for every lane: passing their forty arguments would take longer than their work."""


@njit(error_model="numpy")
def refill(lane, lanes, runs, n):
    """Give the lane the next start; if there is none, set it to zeros with limits that it never reaches."""
    progress, clock = lanes.progress, lanes.clock
    run = claim(runs.next)
    run = run if run < n.runs else -1
    for k in range(n.params):
        lanes.theta[k * n.lanes + lane] = runs.theta[run * n.params + k] if run >= 0 else 0.0
    for k in range(n.states):
        lanes.state[k * n.lanes + lane] = 0.0
    for k in range(n.hyperparameters):
        value = runs.hyperparameters[run * n.hyperparameters + k] if run >= 0 else -math.inf
        lanes.hyperparameters[k * n.lanes + lane] = value
    if run < 0:
        lanes.hyperparameters[DIVERGED_LOSS * n.lanes + lane] = math.inf
    for k in range(2):
        lanes.keys[k * n.lanes + lane] = runs.keys[2 * run + k] if run >= 0 else np.uint64(0)
    lanes.keys[STEP * n.lanes + lane] = np.uint64(0)  # Numba converts mixed signed and unsigned integers to floats
    lanes.monitor[IDLE * n.lanes + lane] = 0.0 if run >= 0 else 1.0
    lanes.monitor[CHECK * n.lanes + lane] = lanes.monitor[CHANGED * n.lanes + lane] = 1.0
    progress[RUN * n.lanes + lane], progress[FINISHED * n.lanes + lane] = run, 0
    progress[DUE_TICK * n.lanes + lane] = NEVER
    if run >= 0:
        progress[START_TICK * n.lanes + lane], progress[NEXT_RECORD * n.lanes + lane] = clock[TICK], 0
        progress[DUE_TICK * n.lanes + lane] = clock[TICK]
        clock[ACTIVE] += 1
    clock[NEXT_DUE] = min(clock[NEXT_DUE], progress[DUE_TICK * n.lanes + lane])


@njit(error_model="numpy")
def write_measures(fields, out, lane, lanes, runs, measured, n):
    """Write the measures of the mask `fields` to `out`, computed from copies of the lane's column."""
    theta, scratch = measured.scratch, add_offset(measured.scratch, 3 * n.params)
    grad, start = add_offset(theta, n.params), add_offset(theta, 2 * n.params)
    run = lanes.progress[RUN * n.lanes + lane]
    if fields != ONLY_LOSS:
        for k in range(n.params):
            theta[k], grad[k] = lanes.theta[k * n.lanes + lane], lanes.grad[k * n.lanes + lane]
            start[k] = runs.theta[run * n.params + k]
    measure(
        measured.measure, fields, out, n.params, np.float64(lanes.monitor[LOSS * n.lanes + lane]), theta, grad, start,
        measured.sizes, n.layers, measured.widths, measured.odd, scratch, measured.tolerance,
    )  # fmt: skip


@njit(error_model="numpy")
def write_record(row, record, lane, lanes, runs, records, measured, n):
    """Write one record of the trajectory `row`."""
    index = row * n.records + record
    write_measures(measured.fields, add_offset(records.measures, n.row * index), lane, lanes, runs, measured, n)
    if n.keeps_theta:
        for k in range(n.params):
            records.theta[index * n.params + k] = canonical(lanes.theta[k * n.lanes + lane])


@inlined
def write_due_record(lane, now, lanes, runs, records, measured, n):
    """Write the lane's record if one is due at step `now`, and set the tick at which the lane is due next."""
    progress = lanes.progress
    run = progress[RUN * n.lanes + lane]
    row, due, record = runs.recorded[run], runs.steps[run], progress[NEXT_RECORD * n.lanes + lane]
    if row >= 0:
        if record < n.records and records.at[record] == now:
            write_record(row, record, lane, lanes, runs, records, measured, n)
            record += 1
            progress[NEXT_RECORD * n.lanes + lane] = record
        if record < n.records:
            due = min(due, records.at[record])
    progress[DUE_TICK * n.lanes + lane] = progress[START_TICK * n.lanes + lane] + due


@njit(error_model="numpy")
def fill_records(lane, end, lanes, runs, records, measured, n):
    """Fill the remaining records up to `end` with the lane's state, a fixed point, which the run would not leave."""
    run = lanes.progress[RUN * n.lanes + lane]
    if runs.recorded[run] >= 0:
        for record in range(lanes.progress[NEXT_RECORD * n.lanes + lane], n.records):
            if records.at[record] <= end:
                write_record(runs.recorded[run], record, lane, lanes, runs, records, measured, n)


@njit(error_model="numpy")
def finish(lane, now, reason, lanes, runs, measured, n):
    """Write the results of the lane's run, which stops at step `now`; the lane is refilled after the update."""
    run = lanes.progress[RUN * n.lanes + lane]
    runs.events[4 * run + STOP], runs.events[4 * run + REASON] = now, reason
    runs.final[n.final * run + MAX_GRADIENT] = canonical(largest(lanes.grad, lane, n.lanes, n.params))
    measures = add_offset(runs.final, n.final * run + MEASURES)
    write_measures(measured.final_fields, measures, lane, lanes, runs, measured, n)
    for k in range(n.params):
        runs.theta[run * n.params + k] = canonical(lanes.theta[k * n.lanes + lane])
    lanes.progress[FINISHED * n.lanes + lane], lanes.progress[DUE_TICK * n.lanes + lane] = 1, NEVER
    lanes.clock[ACTIVE] -= 1


@inlined
def stop_reason(lane, now, budget, lanes, n):
    """Reason for which the lane's run stops before the update of step `now`; -1 if it continues."""
    hyperparameters, monitor = lanes.hyperparameters, lanes.monitor
    if not monitor[LOSS * n.lanes + lane] <= hyperparameters[DIVERGED_LOSS * n.lanes + lane]:
        return DIVERGED
    if monitor[MAX_ERROR * n.lanes + lane] < hyperparameters[TOLERANCE * n.lanes + lane]:
        return SOLVED
    tolerance = hyperparameters[GRADIENT_TOLERANCE * n.lanes + lane]
    if tolerance >= 0 and largest(lanes.grad, lane, n.lanes, n.params) <= tolerance:
        return GRADIENT
    return BUDGET if now >= budget else -1


@inlined
def process_lane(lane, run, lanes, runs, records, measured, n):
    """Write a lane's record and handle its escape and its stop, before the update.

    Only the lane's own CHECK decides whether events are handled: its escape must not depend on an event or a record of
    another lane.
    """
    now = lanes.clock[TICK] - lanes.progress[START_TICK * n.lanes + lane]
    if lanes.clock[TICK] >= lanes.progress[DUE_TICK * n.lanes + lane]:
        write_due_record(lane, now, lanes, runs, records, measured, n)
    if lanes.monitor[CHECK * n.lanes + lane] == 0.0 and now < runs.steps[run]:
        return
    if lanes.monitor[LOSS * n.lanes + lane] < lanes.hyperparameters[ESCAPE_LOSS * n.lanes + lane]:
        runs.events[4 * run + ESCAPE] = now
        lanes.hyperparameters[ESCAPE_LOSS * n.lanes + lane] = -math.inf
    reason = stop_reason(lane, now, runs.steps[run], lanes, n)
    if reason == SOLVED:
        runs.events[4 * run + SOLUTION] = now
        if measured.goes_on:
            lanes.hyperparameters[TOLERANCE * n.lanes + lane] = -math.inf
            reason = stop_reason(lane, now, runs.steps[run], lanes, n)
    if reason >= 0:
        finish(lane, now, reason, lanes, runs, measured, n)
