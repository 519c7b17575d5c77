"""An upper bound of the training speed on a GPU, from the operations of a tick (kernels/limit.py).

It includes only arithmetic: no moves, loads, stores, latencies, nor scalar code.
"""

from cases import make_trainer, problem

from saddlescape.kernels.lanes import LaneType
from saddlescape.kernels.limit import CLASSES, generated, operations, simplified
from saddlescape.kernels.variant import Variant

RESULTS = {
    "7.5": {"float64": 2, "float32": 64},
    "8.0": {"float64": 32, "float32": 64},
    "8.6": {"float64": 2, "float32": 128},
    "8.9": {"float64": 2, "float32": 128},
    "9.0": {"float64": 64, "float32": 128},
    "10.0": {"float64": 64, "float32": 128},
    "12.0": {"float64": 2, "float32": 128},
}
"""Results of multiplications, additions and fused operations per clock cycle and multiprocessor, by compute capability
(CUDA C++ Programming Guide, table "Throughput of Native Arithmetic Instructions")."""

ISSUED = 128
"""Instructions of threads that a multiprocessor issues per clock cycle: four schedulers, a warp of 32 each."""

DIVISION = {"float64": (8, 6), "float32": (5, 3)}
"""Instructions of a division: multiplications and fused operations, and others (the path without a call in the machine
code that ptxas 13.0 makes of `div.rn` for sm_90)."""


def counted(sizes, dtype):
    """Return the operations of a tick by class."""
    variant = Variant(make_trainer(sizes), len(problem(sizes)[0]), False, LaneType(dtype, 8))
    return dict(operations(simplified(generated(variant))))


def bound(sizes, dtype, gpu):
    """Return the bound in network-steps per second, or None if the table does not contain the GPU's architecture."""
    results = RESULTS.get(gpu["capability"])
    if results is None:
        return None
    fused, add, divide, logic = (counted(sizes, dtype)[name] for name in CLASSES)
    arithmetic, others = (each * divide for each in DIVISION[dtype])
    arithmetic += fused + add
    cycles = max(arithmetic / results[dtype], (arithmetic + others + logic) / ISSUED)
    return gpu["multiprocessors"] * gpu["clock_mhz"] * 1e6 / cycles
