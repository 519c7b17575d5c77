"""Rows of `state` in the gradient flow.

The first rows are blocks with a row for each parameter: the gradients of the stages; the parameters at a stage, where a
step would end, or between its ends (`POINT`); and the gradient there (`PROBE`).  The others are numbers of the lane.
"""

STAGES, POINT, PROBE, BLOCKS = 7, 7, 8, 9

NUMBERS = 14
TIME, LENGTH, REJECTED, AIM, AHEAD, BEYOND, SIDE, *_REST = range(NUMBERS)
PULL, NEXT, TAKEN, FOUND, SHARE, LOSS_THERE, WORST_THERE = _REST
"""The time reached; the next step's length as errors allow it, whether the last one was too long, and a length that
must not be passed, to find an event; the nearest time known to be past the event, how far beyond it that is, on which
side of the event the last attempt ended, and the weight of the other side; the next time to look at the lane; the
length of the last attempt and what was found; where to look between its ends, as a share of it; loss and largest error
at `POINT`."""
