"""Random numbers of training steps in plain NumPy: the reference implementation of those in the kernels.

Threefry-2x64 with 13 rounds (Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3).
"""

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]


def threefry(key: tuple[int, int], counter: tuple[int, npt.ArrayLike], rounds: int = 13) -> tuple[Words, Words]:
    """Two random words of 64 bits for a key and each counter."""
    k0, k1, c0, c1 = (np.atleast_1d(np.asarray(word, dtype=np.uint64)) for word in (*key, *counter))
    keys = (k0, k1, k0 ^ k1 ^ np.uint64(0x1BD11BDAA9FC1A22))
    x, y = c0 + k0, c1 + k1
    for n in range(rounds):
        x = x + y
        rotation = np.uint64((16, 42, 12, 31, 16, 32, 24, 21)[n % 8])
        y = ((y << rotation) | (y >> (np.uint64(64) - rotation))) ^ x
        if n % 4 == 3:
            x, y = x + keys[(n // 4 + 1) % 3], y + keys[(n // 4 + 2) % 3] + np.uint64(n // 4 + 1)
    return x, y


def normals(seed: int, run: int, step: int, n: int, bits: int = 52) -> npt.NDArray[np.float64]:
    """Standard normal noise of parameters 0 to n - 1 of a run at a step (Box & Muller 1958).

    Only `bits` of each word are used: 52 for float64, 23 for float32.
    """
    words = threefry((seed, run), (step, np.arange(n)))
    first, second = ((word >> np.uint64(64 - bits)).astype(np.float64) * 2.0**-bits for word in words)
    return np.asarray(np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * (second - 0.5)))


def dropout(seed: int, run: int, step: int, samples: int, units: int, bits: int = 52) -> npt.NDArray[np.float64]:
    """Uniform numbers in [0, 1) for each sample and unit of a step, (samples, units); of `bits` bits, at most 32.

    One pair of words is for four samples.
    """
    counters = 2**62 + np.arange(-(-samples // 4) * units).reshape(-1, units)
    words, half = threefry((seed, run), (step, counters)), np.uint64(32)
    halves = np.stack([part for word in words for part in (word >> half, word & np.uint64(2**32 - 1))], axis=1)
    bits = min(bits, 32)
    return np.asarray((halves >> np.uint64(32 - bits)).reshape(-1, units)[:samples] * 2.0**-bits, dtype=np.float64)


def below(n: int, seed: int, run: int, time: int, i: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Uniform integers in [0, n) for the draws i of a step or an epoch (multiply and shift, Lemire 2019)."""
    word, _ = threefry((seed, run), (time, np.asarray(i, dtype=np.uint64) | np.uint64(2**63)))
    return ((word >> np.uint64(32)) * np.uint64(n) >> np.uint64(32)).astype(np.int64)


def shuffled(order: npt.NDArray[np.int64], seed: int, run: int, epoch: int) -> npt.NDArray[np.int64]:
    """The order of the samples in an epoch, from the order in the previous epoch (Fisher and Yates)."""
    order = order.copy()
    for i in range(len(order) - 1, 0, -1):
        j = below(i + 1, seed, run, epoch, i)[0]
        order[[i, j]] = order[[j, i]]
    return order
