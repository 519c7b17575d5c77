"""Measure JAX or PyTorch on its own device: the same starts as the kernel, results compared first.

Prints a line of JSON for each case as it is measured, so that a caller who stops it has the others.
"""

import argparse
import itertools
import json
import time

import numpy as np
from cases import AGREE, ALIKE, RATE, make_batch, make_trainer, name, problem, starts

from saddlescape.kernels import train

SHAPES = ((2, 2, 1), (2, 8, 1))
STEPS, TRIES = 1000, 3


def of_jax():
    """Return (device, makers of ``run(theta, steps)`` by name)."""
    import jax
    import peers_jax

    jax.config.update("jax_default_matmul_precision", "highest")  # a GPU would round float32 to ten bits
    device, *_ = jax.devices()
    forms = {form: lambda *given, form=form: peers_jax.peer(form, *given) for form in peers_jax.FORMS}
    return f"{device.platform}: {device.device_kind}", forms


def of_torch():
    """Return (device, makers of ``run(theta, steps)`` by name)."""
    import peer_torch
    import torch

    place = "cuda" if torch.cuda.is_available() else "cpu"
    device = f"gpu: {torch.cuda.get_device_name()}" if place == "cuda" else "cpu"
    return device, {"torch vmap(grad), eager": lambda *given: peer_torch.peer(*given, device=place)}


LIBRARIES = {"jax": of_jax, "torch": of_torch}


def timed(run, theta, steps):
    began = time.perf_counter()
    run(theta, steps)
    return time.perf_counter() - began


def measure(run, sizes, dtype, networks, seconds):
    """Assert that a peer agrees with the kernel, and yield its network-steps per second by number of networks."""
    X, T = problem(sizes)
    theta = starts(sizes, max(networks), dtype)
    few = theta[: min(networks)]
    expected = train(make_trainer(sizes), X, T, make_batch(few, ALIKE, every=0)).theta
    difference = float(np.abs(run(few, ALIKE) - expected).max())
    assert difference <= AGREE[dtype], f"the parameters differ by {difference:.1e} after {ALIKE} steps"
    for number in networks:
        run(theta[:number], ALIKE)  # compiles
        steps = max(ALIKE, min(STEPS, int(seconds / timed(run, theta[:number], ALIKE) * ALIKE)))
        run(theta[:number], steps)  # compiles
        yield number, number * steps / min(timed(run, theta[:number], steps) for _ in range(TRIES))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("library", choices=LIBRARIES)
    options.add_argument("--networks", type=int, nargs="+", default=(65536, 1048576))
    options.add_argument("--seconds", type=float, default=0.5, help="of a call")
    arguments = options.parse_args()
    device, makers = LIBRARIES[arguments.library]()
    for sizes, dtype, who in itertools.product(SHAPES, AGREE, makers):
        line = {"case": f"{name(sizes)} {dtype}", "who": who, "device": device}
        try:
            run = makers[who](sizes, *problem(sizes), RATE)
            for number, rate in measure(run, sizes, dtype, arguments.networks, arguments.seconds):
                print(json.dumps({**line, "networks": number, "rate": rate}), flush=True)
        except Exception as error:  # such as too little memory: the other cases are measured
            print(json.dumps({**line, "failed": f"{type(error).__name__}: {error}".splitlines()[0]}), flush=True)


if __name__ == "__main__":
    main()
