"""The machine code of the kernel that trains the runs of a spec."""

import numpy as np

from saddlescape.kernels.instructions import Part, parts
from saddlescape.kernels.machine_code import assembly, optimized
from saddlescape.runs.prepare import prepare
from saddlescape.spec import Spec
from saddlescape.system.arithmetic import ieee

__all__ = ["Part", "machine_code", "parts"]


@ieee()
def machine_code(spec: Spec, target: str | None = None, *, llvm: bool = False) -> str:
    """The machine code of the kernel that trains the runs of a spec, compiled again without the disk cache.

    Parameters
    ----------
    spec : one point of a sweep.
    target : a target of LLVM for arm64, such as ``aarch64-linux-gnu``; by default this processor.
    llvm : whether to return the optimized LLVM IR instead.

    Raises
    ------
    ArgumentError
        If the target is not for arm64.
    """
    ready = prepare(spec, np.arange(1))
    code = optimized(ready.trainer, spec.loaded.X, spec.loaded.T, ready.batch)
    return code if llvm else assembly(code, target)
