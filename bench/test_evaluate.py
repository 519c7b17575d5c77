"""Nanoseconds of processor time for the loss, the gradient and a Hessian-vector product of one network; volumes.

The loss of ten million parameter vectors of XOR 2-2-1 must take less than a second of one core: 100 nanoseconds each;
the learning coefficient of 1-4-1 from 40 million draws less than ten seconds of two cores.
"""

import time

import numpy as np
import pytest

import saddlescape as ss
from saddlescape import analysis

XOR = ss.load("xor").spec
CALLS = {
    "loss": lambda theta: ss.evaluate(XOR, theta, threads=1),
    "gradient": lambda theta: ss.evaluate(XOR, theta, gradient=True, threads=1),
    "hessian_vector": lambda theta: ss.hessian_vector(XOR, theta, theta, threads=1),
}


@pytest.mark.parametrize("what", CALLS)
def test_evaluation(benchmark, what):
    theta = np.random.default_rng(0).normal(size=(10**7 if what == "loss" else 10**6, 9))
    CALLS[what](theta[:10])
    began = time.process_time()
    benchmark.pedantic(CALLS[what], (theta,), rounds=1)
    nanoseconds = (time.process_time() - began) / len(theta) * 1e9
    benchmark.extra_info.update(nanoseconds=round(nanoseconds, 1))
    assert what != "loss" or nanoseconds < 100


def test_learning_coefficient(benchmark):
    x, network = np.linspace(-1, 1, 8)[:, None], {"activation": "tanh", "output": "linear", "bias": False}
    spec = ss.sweep(x, 0 * x, hidden=[4], network=network, training={"loss": "mse"}, starts={"count": 1}).spec
    began = time.process_time()
    benchmark.pedantic(analysis.learning_coefficient, (spec, np.zeros(8)), {"multiplicity": 2}, rounds=1)
    seconds = time.process_time() - began
    benchmark.extra_info.update(processor_seconds=round(seconds, 1))
    assert seconds < 20
