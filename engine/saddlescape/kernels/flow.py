"""Gradient flow, theta' = -gradient: one attempted step of every lane, and interpolation within a step.

The integrator is the Runge-Kutta pair of Dormand & Prince (1980) of fifth and fourth order, which continues with the
fifth-order solution.  Each lane has its own step size, controlled as in Hairer, Norsett & Wanner, Solving ordinary
differential equations I, section II.4, with the constants of SciPy's RK45.  The last of the seven gradients of a step
is the first of the next step.  Dense output within a step is the fourth-order interpolant of Shampine (1986,
Mathematics of Computation 46, 135-150).

`state` (flow_state.py) contains blocks with one row per parameter, then rows with one number per lane:

| block | after `attempt` | after `interpolate` |
| --- | --- | --- |
| 0 to STAGES - 1 | gradients of the stages; the last is at the end of the step | unchanged |
| POINT | parameters at the end of the step | parameters at the fraction FRACTION of the step |
| POINT_GRADIENT | - | gradient at POINT |

An attempt takes the smallest of STEP_SIZE, EVENT_SIZE and the remaining time as its step size, computes the stages and
the error, moves the lanes whose step is accepted (`accept`), and chooses the next step size (`control_step_size`).
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.code import Broadcast, Rows, in_code, keep_apart, repeat, subroutine
from saddlescape.kernels.elementary import exp, log
from saddlescape.kernels.flow_state import (
    ACCEPTED,
    ATTEMPTED,
    BLOCKS,
    CROSSED,
    DUE_TIME,
    EVENT_SIZE,
    FRACTION,
    LAST_REJECTED,
    POINT,
    POINT_GRADIENT,
    POINT_LOSS,
    POINT_MAX_ERROR,
    REJECTED,
    STAGES,
    STATUS,
    STEP_SIZE,
    TIME,
)
from saddlescape.kernels.lanes import Lanes, fma, select
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.solutions import counter, margin
from saddlescape.kernels.tick import (
    DIVERGED_LOSS,
    ESCAPE_LOSS,
    FIRST_HYPERPARAMETER,
    GRADIENT_TOLERANCE,
    LOSS,
    MAX_ERROR,
    TOLERANCE,
    accumulate,
    largest_component,
    to_objective,
)
from saddlescape.kernels.variant import Variant

END, RTOL, ATOL = range(FIRST_HYPERPARAMETER, FIRST_HYPERPARAMETER + 3)
"""Rows of `hyperparameters`: the end time of the run, and its tolerances."""


def fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(number) for number in text.split())


TABLEAU = (
    fractions("1/5"),
    fractions("3/40 9/40"),
    fractions("44/45 -56/15 32/9"),
    fractions("19372/6561 -25360/2187 64448/6561 -212/729"),
    fractions("9017/3168 -355/33 46732/5247 49/176 -5103/18656"),
    fractions("35/384 0 500/1113 125/192 -2187/6784 11/84"),
)
"""Weights of the previous gradients in stages two to seven; the last row contains the weights of the step."""

FOURTH = fractions("5179/57600 0 7571/16695 393/640 -92097/339200 187/2100 1/40")
"""Weights of the fourth-order step."""

ERROR = tuple(a - b for a, b in zip((*TABLEAU[-1], Fraction(0)), FOURTH, strict=True))

DENSE_OUTPUT = (
    fractions("-8048581381/2820520608 8663915743/2820520608 -12715105075/11282082432"),
    fractions("0 0 0"),
    fractions("131558114200/32700410799 -68118460800/10900136933 87487479700/32700410799"),
    fractions("-1754552775/470086768 14199869525/1410260304 -10690763975/1880347072"),
    fractions("127303824393/49829197408 -318862633887/49829197408 701980252875/199316789632"),
    fractions("-282668133/205662961 2019193451/616988883 -1453857185/822651844"),
    fractions("40617522/29380423 -110615467/29380423 69997945/29380423"),
)
"""Coefficients of u**2, u**3 and u**4 in the weight of each gradient at the fraction u of a step; the coefficient of u
is 1 for the first gradient and 0 for the others."""

SAFETY, MIN_FACTOR, MAX_FACTOR = 0.9, 0.2, 10.0
"""A step size is multiplied by SAFETY error**(-1/5), clamped to [MIN_FACTOR, MAX_FACTOR]."""


def weighted_sum(gradients: Sequence[Rows], weights: Sequence[Lanes | Fraction | float], k: Any) -> Lanes:
    """Weighted sum of component `k` of the gradients, without the gradients of weight zero."""
    terms = [(g[k], w) for g, w in zip(gradients, weights, strict=False) if isinstance(w, Lanes) or w != 0]
    (first, weight), *rest = [(g, w if isinstance(w, Lanes) else float(w)) for g, w in terms]
    total = first * weight
    for gradient, weight in rest:
        total = fma(gradient, weight, total)
    return total


def set_point(state: Rows, theta: Rows, n: int, size: Lanes, weights: Sequence[Lanes | Fraction | float]) -> None:
    """Set POINT to theta minus `size` times the weighted sum of the gradients."""
    gradients, point = [state.from_row(s * n) for s in range(STAGES)], state.from_row(POINT * n)

    def parameter(k: Any) -> None:
        point[k] = fma(-size, weighted_sum(gradients, weights, k), theta[k])

    repeat(state.builder, n, parameter, in_code(state.kind, 2 * len(weights), weight=4))


def evaluator(
    builder: Any, variant: Variant, hyperparameters: Rows, X: Rows, T: Rows
) -> Callable[[Rows, Rows, Rows], None]:
    """``evaluate(theta, grad, monitor)``, which writes the gradient of the objective, the loss and the largest error.

    All that a module contains share one function, the largest part of its code.
    """
    kind, number = variant.kind, variant.kind.number.as_pointer()
    own = [hyperparameters.address] if variant.trainer.penalties or variant.trainer.has_margin else []

    def body(builder: Any, addresses: Any) -> None:
        names = ("theta", "grad", "monitor")
        theta, grad, monitor = (Rows(builder, kind, a, name) for a, name in zip(addresses, names, strict=False))
        X, T = (Broadcast(builder, kind, a, "data") for a in addresses[3:5])
        right = counter(variant, theta)
        loss, error = loss_and_gradient(builder, variant, theta, grad, X, T, 0, variant.samples, right)
        for address in addresses[5:]:
            limits = Rows(builder, kind, address, "hyperparameters")
            error = margin(variant, limits, loss, error, right)
            to_objective(builder, variant, theta, grad, limits)
        monitor[LOSS], monitor[MAX_ERROR] = loss, error

    call = subroutine(builder, kind, "gradient", [number] * (5 + len(own)), body)
    return lambda *rows: call(builder, [*(each.address for each in (*rows, X, T)), *own])


def point_evaluator(
    builder: Any, variant: Variant, state: Rows, hyperparameters: Rows, X: Rows, T: Rows
) -> Callable[[int], None]:
    """A function that writes the gradient at POINT to a block; it also writes POINT_LOSS and POINT_MAX_ERROR."""
    n, evaluate_rows = variant.n_params, evaluator(builder, variant, hyperparameters, X, T)
    point, monitor = state.from_row(POINT * n), state.from_row(BLOCKS * n + POINT_LOSS)
    return lambda block: evaluate_rows(point, state.from_row(block * n), monitor)


def squared_error(
    builder: Any, variant: Variant, theta: Rows, state: Rows, hyperparameters: Rows, size: Lanes
) -> Lanes:
    """Mean square of the error of the step divided by atol + rtol |parameter|; the quotient is 0 if the error is 0."""
    n = variant.n_params
    gradients, point = [state.from_row(s * n) for s in range(STAGES)], state.from_row(POINT * n)

    def add(k: Any, total: Lanes) -> Lanes:
        error, before, after = size * weighted_sum(gradients, ERROR, k), abs(theta[k]), abs(point[k])
        allowed = fma(hyperparameters[RTOL], select(before < after, after, before), hyperparameters[ATOL])
        scaled = select(abs(error) <= 0.0, error.like(0.0), error / allowed)
        return fma(scaled, scaled, total)

    return accumulate(builder, point, n, add) * (1.0 / n)


def control_step_size(scalars: Rows, square: Lanes) -> None:
    """Choose the next step size from the squared error; an accepted step that was shortened does not change it."""
    size, largest = scalars[ATTEMPTED], square.like(1e30)
    # The factor of 1e29 is below MIN_FACTOR already; with 1e30, LLVM would make it min of PTX.
    bounded = select(square <= 1e-30, square.like(1e-30), select(square <= 1e29, square, largest))
    factor = exp(log(bounded) * -0.1) * SAFETY
    factor = select(factor < MIN_FACTOR, factor.like(MIN_FACTOR), factor)
    most = select(scalars[LAST_REJECTED] > 0.0, factor.like(1.0), MAX_FACTOR)
    factor = select(factor > most, most, factor)
    good = square <= 1.0
    shortened = good & (size < scalars[STEP_SIZE])
    scalars[STEP_SIZE] = select(shortened, scalars[STEP_SIZE], size * factor)
    scalars[LAST_REJECTED] = select(good, size.like(0.0), 1.0)


def minimum(a: Lanes, b: Lanes) -> Lanes:
    return select(a < b, a, b)


def accept(builder: Any, variant: Variant, rows: dict[str, Rows], square: Lanes, end: Lanes) -> Any:
    """Move the lanes whose step to the time `end` has a small error and no event; returns whether a lane is due."""
    theta, state, grad, hyperparameters, monitor = rows.values()
    n = variant.n_params
    scalars, point, last = state.from_row(BLOCKS * n), state.from_row(POINT * n), state.from_row((STAGES - 1) * n)
    loss, max_error = scalars[POINT_LOSS], scalars[POINT_MAX_ERROR]
    good = square <= 1.0
    event = good & ((loss < hyperparameters[ESCAPE_LOSS]) | (max_error < hyperparameters[TOLERANCE]))
    moved = good & ~event

    def parameter(k: Any) -> None:
        theta[k], grad[k] = select(moved, point[k], theta[k]), select(moved, last[k], grad[k])

    repeat(builder, n, parameter, in_code(state.kind, 4, weight=4))
    new = select(moved, loss, monitor[LOSS]), select(moved, max_error, monitor[MAX_ERROR])
    monitor[LOSS], monitor[MAX_ERROR] = new
    scalars[TIME] = select(moved, end, scalars[TIME])
    scalars[STATUS] = select(event, loss.like(CROSSED), select(moved, loss.like(ACCEPTED), REJECTED))
    due = (end >= scalars[DUE_TIME]) | (scalars[EVENT_SIZE] < math.inf) | ~(loss <= hyperparameters[DIVERGED_LOSS])
    stationary = largest_component(builder, grad, n) <= hyperparameters[GRADIENT_TOLERANCE]
    return (event | (moved & (due | stationary))).any()


@intrinsic
def evaluate(
    typingctx: Any, net: Any, theta: Any, grad: Any, hyperparameters: Any, monitor: Any, X: Any, T: Any
) -> Any:
    """Compute loss, largest error and the gradient of every lane."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "grad", "hyperparameters", "monitor")
        theta, grad, own, monitor = (Rows(builder, variant.kind, a, n) for a, n in zip(args[1:5], names, strict=True))
        X, T = (Broadcast(builder, variant.kind, a, "data") for a in args[5:])
        keep_apart(builder.function, variant.kind)
        evaluator(builder, variant, own, X, T)(theta, grad, monitor)
        return context.get_dummy_value()

    return types.void(net, theta, grad, hyperparameters, monitor, X, T), codegen


@intrinsic
def attempt(
    typingctx: Any, net: Any, theta: Any, state: Any, grad: Any, hyperparameters: Any, monitor: Any, X: Any, T: Any
) -> Any:
    """Attempt a step of every lane from parameters `theta` with gradient `grad`; returns whether a lane is due."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "state", "grad", "hyperparameters", "monitor")
        rows = {name: Rows(builder, variant.kind, a, name) for name, a in zip(names, args[1:6], strict=True)}
        theta, state, grad, hyperparameters, _ = rows.values()
        X, T = (Broadcast(builder, variant.kind, a, "data") for a in args[6:])
        n = variant.n_params
        scalars = state.from_row(BLOCKS * n)
        evaluate_point = point_evaluator(builder, variant, state, hyperparameters, X, T)
        remaining = hyperparameters[END] - scalars[TIME]
        size = minimum(minimum(scalars[STEP_SIZE], scalars[EVENT_SIZE]), remaining)
        scalars[ATTEMPTED] = size

        def first(k: Any) -> None:
            state[k] = grad[k]

        repeat(builder, n, first, in_code(state.kind, 1, weight=4))
        for stage, weights in enumerate(TABLEAU, start=1):
            set_point(state, theta, n, size, weights)
            evaluate_point(stage)
        square = squared_error(builder, variant, theta, state, hyperparameters, size)
        end = select(remaining <= size, hyperparameters[END], scalars[TIME] + size)
        due = accept(builder, variant, rows, square, end)
        control_step_size(scalars, square)
        return due

    return types.boolean(net, theta, state, grad, hyperparameters, monitor, X, T), codegen


@intrinsic
def interpolate(typingctx: Any, net: Any, theta: Any, state: Any, hyperparameters: Any, X: Any, T: Any) -> Any:
    """Evaluate every lane at the fraction FRACTION of its last step: sets POINT and POINT_GRADIENT.

    At the fraction 1, POINT equals theta to the bit.
    """
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "state", "hyperparameters")
        theta, state, own = (Rows(builder, variant.kind, a, name) for name, a in zip(names, args[1:4], strict=True))
        X, T = (Broadcast(builder, variant.kind, a, "data") for a in args[4:])
        n = variant.n_params
        scalars = state.from_row(BLOCKS * n)
        evaluate_point = point_evaluator(builder, variant, state, own, X, T)
        u = scalars[FRACTION]
        weights = [polynomial_from_end(u, (Fraction(s == 0), *higher)) for s, higher in enumerate(DENSE_OUTPUT)]
        set_point(state, theta, n, scalars[ATTEMPTED] * (u - 1.0), weights)
        evaluate_point(POINT_GRADIENT)
        return ir.Constant(ir.IntType(1), 1)

    return types.boolean(net, theta, state, hyperparameters, X, T), codegen


def polynomial_from_end(u: Lanes, coefficients: Sequence[Fraction]) -> Lanes | float:
    """(p(u) - p(1)) / (u - 1) for the polynomial p with these coefficients of u, u**2, ..., by Horner's division."""
    quotient = [sum(coefficients[k:]) for k in range(len(coefficients))]
    if not any(quotient):
        return 0.0
    value = u.like(float(quotient[-1]))
    for coefficient in reversed(quotient[:-1]):
        value = fma(value, u, float(coefficient))
    return value
