"""Streaming lanes: train many networks, one a lane; a finished network leaves and the next start takes its lane.

`advance` runs compiled for a number of ticks and can be called again: all its state is in the caller's arrays.
One tick is one full-batch step of every lane.  All
work on a single lane (events, records, refills) is scalar code, so it cannot depend on the lane count either.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from saddlescape.kernels import variant as v
from saddlescape.kernels.lanes import (
    absolute,
    any_lane,
    changed,
    full,
    is_unchanged,
    load,
    out_of_line,
    pointer,
    select,
    store,
    unchanged,
)
from saddlescape.kernels.measures import largest, norm, separation
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.steppers import step

BUDGET, SOLVED, FIXED_POINT, GRADIENT, DIVERGED = range(
    5
)  # outcomes.StopReason, as the machine code writes it
ESCAPE, SOLVE, STOP = range(3)  # rows of `events`
RUN, BIRTH, RECORD, DUE, DONE = range(5)  # rows of `book`
TICK, NEXT, LIVE, SOONEST = range(4)  # entries of `clock`
RATE, MOMENTUM, LIMITS = 0, 1, 2  # rows of `rates`: the trainer's numbers, then the limits below
ESCAPE_LOSS, TOLERANCE, DIVERGED_LOSS, GRADIENT_TOLERANCE = range(2, 6)
LOSS, WORST, ALIVE = range(3)  # rows of `seen`
NEVER = 2**62


class Lanes(NamedTuple):
    """State of the lanes, each (rows, lanes): parameters, velocities, gradients, units, rates, what was seen."""

    theta: Any
    velocity: Any
    grad: Any
    values: Any
    slopes: Any
    deltas: Any
    rates: Any
    seen: Any


class Runs(NamedTuple):
    """All runs of one call; `theta` holds the starts and receives the final parameters."""

    theta: Any  # (runs, n_params)
    rates: Any  # (runs, 6): learning rate, momentum, then the limits
    steps: Any  # (runs,) budget
    recorded: Any  # (runs,) row of the trajectory, or -1
    events: Any  # (3, runs) escape, solve and stop step
    reason: Any  # (runs,)
    final: Any  # (runs, 4) loss, gradient norm, separation, largest gradient component


class Records(NamedTuple):
    """Trajectories: `measures` (recorded runs, steps, 3), `theta` (recorded runs or 0, steps, n_params)."""

    step: Any
    measures: Any
    theta: Any


class Shape(NamedTuple):
    """What the measures need: layer sizes, whether the activation is odd, whether there are biases; scratch."""

    sizes: Any
    bias: Any
    odd: Any
    scratch: Any


@njit(error_model="numpy")
def measure(lanes, shape, lane):
    """(loss, gradient norm, separation) of one lane, float64."""
    out_of_line()
    apart = separation(lanes.theta[:, lane], shape.sizes, shape.bias, shape.odd, shape.scratch)
    return np.float64(lanes.seen[LOSS, lane]), norm(lanes.grad[:, lane]), apart


@njit(error_model="numpy")
def refill(lane, book, clock, lanes, runs):
    """Give the lane the next start; without one, park it at zero."""
    out_of_line()
    run = clock[NEXT] if clock[NEXT] < runs.theta.shape[0] else -1
    for k in range(lanes.theta.shape[0]):
        lanes.velocity[k, lane] = 0.0
        lanes.theta[k, lane] = runs.theta[run, k] if run >= 0 else 0.0
    for k in range(lanes.rates.shape[0]):
        lanes.rates[k, lane] = runs.rates[run, k] if run >= 0 else 0.0
    lanes.seen[ALIVE, lane] = 1.0 if run >= 0 else 0.0
    book[RUN, lane], book[DONE, lane], book[DUE, lane] = run, 0, NEVER
    if run >= 0:
        book[BIRTH, lane], book[RECORD, lane] = clock[TICK], 0
        book[DUE, lane] = clock[TICK] if runs.recorded[run] >= 0 else clock[TICK] + runs.steps[run]
        clock[NEXT] += 1
        clock[LIVE] += 1


@njit(error_model="numpy")
def write_record(row, at, lane, lanes, records, shape):
    """Write one record of one trajectory."""
    out_of_line()
    loss, grad_norm, apart = measure(lanes, shape, lane)
    measures = records.measures
    measures[row, at, 0], measures[row, at, 1], measures[row, at, 2] = loss, grad_norm, apart
    if records.theta.shape[0] > 0:
        for k in range(records.theta.shape[2]):
            records.theta[row, at, k] = lanes.theta[k, lane]


@njit(error_model="numpy")
def record(lane, now, book, lanes, runs, records, shape):
    """Write the lane's record if one is due at step `now`, and note when the lane is next due."""
    out_of_line()
    run, row = book[RUN, lane], runs.recorded[book[RUN, lane]]
    due = runs.steps[run]
    if row >= 0:
        at = book[RECORD, lane]
        if at < records.step.shape[0] and records.step[at] == now:
            write_record(row, at, lane, lanes, records, shape)
            at += 1
            book[RECORD, lane] = at
        if at < records.step.shape[0]:
            due = min(due, records.step[at])
    book[DUE, lane] = book[BIRTH, lane] + due


@njit(error_model="numpy")
def finish(lane, now, reason, book, clock, lanes, runs, shape):
    """Write out the lane's run, stopped at step `now`; the lane is refilled after the update."""
    out_of_line()
    run = book[RUN, lane]
    runs.events[STOP, run], runs.reason[run] = now, reason
    loss, grad_norm, apart = measure(lanes, shape, lane)
    final = runs.final
    final[run, 0], final[run, 1], final[run, 2], final[run, 3] = (
        loss,
        grad_norm,
        apart,
        largest(lanes.grad[:, lane]),
    )
    for k in range(lanes.theta.shape[0]):
        runs.theta[run, k] = lanes.theta[k, lane]
    book[DONE, lane], book[DUE, lane] = 1, NEVER
    clock[LIVE] -= 1


@njit(error_model="numpy")
def stop_reason(net, lane, now, lanes, runs, run):
    """Why the run stops at this step, before its update; -1 if it goes on."""
    rates, seen = lanes.rates, lanes.seen
    if not seen[LOSS, lane] <= rates[DIVERGED_LOSS, lane]:
        return DIVERGED
    if seen[WORST, lane] < rates[TOLERANCE, lane]:
        return SOLVED
    if v.watches_gradient(net) and largest(lanes.grad[:, lane]) <= rates[GRADIENT_TOLERANCE, lane]:
        return GRADIENT
    return BUDGET if now >= runs.steps[run] else -1


@njit(error_model="numpy")
def attend(net, book, clock, lanes, runs, records, shape):
    """See to every lane before the update: records, escapes, stops."""
    out_of_line()
    clock[SOONEST] = NEVER
    for lane in range(v.n_lanes(net)):
        run = book[RUN, lane]
        if run < 0:
            continue
        now = clock[TICK] - book[BIRTH, lane]
        record(lane, now, book, lanes, runs, records, shape)
        if lanes.seen[LOSS, lane] < lanes.rates[ESCAPE_LOSS, lane]:
            runs.events[ESCAPE, run] = now
            lanes.rates[ESCAPE_LOSS, lane] = -math.inf
        reason = stop_reason(net, lane, now, lanes, runs, run)
        if reason == SOLVED:
            runs.events[SOLVE, run] = now
        if reason >= 0:
            finish(lane, now, reason, book, clock, lanes, runs, shape)
        clock[SOONEST] = min(clock[SOONEST], book[DUE, lane])


@njit(error_model="numpy")
def hold(lane, book, lanes, runs, records, shape):
    """Fill the records that are left with the state of a fixed point, which is exactly what would follow."""
    out_of_line()
    run, row = book[RUN, lane], runs.recorded[book[RUN, lane]]
    if row >= 0:
        for at in range(book[RECORD, lane], records.step.shape[0]):
            if records.step[at] <= runs.steps[run]:
                write_record(row, at, lane, lanes, records, shape)


@njit(error_model="numpy")
def replace(net, still, book, clock, lanes, runs, records, shape):
    """After the update: stop the lanes that did not change, refill those that are done."""
    out_of_line()
    seen = pointer(lanes.seen)
    store(net, seen, WORST, select(still, full(load(net, seen, WORST), 1.0), 0.0))
    clock[TICK] += 1
    for lane in range(v.n_lanes(net)):
        now = clock[TICK] - 1 - book[BIRTH, lane]
        if book[RUN, lane] >= 0 and book[DONE, lane] == 0 and lanes.seen[WORST, lane] > 0.0:
            finish(lane, now, FIXED_POINT, book, clock, lanes, runs, shape)
            hold(lane, book, lanes, runs, records, shape)
        if book[DONE, lane] == 1:
            refill(lane, book, clock, lanes, runs)
            clock[SOONEST] = min(clock[SOONEST], book[DUE, lane])
    clock[TICK] -= 1


@njit(error_model="numpy")
def update(net, parameters, velocities, grad, rates):
    """One step of every lane; the mask of lanes whose state did not change in any bit."""
    learning_rate, momentum = load(net, rates, RATE), load(net, rates, MOMENTUM)
    bits = unchanged(learning_rate)
    for k in range(v.n_params(net)):
        theta = load(net, parameters, k)
        velocity = load(net, velocities, k) if v.has_velocity(net) else theta
        new, new_velocity = step(net, theta, velocity, load(net, grad, k), learning_rate, momentum)
        bits = changed(bits, new, theta)
        store(net, parameters, k, new)
        if v.has_velocity(net):
            bits = changed(bits, new_velocity, velocity)
            store(net, velocities, k, new_velocity)
    return is_unchanged(bits)


@njit(error_model="numpy")
def wants_attention(net, loss, worst, grad, rates, alive):
    """Mask of the live lanes that escape, are solved, diverge or meet the gradient tolerance at this step."""
    event = (loss < load(net, rates, ESCAPE_LOSS)) | (worst < load(net, rates, TOLERANCE))
    event = event | ~(loss <= load(net, rates, DIVERGED_LOSS))
    if v.watches_gradient(net):
        most = absolute(load(net, grad, 0))
        for k in range(1, v.n_params(net)):
            component = absolute(load(net, grad, k))
            most = select(most < component, component, most)
        event = event | (most <= load(net, rates, GRADIENT_TOLERANCE))
    return event & alive


@njit(error_model="numpy", nogil=True, cache=True)
def advance(net, X, T, factors, book, clock, lanes, runs, records, shape, ticks):
    """Run up to `ticks` ticks, fewer if every run is done."""
    theta, velocity, grad = pointer(lanes.theta), pointer(lanes.velocity), pointer(lanes.grad)
    values, slopes, deltas = pointer(lanes.values), pointer(lanes.slopes), pointer(lanes.deltas)
    rates, seen, x, t, n_samples = pointer(lanes.rates), pointer(lanes.seen), pointer(X), pointer(T), X.shape[0]
    factor = pointer(factors)
    if clock[TICK] < 0:
        clock[TICK] = 0
        for lane in range(v.n_lanes(net)):
            refill(lane, book, clock, lanes, runs)
    for _ in range(ticks):
        if clock[LIVE] == 0:
            break
        loss, worst = loss_and_gradient(net, theta, values, slopes, deltas, grad, x, t, n_samples, factor)
        store(net, seen, LOSS, loss)
        alive = load(net, seen, ALIVE) > 0.0
        attended = any_lane(wants_attention(net, loss, worst, grad, rates, alive)) or clock[TICK] >= clock[SOONEST]
        if attended:
            store(net, seen, WORST, worst)
            attend(net, book, clock, lanes, runs, records, shape)
        still = update(net, theta, velocity, grad, rates) & alive
        if attended or any_lane(still):
            replace(net, still, book, clock, lanes, runs, records, shape)
        clock[TICK] += 1
