"""What the explorer asks of the engine: train starts, trace one of them, evaluate networks on a grid of inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saddlescape.errors import Stopped
from saddlescape.explorer.lattice import Array
from saddlescape.runs.from_array import run_starts
from saddlescape.runs.outputs import outputs
from saddlescape.runs.trace import trace
from saddlescape.spec import Spec
from saddlescape.spec.classes import missing
from saddlescape.words.measures import DERIVED, FROM_STARTS, MEASURES
from saddlescape.words.outcomes import SHRINKING, SHRUNK, Outcome

GRID = 48
"""Points along each side of the decision surface."""

MARGIN = 0.25
"""How far the surface reaches past the samples, in units of their range."""

MOST_PARAMS = 64
"""Parameters of networks whose paths show measures of derivatives, which take their square in time and memory."""

COLLAPSING = {f"training.{name}" for name in SHRINKING}
"""Numbers that can make runs collapse."""

Asked = Callable[[], bool]


class Stale(Exception):
    """Nobody waits for the result any more."""


def train(
    spec: Spec, theta: Array, stale: Asked, numbers: Mapping[str, Array] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Outcome, clock and loss at the stop of runs from given starts; Stale if `stale()` is true between two slices.

    The clock is the step, or the time of the gradient flow, at which a run was solved, or else stopped.  `numbers` are
    those of `run_starts`.
    """
    try:
        data = run_starts(spec, theta, numbers=numbers, should_stop=stale)
    except Stopped:
        raise Stale from None
    ends = (data[f"{event}_{'time' if spec.flows else 'step'}"] for event in ("solve", "stop"))
    solve, stop = (np.asarray(values, dtype=np.float64) for values in ends)
    codes = _collapsed(data) if not {*(numbers or ())}.isdisjoint(COLLAPSING) else data["outcome"]
    return {
        "outcome": np.where(codes == Outcome.FITTED, np.int8(Outcome.TRAPPED), codes),  # each start is its own point
        "clock": np.where(solve >= 0, solve, stop),
        "loss": np.asarray(data["final_loss"], dtype=np.float64),
    }


def _collapsed(data: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.int8]:
    """The outcomes, of which any can be collapsed: in a sweep that is so for all runs if one of them can be."""
    before, after = (abs(data[name]).max(axis=1) for name in ("start_theta", "final_theta"))
    ends = np.isin(data["outcome"], (Outcome.SOLVED, Outcome.DIVERGED))
    return np.where(~ends & (after < SHRUNK * before), np.int8(Outcome.COLLAPSED), data["outcome"])


@dataclass(frozen=True)
class Path:
    """The path of one start.

    Attributes
    ----------
    clock : steps, or times of the gradient flow, of the records (n,).
    loss : (n,).
    theta : parameters (n, n_params).
    surface : first output on a grid of inputs (n, GRID, GRID), the second input first; empty without two inputs,
        NaN where parameters are not finite.
    outcome : a code of `Outcome`.
    measures : the other measures by name, (n,), or (n, layers).
    """

    clock: Array
    loss: Array
    theta: Array
    surface: npt.NDArray[np.float32]
    outcome: int
    measures: dict[str, Array]

    def told(self, place: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The message, header and payload, that tells a page the path of the start at a place."""
        header = {"type": "path", **place, "records": len(self.clock), "grid": self.surface.shape[1]}
        rows = [[name, MEASURES[name].sentence, values[:1].size] for name, values in self.measures.items()]
        arrays = [self.clock, self.loss, self.theta, self.surface, *self.measures.values()]
        payload = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
        return {**header, "outcome": self.outcome, "measures": rows}, payload


def measures_of(spec: Spec) -> tuple[str, ...]:
    """The measures of a network whose paths are shown: one number, or one of each layer."""
    widest = max(spec.network.hidden, default=0)
    costly = DERIVED if spec.n_params > MOST_PARAMS else ()
    alone = ("separation", "effective_width", "effective_width_tol", "cosine") if widest < 2 else ()
    return tuple(
        name for name, its in MEASURES.items()
        if not {"sample", *(("hidden_layer",) if not widest else ())} & {*its.dims}
        and name not in (*alone, *costly, *FROM_STARTS) and not missing(spec, name)
    )  # fmt: skip


def path_of(
    spec: Spec, theta: Array, stale: Asked, numbers: Mapping[str, Array] | None = None, number: int = 0
) -> Path:
    """Train one start (n_params,), that of the run with a number, and record its path; Stale as of `train`."""
    try:
        (path,) = trace(spec, theta[None], measures_of(spec), first=number, numbers=numbers, should_stop=stale)
    except Stopped:
        raise Stale from None
    clock = np.asarray(path[f"record_{'time' if spec.flows else 'step'}"], dtype=np.float64)
    parameters = np.asarray(path["theta"], dtype=np.float64)
    measures = {name: np.asarray(path[name], dtype=np.float64) for name in measures_of(spec) if name != "loss"}
    return Path(clock, path["loss"], parameters, surface(spec, parameters), int(path["outcome"]), measures)


def ends_of_surface(spec: Spec) -> list[list[float]]:
    """The ends of both inputs on the decision surface."""
    X = spec.loaded.X
    low, high = X.min(axis=0), X.max(axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1.0)
    return np.stack([low - margin, high + margin], axis=1).tolist()  # type: ignore[no-any-return]


def surface(spec: Spec, theta: Array) -> npt.NDArray[np.float32]:
    """The first output on a grid of inputs, for each of the networks `theta`."""
    if spec.sizes[0] != 2:
        return np.empty((len(theta), 0, 0), dtype=np.float32)
    first, second = (np.linspace(low, high, GRID) for low, high in ends_of_surface(spec))
    X = np.stack([each.ravel() for each in np.meshgrid(first, second)], axis=1)
    values, finite = np.full((len(theta), len(X)), np.nan, dtype=np.float32), np.isfinite(theta).all(axis=1)
    with np.errstate(over="ignore"):  # of a run that diverges
        values[finite] = outputs(spec, theta[finite], X)[..., 0]
    return values.reshape(len(theta), GRID, GRID)
