"""Location of escapes and solutions in the gradient flow.

An event lies where the event function changes its sign: the smaller of the loss minus the escape limit and the largest
error minus the tolerance.  A step that ends after an event is repeated with other step sizes by the Illinois method
(Dowell & Jarratt 1971), a variant of regula falsi, until it ends after the event by at most the fraction rtol of the
time.  The bracket of the event is the time reached, at the end of the last accepted step, and BRACKET_TIME.
"""

import math

from numba import njit

from saddlescape.kernels.flow import RTOL
from saddlescape.kernels.flow_state import (
    ACCEPTED,
    ATTEMPTED,
    BLOCKS,
    BRACKET_TIME,
    BRACKET_VALUE,
    EVENT_SIZE,
    POINT,
    POINT_LOSS,
    POINT_MAX_ERROR,
    SIDE,
    STAGES,
    STATUS,
    TIME,
    WEIGHT,
)
from saddlescape.kernels.lane import inlined
from saddlescape.kernels.tick import ESCAPE_LOSS, LOSS, MAX_ERROR, TOLERANCE


@njit(error_model="numpy")
def index(row, lane, n):
    """Index in `state` of a lane's number in a row of flow_state.py."""
    return (BLOCKS * n.params + row) * n.lanes + lane


@njit(error_model="numpy")
def event_function(loss, max_error, lane, lanes, n):
    """Positive before the next event of a state, negative after it."""
    escape_loss = lanes.hyperparameters[ESCAPE_LOSS * n.lanes + lane]
    return min(loss - escape_loss, max_error - lanes.hyperparameters[TOLERANCE * n.lanes + lane])


@njit(error_model="numpy")
def illinois_weight(side, lane, lanes, n):
    """Weight of the end of the bracket that was kept: halved if two successive attempts end on the same side."""
    state, weight, last_side = lanes.state, index(WEIGHT, lane, n), index(SIDE, lane, n)
    state[weight] = state[weight] / 2 if state[last_side] == side else 1.0
    state[last_side] = side
    return state[weight]


@njit(error_model="numpy")
def set_event_size(lane, before, after, lanes, n):
    """Choose EVENT_SIZE by interpolation of the (weighted) event function at both ends of the bracket."""
    state, end = lanes.state, lanes.state[index(BRACKET_TIME, lane, n)]
    width, narrow = end - state[index(TIME, lane, n)], lanes.hyperparameters[RTOL * n.lanes + lane] * end
    size = min(max(width * (before / (before - after)), narrow / 2), width - narrow / 2)
    state[index(EVENT_SIZE, lane, n)] = size if width > narrow else max(width, narrow / 2)


@njit(error_model="numpy")
def accept_event_step(lane, lanes, n):
    """Move the lane to the end of its attempt, just after an event."""
    state = lanes.state
    for k in range(n.params):
        lanes.theta[k * n.lanes + lane] = state[(POINT * n.params + k) * n.lanes + lane]
        lanes.grad[k * n.lanes + lane] = state[((STAGES - 1) * n.params + k) * n.lanes + lane]
    lanes.monitor[LOSS * n.lanes + lane] = state[index(POINT_LOSS, lane, n)]
    lanes.monitor[MAX_ERROR * n.lanes + lane] = state[index(POINT_MAX_ERROR, lane, n)]
    state[index(TIME, lane, n)] += state[index(ATTEMPTED, lane, n)]
    state[index(STATUS, lane, n)], state[index(EVENT_SIZE, lane, n)] = ACCEPTED, math.inf


@inlined
def locate_event(lane, lanes, n):
    """After an attempt that ended after an event, or before a known event: accept the step or choose EVENT_SIZE."""
    state, monitor = lanes.state, lanes.monitor
    time, size = state[index(TIME, lane, n)], state[index(ATTEMPTED, lane, n)]
    before = event_function(monitor[LOSS * n.lanes + lane], monitor[MAX_ERROR * n.lanes + lane], lane, lanes, n)
    if state[index(STATUS, lane, n)] == ACCEPTED:
        after = state[index(BRACKET_VALUE, lane, n)] * illinois_weight(-1.0, lane, lanes, n)
        set_event_size(lane, before, after, lanes, n)
    elif size <= lanes.hyperparameters[RTOL * n.lanes + lane] * (time + size):
        accept_event_step(lane, lanes, n)
    else:
        after = event_function(
            state[index(POINT_LOSS, lane, n)], state[index(POINT_MAX_ERROR, lane, n)], lane, lanes, n
        )
        state[index(BRACKET_TIME, lane, n)], state[index(BRACKET_VALUE, lane, n)] = time + size, after
        set_event_size(lane, before * illinois_weight(1.0, lane, lanes, n), after, lanes, n)
