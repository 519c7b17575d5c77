"""One tick of all lanes, as two intrinsics: `evaluate` the loss and the gradient of every network, then `step`.

A tick is one step over all samples or, with minibatches, an epoch of steps.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.code import (
    UNROLLED,
    Broadcast,
    Difference,
    Index,
    Rows,
    Words,
    in_code,
    keep_apart,
    repeat,
    scratch,
)
from saddlescape.kernels.lanes import Lanes, Mask, fma, larger, select, sqrt
from saddlescape.kernels.losses import factors
from saddlescape.kernels.network import Dropout, loss_and_gradient
from saddlescape.kernels.noise import normal
from saddlescape.kernels.objective import add_penalty, each_parameter, hold_biases, own_penalties, penalized
from saddlescape.kernels.schedules import WARMUP
from saddlescape.kernels.solutions import counter, margin
from saddlescape.kernels.variant import LIMITS, Variant
from saddlescape.words.activations import ACTIVATIONS as WORDS

ESCAPE_LOSS, TOLERANCE, DIVERGED_LOSS, GRADIENT_TOLERANCE, FIRST_HYPERPARAMETER = range(LIMITS + 1)
"""Rows of `hyperparameters`: the limits of the run, then its hyperparameters."""

RISING = "rising"
"""Name of a number of a step: not 0 while the factors of the learning rate grow."""

LOSS, MAX_ERROR, IDLE, CHANGED, CHECK, MONITOR_ROWS = range(6)
"""Rows of `monitor`, and their number; state.py describes them."""


def accumulate(builder: Any, rows: Rows, n: int, body: Callable[[Any, Lanes], Lanes]) -> Lanes:
    """``value = 0``, ``for k in range(n): value = body(k, value)``; the last value, of the type of the rows."""
    value = rows.scratch(1)
    value[0] = rows[0].like(0.0)

    def step(k: Any) -> None:
        value[0] = body(k, value[0])

    repeat(builder, n, step, in_code(rows.kind, 2, weight=8))
    return value[0]


def largest_component(builder: Any, grad: Rows, n: int) -> Lanes:
    """Maximum norm of the gradient."""

    return accumulate(builder, grad, n, lambda k, most: larger(most, abs(grad[k])))


def gradient_norm(builder: Any, grad: Rows, n: int) -> Lanes:
    """Euclidean norm of the gradient, scaled by the largest component: it is 0 only if every component is 0."""
    most = largest_component(builder, grad, n)
    scale = select(most > 0.0, most, 1.0)

    def add(k: Any, total: Lanes) -> Lanes:
        scaled = grad[k] / scale
        return fma(scaled, scaled, total)

    return most * sqrt(accumulate(builder, grad, n, add))


def hyperparameter(variant: Variant, hyperparameters: Rows, name: str) -> Lanes:
    """The value of a hyperparameter by name."""
    return hyperparameters[FIRST_HYPERPARAMETER + variant.hyperparameters.index(name)]


def to_objective(builder: Any, variant: Variant, theta: Rows, grad: Rows, hyperparameters: Rows) -> None:
    """Change `grad`, the gradient of the loss, to that of the objective; it is zero for biases that are held."""
    trainer = variant.trainer
    if trainer.penalties:
        values = {name: hyperparameter(variant, hyperparameters, name) for name in trainer.penalties}
        add_penalty(builder, variant, theta, grad, values)
    if trainer.bias_rate:
        hold_biases(builder, variant, grad, hyperparameter(variant, hyperparameters, "bias_rate"))


def meets_limit(loss: Lanes, max_error: Lanes, most: Lanes | None, hyperparameters: Rows) -> Mask:
    """Lanes that escape, are solved, diverge or reach the gradient tolerance at this step."""
    escaped, solved = loss < hyperparameters[ESCAPE_LOSS], max_error < hyperparameters[TOLERANCE]
    event = escaped | solved | ~(loss <= hyperparameters[DIVERGED_LOSS])
    return event if most is None else event | (most <= hyperparameters[GRADIENT_TOLERANCE])


def schedule(variant: Variant, step: Lanes, values: dict[str, Lanes]) -> None:
    """Multiply the learning rate by its factors at this step; RISING is not 0 while they grow."""
    rules = (variant.schedule, *((WARMUP,) if variant.trainer.warmup else ()))
    for rule in (rule for rule in rules if rule is not None):
        values["learning_rate"] = values["learning_rate"] * rule.factor(step, values)
        if rule.peak is not None:
            rising = select(step < rule.peak(values), step.like(1.0), 0.0)
            values[RISING] = rising + values[RISING] if RISING in values else rising


def step_hyperparameters(
    builder: Any, variant: Variant, state: Rows, grad: Rows, hyperparameters: Rows
) -> dict[str, Lanes]:
    """Values that all parameters share in this step, by name, after the schedule and the optimizer's `prepare`."""
    values = {name: hyperparameters[FIRST_HYPERPARAMETER + k] for k, name in enumerate(variant.hyperparameters)}
    rule, row = variant.rule, variant.n_params * variant.rule.states
    if variant.counts_steps:
        step = state[variant.n_states - 1]
        schedule(variant, step, values)
        state[variant.n_states - 1] = step + 1.0
    if rule.prepare is not None:
        old = tuple(state[row + k] for k in range(rule.step_states))
        new = rule.prepare(values, old, lambda: gradient_norm(builder, grad, variant.n_params))
        for k, value in enumerate(new):
            state[row + k] = value
    return values


CLIP_EPSILON = 1e-6
"""Added to the norm of the gradient, as by `torch.nn.utils.clip_grad_norm_`."""


def clip_factor(builder: Any, variant: Variant, grad: Rows, values: Mapping[str, Lanes]) -> Lanes:
    """The factor, at most 1, of the gradient of the loss, whose norm `clip` limits; held biases do not count."""
    of_loss = grad.from_row(variant.n_params) if variant.keeps_loss_gradient else grad
    if variant.trainer.bias_rate:
        hold_biases(builder, variant, of_loss, values["bias_rate"])
    factor = values["clip"] / (gradient_norm(builder, of_loss, variant.n_params) + CLIP_EPSILON)
    return select((values["clip"] > 0.0) & (factor < 1.0), factor, 1.0)


SEED, RUN_NUMBER, STEP = range(3)
"""Rows of `keys`, from which the lane's random numbers are generated."""


def noise(builder: Any, variant: Variant, keys: Words, k: Index | int) -> Lanes:
    """The standard normal number for parameter `k` at this step."""
    return normal(builder, variant.kind, (keys[SEED], keys[RUN_NUMBER]), (keys[STEP], keys.of(k)))


def update(
    builder: Any, variant: Variant, theta: Rows, state: Rows, grad: Rows, hyperparameters: Rows, keys: Words,
    bits: Difference,
) -> None:
    """One step of every lane; `bits` collects the changed bits of its parameters and its state.

    If an optimizer's values change from step to step, or the learning rate grows, a state is a fixed point only if the
    gradient is zero, too.  With noise no state is one, unless the optimizer multiplies and all parameters are zero;
    with dropout, only zero is one, and only if hidden units output zero there.
    """
    trainer, rule, n = variant.trainer, variant.rule, variant.n_params
    assert rule.update is not None  # the gradient flow has its own tick
    move = rule.update
    values = step_hyperparameters(builder, variant, state, grad, hyperparameters)
    cost = 200 if trainer.noise else 8
    silent = not any(WORDS[name].value for name in trainer.activations[:-1])
    if trainer.clip:
        values["clip_factor"] = clip_factor(builder, variant, grad, values)

    def parameter(k: Any, values: dict[str, Lanes], rate: Lanes | None) -> None:
        old = (theta[k], *(state[n * s + k] for s in range(rule.states)))
        if rule.begin is not None:
            old = (old[0], *rule.begin(old[1:], values))
        g = grad[n + k] if variant.keeps_loss_gradient else grad[k]
        if trainer.clip:
            g = g * values["clip_factor"]
        if trainer.noise:
            g = fma(values["noise"], noise(builder, variant, keys, k), g)
        if trainer.penalties and not variant.adds_penalties_early:  # otherwise `evaluate` has added them
            g = penalized(trainer, values, old[0], g)
        new, new_state = move(old[0], old[1:], g, values)
        if rate is not None:
            g, new = select(rate > 0.0, g, 0.0), select(rate > 0.0, new, old[0])
            new_state = tuple(select(rate > 0.0, b, a) for a, b in zip(old[1:], new_state, strict=True))
        theta[k] = new
        for s, value in enumerate(new_state):
            state[n * s + k] = value
        for before, after in zip(old, (new, *new_state), strict=True):
            bits.add(before, after)
        if rule.step_states:
            bits.add(abs(g), g.like(0.0))
        if RISING in values:
            bits.add(select(values[RISING] > 0.0, abs(g), 0.0), g.like(0.0))
        if trainer.noise and variant.optimizer.multiplies:
            bits.add(select(abs(old[0]) > 0.0, values["noise"], 0.0), g.like(0.0))
        if trainer.dropout and silent:
            bits.add(select(abs(old[0]) > 0.0, values["dropout"], 0.0), g.like(0.0))

    if trainer.noise and not variant.optimizer.multiplies:
        bits.add(values["noise"], values["noise"].like(0.0))
    if trainer.dropout and not silent:
        bits.add(values["dropout"], values["dropout"].like(0.0))

    def group(layer: int, is_bias: bool) -> Callable[[Any], None]:
        own = own_penalties(trainer, values, is_bias)
        rate = values["bias_rate"] if is_bias and trainer.bias_rate else None
        if trainer.layer_rates:
            own["learning_rate"] = own["learning_rate"] * values[f"layer_rate_{layer}"]
        if rate is not None:
            own["learning_rate"] = own["learning_rate"] * rate
        return partial(parameter, values=own, rate=rate)

    biases = trainer.bias_rate or trainer.decay == "weights"
    each_parameter(builder, variant, group, cost, layers=trainer.layer_rates, biases=biases)


def dropout(variant: Variant, hyperparameters: Rows, keys: Words) -> Dropout | None:
    """The dropout of this step."""
    if not variant.trainer.dropout:
        return None
    rate = hyperparameter(variant, hyperparameters, "dropout")
    return Dropout(rate, 1.0 / (1.0 - rate), keys, (keys[SEED], keys[RUN_NUMBER]), keys[STEP])


def epoch(builder: Any, variant: Variant, rows: dict[str, Any], X: Rows, T: Rows, bits: Difference) -> Mask:
    """One step per batch; returns the lanes whose running loss or largest error passes a limit in this epoch."""
    (size, n), trainer = variant.batches, variant.trainer
    sums = scratch(builder, variant.kind, 2)
    sums[0] = sums[1] = rows["theta"][0].like(0.0)
    right = counter(variant, rows["theta"])

    rest = 0 if variant.trainer.sampled else variant.samples % size

    def batch(first: Index | int, samples: int) -> None:
        dropped = dropout(variant, rows["hyperparameters"], rows["keys"])
        loss, max_error = loss_and_gradient(
            builder, variant, rows["theta"], rows["grad"], X, T, first, samples, right, dropped
        )
        if trainer.bias_rate:
            hold_biases(builder, variant, rows["grad"], hyperparameter(variant, rows["hyperparameters"], "bias_rate"))
        of_all, of_batch = (factors(trainer.loss, trainer.reduction, n, 1)[0] for n in (variant.samples, samples))
        weight = of_all / of_batch
        if variant.trainer.sampled:
            weight *= variant.samples / variant.own_samples
        sums[0], sums[1] = sums[0] + loss * weight, larger(sums[1], max_error)
        update(builder, variant, **rows, bits=bits)
        next_step(builder, variant, rows["keys"])

    repeat(builder, n - (rest > 0), lambda b: batch(b * size, size), UNROLLED)
    if rest:
        batch(n * size - size, rest)
    error = margin(variant, rows["hyperparameters"], sums[0], sums[1], right)
    return meets_limit(sums[0], error, None, rows["hyperparameters"])


def _rows(builder: Any, variant: Variant, names: tuple[str, ...], addresses: Any) -> dict[str, Rows]:
    return {name: Rows(builder, variant.kind, a, name) for name, a in zip(names, addresses, strict=True)}


@intrinsic
def evaluate(
    typingctx: Any, net: Any, theta: Any, grad: Any, hyperparameters: Any, monitor: Any, X: Any, T: Any
) -> Any:
    """Compute loss, largest error and the objective's gradient over all samples; returns whether there is an event."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        rows = _rows(builder, variant, ("theta", "grad", "hyperparameters", "monitor"), args[1:5])
        X, T = (Broadcast(builder, variant.kind, a, "data") for a in args[5:])
        keep_apart(builder.function, variant.kind)
        theta, grad, monitor = rows["theta"], rows["grad"], rows["monitor"]
        right = counter(variant, theta)
        loss, max_error = loss_and_gradient(builder, variant, theta, grad, X, T, 0, variant.samples, right)
        max_error = margin(variant, rows["hyperparameters"], loss, max_error, right)
        monitor[LOSS], monitor[MAX_ERROR] = loss, max_error
        to_objective(builder, variant, theta, grad, rows["hyperparameters"])
        most = largest_component(builder, grad, variant.n_params) if variant.watch_gradient else None
        return meets_limit(loss, max_error, most, rows["hyperparameters"]).any()

    return types.boolean(net, theta, grad, hyperparameters, monitor, X, T), codegen


UNCHANGED, CHECK_REQUESTED = 1, 2
"""Bits of the value of `step`: a lane did not change; a lane requests a check for events at the next tick."""


def next_step(builder: Any, variant: Variant, keys: Words) -> None:
    """Increment the step count from which random numbers are generated."""
    if variant.trainer.noise or variant.trainer.dropout:
        keys[STEP] = builder.add(keys[STEP], keys.of(1))


@intrinsic
def step(
    typingctx: Any, net: Any, theta: Any, state: Any, grad: Any, hyperparameters: Any, monitor: Any, keys: Any, X: Any,
    T: Any,
) -> Any:
    """Step every lane; returns UNCHANGED | CHECK_REQUESTED.  Lanes that shuffle or draw samples have their own."""
    variant = net.variant

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        names = ("theta", "state", "grad", "hyperparameters", "monitor")
        rows: dict[str, Any] = _rows(builder, variant, names, args[1:6])
        data = Rows if variant.own_samples else Broadcast
        X, T = (data(builder, variant.kind, a, "data") for a in args[7:])
        monitor, check_requested = rows.pop("monitor"), ir.Constant(ir.IntType(1), 0)
        rows["keys"], bits = Words(builder, variant.kind, args[6]), Difference(monitor[IDLE])
        if variant.trainer.dropout:
            rows["grad"] = rows["grad"].from_row(variant.n_params)  # the first rows are those of `evaluate`
        if variant.steps_apart:
            requested = epoch(builder, variant, rows, X, T, bits)
        if variant.trainer.batch:
            if variant.trainer.dropout:
                requested = requested | (hyperparameter(variant, rows["hyperparameters"], "dropout") > 0.0)
            monitor[CHECK], check_requested = select(requested, monitor[IDLE].like(1.0), 0.0), requested.any()
        if not variant.steps_apart:
            update(builder, variant, **rows, bits=bits)
            next_step(builder, variant, rows["keys"])
        if variant.own_samples:
            bits.add(monitor[IDLE].like(1.0), monitor[IDLE].like(0.0))
        monitor[CHANGED] = bits.lanes
        word = ir.IntType(64)
        flags = (builder.zext(bits.any_equal(), word), builder.zext(check_requested, word))
        return builder.or_(flags[0], builder.mul(flags[1], ir.Constant(word, CHECK_REQUESTED)))

    return types.int64(net, theta, state, grad, hyperparameters, monitor, keys, X, T), codegen


@intrinsic
def evaluates_every_tick(typingctx: Any, net: Any) -> Any:
    """Whether each tick evaluates the loss and the gradient over all samples."""
    every = int(net.variant.evaluates_every_tick)
    return types.boolean(net), lambda context, builder, sig, args: ir.Constant(ir.IntType(1), every)


@intrinsic
def shuffles(typingctx: Any, net: Any) -> Any:
    """Whether each lane shuffles its samples."""
    own = int(net.variant.trainer.shuffled)
    return types.boolean(net), lambda context, builder, sig, args: ir.Constant(ir.IntType(1), own)


@intrinsic
def steps_of_draws(typingctx: Any, net: Any) -> Any:
    """Steps of an epoch whose samples each lane draws; 0 if it does not draw them."""
    steps = net.variant.batches[1] * net.variant.trainer.sampled
    return types.int64(net), lambda context, builder, sig, args: ir.Constant(ir.IntType(64), steps)


@intrinsic
def batch_size(typingctx: Any, net: Any) -> Any:
    """Samples per step."""
    size = net.variant.batches[0]
    return types.int64(net), lambda context, builder, sig, args: ir.Constant(ir.IntType(64), size)


@intrinsic
def has_no_bits(typingctx: Any, number: Any) -> Any:
    """Whether no bit of a number is set; compared as an integer, because the number may be subnormal."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        word = ir.IntType(number.bitwidth)
        return builder.icmp_unsigned("==", builder.bitcast(args[0], word), ir.Constant(word, 0))

    return types.boolean(number), codegen


@intrinsic
def add_offset(typingctx: Any, address: Any, offset: Any) -> Any:
    """The address plus an offset, counted in numbers."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return address(address, types.int64), codegen


@intrinsic
def claim(typingctx: Any, counter: Any) -> Any:
    """Return the number at an address and increment it; lanes of other threads may do so at the same time."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", args[0], ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(counter), codegen


@intrinsic
def pointer(typingctx: Any, array: Any) -> Any:
    """Address of the data of an array; unlike an array, it is passed without counting references."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen
