"""Streaming lanes: train many networks, one per lane; when a run stops, its lane takes the next start.

`advance` runs compiled code for a number of ticks and can be called again: its whole state is in the caller's arrays
(state.py).  One tick is one step of every lane or, with minibatches, one epoch of steps.  Here `now`, budgets, records
and events count the ticks of a run.

States of a lane, and the functions that change them:

| from | to | function | when |
| --- | --- | --- | --- |
| - | running | `fill_lanes`, `refill` | start copied, optimizer state zero, due at once |
| running | running | `process` | NEXT_DUE is reached or a lane has an event: write the record, note the escape |
| running | finished | `process`, `finish` | there is a reason to stop: the results are written before the update |
| running | finished | `refill_finished` | no bit has changed: `fill_records`, then `finish` with FIXED_POINT |
| finished | running | `refill_finished`, `refill` | after the update, if there is another start |
| finished | idle | `refill_finished`, `refill` | otherwise: zeros, and limits that are never reached |
"""

from numba import njit

from saddlescape.kernels.caching import cached
from saddlescape.kernels.lane import fill_records, finish, process_lane, refill
from saddlescape.kernels.noise import below
from saddlescape.kernels.state import (
    ACTIVE,
    DUE_TICK,
    FINISHED,
    FIXED_POINT,
    FLAGS,
    NEVER,
    NEXT_DUE,
    RUN,
    START_TICK,
    TICK,
    pointers,
)
from saddlescape.kernels.tick import (
    CHANGED,
    CHECK_REQUESTED,
    UNCHANGED,
    batch_size,
    evaluate,
    evaluates_every_tick,
    has_no_bits,
    pointer,
    shuffles,
    step,
    steps_of_draws,
)


@cached()
def process(lanes, runs, records, measured, n):
    """Process every lane before the update."""
    lanes.clock[NEXT_DUE] = NEVER
    for lane in range(n.lanes):
        run = lanes.progress[RUN * n.lanes + lane]
        if run >= 0:
            process_lane(lane, run, lanes, runs, records, measured, n)
            lanes.clock[NEXT_DUE] = min(lanes.clock[NEXT_DUE], lanes.progress[DUE_TICK * n.lanes + lane])


@cached()
def refill_finished(lanes, runs, records, measured, n, over_all):
    """After the update: finish the runs whose state did not change, and refill the lanes of finished runs.

    Unchanged runs wait if their loss and gradient are those of the last minibatch, not `over_all` samples.
    """
    now = lanes.clock[TICK]
    lanes.clock[TICK] += 1
    for lane in range(n.lanes):
        run, finished = lanes.progress[RUN * n.lanes + lane], lanes.progress[FINISHED * n.lanes + lane] == 1
        if over_all and run >= 0 and not finished and has_no_bits(lanes.monitor[CHANGED * n.lanes + lane]):
            fill_records(lane, runs.steps[run], lanes, runs, records, measured, n)
            finish(lane, now - lanes.progress[START_TICK * n.lanes + lane], FIXED_POINT, lanes, runs, measured, n)
            finished = True
        if finished:
            refill(lane, lanes, runs, n)
    lanes.clock[TICK] -= 1


@cached()
def fill_lanes(lanes, runs, n):
    """Give every lane its first start."""
    lanes.clock[TICK], lanes.clock[NEXT_DUE] = 0, NEVER
    for lane in range(n.lanes):
        refill(lane, lanes, runs, n)


@njit(error_model="numpy")
def swap(rows, width, a, b, lane, lanes):
    """Exchange two samples of `width` numbers in a lane."""
    for k in range(width):
        i, j = (a * width + k) * lanes + lane, (b * width + k) * lanes + lane
        rows[i], rows[j] = rows[j], rows[i]


@cached()
def shuffle(lanes, n, X, T):
    """Shuffle the samples of every lane (Fisher and Yates) from the previous order; runs begin with the given one."""
    for lane in range(n.lanes):
        epoch = lanes.clock[TICK] - lanes.progress[START_TICK * n.lanes + lane]
        if epoch == 0:
            for k in range(n.samples * n.inputs):
                lanes.X[k * n.lanes + lane] = X[k]
            for k in range(n.samples * n.outputs):
                lanes.T[k * n.lanes + lane] = T[k]
        for i in range(n.samples - 1, 0, -1):
            j = below(i + 1, lanes.keys[lane], lanes.keys[n.lanes + lane], epoch, i)
            swap(lanes.X, n.inputs, i, j, lane, n.lanes)
            swap(lanes.T, n.outputs, i, j, lane, n.lanes)


@cached()
def draw(steps, size, lanes, n, X, T):
    """Draw the samples of the next epoch of every lane, `size` for each of its `steps`, with replacement."""
    for lane in range(n.lanes):
        epoch = lanes.clock[TICK] - lanes.progress[START_TICK * n.lanes + lane]
        for i in range(steps * size):
            step = epoch * steps + i // size
            sample = below(n.samples, lanes.keys[lane], lanes.keys[n.lanes + lane], step, i % size)
            for k in range(n.inputs):
                lanes.X[(i * n.inputs + k) * n.lanes + lane] = X[sample * n.inputs + k]
            for k in range(n.outputs):
                lanes.T[(i * n.outputs + k) * n.lanes + lane] = T[sample * n.outputs + k]


@njit(error_model="numpy", inline="always")
def run_ticks(net, x, t, lanes, runs, records, measured, n, ticks):
    """Run at most `ticks` ticks, fewer if every run finishes; all arrays are pointers."""
    clock, hyperparameters, monitor = lanes.clock, lanes.hyperparameters, lanes.monitor
    if clock[TICK] < 0:  # the first call
        fill_lanes(lanes, runs, n)
    for _ in range(ticks):
        if clock[ACTIVE] == 0:  # every run is finished, every lane idle
            break
        # 1. Evaluate: without minibatches the step always needs the gradient; with them, evaluate only if a lane is
        # due, has requested a check, or did not change.
        unchanged = clock[FLAGS] & UNCHANGED
        due = clock[TICK] >= clock[NEXT_DUE] or clock[FLAGS] & CHECK_REQUESTED
        if evaluates_every_tick(net) or due or unchanged:
            due = evaluate(net, lanes.theta, lanes.grad, hyperparameters, monitor, x, t) or due
        # 2. With minibatches, a lane may not have changed in the last tick.  Its loss and gradient are now those of all
        # samples, so its run stops at that tick, for which the clock is set back; then start again with the new runs.
        if unchanged:
            clock[FLAGS], clock[TICK] = clock[FLAGS] & CHECK_REQUESTED, clock[TICK] - 1
            refill_finished(lanes, runs, records, measured, n, True)
            clock[TICK] += 1
            continue
        # 3. Process records, escapes and stops of the state before the step.
        active = clock[ACTIVE]
        if due:
            process(lanes, runs, records, measured, n)
        # 4. Step every lane, including finished and idle ones.
        if shuffles(net):
            shuffle(lanes, n, x, t)
            own_x, own_t = lanes.X, lanes.T
        elif steps_of_draws(net):
            draw(steps_of_draws(net), batch_size(net), lanes, n, x, t)
            own_x, own_t = lanes.X, lanes.T
        else:
            own_x, own_t = x, t
        clock[FLAGS] = step(
            net, lanes.theta, lanes.state, lanes.grad, hyperparameters, monitor, lanes.keys, own_x, own_t
        )
        # 5. Refill the lanes of finished runs; without minibatches, also finish the runs that this step did not change.
        # With minibatches, UNCHANGED is handled in step 2 of the next tick.
        if clock[ACTIVE] < active or (evaluates_every_tick(net) and clock[FLAGS] & UNCHANGED):
            refill_finished(lanes, runs, records, measured, n, evaluates_every_tick(net))
            if evaluates_every_tick(net):
                clock[FLAGS] &= CHECK_REQUESTED
        clock[TICK] += 1


@cached(nogil=True)
def advance(net, X, T, all_lanes, all_runs, all_records, all_measured, ticks):
    """`run_ticks` for arrays."""
    lanes, runs, records, measured, n = pointers(all_lanes, all_runs, all_records, all_measured, X, T)
    run_ticks(net, pointer(X), pointer(T), lanes, runs, records, measured, n, ticks)
