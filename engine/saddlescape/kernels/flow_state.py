"""Rows of the array `state` in the gradient flow.

The first rows are blocks with one row per parameter: the gradients of the stages; POINT, the parameters at a stage, at
the end of a step or within it; and POINT_GRADIENT, the gradient at POINT within a step.  Each further row contains one
number per lane:

| row | meaning |
| --- | --- |
| TIME | the time reached |
| STEP_SIZE | the next step size that the error control allows |
| LAST_REJECTED | 1 if the last attempt was rejected because of its error |
| EVENT_SIZE | the next step size that the location of an event requires; infinite without an event |
| BRACKET_TIME, BRACKET_VALUE | the earliest known time after the event, and the event function there |
| SIDE | 1 if the last attempt ended after the event, -1 if it ended before |
| WEIGHT | the Illinois weight of the end of the bracket that was kept |
| DUE_TIME | the time of the next record, or of the end of the run |
| ATTEMPTED | the step size of the last attempt |
| STATUS | the result of the last attempt: REJECTED, ACCEPTED or CROSSED |
| FRACTION | the fraction of the last step at which to interpolate |
| POINT_LOSS, POINT_MAX_ERROR | loss and largest error at POINT |
"""

STAGES, POINT, POINT_GRADIENT, BLOCKS = 7, 7, 8, 9

SCALARS = 14
TIME, STEP_SIZE, LAST_REJECTED, EVENT_SIZE, BRACKET_TIME, BRACKET_VALUE, SIDE, *_OTHERS = range(SCALARS)
WEIGHT, DUE_TIME, ATTEMPTED, STATUS, FRACTION, POINT_LOSS, POINT_MAX_ERROR = _OTHERS

REJECTED, ACCEPTED, CROSSED = 0.0, 1.0, 2.0
"""Values of STATUS: the error is too large; the lane has moved; there is an event within the step."""
