"""Streaming lanes: train many networks, one a lane; a finished network leaves and the next start takes its lane.

`advance` runs compiled for a number of ticks and can be called again: all its state is in the caller's arrays.
One tick is one step of every lane, or an epoch of them where the samples come in batches; `now` and all budgets,
schedules and events here count ticks of a run.  All work on a single lane (events, records, refills) is scalar
code that no variant changes, so it cannot depend on the lane count either.

`clock` counts for all lanes, `book` keeps a column for each, `seen` (rows in tick.py) is what the last tick saw:

| where | entry, row | meaning |
| --- | --- | --- |
| clock | TICK | ticks so far; -1 before the lanes are filled |
|  | NEXT | the run that the next free lane takes |
|  | LIVE | lanes with a run that goes on; 0 ends the call |
|  | SOONEST | the first tick at which a lane is due |
|  | FLAGS | STILL, WANTED of the last tick's step, until they are heeded; in the gradient flow FRESH |
| book | RUN | the lane's run; -1 if parked |
|  | BIRTH | the tick of its start |
|  | RECORD | its next record |
|  | DUE | the tick at which it is next to be looked at, for a record or the end of its budget |
|  | DONE | 1 from its stop to the refill of the lane |
| seen | LOSS, WORST | loss and largest error before the step |
|  | PARKED | 1 in a lane without a run, so that it never counts as at rest |
|  | MOVED | the bits that the step changed; none: a fixed point |
|  | ASKED | 1 if this tick may look for events: always, but in batches only at birth and after epochs that ask |

A lane's life, and who brings it on:

    filled   --> runs       fill, refill: start copied, optimizer's state zero, due at once
    runs     --> attended   SOONEST is reached or a lane wants it: attend sees to all lanes
    attended --> runs       record, escape noted; no reason to stop
    attended --> done       finish: final state written, DONE = 1; the update of this tick still runs over it
    runs     --> done       no bit has changed: hold fills its records, finish with FIXED_POINT
    done     --> filled     replace, after the update, while there are starts
    done     --> parked     refill without a start: zeros, and limits that are never met
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from saddlescape.kernels.caching import cached
from saddlescape.kernels.measures import LOSS_FIELD, largest, measure
from saddlescape.kernels.noise import below
from saddlescape.kernels.tick import (
    ASKED,
    DIVERGED_LOSS,
    ESCAPE_LOSS,
    GRADIENT_TOLERANCE,
    LOSS,
    MOVED,
    PARKED,
    STEP,
    STILL,
    TOLERANCE,
    WANTED,
    WORST,
    after,
    evaluate,
    looks_every_tick,
    no_bit,
    pointer,
    shuffles,
    step,
)
from saddlescape.words.outcomes import StopReason

BUDGET, SOLVED, FIXED_POINT, GRADIENT, DIVERGED, STIFF = map(int, StopReason)
ESCAPED, SOLVED_AT, STOPPED, REASON = range(4)  # columns of `events`
LARGEST_THEN, MEASURES_THEN = range(2)  # columns of `final`, where the measures begin
RUN, BIRTH, RECORD, DUE, DONE = range(5)  # rows of `book`
TICK, NEXT, LIVE, SOONEST, FLAGS = range(5)  # entries of `clock`
NEVER = 2**62
JUST_LOSS = 1 << LOSS_FIELD  # a mask of measures


class LaneState(NamedTuple):
    """State of the lanes: parameters, the optimizer's state, gradients, rates, what was seen; each (rows, lanes)."""

    theta: Any
    state: Any
    grad: Any
    rates: Any
    seen: Any
    keys: Any  # (3, lanes) uint64: seed, run, step
    X: Any  # (samples * n_in, lanes), shuffled
    T: Any  # (samples * n_out, lanes)
    book: Any  # (5, lanes) int64
    clock: Any  # (5,) int64


class Runs(NamedTuple):
    """All runs of one call; `theta` holds the starts and receives the final parameters."""

    theta: Any  # (runs, n_params)
    rates: Any  # (runs, rows of `rates`)
    steps: Any  # (runs,) budget
    recorded: Any  # (runs,) row of the trajectory, or -1
    keys: Any  # (runs, 2) uint64: seed and number of the run
    events: Any  # (runs, 4) escape, solve and stop step, stop reason
    final: Any  # (runs, ...) largest gradient component, then the measures
    times: Any  # (runs or 0, 3) float64: times of escape, solution and stop, in the gradient flow


class Records(NamedTuple):
    """Trajectories: `measures` (recorded runs, records, ...), `theta` (recorded runs or 0, records, n_params)."""

    at: Any  # (records,) increasing; int64 steps, float64 times of the gradient flow
    measures: Any
    theta: Any


class MeasureArguments(NamedTuple):
    """What the measures need: masks of those at records and at the end, and see `measures.Shape`."""

    measure: int  # address of `measures.write_row`
    fields: int
    final_fields: int
    sizes: Any
    bias: int
    odd: Any  # (layers,) int64
    scratch: Any
    tolerance: float


class Counts(NamedTuple):
    """Lengths of what the pointers point to."""

    lanes: int
    params: int
    states: int
    rates: int
    runs: int
    records: int
    row: int
    final: int
    keeps_theta: int
    layers: int
    samples: int
    inputs: int
    outputs: int


@njit(error_model="numpy")
def refill(lane, lanes, runs, n):
    """Give the lane the next start; without one, park it at zero with limits that it never meets."""
    book, clock = lanes.book, lanes.clock
    run = clock[NEXT] if clock[NEXT] < n.runs else -1
    for k in range(n.params):
        lanes.theta[k * n.lanes + lane] = runs.theta[run * n.params + k] if run >= 0 else 0.0
    for k in range(n.states):
        lanes.state[k * n.lanes + lane] = 0.0
    for k in range(n.rates):
        lanes.rates[k * n.lanes + lane] = runs.rates[run * n.rates + k] if run >= 0 else -math.inf
    if run < 0:
        lanes.rates[DIVERGED_LOSS * n.lanes + lane] = math.inf
    for k in range(2):
        lanes.keys[k * n.lanes + lane] = runs.keys[2 * run + k] if run >= 0 else np.uint64(0)
    lanes.keys[STEP * n.lanes + lane] = np.uint64(0)  # Numba makes floats of signed and unsigned words together
    lanes.seen[PARKED * n.lanes + lane] = 0.0 if run >= 0 else 1.0
    lanes.seen[ASKED * n.lanes + lane] = lanes.seen[MOVED * n.lanes + lane] = 1.0
    book[RUN * n.lanes + lane], book[DONE * n.lanes + lane], book[DUE * n.lanes + lane] = run, 0, NEVER
    if run >= 0:
        book[BIRTH * n.lanes + lane], book[RECORD * n.lanes + lane] = clock[TICK], 0
        book[DUE * n.lanes + lane] = clock[TICK]
        clock[NEXT] += 1
        clock[LIVE] += 1
    clock[SOONEST] = min(clock[SOONEST], book[DUE * n.lanes + lane])


@njit(error_model="numpy")
def write_measures(fields, out, lane, lanes, runs, shape, n):
    """Write the measures of the mask `fields` to `out`, of copies of the lane's numbers."""
    theta, grad, start = shape.scratch, after(shape.scratch, n.params), after(shape.scratch, 2 * n.params)
    run = lanes.book[RUN * n.lanes + lane]
    if fields != JUST_LOSS:
        for k in range(n.params):
            theta[k], grad[k] = lanes.theta[k * n.lanes + lane], lanes.grad[k * n.lanes + lane]
            start[k] = runs.theta[run * n.params + k]
    measure(
        shape.measure, fields, out, n.params, np.float64(lanes.seen[LOSS * n.lanes + lane]), theta, grad, start,
        shape.sizes, n.layers, shape.bias, shape.odd, after(shape.scratch, 3 * n.params), shape.tolerance,
    )  # fmt: skip


@njit(error_model="numpy")
def write_record(row, at, lane, lanes, runs, records, shape, n):
    """Write record `at` of one trajectory."""
    place = row * n.records + at
    write_measures(shape.fields, after(records.measures, n.row * place), lane, lanes, runs, shape, n)
    if n.keeps_theta:
        for k in range(n.params):
            records.theta[place * n.params + k] = lanes.theta[k * n.lanes + lane]


@njit(error_model="numpy")
def record(lane, now, lanes, runs, records, shape, n):
    """Write the lane's record if one is due at step `now`, and note when the lane is next due."""
    book = lanes.book
    run = book[RUN * n.lanes + lane]
    row, due, at = runs.recorded[run], runs.steps[run], book[RECORD * n.lanes + lane]
    if row >= 0:
        if at < n.records and records.at[at] == now:
            write_record(row, at, lane, lanes, runs, records, shape, n)
            at += 1
            book[RECORD * n.lanes + lane] = at
        if at < n.records:
            due = min(due, records.at[at])
    book[DUE * n.lanes + lane] = book[BIRTH * n.lanes + lane] + due


@njit(error_model="numpy")
def finish(lane, now, reason, lanes, runs, shape, n):
    """Write out the lane's run, stopped at step `now`; the lane is refilled after the update."""
    run = lanes.book[RUN * n.lanes + lane]
    runs.events[4 * run + STOPPED], runs.events[4 * run + REASON] = now, reason
    runs.final[n.final * run + LARGEST_THEN] = largest(lanes.grad, lane, n.lanes, n.params)
    measures = after(runs.final, n.final * run + MEASURES_THEN)
    write_measures(shape.final_fields, measures, lane, lanes, runs, shape, n)
    for k in range(n.params):
        runs.theta[run * n.params + k] = lanes.theta[k * n.lanes + lane]
    lanes.book[DONE * n.lanes + lane], lanes.book[DUE * n.lanes + lane] = 1, NEVER
    lanes.clock[LIVE] -= 1


@njit(error_model="numpy")
def stop_reason(lane, now, budget, lanes, n):
    """Why the lane's run stops at this step, before its update; -1 if it goes on."""
    rates, seen = lanes.rates, lanes.seen
    if not seen[LOSS * n.lanes + lane] <= rates[DIVERGED_LOSS * n.lanes + lane]:
        return DIVERGED
    if seen[WORST * n.lanes + lane] < rates[TOLERANCE * n.lanes + lane]:
        return SOLVED
    tolerance = rates[GRADIENT_TOLERANCE * n.lanes + lane]
    if tolerance >= 0 and largest(lanes.grad, lane, n.lanes, n.params) <= tolerance:
        return GRADIENT
    return BUDGET if now >= budget else -1


@njit(error_model="numpy")
def attend_lane(lane, run, lanes, runs, records, shape, n):
    """See to a lane before the update: record, escape, stop.

    Whether it is looked at is for its own run to say: a neighbour's event or a record must not let it escape.
    """
    now = lanes.clock[TICK] - lanes.book[BIRTH * n.lanes + lane]
    if lanes.clock[TICK] >= lanes.book[DUE * n.lanes + lane]:
        record(lane, now, lanes, runs, records, shape, n)
    if lanes.seen[ASKED * n.lanes + lane] == 0.0 and now < runs.steps[run]:
        return
    if lanes.seen[LOSS * n.lanes + lane] < lanes.rates[ESCAPE_LOSS * n.lanes + lane]:
        runs.events[4 * run + ESCAPED] = now
        lanes.rates[ESCAPE_LOSS * n.lanes + lane] = -math.inf
    reason = stop_reason(lane, now, runs.steps[run], lanes, n)
    if reason == SOLVED:
        runs.events[4 * run + SOLVED_AT] = now
    if reason >= 0:
        finish(lane, now, reason, lanes, runs, shape, n)


@cached()
def attend(lanes, runs, records, shape, n):
    """See to every lane before the update."""
    lanes.clock[SOONEST] = NEVER
    for lane in range(n.lanes):
        run = lanes.book[RUN * n.lanes + lane]
        if run >= 0:
            attend_lane(lane, run, lanes, runs, records, shape, n)
            lanes.clock[SOONEST] = min(lanes.clock[SOONEST], lanes.book[DUE * n.lanes + lane])


@njit(error_model="numpy")
def hold(lane, end, lanes, runs, records, shape, n):
    """Fill the records up to `end` with the state of a fixed point, which is exactly what would follow."""
    run = lanes.book[RUN * n.lanes + lane]
    if runs.recorded[run] >= 0:
        for at in range(lanes.book[RECORD * n.lanes + lane], n.records):
            if records.at[at] <= end:
                write_record(runs.recorded[run], at, lane, lanes, runs, records, shape, n)


@cached()
def replace(lanes, runs, records, shape, n, over_all):
    """After the update: refill the lanes that are done, and stop those that did not change.

    These wait while their loss and gradient are not `over_all` samples, but of the last batch.
    """
    now = lanes.clock[TICK]
    lanes.clock[TICK] += 1
    for lane in range(n.lanes):
        run, done = lanes.book[RUN * n.lanes + lane], lanes.book[DONE * n.lanes + lane] == 1
        if over_all and run >= 0 and not done and no_bit(lanes.seen[MOVED * n.lanes + lane]):
            hold(lane, runs.steps[run], lanes, runs, records, shape, n)
            finish(lane, now - lanes.book[BIRTH * n.lanes + lane], FIXED_POINT, lanes, runs, shape, n)
            done = True
        if done:
            refill(lane, lanes, runs, n)
    lanes.clock[TICK] -= 1


@cached()
def fill(lanes, runs, n):
    """Give every lane its first start."""
    lanes.clock[TICK], lanes.clock[SOONEST] = 0, NEVER
    for lane in range(n.lanes):
        refill(lane, lanes, runs, n)


@njit(error_model="numpy")
def swap(rows, width, a, b, lane, lanes):
    """Exchange two samples of `width` numbers in a lane."""
    for k in range(width):
        here, there = (a * width + k) * lanes + lane, (b * width + k) * lanes + lane
        rows[here], rows[there] = rows[there], rows[here]


@cached()
def shuffle(lanes, n, X, T):
    """A fresh order of every lane's samples (Fisher and Yates), out of that of the epoch before; at birth in order."""
    for lane in range(n.lanes):
        epoch = lanes.clock[TICK] - lanes.book[BIRTH * n.lanes + lane]
        if epoch == 0:
            for k in range(n.samples * n.inputs):
                lanes.X[k * n.lanes + lane] = X[k]
            for k in range(n.samples * n.outputs):
                lanes.T[k * n.lanes + lane] = T[k]
        for i in range(n.samples - 1, 0, -1):
            j = below(i + 1, lanes.keys[lane], lanes.keys[n.lanes + lane], epoch, i)
            swap(lanes.X, n.inputs, i, j, lane, n.lanes)
            swap(lanes.T, n.outputs, i, j, lane, n.lanes)


@njit(error_model="numpy")
def pointers(lanes, runs, records, shape, X, T):
    """The same with pointers in place of arrays, and the arrays' lengths."""
    n = Counts(
        lanes.theta.shape[1], lanes.theta.shape[0], lanes.state.shape[0], lanes.rates.shape[0],
        runs.theta.shape[0], records.at.shape[0], records.measures.shape[2], runs.final.shape[1],
        records.theta.shape[0], shape.sizes.shape[0] - 1, X.shape[0], X.shape[1], T.shape[1],
    )  # fmt: skip
    to_lanes = LaneState(
        pointer(lanes.theta), pointer(lanes.state), pointer(lanes.grad), pointer(lanes.rates), pointer(lanes.seen),
        pointer(lanes.keys), pointer(lanes.X), pointer(lanes.T), pointer(lanes.book), pointer(lanes.clock),
    )  # fmt: skip
    to_runs = Runs(
        pointer(runs.theta), pointer(runs.rates), pointer(runs.steps), pointer(runs.recorded), pointer(runs.keys),
        pointer(runs.events), pointer(runs.final), pointer(runs.times),
    )  # fmt: skip
    to_records = Records(pointer(records.at), pointer(records.measures), pointer(records.theta))
    to_shape = MeasureArguments(
        shape.measure, shape.fields, shape.final_fields, pointer(shape.sizes), shape.bias, pointer(shape.odd),
        pointer(shape.scratch), shape.tolerance,
    )  # fmt: skip
    return to_lanes, to_runs, to_records, to_shape, n


@cached(nogil=True)
def advance(net, X, T, all_lanes, all_runs, all_records, all_shape, ticks):
    """Run up to `ticks` ticks, fewer if every run is done."""
    lanes, runs, records, shape, n = pointers(all_lanes, all_runs, all_records, all_shape, X, T)
    x, t, clock, rates, seen = pointer(X), pointer(T), lanes.clock, lanes.rates, lanes.seen
    if clock[TICK] < 0:  # the first call
        fill(lanes, runs, n)
    for _ in range(ticks):
        if clock[LIVE] == 0:  # every run is done, every lane parked
            break
        # 1. Look: full batches need the gradient in any case; others only if a lane is due, wants it or is at rest.
        rested = clock[FLAGS] & STILL
        attended = clock[TICK] >= clock[SOONEST] or clock[FLAGS] & WANTED
        if looks_every_tick(net) or attended or rested:
            attended = evaluate(net, lanes.theta, lanes.grad, rates, seen, x, t) or attended
        # 2. In batches a lane may be at rest since the last tick.  Now that loss and gradient are over all samples, its
        # run ends at that tick, the clock set back to it meanwhile; then look again, at what has come in its place.
        if rested:
            clock[FLAGS], clock[TICK] = clock[FLAGS] & WANTED, clock[TICK] - 1
            replace(lanes, runs, records, shape, n, True)
            clock[TICK] += 1
            continue
        # 3. Attend: records, escapes and stops of the state before the step.
        if attended:
            attend(lanes, runs, records, shape, n)
        # 4. Step every lane, the done and the parked ones too.
        if shuffles(net):
            shuffle(lanes, n, x, t)
            own_x, own_t = lanes.X, lanes.T
        else:
            own_x, own_t = x, t
        clock[FLAGS] = step(net, lanes.theta, lanes.state, lanes.grad, rates, seen, lanes.keys, own_x, own_t)
        # 5. Give lanes whose runs are done the next starts; with full batches, end those that this step left at rest.
        # In batches STILL stays for turn 2 of the next tick.
        if attended or (looks_every_tick(net) and clock[FLAGS] & STILL):
            replace(lanes, runs, records, shape, n, looks_every_tick(net))
            if looks_every_tick(net):
                clock[FLAGS] &= WANTED
        clock[TICK] += 1
