"""Train all starts of figure 11 of Kolen & Pollack until each is solved or its epochs are used up.

The kernel refills a lane as soon as its network is done.  JAX either loops until the last network of a batch is
done, or stops every `CHUNK` steps and the host replaces the networks that are done.
"""

import argparse
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from statistics import median

import jax
import jax.numpy as jnp
import numpy as np
import peers_jax
import report
from cases import shares, trained

from saddlescape.plan import starts
from saddlescape.runs.prepare import prepare
from saddlescape.spec import load
from saddlescape.system.resources import cores

SIDE, EPOCHS, CHUNK = 512, 5000, 50
SAMPLE = 16
"""Every `SAMPLE`-th start is used to find the best batch size."""

BATCHES = (64, 256, 1024, 4096, 16384)
SAME_FRACTION, SAME_STEP = 0.002, 0.95
"""Solved fractions may differ by this, and this share of starts must be solved at the same step: at the fractal
boundaries of the map rounding decides."""


def spec_of(side):
    """Return the spec of the bundled slice with `side` starts along each parameter."""
    sides = [f"starts.{k}={{ index = {index}, from = -10, to = 9.9, n = {side} }}" for k, index in (("x", 8), ("y", 5))]
    return load("xor-slice", [f"training.steps={EPOCHS}", *sides]).spec


def kernel(spec, count):
    """Return a function that returns the solve steps (starts,), -1 if unsolved, with refilled lanes on all cores."""
    problem, ready = spec.loaded, prepare(spec, np.arange(count))
    parts = list(shares(ready.batch, 8 * cores()))

    def solve():
        done = trained(ready.trainer, problem.X, problem.T, parts, cores())
        return np.concatenate([part.solve_step for part in done])

    return solve


def spread(solve, theta, parts):
    """Run `solve` on every part of the starts, on all cores."""
    with ThreadPoolExecutor(cores()) as pool:
        return np.concatenate(list(pool.map(solve, np.array_split(theta, parts))))


def looped(spec):
    """Return ``jit(vmap(while_loop))``, which returns the solve steps when the last network of a batch is done."""
    problem, training = spec.loaded, spec.training
    X, T = jnp.array(problem.X), jnp.array(problem.T)
    known = {"sizes": spec.sizes, "X": X, "activation": jax.nn.sigmoid}
    slope = jax.grad(partial(peers_jax.loss, T=T, **known))

    def solved(theta):
        return (jnp.abs(peers_jax.outputs(theta, **known) - T) < spec.stop.solved).all()

    def epoch(state):
        theta, velocity, now = state
        velocity = training.momentum * velocity - training.learning_rate * slope(theta)
        return theta + velocity, velocity, now + 1

    @jax.jit
    @jax.vmap
    def solve(start):
        going = (start, jnp.zeros_like(start), 0)
        theta, _, now = jax.lax.while_loop(lambda s: ~solved(s[0]) & (s[2] < EPOCHS), epoch, going)
        return jnp.where(solved(theta), now, -1)

    return lambda part: np.asarray(solve(part).block_until_ready())


def chunked(spec):
    """Return functions that train a batch for `CHUNK` epochs, and that test which networks are solved."""
    problem, training = spec.loaded, spec.training
    slope = peers_jax.by_rows(spec.sizes, problem.X, problem.T, jax.nn.sigmoid)

    def solved(theta):
        layers = peers_jax.unpack(theta, spec.sizes)
        ends = [peers_jax.unrolled(layers, x, jax.nn.sigmoid)[-1] for x in problem.X]
        near = [abs(y - t) < spec.stop.solved for row, target in zip(ends, problem.T, strict=True)
                for y, t in zip(row, target, strict=True)]  # fmt: skip
        return jnp.stack(near).all(axis=0)

    def epoch(state, _):
        theta, velocity, now, step = state
        step = jnp.where((step < 0) & solved(theta), now, step)
        velocity = training.momentum * velocity - training.learning_rate * slope(theta)
        return (theta + velocity, velocity, now + 1, step), None

    @partial(jax.jit, donate_argnums=0)
    def chunk(state):
        return jax.lax.scan(epoch, state, length=CHUNK)[0]

    return chunk, jax.jit(solved)


def replaced(spec, size):
    """Return a function that solves starts `size` at a time; new starts replace finished ones between chunks."""
    chunk, solved = chunked(spec)

    def solve(part):
        width, ends = min(size, len(part)), np.full(len(part), -1)
        run, following = np.arange(width), width
        theta, now, step = part[run].T.copy(), np.zeros(width, int), np.full(width, -1)
        velocity = np.zeros_like(theta)
        while (run >= 0).any():
            theta, velocity, now, step = map(np.array, chunk((theta, velocity, now, step)))
            spent = now >= EPOCHS
            if spent.any():
                step = np.where(spent & (step < 0) & np.asarray(solved(theta)), EPOCHS, step)
            done = np.flatnonzero(((step >= 0) | spent) & (run >= 0))
            ends[run[done]] = step[done]
            fresh = np.arange(following, min(following + len(done), len(part)))
            following += len(fresh)
            run[done] = np.append(fresh, np.full(len(done) - len(fresh), -1))
            filled = done[: len(fresh)]
            theta[:, filled], velocity[:, filled], now[filled], step[filled] = part[fresh].T, 0, 0, -1
        return ends

    return solve


def timed(work):
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def best_batch(solver, theta):
    """Return the batch size with which ``solver(size)(starts)`` is fastest."""
    took = {}
    for size in BATCHES:
        solver(size)(theta)  # compiles
        took[size] = timed(lambda size=size: solver(size)(theta))[0]
    return min(took, key=took.get)


def solvers(spec, theta):
    """Return the function by which each contender solves all starts at its best batch size, by name."""
    some, loop = theta[::SAMPLE], looped(spec)

    def whole(size):
        return lambda starts: spread(loop, starts, max(cores(), -(-len(starts) // size)))

    in_place = cache(partial(replaced, spec))

    def by_hand(size):
        return lambda starts: spread(in_place(size), starts, cores())

    sizes = best_batch(whole, some), best_batch(by_hand, some)
    return {
        "saddlescape": kernel(spec, len(theta)),
        "JAX vmap(while_loop), one batch": lambda: loop(theta),
        f"JAX vmap(while_loop), batches of {sizes[0]}": lambda: whole(sizes[0])(theta),
        f"JAX, replaced by hand, batches of {sizes[1]}": lambda: by_hand(sizes[1])(theta),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a map of 96 x 96; to test the benchmark")
    options.add_argument("--side", type=int, default=SIDE, help="starts along each parameter")
    options.add_argument("--rounds", type=int, default=1)
    arguments, before = options.parse_args(), report.machine()
    side, rounds = (96, 1) if arguments.quick else (arguments.side, arguments.rounds)
    spec = spec_of(side)
    theta = starts.draw(spec, np.arange(side * side))
    contenders = solvers(spec, theta)
    firsts = {who: work() for who, work in contenders.items()}  # compiles
    took = {who: [] for who in contenders}
    for _, (who, work) in itertools.product(range(rounds), contenders.items()):
        took[who].append(timed(work)[0])
    ours = firsts["saddlescape"]
    data = {who: {"seconds": median(took[who]), "solved": float((end >= 0).mean()),
                  "same_step": float((end == ours).mean()),
                  "ratio": median(a / b for a, b in zip(took[who], took["saddlescape"], strict=True))}
            for who, end in firsts.items()}  # fmt: skip
    heads = [f"{side} x {side}, at most {EPOCHS} epochs", "seconds", "times ours", "solved", "same step as ours"]
    table = report.table(heads, [[who, d["seconds"], d["ratio"], f"{d['solved']:.5f}", f"{d['same_step']:.4f}"]
                                 for who, d in data.items()])  # fmt: skip
    report.save("whole_map", data, table, before)
    assert all(abs(d["solved"] - data["saddlescape"]["solved"]) < SAME_FRACTION for d in data.values())
    assert all(d["same_step"] > SAME_STEP for d in data.values())


if __name__ == "__main__":
    main()
