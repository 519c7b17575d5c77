"""Random numbers that depend only on (seed, run, step, index): Threefry-2x64, 13 rounds (Salmon et al. 2011).

A counter-based generator has no state, so the random numbers of a run are the same in any lane and on any machine.
"""

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from saddlescape.kernels.elementary import log, sin_slope
from saddlescape.kernels.lanes import BIAS, MANTISSA, Lanes, LaneType, sqrt

WORD = ir.IntType(64)
PARITY = 0x1BD11BDAA9FC1A22
ROTATIONS = (16, 42, 12, 31, 16, 32, 24, 21)
ROUNDS = 13
SAMPLES = 2**63
"""Counters from this value on shuffle or draw the samples."""

DROPOUT = 2**62
"""Counters from this value on choose the dropped units; smaller ones generate noise."""


def threefry(builder: Any, kind: LaneType, key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Any, Any]:
    """Two random 64-bit words per lane; all arguments are LLVM values, one 64-bit word per lane."""
    words = kind.all(WORD)
    keys = (*key, builder.xor(builder.xor(*key), kind.constant(words, PARITY)))
    x, y = (builder.add(c, k) for c, k in zip(counter, key, strict=True))
    for n in range(ROUNDS):
        x = builder.add(x, y)
        left, right = ROTATIONS[n % 8], 64 - ROTATIONS[n % 8]
        turned = builder.or_(
            builder.shl(y, kind.constant(words, left)), builder.lshr(y, kind.constant(words, right))
        )
        y = builder.xor(turned, x)
        if n % 4 == 3:
            step = n // 4 + 1
            x = builder.add(x, keys[step % 3])
            y = builder.add(builder.add(y, keys[(step + 1) % 3]), kind.constant(words, step))
    return x, y


def uniform(builder: Any, kind: LaneType, word: Any) -> Lanes:
    """A uniform number in [1, 2) from the highest bits of a word."""
    mantissa, bits = MANTISSA[kind.dtype], kind.word.width
    high = builder.lshr(word, kind.constant(kind.all(WORD), 64 - mantissa))
    high = high if bits == 64 else builder.trunc(high, kind.words)
    one = kind.constant(kind.words, BIAS[kind.dtype] << mantissa)
    return Lanes(builder, kind, builder.bitcast(builder.or_(high, one), kind.numbers))


def normal(builder: Any, kind: LaneType, key: tuple[Any, Any], counter: tuple[Any, Any]) -> Lanes:
    """A standard normal number per lane (Box & Muller 1958)."""
    first, second = threefry(builder, kind, key, counter)
    size = 2.0 - uniform(builder, kind, first)
    _, cosine = sin_slope(2 * math.pi * (uniform(builder, kind, second) - 1.5))
    return sqrt(-2.0 * log(size)) * cosine


def quarters(builder: Any, kind: LaneType, key: tuple[Any, Any], counter: tuple[Any, Any], n: int) -> list[Lanes]:
    """`n` uniform numbers in [0, 1), at most four, from the halves of two words: 32 bits of each, 23 in float32."""
    mantissa, whole = MANTISSA[kind.dtype], kind.all(WORD)
    bits, numbers = min(32, mantissa), []
    for word in threefry(builder, kind, key, counter):
        for half in (word, builder.shl(word, kind.constant(whole, 32))):
            high = builder.shl(builder.lshr(half, kind.constant(whole, 64 - bits)), kind.constant(whole, 64 - bits))
            numbers.append(uniform(builder, kind, high) - 1.0)
    return numbers[:n]


@intrinsic
def below(typingctx: Any, n: Any, seed: Any, run: Any, time: Any, i: Any) -> Any:
    """A uniform integer in [0, n), n < 2**32, for the i-th draw of an epoch or step (multiply and shift, Lemire 2019).

    `time` is the number of the epoch or of the step.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        n, seed, run, time, i = args
        marked = builder.or_(i, ir.Constant(WORD, SAMPLES))
        word, _ = threefry(builder, LaneType("float64", 1), (seed, run), (time, marked))
        shift = ir.Constant(WORD, 32)
        return builder.lshr(builder.mul(builder.lshr(word, shift), n), shift)

    return types.int64(types.int64, *[types.uint64] * 2, types.int64, types.int64), codegen
