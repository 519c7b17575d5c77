"""Streaming lanes of the gradient flow: as `train.advance`, but each lane has a time and a step length of its own.

A tick is one attempt at a step.  Records lie anywhere within a step and never change it.  Escapes and solutions end
a step: it is repeated with other lengths, by the Illinois method (Dowell & Jarratt 1971), until it ends behind the
event by no more than the share `rtol` of the time.

`clock` and `book` are those of train.py, but `clock[FLAGS]` is FRESH while a lane has a start whose gradient is not
known, and `book[DUE]` is the tick at which a run has used up its attempts.  Each lane has its own numbers in `state`
(flow_state.py).  What an attempt finds, and what follows:

| FOUND | AIM | the lane | then |
| --- | --- | --- | --- |
| FAILED | any | stays: the error is too large | the next attempt is shorter |
| DONE | inf | has moved to the end of the step | records within the step, then `judge` |
| CROSSED | any | stays: the step ends behind an event | `locate`: aim between, or `arrive` just behind it |
| DONE | finite | has moved, short of an event that is known | `locate` aims again; records, `judge` |

A lane's life, and who brings it on:

    filled --> fresh     fill, refill: the start is there, not its gradient
    fresh  --> runs      evaluate and begin: first length, record at time 0, `judge`
    runs   --> runs      attempt, then the table above
    runs   --> done      judge: solved, diverged, gradient, fixed point, the end of the time, or no attempt left (STIFF)
    done   --> fresh     refill_done, while there are starts
    done   --> parked    refill_done without a start
"""

import math

from numba import njit

from saddlescape.kernels.caching import cached
from saddlescape.kernels.flow import ATOL, CROSSED, DONE, END, RTOL, attempt, between
from saddlescape.kernels.flow_state import (
    AHEAD,
    AIM,
    BEYOND,
    BLOCKS,
    FOUND,
    LENGTH,
    LOSS_THERE,
    NEXT,
    POINT,
    PROBE,
    PULL,
    SHARE,
    SIDE,
    STAGES,
    TAKEN,
    TIME,
    WORST_THERE,
)
from saddlescape.kernels.measures import largest
from saddlescape.kernels.tick import ESCAPE_LOSS, LOSS, TOLERANCE, WORST, after, evaluate, pointer
from saddlescape.kernels.train import (
    BIRTH,
    BUDGET,
    DUE,
    ESCAPED,
    FIXED_POINT,
    FLAGS,
    GRADIENT,
    LIVE,
    NEVER,
    RECORD,
    RUN,
    SOLVED,
    SOLVED_AT,
    SOONEST,
    STIFF,
    TICK,
    LaneState,
    fill,
    finish,
    hold,
    pointers,
    refill,
    stop_reason,
    write_record,
)
from saddlescape.kernels.train import DONE as STOPPED  # a row of `book`
from saddlescape.kernels.train import STOPPED as STOPPED_AT

FRESH = 1
"""In `clock[FLAGS]`: a lane has a new start, whose gradient is not known yet."""


@njit(error_model="numpy")
def place(row, lane, n):
    """Where in `state` a lane has one of the flow's own numbers."""
    return (BLOCKS * n.params + row) * n.lanes + lane


@njit(error_model="numpy")
def first_length(lane, lanes, n):
    """A length at which theta changes by a hundredth of itself, in the norm of the tolerances (Hairer et al., II.4)."""
    size, speed, counted = 0.0, 0.0, 0
    for k in range(n.params):
        theta, gradient = lanes.theta[k * n.lanes + lane], lanes.grad[k * n.lanes + lane]
        allowed = lanes.rates[ATOL * n.lanes + lane] + lanes.rates[RTOL * n.lanes + lane] * abs(theta)
        if allowed > 0.0:
            size, speed, counted = size + (theta / allowed) ** 2, speed + (gradient / allowed) ** 2, counted + 1
    size, speed = math.sqrt(size / max(1, counted)), math.sqrt(speed / max(1, counted))
    return 0.01 * size / speed if size >= 1e-5 and speed >= 1e-5 else 1e-6


@njit(error_model="numpy")
def next_look(lane, lanes, runs, records, n):
    """Note the next time at which the lane is due: of its next record, or the end."""
    run, at = lanes.book[RUN * n.lanes + lane], lanes.book[RECORD * n.lanes + lane]
    due = lanes.rates[END * n.lanes + lane]
    if runs.recorded[run] >= 0 and at < n.records:
        due = min(due, records.at[at])
    lanes.state[place(NEXT, lane, n)] = due


@njit(error_model="numpy")
def excess(loss, worst, lane, lanes, n):
    """How far a state is from the nearer of escape and solution; negative beyond."""
    return min(loss - lanes.rates[ESCAPE_LOSS * n.lanes + lane], worst - lanes.rates[TOLERANCE * n.lanes + lane])


@njit(error_model="numpy")
def pull(side, lane, lanes, n):
    """Weight of the end of the bracket that stays: halved each time that an attempt ends on the same side again."""
    state, weight, last = lanes.state, place(PULL, lane, n), place(SIDE, lane, n)
    state[weight] = state[weight] / 2 if state[last] == side else 1.0
    state[last] = side
    return state[weight]


@njit(error_model="numpy")
def take_aim(lane, near, far, lanes, n):
    """Aim at the event, between the time reached, `near` before it, and `AHEAD`, `far` behind it."""
    state, ahead = lanes.state, lanes.state[place(AHEAD, lane, n)]
    width, narrow = ahead - state[place(TIME, lane, n)], lanes.rates[RTOL * n.lanes + lane] * ahead
    aim = min(max(width * (near / (near - far)), narrow / 2), width - narrow / 2)
    state[place(AIM, lane, n)] = aim if width > narrow else max(width, narrow / 2)


@njit(error_model="numpy")
def arrive(lane, lanes, n):
    """Move the lane to the end of its attempt, just behind an event."""
    state = lanes.state
    for k in range(n.params):
        lanes.theta[k * n.lanes + lane] = state[(POINT * n.params + k) * n.lanes + lane]
        lanes.grad[k * n.lanes + lane] = state[((STAGES - 1) * n.params + k) * n.lanes + lane]
    lanes.seen[LOSS * n.lanes + lane] = state[place(LOSS_THERE, lane, n)]
    lanes.seen[WORST * n.lanes + lane] = state[place(WORST_THERE, lane, n)]
    state[place(TIME, lane, n)] += state[place(TAKEN, lane, n)]
    state[place(FOUND, lane, n)], state[place(AIM, lane, n)] = DONE, math.inf


@njit(error_model="numpy")
def locate(lane, lanes, n):
    """After an attempt that ended behind an event, or short of one that is known: arrive, or aim again."""
    state, seen = lanes.state, lanes.seen
    time, length = state[place(TIME, lane, n)], state[place(TAKEN, lane, n)]
    near = excess(seen[LOSS * n.lanes + lane], seen[WORST * n.lanes + lane], lane, lanes, n)
    if state[place(FOUND, lane, n)] == DONE:
        take_aim(lane, near, state[place(BEYOND, lane, n)] * pull(-1.0, lane, lanes, n), lanes, n)
    elif length <= lanes.rates[RTOL * n.lanes + lane] * (time + length):
        arrive(lane, lanes, n)
    else:
        far = excess(state[place(LOSS_THERE, lane, n)], state[place(WORST_THERE, lane, n)], lane, lanes, n)
        state[place(AHEAD, lane, n)], state[place(BEYOND, lane, n)] = time + length, far
        take_aim(lane, near * pull(1.0, lane, lanes, n), far, lanes, n)


@njit(error_model="numpy")
def why(lane, now, budget, lanes, n):
    """Why the lane's run stops in its present state; -1 if it goes on."""
    reason = stop_reason(lane, now, budget, lanes, n)
    ended = lanes.state[place(TIME, lane, n)] >= lanes.rates[END * n.lanes + lane]
    if reason == GRADIENT and largest(lanes.grad, lane, n.lanes, n.params) == 0.0:
        return FIXED_POINT
    if ended and reason < 0:
        return BUDGET
    return STIFF if reason == BUDGET and not ended else reason


@njit(error_model="numpy")
def judge(lane, now, lanes, runs, records, shape, n):
    """Note escape and solution of a lane's state after `now` attempts, and stop its run if it is to."""
    run, time = lanes.book[RUN * n.lanes + lane], lanes.state[place(TIME, lane, n)]
    if lanes.seen[LOSS * n.lanes + lane] < lanes.rates[ESCAPE_LOSS * n.lanes + lane]:
        runs.events[4 * run + ESCAPED], runs.times[3 * run + ESCAPED] = now, time
        lanes.rates[ESCAPE_LOSS * n.lanes + lane] = -math.inf
    reason = why(lane, now, runs.steps[run], lanes, n)
    if reason == SOLVED:
        runs.events[4 * run + SOLVED_AT], runs.times[3 * run + SOLVED_AT] = now, time
    if reason == FIXED_POINT:
        hold(lane, lanes.rates[END * n.lanes + lane], lanes, runs, records, shape, n)
    if reason >= 0:
        finish(lane, now, reason, lanes, runs, shape, n)
        runs.times[3 * run + STOPPED_AT] = time


@njit(error_model="numpy")
def begin(lane, lanes, runs, records, shape, n):
    """Set a new run's own numbers, record its start and judge it."""
    state, run = lanes.state, lanes.book[RUN * n.lanes + lane]
    state[place(LENGTH, lane, n)], state[place(AIM, lane, n)] = first_length(lane, lanes, n), math.inf
    lanes.book[DUE * n.lanes + lane] = lanes.book[BIRTH * n.lanes + lane] + runs.steps[run]
    if runs.recorded[run] >= 0 and n.records > 0 and records.at[0] == 0.0:
        write_record(runs.recorded[run], 0, lane, lanes, runs, records, shape, n)
        lanes.book[RECORD * n.lanes + lane] = 1
    next_look(lane, lanes, runs, records, n)
    judge(lane, 0, lanes, runs, records, shape, n)


@njit(error_model="numpy")
def refill_done(lanes, runs, n):
    """Refill the lanes whose runs have stopped; whether there are new starts."""
    fresh = False
    for lane in range(n.lanes):
        if lanes.book[RUN * n.lanes + lane] >= 0 and lanes.book[STOPPED * n.lanes + lane] == 1:
            refill(lane, lanes, runs, n)
            fresh = fresh or lanes.book[RUN * n.lanes + lane] >= 0
    return fresh


@njit(error_model="numpy")
def soonest(lanes, n):
    """The next tick at which a run has used up its steps."""
    due = NEVER
    for lane in range(n.lanes):
        due = min(due, lanes.book[DUE * n.lanes + lane])
    return due


@cached()
def start(lanes, runs, records, shape, n):
    """Begin the runs of the lanes that are fresh; whether others have come in the place of some of them."""
    book = lanes.book
    for lane in range(n.lanes):
        if book[RUN * n.lanes + lane] >= 0 and book[DUE * n.lanes + lane] == book[BIRTH * n.lanes + lane]:
            begin(lane, lanes, runs, records, shape, n)
    fresh = refill_done(lanes, runs, n)
    lanes.clock[SOONEST] = soonest(lanes, n)
    return fresh


@njit(error_model="numpy")
def due(lane, lanes, runs, records, n):
    """Whether the lane's next record lies within the step that it has taken; where, goes to `SHARE`, else 1."""
    state, run, at = lanes.state, lanes.book[RUN * n.lanes + lane], lanes.book[RECORD * n.lanes + lane]
    time, share = state[place(TIME, lane, n)], place(SHARE, lane, n)
    state[share] = 1.0
    if run < 0 or state[place(FOUND, lane, n)] != DONE or runs.recorded[run] < 0 or at >= n.records:
        return False
    if records.at[at] > time:
        return False
    state[share] = 1.0 - (time - records.at[at]) / state[place(TAKEN, lane, n)]
    return True


@njit(error_model="numpy")
def any_due(lanes, runs, records, n):
    """Whether a record of any lane is due."""
    found = False
    for lane in range(n.lanes):
        found = due(lane, lanes, runs, records, n) or found
    return found


@cached()
def write_due(lanes, there, runs, records, shape, n):
    """Write the records that are due, of states `there`; whether more are."""
    for lane in range(n.lanes):
        if due(lane, lanes, runs, records, n):
            at = lanes.book[RECORD * n.lanes + lane]
            write_record(runs.recorded[lanes.book[RUN * n.lanes + lane]], at, lane, there, runs, records, shape, n)
            lanes.book[RECORD * n.lanes + lane] = at + 1
            next_look(lane, lanes, runs, records, n)
    return any_due(lanes, runs, records, n)


@cached()
def settle(lanes, runs, records, n):
    """See to events within the last step; whether a record is due."""
    for lane in range(n.lanes):
        found, aim = lanes.state[place(FOUND, lane, n)], lanes.state[place(AIM, lane, n)]
        if lanes.book[RUN * n.lanes + lane] >= 0 and (found == CROSSED or (found == DONE and aim < math.inf)):
            locate(lane, lanes, n)
    return any_due(lanes, runs, records, n)


@cached()
def conclude(lanes, runs, records, shape, n):
    """Judge the lanes that have moved or used up their steps, and refill those that stop; whether any are fresh."""
    now = lanes.clock[TICK] + 1
    for lane in range(n.lanes):
        spent = now >= lanes.book[DUE * n.lanes + lane]
        if lanes.book[RUN * n.lanes + lane] >= 0 and (spent or lanes.state[place(FOUND, lane, n)] == DONE):
            judge(lane, now - lanes.book[BIRTH * n.lanes + lane], lanes, runs, records, shape, n)
    lanes.clock[TICK] = now
    fresh = refill_done(lanes, runs, n)
    lanes.clock[TICK] = now - 1
    lanes.clock[SOONEST] = soonest(lanes, n)
    return fresh


@cached(nogil=True)
def integrate(net, X, T, all_lanes, all_runs, all_records, all_shape, ticks):
    """Run up to `ticks` ticks, fewer if every run is done."""
    lanes, runs, records, shape, n = pointers(all_lanes, all_runs, all_records, all_shape, X, T)
    x, t, clock, state = pointer(X), pointer(T), lanes.clock, lanes.state
    there = LaneState(
        after(state, POINT * n.params * n.lanes), state, after(state, PROBE * n.params * n.lanes), lanes.rates,
        after(state, place(LOSS_THERE, 0, n)), lanes.keys, lanes.X, lanes.T, lanes.book, clock,
    )  # fmt: skip
    if clock[TICK] < 0:  # the first call
        fill(lanes, runs, n)
        clock[FLAGS] = FRESH
    for _ in range(ticks):
        # 1. Begin the runs of fresh lanes; a run that ends where it starts makes room for another fresh one.
        while clock[FLAGS] == FRESH:
            evaluate(net, lanes.theta, lanes.grad, lanes.rates, lanes.seen, x, t)
            clock[FLAGS] = FRESH if start(lanes, runs, records, shape, n) else 0
        if clock[LIVE] == 0:  # every run is done, every lane parked
            break
        # 2. Attempt a step of every lane; those whose error is small enough, without an event, have moved.
        wanted = attempt(net, lanes.theta, state, lanes.grad, lanes.rates, lanes.seen, x, t)
        if wanted or clock[TICK] + 1 >= clock[SOONEST]:
            # 3. Aim at events, or arrive behind them.
            more = settle(lanes, runs, records, n)
            # 4. Write the records within the steps taken, one of each lane at a time: `there` is the state between.
            while more:
                between(net, lanes.theta, state, x, t)
                more = write_due(lanes, there, runs, records, shape, n)
            # 5. Note events, stop runs, refill their lanes.
            clock[FLAGS] = FRESH if conclude(lanes, runs, records, shape, n) else 0
        clock[TICK] += 1
