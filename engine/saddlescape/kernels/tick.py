"""One tick of all lanes, as two intrinsics: look where every network is, then step.

A tick is a step over all samples or, where the samples come in batches, an epoch of steps.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.code import STACK, UNROLLED, Difference, Index, Numbers, Rows, Words, repeat, scratch
from saddlescape.kernels.lanes import Lanes, Mask, fma, select, sqrt
from saddlescape.kernels.losses import LOSSES
from saddlescape.kernels.network import loss_and_gradient
from saddlescape.kernels.noise import normal
from saddlescape.kernels.variant import Variant

ESCAPE_LOSS, TOLERANCE, DIVERGED_LOSS, GRADIENT_TOLERANCE, FIRST_NUMBER = range(5)
"""Rows of `rates`: limits, then the numbers that the run steps by."""

LOSS, WORST, PARKED, MOVED, ASKED, SEEN = range(6)
"""Rows of `seen`, and how many: loss, largest error, 1 where a lane has no run, bits that its last tick changed, and
whether to look for events: 1 at birth and, where the samples come in batches, after epochs that ask for it, else 0."""


def over(builder: Any, first: Lanes, n: int, body: Callable[[Any, Lanes], Lanes]) -> Lanes:
    """``for k in range(n): value = body(k, value)``; the last value."""
    value = scratch(builder, first.kind, 1)
    value[0] = first

    def step(k: Any) -> None:
        value[0] = body(k, value[0])

    repeat(builder, n, step, 2)
    return value[0]


def largest_component(builder: Any, grad: Rows, n: int) -> Lanes:
    """Largest magnitude of a gradient component."""

    def larger(k: Any, most: Lanes) -> Lanes:
        component = abs(grad[k])
        return select(most < component, component, most)

    return over(builder, grad[0].like(0.0), n, larger)


def gradient_norm(builder: Any, grad: Rows, n: int) -> Lanes:
    """Euclidean norm of the gradient, scaled by the largest component: 0 only where every component is."""
    most = largest_component(builder, grad, n)
    scale = select(most > 0.0, most, 1.0)

    def add(k: Any, total: Lanes) -> Lanes:
        share = grad[k] / scale
        return fma(share, share, total)

    return most * sqrt(over(builder, most.like(0.0), n, add))


def add_decay(builder: Any, variant: Variant, theta: Rows, grad: Rows, rates: Rows) -> None:
    """Make of the gradient of the loss that of the objective: the loss plus weight_decay / 2 times |theta|^2."""
    decay, n = rates[FIRST_NUMBER + variant.hyperparameters.index("weight_decay")], variant.n_params

    def parameter(k: Any) -> None:
        if variant.keeps_slope:
            grad[n + k] = grad[k]
        grad[k] = fma(decay, theta[k], grad[k])

    repeat(builder, n, parameter, 1)


def wants_attention(loss: Lanes, worst: Lanes, most: Lanes | None, rates: Rows) -> Mask:
    """Lanes that escape, are solved, diverge or meet the gradient tolerance at this step."""
    event = (loss < rates[ESCAPE_LOSS]) | (worst < rates[TOLERANCE]) | ~(loss <= rates[DIVERGED_LOSS])
    return event if most is None else event | (most <= rates[GRADIENT_TOLERANCE])


def numbers_of_step(builder: Any, variant: Variant, state: Rows, grad: Rows, rates: Rows) -> dict[str, Lanes]:
    """The numbers that all parameters of a step share, after the schedule and the optimizer's preparation."""
    numbers = {name: rates[FIRST_NUMBER + k] for k, name in enumerate(variant.hyperparameters)}
    rule, row = variant.rule, variant.n_params * variant.rule.states
    if variant.schedule is not None:
        step = state[variant.n_states - 1]
        numbers["learning_rate"] = numbers["learning_rate"] * variant.schedule.factor(step, numbers)
        state[variant.n_states - 1] = step + 1.0
    if rule.prepare is not None:
        old = tuple(state[row + k] for k in range(rule.step_states))
        new = rule.prepare(numbers, old, lambda: gradient_norm(builder, grad, variant.n_params))
        for k, value in enumerate(new):
            state[row + k] = value
    return numbers


SEED, RUN_NUMBER, STEP = range(3)
"""Rows of `keys`: what the lane's random numbers depend on."""


def noise(builder: Any, variant: Variant, keys: Words, k: Index | int) -> Lanes:
    """The standard normal number of parameter `k` at this step."""
    return normal(builder, variant.kind, (keys[SEED], keys[RUN_NUMBER]), (keys[STEP], keys.of(k)))


def update(
    builder: Any, variant: Variant, theta: Rows, state: Rows, grad: Rows, rates: Rows, keys: Words, bits: Difference
) -> None:
    """One step of every lane; `bits` gathers how its parameters and state change.

    An optimizer whose numbers change from step to step is at rest only where the gradient is zero, too; a run with
    noise never is, unless it multiplies and all its parameters are zero.
    """
    trainer, rule, n = variant.trainer, variant.rule, variant.n_params
    assert rule.update is not None  # the flow has a tick of its own
    move = rule.update
    numbers = numbers_of_step(builder, variant, state, grad, rates)
    cost = 200 if trainer.noise else 8

    def parameter(k: Any, first: int, numbers: dict[str, Lanes]) -> None:
        k = first + k
        old = (theta[k], *(state[n * s + k] for s in range(rule.states)))
        g = grad[n + k] if variant.keeps_slope else grad[k]
        if trainer.noise:
            g = fma(numbers["noise"], noise(builder, variant, keys, k), g)
        if trainer.weight_decay and (trainer.noise or trainer.batch):  # else `evaluate` has added it
            g = fma(numbers["weight_decay"], old[0], g)
        new, kept = move(old[0], old[1:], g, numbers)
        theta[k] = new
        for s, value in enumerate(kept):
            state[n * s + k] = value
        for before, after in zip(old, (new, *kept), strict=True):
            bits.add(before, after)
        if rule.step_states:
            bits.add(abs(g), g.like(0.0))
        if trainer.noise and variant.optimizer.multiplies:
            bits.add(select(abs(old[0]) > 0.0, numbers["noise"], 0.0), g.like(0.0))

    if trainer.noise and not variant.optimizer.multiplies:
        bits.add(numbers["noise"], numbers["noise"].like(0.0))
    if not trainer.layer_rates:
        repeat(builder, n, partial(parameter, first=0, numbers=numbers), cost)
        return
    for number, layer in enumerate(variant.layers):
        own = {**numbers, "learning_rate": numbers["learning_rate"] * numbers[f"layer_rate_{number}"]}
        body = partial(parameter, first=layer.first_param, numbers=own)
        repeat(builder, layer.width * layer.fan_out, body, cost)


def epoch(builder: Any, variant: Variant, rows: dict[str, Any], X: Rows, T: Rows, bits: Difference) -> Mask:
    """One step for each batch; the lanes whose loss or errors, as the samples went by, want attention."""
    (size, n), factor = variant.batches, LOSSES[variant.trainer.loss].factor
    sums = scratch(builder, variant.kind, 2)
    sums[0] = sums[1] = rows["theta"][0].like(0.0)

    def batch(first: Index | int, samples: int) -> None:
        loss, worst = loss_and_gradient(builder, variant, rows["theta"], rows["grad"], X, T, first, samples)
        share = factor(variant.samples, 1) / factor(samples, 1)
        sums[0], sums[1] = sums[0] + loss * share, select(sums[1] < worst, worst, sums[1])
        update(builder, variant, **rows, bits=bits)
        next_step(builder, variant, rows["keys"])

    repeat(builder, variant.samples // size, lambda b: batch(b * size, size), UNROLLED)
    if variant.samples % size:
        batch(n * size - size, variant.samples % size)
    return wants_attention(sums[0], sums[1], None, rows["rates"])


def _rows(builder: Any, variant: Variant, names: tuple[str, ...], addresses: Any) -> dict[str, Rows]:
    return {name: Rows(builder, variant.kind, a, name) for name, a in zip(names, addresses, strict=True)}


@intrinsic
def evaluate(typingctx: Any, net: Any, theta: Any, grad: Any, rates: Any, seen: Any, X: Any, T: Any) -> Any:
    """Loss, largest error and the objective's gradient of every lane over all samples; whether one wants attention."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        rows = _rows(builder, variant, ("theta", "grad", "rates", "seen"), args[1:5])
        X, T = (Numbers(builder, variant.kind, a, "data") for a in args[5:])
        builder.function.attributes.add("noinline")
        builder.function.attributes.alignstack = STACK
        theta, grad, seen = rows["theta"], rows["grad"], rows["seen"]
        loss, worst = loss_and_gradient(builder, variant, theta, grad, X, T, 0, variant.samples)
        seen[LOSS], seen[WORST] = loss, worst
        if variant.trainer.weight_decay:
            add_decay(builder, variant, theta, grad, rows["rates"])
        most = largest_component(builder, grad, variant.n_params) if variant.watch_gradient else None
        return wants_attention(loss, worst, most, rows["rates"]).any()

    return types.boolean(net, theta, grad, rates, seen, X, T), codegen


STILL, WANTED = 1, 2
"""Bits of what `step` returns: a lane did not change; the next tick has to look at a lane."""


def next_step(builder: Any, variant: Variant, keys: Words) -> None:
    """Count the step, where random numbers depend on it."""
    if variant.trainer.noise:
        keys[STEP] = builder.add(keys[STEP], keys.of(1))


@intrinsic
def step(
    typingctx: Any, net: Any, theta: Any, state: Any, grad: Any, rates: Any, seen: Any, keys: Any, X: Any, T: Any
) -> Any:
    """Step every lane; STILL and WANTED, added.  `X` and `T` are the lanes' own where these are shuffled."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        rows: dict[str, Any] = _rows(builder, variant, ("theta", "state", "grad", "rates", "seen"), args[1:6])
        data = Rows if variant.trainer.shuffled else Numbers
        X, T = (data(builder, variant.kind, a, "data") for a in args[7:])
        seen, wanted = rows.pop("seen"), ir.Constant(ir.IntType(1), 0)
        rows["keys"], bits = Words(builder, variant.kind, args[6]), Difference(seen[PARKED])
        if variant.trainer.batch:
            asked = epoch(builder, variant, rows, X, T, bits)
            seen[ASKED], wanted = select(asked, seen[PARKED].like(1.0), 0.0), asked.any()
        else:
            update(builder, variant, **rows, bits=bits)
            next_step(builder, variant, rows["keys"])
        if variant.trainer.shuffled:
            bits.add(seen[PARKED].like(1.0), seen[PARKED].like(0.0))
        seen[MOVED] = bits.lanes
        word = ir.IntType(64)
        flags = (builder.zext(bits.none(), word), builder.zext(wanted, word))
        return builder.or_(flags[0], builder.mul(flags[1], ir.Constant(word, WANTED)))

    return types.int64(net, theta, state, grad, rates, seen, keys, X, T), codegen


@intrinsic
def looks_every_tick(typingctx: Any, net: Any) -> Any:
    """Whether a step needs the gradient over all samples, so that loss and errors are at hand at every tick."""
    every = int(not net.variant.trainer.batch)
    return types.boolean(net), lambda context, builder, sig, args: ir.Constant(ir.IntType(1), every)


@intrinsic
def shuffles(typingctx: Any, net: Any) -> Any:
    """Whether the lanes take their samples in orders of their own."""
    own = int(net.variant.trainer.shuffled)
    return types.boolean(net), lambda context, builder, sig, args: ir.Constant(ir.IntType(1), own)


@intrinsic
def no_bit(typingctx: Any, number: Any) -> Any:
    """Whether no bit of a number is set; compared as an integer, as the least bits are a subnormal number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        word = ir.IntType(number.bitwidth)
        return builder.icmp_unsigned("==", builder.bitcast(args[0], word), ir.Constant(word, 0))

    return types.boolean(number), codegen


@intrinsic
def after(typingctx: Any, address: Any, count: Any) -> Any:
    """The address of the number `count` places on."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return address(address, types.int64), codegen


@intrinsic
def pointer(typingctx: Any, array: Any) -> Any:
    """Address of an array's data: unlike the array, it is passed on without counting references."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen
