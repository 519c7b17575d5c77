"""Gradient flow, theta' = -gradient: one attempt at a step of every lane, and states between the ends of a step.

The pair of Dormand & Prince (1980), of fifth and fourth order, goes on with the fifth; each lane has a step length of
its own, controlled as in Hairer, Norsett & Wanner, Solving ordinary differential equations I, section II.4, with the
constants of SciPy's RK45.  The last of its seven gradients is the first of the next step.  Between the ends of a step
the fourth-order interpolant of Shampine (1986, Mathematics of Computation 46, 135-150) holds.

`state` has blocks with a row for each parameter, then a row for each number of flow_state.py:

| blocks | after an attempt | after `between` |
| --- | --- | --- |
| 0 to STAGES - 1 | gradients of the stages; the last is that at the end of the step | the same |
| POINT | parameters at the end of the step | parameters at the share SHARE of it |
| PROBE | - | the gradient there |

An attempt goes through: length (the least of LENGTH, AIM and the rest of the time), stages, error, `settled` (which
lanes move, what is found, who wants attention), `controlled` (the next length).
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.code import Numbers, Rows, repeat, subroutine
from saddlescape.kernels.elementary import exp, log
from saddlescape.kernels.flow_state import (
    AIM,
    BLOCKS,
    FOUND,
    LENGTH,
    LOSS_THERE,
    NEXT,
    POINT,
    PROBE,
    REJECTED,
    SHARE,
    STAGES,
    TAKEN,
    TIME,
    WORST_THERE,
)
from saddlescape.kernels.lanes import Lanes, fma, select
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.tick import (
    DIVERGED_LOSS,
    ESCAPE_LOSS,
    FIRST_NUMBER,
    GRADIENT_TOLERANCE,
    LOSS,
    TOLERANCE,
    WORST,
    largest_component,
    over,
)
from saddlescape.kernels.variant import Variant

END, RTOL, ATOL = range(FIRST_NUMBER, FIRST_NUMBER + 3)
"""Rows of `rates`: how long the run flows, and its tolerances."""

FAILED, DONE, CROSSED = 0.0, 1.0, 2.0
"""What an attempt has found: its error is too large; the lane has moved; an event lies within the step."""



def fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(number) for number in text.split())


NODES = (
    fractions("1/5"),
    fractions("3/40 9/40"),
    fractions("44/45 -56/15 32/9"),
    fractions("19372/6561 -25360/2187 64448/6561 -212/729"),
    fractions("9017/3168 -355/33 46732/5247 49/176 -5103/18656"),
    fractions("35/384 0 500/1113 125/192 -2187/6784 11/84"),
)
"""Weights of the gradients so far, for the parameters at stages two to seven; the last are those of the step."""

FOURTH = fractions("5179/57600 0 7571/16695 393/640 -92097/339200 187/2100 1/40")
"""Weights of the fourth-order step."""

ERROR = tuple(a - b for a, b in zip((*NODES[-1], Fraction(0)), FOURTH, strict=True))

BETWEEN = (
    fractions("-8048581381/2820520608 8663915743/2820520608 -12715105075/11282082432"),
    fractions("0 0 0"),
    fractions("131558114200/32700410799 -68118460800/10900136933 87487479700/32700410799"),
    fractions("-1754552775/470086768 14199869525/1410260304 -10690763975/1880347072"),
    fractions("127303824393/49829197408 -318862633887/49829197408 701980252875/199316789632"),
    fractions("-282668133/205662961 2019193451/616988883 -1453857185/822651844"),
    fractions("40617522/29380423 -110615467/29380423 69997945/29380423"),
)
"""Coefficients of u**2, u**3 and u**4 in the weights at the share u of a step; that of u is 1 for the first gradient,
else 0."""

SAFETY, SHORTEST, LONGEST = 0.9, 0.2, 10.0
"""A step's length is changed by SAFETY error**(-1/5), at least by SHORTEST and at most by LONGEST."""


def weighted(gradients: Sequence[Rows], weights: Sequence[Lanes | Fraction | float], k: Any) -> Lanes:
    """Sum of the gradients' component `k`, those of weight zero left out."""
    terms = [(g[k], w) for g, w in zip(gradients, weights, strict=False) if isinstance(w, Lanes) or w != 0]
    (first, weight), *rest = [(g, w if isinstance(w, Lanes) else float(w)) for g, w in terms]
    total = first * weight
    for gradient, weight in rest:
        total = fma(gradient, weight, total)
    return total


def move(state: Rows, theta: Rows, n: int, length: Lanes, weights: Sequence[Lanes | Fraction | float]) -> None:
    """Set the parameters at `POINT` to theta minus `length` times the weighted gradients."""
    gradients, point = [state.after(s * n) for s in range(STAGES)], state.after(POINT * n)

    def parameter(k: Any) -> None:
        point[k] = fma(-length, weighted(gradients, weights, k), theta[k])

    repeat(state.builder, n, parameter, 2 * len(weights))


Looked = Callable[[int], None]


def look(builder: Any, variant: Variant, state: Rows, X: Rows, T: Rows) -> Looked:
    """Function that takes the gradient at `POINT` into a block, with the loss and the largest error there."""
    kind, number, n = variant.kind, variant.kind.number.as_pointer(), variant.n_params

    def body(builder: Any, addresses: Any) -> None:
        names = ("theta", "grad", "seen")
        theta, grad, seen = (Rows(builder, kind, a, name) for a, name in zip(addresses, names, strict=False))
        X, T = (Numbers(builder, kind, a, "data") for a in addresses[3:])
        seen[LOSS], seen[WORST] = loss_and_gradient(builder, variant, theta, grad, X, T, 0, variant.samples)

    call = subroutine(builder, "gradient", [number] * 5, body)
    there = state.after(BLOCKS * n + LOSS_THERE)

    def looked(block: int) -> None:
        rows = (state.after(POINT * n), state.after(block * n), there, X, T)
        call(builder, [row.address for row in rows])

    return looked


def squared_error(builder: Any, variant: Variant, theta: Rows, state: Rows, rates: Rows, length: Lanes) -> Lanes:
    """Mean square of the step's error in units of what is allowed, atol + rtol |parameter|; 0 where there is none."""
    n = variant.n_params
    gradients, point = [state.after(s * n) for s in range(STAGES)], state.after(POINT * n)

    def add(k: Any, total: Lanes) -> Lanes:
        error, here, there = length * weighted(gradients, ERROR, k), abs(theta[k]), abs(point[k])
        allowed = fma(rates[RTOL], select(here < there, there, here), rates[ATOL])
        share = select(abs(error) <= 0.0, error.like(0.0), error / allowed)
        return fma(share, share, total)

    return over(builder, length.like(0.0), n, add) * (1.0 / n)


def controlled(numbers: Rows, square: Lanes) -> None:
    """Choose the length of the next step from the squared error of this one; an aim keeps the length as it was."""
    length, lost = numbers[TAKEN], square.like(1e30)
    bounded = select(square <= 1e-30, square.like(1e-30), select(square <= 1e30, square, lost))
    factor = exp(log(bounded) * -0.1) * SAFETY
    factor = select(factor < SHORTEST, factor.like(SHORTEST), factor)
    most = select(numbers[REJECTED] > 0.0, factor.like(1.0), LONGEST)
    factor = select(factor > most, most, factor)
    good = square <= 1.0
    aimed = good & (length < numbers[LENGTH])
    numbers[LENGTH] = select(aimed, numbers[LENGTH], length * factor)
    numbers[REJECTED] = select(good, length.like(0.0), 1.0)


def least(a: Lanes, b: Lanes) -> Lanes:
    return select(a < b, a, b)


def settled(builder: Any, variant: Variant, rows: dict[str, Rows], square: Lanes, arrival: Lanes) -> Any:
    """Move the lanes whose step is good and free of events; whether a lane wants attention."""
    theta, state, grad, rates, seen = rows.values()
    n = variant.n_params
    numbers, point, last = state.after(BLOCKS * n), state.after(POINT * n), state.after((STAGES - 1) * n)
    loss, worst = numbers[LOSS_THERE], numbers[WORST_THERE]
    good = square <= 1.0
    event = good & ((loss < rates[ESCAPE_LOSS]) | (worst < rates[TOLERANCE]))
    moved = good & ~event

    def parameter(k: Any) -> None:
        theta[k], grad[k] = select(moved, point[k], theta[k]), select(moved, last[k], grad[k])

    repeat(builder, n, parameter, 4)
    seen[LOSS], seen[WORST] = select(moved, loss, seen[LOSS]), select(moved, worst, seen[WORST])
    numbers[TIME] = select(moved, arrival, numbers[TIME])
    numbers[FOUND] = select(event, loss.like(CROSSED), select(moved, loss.like(DONE), FAILED))
    due = (arrival >= numbers[NEXT]) | (numbers[AIM] < math.inf) | ~(loss <= rates[DIVERGED_LOSS])
    still = largest_component(builder, grad, n) <= rates[GRADIENT_TOLERANCE]
    return (event | (moved & (due | still))).any()


@intrinsic
def attempt(
    typingctx: Any, net: Any, theta: Any, state: Any, grad: Any, rates: Any, seen: Any, X: Any, T: Any
) -> Any:
    """Try a step of every lane, from parameters whose gradient is `grad`; whether a lane wants attention."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "state", "grad", "rates", "seen")
        rows = {name: Rows(builder, variant.kind, a, name) for name, a in zip(names, args[1:6], strict=True)}
        theta, state, grad, rates, _ = rows.values()
        X, T = (Numbers(builder, variant.kind, a, "data") for a in args[6:])
        n = variant.n_params
        numbers, looked = state.after(BLOCKS * n), look(builder, variant, state, X, T)
        rest = rates[END] - numbers[TIME]
        length = least(least(numbers[LENGTH], numbers[AIM]), rest)
        numbers[TAKEN] = length

        def first(k: Any) -> None:
            state[k] = grad[k]

        repeat(builder, n, first, 1)
        for stage, weights in enumerate(NODES, start=1):
            move(state, theta, n, length, weights)
            looked(stage)
        square = squared_error(builder, variant, theta, state, rates, length)
        arrival = select(rest <= length, rates[END], numbers[TIME] + length)
        wanted = settled(builder, variant, rows, square, arrival)
        controlled(numbers, square)
        return wanted

    return types.boolean(net, theta, state, grad, rates, seen, X, T), codegen


@intrinsic
def between(typingctx: Any, net: Any, theta: Any, state: Any, X: Any, T: Any) -> Any:
    """Look at every lane at the share `SHARE` of its last step: parameters at `POINT`, the gradient in `PROBE`.

    At the share 1 the parameters are theta, to the bit.
    """
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        theta, state = (Rows(builder, variant.kind, args[1], "theta"), Rows(builder, variant.kind, args[2], "state"))
        X, T = (Numbers(builder, variant.kind, a, "data") for a in args[3:])
        n = variant.n_params
        numbers, looked = state.after(BLOCKS * n), look(builder, variant, state, X, T)
        share = numbers[SHARE]
        weights = [polynomial_from_end(share, (Fraction(s == 0), *later)) for s, later in enumerate(BETWEEN)]
        move(state, theta, n, numbers[TAKEN] * (share - 1.0), weights)
        looked(PROBE)
        return ir.Constant(ir.IntType(1), 1)

    return types.boolean(net, theta, state, X, T), codegen


def polynomial_from_end(u: Lanes, coefficients: Sequence[Fraction]) -> Lanes | float:
    """(p(u) - p(1)) / (u - 1) of p with these coefficients of u, u**2, ..., by Horner's division."""
    quotient = [sum(coefficients[k:]) for k in range(len(coefficients))]
    if not any(quotient):
        return 0.0
    value = u.like(float(quotient[-1]))
    for coefficient in reversed(quotient[:-1]):
        value = fma(value, u, float(coefficient))
    return value
