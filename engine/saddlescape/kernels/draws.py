"""Draw the starts of many runs in one call: `plan.starts.sample` in compiled code, with the same bits.

NumPy's Philox4x64-10 (Salmon, Moraes, Dror & Shaw 2011) and its ziggurat (Marsaglia & Tsang 2000).  A few rows are left
to NumPy: those with a number in the tail, and those where the exponential function would have to be NumPy's to the bit.
"""

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types, uint64
from numba.extending import intrinsic
from numba.np.random._constants import fi_double, ki_double, wi_double

from saddlescape.kernels.caching import cached
from saddlescape.plan import starts

MULTIPLIERS = uint64(0xD2E7470EE14C6C93), uint64(0xCA5A826395121157)
INCREMENTS = uint64(0x9E3779B97F4A7C15), uint64(0xBB67AE8584CAA73B)
ROUNDS = 10
CLOSE = 1e-12
"""Largest difference of a density and its limit that is left to NumPy; exponential functions differ by less."""
SPARE = 3
"""Random words per row, at least, beyond one word per number."""
CUTS = {"random": 0.0, "standard_normal": math.inf, "truncated_normal": starts.CUT}
"""Largest size of the normal numbers of a method; 0 for uniform numbers."""
COMPARED = 64
"""Runs that are compared with NumPy's."""


@intrinsic
def high(typingctx: Any, a: Any, b: Any) -> Any:
    """The high 64 bits of a product."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(word, wide) for word in args))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), codegen


@njit(error_model="numpy")
def philox(words, seed, run):
    """Fill an array of a multiple of four words with the first random words of a key."""
    for block in range(len(words) // 4):
        a, b, c, d, first, second = uint64(block + 1), uint64(0), uint64(0), uint64(0), uint64(seed), uint64(run)
        for _ in range(ROUNDS):
            e, f = high(MULTIPLIERS[0], a), high(MULTIPLIERS[1], c)
            a, b, c, d = f ^ b ^ first, MULTIPLIERS[1] * c, e ^ d ^ second, MULTIPLIERS[0] * a
            first, second = first + INCREMENTS[0], second + INCREMENTS[1]
        words[4 * block], words[4 * block + 1], words[4 * block + 2], words[4 * block + 3] = a, b, c, d


@njit(error_model="numpy")
def uniform(word):
    """A uniform number in [0, 1)."""
    return (word >> uint64(11)) * 2.0**-53


@njit(error_model="numpy")
def normals(words, rows, i, cut):
    """Fill row i with standard normal numbers up to `cut` in size; False if it is left to NumPy.

    It is also left to NumPy if there are too few words.
    """
    used = 0
    for k in range(rows.shape[1]):
        accepted = False
        while not accepted:
            if used + 2 > len(words):
                return False
            word = words[used]
            layer, size = word & uint64(0xFF), (word >> uint64(9)) & uint64(0xFFFFFFFFFFFFF)
            x = size * wi_double[layer]
            rows[i, k] = -x if word & uint64(0x100) else x
            accepted, used = size < ki_double[layer], used + 1
            if not accepted:
                if layer == 0:
                    return False
                limit = (fi_double[layer - 1] - fi_double[layer]) * uniform(words[used]) + fi_double[layer]
                distance = math.exp(-0.5 * x * x) - limit
                if abs(distance) < CLOSE:
                    return False
                accepted, used = distance > 0, used + 1
            accepted = accepted and x <= cut
    return True


@cached(nogil=True)
def fill_rows(seed, runs, rows, words, cut, left):
    """Fill the rows, except those that are left to NumPy, which are marked in `left`; a cut of 0: uniform numbers."""
    for i in range(len(runs)):
        philox(words, seed, runs[i])
        if cut > 0:
            left[i] = not normals(words, rows, i, cut)
        else:
            for k in range(rows.shape[1]):
                rows[i, k] = uniform(words[k])


def compiled(seed: int, runs: npt.NDArray[np.int64], n: int, method: str) -> npt.NDArray[np.float64]:
    """Samples like `starts.sample`, for the methods in `CUTS`."""
    rows, left = np.empty((len(runs), n)), np.zeros(len(runs), dtype=bool)
    words = np.empty(-(-(n + n // 8 + SPARE) // 4) * 4, dtype=np.uint64)  # one number in 80 needs two words or more
    fill_rows(np.uint64(seed), np.ascontiguousarray(runs), rows, words, CUTS[method], left)
    if left.any():
        rows[left] = starts.sample(seed, runs[left], n, method)
    return rows


@functools.cache
def agrees() -> bool:
    """Whether the compiled normal numbers are those of this version of NumPy, which may change its algorithm."""
    ours, numpys = (sampler(1, np.arange(COMPARED), 16, "standard_normal") for sampler in (compiled, starts.sample))
    return np.array_equal(ours, numpys)


def sample(seed: int, runs: npt.NDArray[np.int64], n: int, method: str) -> npt.NDArray[np.float64]:
    """Samples (len(runs), n) of a `method` of `numpy.random.Generator`, each row with the key [`seed`, run].

    They are those of `starts.sample`, 15 times as fast.  `runs` are numbers of runs, `n` is the length of a row.
    """
    return (compiled if agrees() else starts.sample)(seed, runs, n, method)
