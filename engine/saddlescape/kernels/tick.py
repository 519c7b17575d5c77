"""One tick of all lanes, as two intrinsics: look where every network is, then step."""

from typing import Any

from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.code import Difference, Numbers, Rows, repeat, scratch
from saddlescape.kernels.lanes import Lanes, Mask, select
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.steppers import STEPPERS
from saddlescape.kernels.variant import Variant

ESCAPE_LOSS, TOLERANCE, DIVERGED_LOSS, GRADIENT_TOLERANCE, STEPPER_RATES = range(5)
"""Rows of `rates`: limits, then the stepper's own numbers."""

LOSS, WORST, PARKED, MOVED, SEEN = range(5)
"""Rows of `seen`, and how many: loss, largest error, 1 where a lane has no run, bits that its last step changed."""


def largest_component(builder: Any, variant: Variant, grad: Rows) -> Lanes:
    """Largest magnitude of a gradient component."""
    most = scratch(builder, variant.kind, 1)
    most[0] = abs(grad[0])

    def compare(k: Any) -> None:
        component, so_far = abs(grad[k]), most[0]
        most[0] = select(so_far < component, component, so_far)

    repeat(builder, variant.n_params, compare, 1)
    return most[0]


def wants_attention(loss: Lanes, worst: Lanes, most: Lanes | None, rates: Rows) -> Mask:
    """Lanes that escape, are solved, diverge or meet the gradient tolerance at this step."""
    event = (loss < rates[ESCAPE_LOSS]) | (worst < rates[TOLERANCE]) | ~(loss <= rates[DIVERGED_LOSS])
    return event if most is None else event | (most <= rates[GRADIENT_TOLERANCE])


def update(builder: Any, variant: Variant, theta: Rows, state: Rows, grad: Rows, rates: Rows, bits: Difference) -> None:
    """One step of every lane; `bits` gathers how its parameters and state change."""
    stepper, n = STEPPERS[variant.trainer.stepper], variant.n_params
    numbers = [rates[STEPPER_RATES + k] for k in range(len(stepper.rates))]

    def parameter(k: Any) -> None:
        old = (theta[k], *(state[n * s + k] for s in range(stepper.states)))
        new, kept = stepper.update(old[0], old[1:], grad[k], numbers)
        theta[k] = new
        for s, value in enumerate(kept):
            state[n * s + k] = value
        for before, after in zip(old, (new, *kept), strict=True):
            bits.add(before, after)

    repeat(builder, n, parameter, 8)


@intrinsic
def evaluate(typingctx: Any, net: Any, theta: Any, grad: Any, X: Any, T: Any, rates: Any, seen: Any) -> Any:
    """Loss, largest error and gradient of every lane; whether a lane wants attention."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        rows = {n: Rows(builder, variant.kind, a, n) for n, a in zip(("theta", "grad"), args[1:3], strict=True)}
        data = [Numbers(builder, variant.kind, a, "data") for a in args[3:5]]
        limits, out = (Rows(builder, variant.kind, a, n) for n, a in zip(("rates", "seen"), args[5:], strict=True))
        builder.function.attributes.add("noinline")
        builder.function.attributes.alignstack = 64  # else vectors are spilled across cache lines
        loss, worst = loss_and_gradient(builder, variant, rows["theta"], rows["grad"], *data)
        out[LOSS], out[WORST] = loss, worst
        most = largest_component(builder, variant, rows["grad"]) if variant.watch_gradient else None
        return wants_attention(loss, worst, most, limits).any()

    return types.boolean(net, theta, grad, X, T, rates, seen), codegen


@intrinsic
def step(typingctx: Any, net: Any, theta: Any, state: Any, grad: Any, rates: Any, seen: Any) -> Any:
    """Step every lane; whether a live lane did not change in any bit."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "state", "grad", "rates", "seen")
        rows = {n: Rows(builder, variant.kind, a, n) for n, a in zip(names, args[1:], strict=True)}
        seen = rows.pop("seen")
        bits = Difference(seen[PARKED])
        update(builder, variant, **rows, bits=bits)
        seen[MOVED] = bits.lanes
        return bits.none()

    return types.boolean(net, theta, state, grad, rates, seen), codegen


@intrinsic
def pointer(typingctx: Any, array: Any) -> Any:
    """Address of an array's data: unlike the array, it is passed on without counting references."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen
