"""Runs of one point as one batch of the kernel, to time or to study the kernel without the sweep around it."""

import numpy as np

from saddlescape.kernels import devices
from saddlescape.plan import starts
from saddlescape.runs.device_memory import Batches, check_batches
from saddlescape.runs.from_array import one_point
from saddlescape.runs.prepare import Prepared
from saddlescape.runs.prepare import prepare as prepare_batch
from saddlescape.spec import Spec
from saddlescape.system.arguments import ArgumentError, integer
from saddlescape.system.arithmetic import ieee


@ieee()
def prepare(spec: Spec, runs: int | None = None, *, device: str = "cpu") -> Prepared:
    """Prepare runs of one point for training, to time or to study the kernel without the sweep around it.

    Parameters
    ----------
    spec : one point of a sweep, such as ``ss.load("xor").spec`` or ``ss.load("xor").at((8,))``.
    runs : the number of runs, counted from run 0; by default all runs of the point.
    device : "cpu", "cuda:N", or "cuda" for the first NVIDIA GPU.

    Returns
    -------
    Prepared : ``train()`` trains the runs, as often as it is called and always with the bits of a sweep, on the calling
        thread or on the device.  Its result has ``theta`` (n_runs, n_params), ``loss``, ``stop_step`` and
        ``solve_step`` (n_runs,), among others.  The first call also compiles the kernel.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or is out of range.  It is a `ValueError`, too.
    MissingExtraError, RefusedError, DeviceError
        As for `run`.

    Examples
    --------
    >>> ready = ss.prepare(ss.load("xor").at((8,)), 1024)  # doctest: +SKIP
    >>> ready.train().stop_step  # doctest: +SKIP
    """
    number, used = _number(one_point(spec), runs), devices(device)[:1]
    check_batches(Batches([spec], number), used, 1)
    return prepare_batch(spec, np.arange(number), device=used[0] if used else None)


def _number(spec: Spec, runs: int | None) -> int:
    count = starts.of_point(spec)
    if runs is None:
        return count
    if not 1 <= integer(runs, "runs") <= count:
        raise ArgumentError(f"runs must be from 1 to {count}, the number of starts; got {runs}")
    return int(runs)
