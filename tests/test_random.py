"""The counter-based generator against its authors' known answers, and its numbers against their law."""

import numpy as np
import pytest
from scipy import stats

from saddlescape.network import random

# Random123 1.14, tests/kat_vectors: rounds, counter, key, answer of threefry2x64.
ANSWERS = [
    (13, (0, 0), (0, 0), (0xF167B032C3B480BD, 0xE91F9FEE4B7A6FB5)),
    (13, (2**64 - 1,) * 2, (2**64 - 1,) * 2, (0xCCDEC5C917A874B1, 0x4DF53ABCA26CEB01)),
    (13, (0x243F6A8885A308D3, 0x13198A2E03707344), (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
     (0xC3AAC71561042993, 0x3FE7AE8801AFF316)),
    (20, (0, 0), (0, 0), (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D)),
    (20, (0x243F6A8885A308D3, 0x13198A2E03707344), (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
     (0x263C7D30BB0F0AF1, 0x56BE8361D3311526)),
]  # fmt: skip


@pytest.mark.parametrize(("rounds", "counter", "key", "answer"), ANSWERS)
def test_known_answers(rounds, counter, key, answer):
    assert [int(word[0]) for word in random.threefry(key, counter, rounds)] == list(answer)


def test_noise_is_standard_normal_and_independent_of_its_neighbours():
    noise = np.array([random.normals(20120425, run, step, 50) for run in range(20) for step in range(50)])
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    for a, b in ((noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1]), (noise[50:], noise[:-50])):
        assert stats.pearsonr(a.ravel(), b.ravel()).pvalue > 0.01


def test_every_order_of_four_samples_is_as_likely():
    orders = [tuple(random.shuffled(np.arange(4), 7, run, 0)) for run in range(4800)]
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 0.01
