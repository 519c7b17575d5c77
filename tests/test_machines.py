"""Bits do not depend on the processor: on the width of its vectors, or on whether it has a fused multiply-add."""

import os
import platform
import subprocess
import sys
from functools import cache

import pytest
from kernel_cases import slowly

CODE = """
import hashlib
import sys
import numpy as np
from kernel_cases import TARGET, XOR, everything, make_batch
from numba import njit
from saddlescape.kernels import Trainer, curvature, kernel_change, kernel_condition, train

@njit
def add(a, b, total):
    for i in range(len(total)):
        total[i] = a[i] + b[i]

a, bits = np.ones(64), hashlib.sha256()
add(a, a, a)
print(sorted(name for name in ("xmm", "ymm", "zmm") if name in add.inspect_asm(add.signatures[0])))
cases = [("tanh", "adam", "float64"), ("gelu", "rmsprop", "float32"), ("sin", "flow", "float64")]
for activation, optimizer, dtype in cases[:int(sys.argv[1])]:
    trainer = Trainer((2, 3, 1), True, (activation, "logistic"), "half_sse", optimizer)
    theta = np.random.default_rng(3).normal(0, 1, (21, 13)).astype(dtype)
    batch = make_batch(theta, 60, time=60.0, rtol=1e-6, atol=1e-9)
    bits.update(b"".join(everything(train(trainer, XOR, TARGET, batch))))
if int(sys.argv[1]) > 1:
    points, few = np.random.default_rng(4).normal(0, 1, (19, 13)), np.full(19, 0.1)
    trainer = Trainer((2, 3, 1), True, ("tanh", "gelu"), "half_sse", "gd")
    at = curvature(trainer, XOR, TARGET, points, few, few, np.ones(13))
    slopes = np.random.default_rng(5).normal(0, 1, (1, 19, 4, 13))
    kernel = kernel_change(slopes[:, 0], slopes), kernel_condition(slopes[0])
    bits.update(b"".join(np.ascontiguousarray(a).tobytes() for a in (*vars(at).values(), *kernel)))
print(bits.hexdigest())
"""
INTEL = {"x86-64-v2": "['xmm']", "haswell": "['xmm', 'ymm']"}
PROCESSORS = INTEL if platform.machine() in ("x86_64", "AMD64") else {"generic": "[]"}
"""Older processors whose code this processor can run, and their vector registers."""


@cache
def registers_and_bits(processor, cases):
    chosen = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""} if processor else {}
    environment = os.environ | chosen | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", CODE, str(cases)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


FIRST = (next(iter(PROCESSORS)), 1)
"""A processor, and how many of the cases it computes."""


@pytest.mark.parametrize("tried", slowly([FIRST, *((processor, 3) for processor in PROCESSORS)], [FIRST]), ids=str)
def test_bits_do_not_depend_on_the_processor(tried):
    processor, cases = tried
    registers, bits = registers_and_bits(processor, cases)
    assert registers == PROCESSORS[processor]
    assert bits == registers_and_bits(None, cases)[1]
