"""Runs from an array of starts."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Stopped
from saddlescape.kernels import Device, devices
from saddlescape.runs.compute import Data, fitted, train_starts
from saddlescape.runs.device_memory import Batches, check_batches
from saddlescape.runs.dispatch import Turn, in_flight
from saddlescape.runs.finished import Finished
from saddlescape.runs.prepare import Floats, numbers_of
from saddlescape.spec import Spec
from saddlescape.spec.numbers import vary
from saddlescape.system.arguments import ArgumentError, integer
from saddlescape.system.arithmetic import ieee
from saddlescape.words.outcomes import Outcome

PIECE = 4096
"""Maximum number of starts that a thread trains in one batch."""

FATES = ("outcome", "stop_reason", "final_loss")
"""Variables that determine which runs are fitted."""

STOPPED = "stopped, as should_stop() returned true; there are no results"

LARGEST_RUN = 2**63 - 1
"""The largest number of a run."""


@ieee()
def run_starts(
    spec: Spec,
    theta: npt.ArrayLike,
    *,
    numbers: Mapping[str, npt.ArrayLike] | None = None,
    first: int = 0,
    should_stop: Callable[[], bool] | None = None,
    progress: Callable[[Finished], None] | None = None,
    pool: Executor | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """Train from an array of starts, one parameter vector per row; nothing is written.

    The results are the same bits as in a sweep.  Row r has the number `first` + r: noise, shuffled and drawn samples,
    and dropout depend on it, so a run that uses them is repeated only with its number.

    Parameters
    ----------
    spec : one point of a sweep, such as ``ss.load("xor").spec`` or ``ss.load("xor").at((8,))``; its own starts are
        ignored.
    theta : (n_runs, n_params), layer by layer, and for each unit its incoming weights, then its bias.
    numbers : arrays (n_runs,) in place of numbers of the spec, by their keys, such as
        ``{"training.learning_rate": rates}``.  The keys are the numeric ones of ``training``, ``stop`` and ``events``
        and the rates of layers, such as ``training.layer_rates.0``.
    first : the number of the first run.
    should_stop : called between slices of work, which last a tenth of a second; when it returns true, the call ends.
    progress : called after slices of work with a `Finished`, the runs that have finished since its last call; each
        run is reported once.  On a device, runs are reported when their batch ends.  `should_stop` and `progress` are
        called from any thread, but never at the same time.
    pool : an executor of threads to use instead of own ones; give its number of workers as `threads`.
    device : "cpu", "cuda" or "cuda:N", as for `run`.
    threads : as for `run`.

    Returns
    -------
    dict of arrays of shape (n_runs, ...): ``start_theta``, ``final_theta``, ``outcome``, ``stop_step``, ``final_loss``
    and the other variables of a result.  Runs with the same numbers count as one point, among which a run is *fitted*.

    Raises
    ------
    ArgumentError
        If `spec` is not a spec; if `theta` has the wrong shape, no rows, or values that are not finite real numbers;
        or if a key of `numbers` cannot vary, changes nothing, or has a value that is not valid.  A `ValueError`, too.
    Stopped
        If `should_stop()` returned true; all work has ended then.
    MissingExtraError, RefusedError, DeviceError
        As for `run`.

    Examples
    --------
    >>> ss.run_starts(ss.load("xor").spec, np.zeros((1, 9)))["outcome"]  # doctest: +SKIP
    array([0], dtype=int8)
    """
    rows, used = starts_of(spec, theta), devices(device)
    spec, varied = vary(spec, numbers, len(rows))
    values, number = numbers_of(spec, len(rows)) | varied, first_run(first, len(rows))
    threads, turn = in_flight(threads, used), Turn(used)
    size = min(PIECE, -(-len(rows) // threads))
    check_batches(Batches([spec], size), used, min(threads, -(-len(rows) // size)))
    watch = _Watch(should_stop, progress)

    def train(at: int, executor: Executor) -> Future[Data]:
        part, device = slice(at, at + size), turn.next()
        own = {key: column[part] for key, column in values.items()}
        return executor.submit(watch.train, spec, rows[part], number + at, device, own)

    with _executor(pool, threads) as executor:
        pieces = watch.results([train(at, executor) for at in range(0, len(rows), size)])
    data = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    return data | {"outcome": _fitted(data, list(varied.values()))}


class _Watch:
    """Between slices of work of any thread, asks whether to stop, and reports the runs that have finished."""

    def __init__(self, should_stop: Callable[[], bool] | None, progress: Callable[[Finished], None] | None) -> None:
        self._lock, self._should_stop, self._progress = threading.Lock(), should_stop, progress
        self._ended = False

    def train(
        self, spec: Spec, theta: npt.NDArray[Any], first: int, device: Device | None, numbers: Mapping[str, Floats]
    ) -> Data:
        """Train a batch, unless the call has ended."""
        self._ask(0)
        report = self._report if self._progress else None
        return train_starts(spec, theta, first, device, numbers=numbers, after_slice=self._ask, progress=report)

    def results(self, batches: Sequence[Future[Data]]) -> list[Data]:
        """The results of all batches; the first error ends all others."""
        try:
            for batch in wait(batches, return_when=FIRST_EXCEPTION).done:
                batch.result()
            return [batch.result() for batch in batches]
        finally:
            self._ended = True
            for batch in batches:
                batch.cancel()
            wait(batches)

    def _ask(self, steps: int) -> None:
        with self._lock:
            self._ended = self._ended or (self._should_stop is not None and bool(self._should_stop()))
        if self._ended:
            raise Stopped(STOPPED)

    def _report(self, runs: Finished) -> None:
        with self._lock:
            if self._progress is not None and not self._ended:
                self._progress(runs)


def _executor(pool: Executor | None, threads: int) -> AbstractContextManager[Executor]:
    """The executor that was given, or one that ends with the context."""
    if pool is None:
        return ThreadPoolExecutor(threads)
    if not isinstance(pool, Executor) or isinstance(pool, ProcessPoolExecutor):
        raise ArgumentError(f"pool must be an executor of threads, such as ThreadPoolExecutor(2); got {pool!r:.80}")
    return nullcontext(pool)


def _fitted(data: Data, numbers: Sequence[Floats]) -> npt.NDArray[np.int8]:
    """The outcomes; the runs with the same numbers are one point, of which candidates are fitted or trapped."""
    outcome = np.array(data["outcome"])
    if not (outcome == Outcome.FITTED).any():
        return outcome
    columns = np.stack([np.zeros(len(outcome)), *numbers], axis=1)
    _, point, runs = np.unique(columns, axis=0, return_inverse=True, return_counts=True)
    order, sizes = np.argsort(point.ravel()), np.repeat(runs, runs)
    for size in np.unique(runs):  # all points with as many runs at once
        rows = order[sizes == size]
        outcome[rows] = fitted({name: data[name][rows] for name in FATES}, size, alone=size == 1)
    return outcome


def starts_of(spec: Spec, theta: npt.ArrayLike, name: str = "theta") -> Floats:
    """An argument that must be an array of starts.

    Raises
    ------
    ArgumentError
        If it is anything else.
    """
    array, n_params = np.asarray(theta), one_point(spec).n_params
    if array.dtype.kind not in "biuf":
        raise ArgumentError(f"{name} must be an array of real numbers; got {array.dtype} values")
    if array.ndim != 2 or array.shape[1] != n_params or not len(array):
        raise ArgumentError(f"{name} must have the shape (n_runs, {n_params}), n_runs > 0; got {array.shape}")
    if not np.isfinite(array).all():
        raise ArgumentError(f"{name} must be finite; it contains NaN or infinite values")
    return np.asarray(array, dtype=np.float64)


def one_point(spec: Spec) -> Spec:
    """An argument that must be a spec.

    Raises
    ------
    ArgumentError
        If it is anything else.
    """
    if not isinstance(spec, Spec):
        example = 'ss.load("xor").spec'
        raise ArgumentError(f"spec must be one point of a sweep, such as {example}; got a {type(spec).__name__}")
    return spec


def first_run(first: int, n: int) -> int:
    """The number of the first of `n` runs.

    Raises
    ------
    ArgumentError
        If it is negative or too large.
    """
    if not 0 <= integer(first, "first") <= LARGEST_RUN - n:
        raise ArgumentError(f"first must be the number of a run, from 0; got {first}")
    return int(first)
