"""Where runs set out from: the parameters of run r, from the seed and r alone."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.spec import Spec
from saddlescape.words.starts import STARTS

Array = npt.NDArray[np.float64]


def draw(spec: Spec, runs: npt.NDArray[np.int64], scale: float | Array | None = None) -> Array:
    """Starts of the runs numbered `runs`, float64 (len(runs), n_params), in the order of `layout`.

    The direction of run r comes from ``Generator(Philox(key=[seed, r]))``: `standard_normal(n_params)`
    (normal, tied, mirrored), `uniform(-1, 1, n_params)` (uniform), or
    the normal draw at length 1 (sphere;
    ray: that of run 0).  ``biases = false`` zeroes the biases after the draw.  The start is scale times direction.
    For a slice, r is the number of the cell, x slow and y fast; for a file, the row.  A negative zero becomes
    a positive one, so that a start of zeros is one start.

    Parameters
    ----------
    scale : in place of `starts.scale`: a number, or one for each run.
    """
    runs = np.asarray(runs).astype(np.int64)
    if spec.starts.kind == "slice":
        return _slice(spec, runs) + 0.0
    if spec.starts.kind == "file":
        return spec.given_starts[runs] + 0.0
    factor = np.asarray(spec.starts.scale if scale is None else scale, dtype=np.float64).reshape(-1, 1)
    each, which = np.unique(runs, return_inverse=True)
    starts: Array = factor * _directions(spec, each)[which]
    return starts + 0.0


def single(spec: Spec, scale: float | None = None) -> bool:
    """Whether all runs of the point are the same start."""
    kind = STARTS[spec.starts.kind]
    return kind.single or (kind.scaled and (spec.starts.scale if scale is None else scale) == 0)


def origin(spec: Spec, scale: float) -> tuple[object, ...]:
    """What the starts of a point are made from, but for the scale: of the same at one scale come the same starts."""
    keys, network = spec.starts, (spec.sizes, spec.network.bias, spec.network.dtype)
    if keys.kind in ("slice", "file"):
        return (*network, keys.file, keys.base, keys.x, keys.y)
    if keys.kind == "zero" or scale == 0:
        return network
    aimed = keys.kind == "constant" or (keys.kind == "ray" and keys.direction is not None)
    free = keys.biases or not spec.network.bias
    return (*network, keys.kind, free, keys.direction if keys.kind == "ray" else None, None if aimed else keys.seed)


def count(spec: Spec) -> int:
    """Starts at each point; 1 for a slice, whose cells are dimensions of the result."""
    if spec.starts.kind == "file":
        return len(spec.given_starts)
    return 1 if spec.starts.kind == "slice" else spec.starts.count


def _directions(spec: Spec, runs: npt.NDArray[np.int64]) -> Array:
    keys = spec.starts
    directions = DIRECTIONS[keys.kind](spec, runs)
    if not keys.biases:
        directions[:, layout.is_bias(spec.sizes, spec.network.bias)] = 0
    if STARTS[keys.kind].unit and keys.direction is None:
        directions /= np.sqrt(np.sum(directions**2, axis=1, keepdims=True))
    return directions


def _normal(spec: Spec, runs: npt.NDArray[np.int64]) -> Array:
    return _draws(spec.starts.seed, runs, spec.n_params, np.random.Generator.standard_normal)


def _uniform(spec: Spec, runs: npt.NDArray[np.int64]) -> Array:
    return 2 * _draws(spec.starts.seed, runs, spec.n_params, np.random.Generator.random) - 1


def _tied(spec: Spec, runs: npt.NDArray[np.int64]) -> Array:
    source, _ = _symmetry(spec)
    return _normal(spec, runs)[:, source]


def _mirrored(spec: Spec, runs: npt.NDArray[np.int64]) -> Array:
    source, sign = _symmetry(spec)
    return _normal(spec, runs)[:, source] * sign


def _ray(spec: Spec, runs: npt.NDArray[np.int64]) -> Array:
    given = spec.starts.direction
    one = _normal(spec, np.zeros(1, dtype=np.int64)) if given is None else np.array([given])
    return np.repeat(one, len(runs), axis=0)


DIRECTIONS: dict[str, Callable[[Spec, npt.NDArray[np.int64]], Array]] = {
    "zero": lambda spec, runs: np.zeros((len(runs), spec.n_params)),
    "constant": lambda spec, runs: np.ones((len(runs), spec.n_params)),
    "normal": _normal,
    "uniform": _uniform,
    "sphere": _normal,
    "tied": _tied,
    "mirrored": _mirrored,
    "ray": _ray,
}
"""What the scale multiplies, of the kinds that are no grid and no file: (runs, n_params), before biases are zeroed."""


def _draws(seed: int, runs: npt.NDArray[np.int64], n: int, law: Callable[..., object]) -> Array:
    """One row a run; a new key in one generator is six times as fast as a new generator."""
    bits = np.random.Philox(key=np.array([seed, 0], dtype=np.uint64))
    generator, fresh = np.random.Generator(bits), bits.state
    rows = np.empty((len(runs), n))
    for row, run in zip(rows, runs, strict=True):
        fresh["state"]["key"][1] = run
        bits.state = fresh
        law(generator, out=row)
    return rows


def _symmetry(spec: Spec) -> tuple[npt.NDArray[np.intp], Array]:
    """For each parameter, the parameter of unit 0 whose draw it takes, and the sign it takes it with."""
    sizes, bias = spec.sizes, spec.network.bias
    source, sign = np.empty(spec.n_params, dtype=np.intp), np.empty(spec.n_params)
    for number, flat in enumerate(layout.layers(sizes, bias)):
        units, inputs = (np.arange(size) for size in flat.shape)
        weights = inputs < sizes[number]
        if number > 0:
            inputs = np.where(weights, 0, inputs)
        hidden = number < len(sizes) - 2
        source[flat] = flat[np.ix_(units * (not hidden), inputs)]
        incoming = (
            np.where(weights, (-1.0) ** np.arange(len(inputs)), 1.0) if number > 0 else np.ones(len(inputs))
        )
        sign[flat] = np.outer((-1.0) ** units if hidden else np.ones(len(units)), incoming)
    return source, sign


def _slice(spec: Spec, cells: npt.NDArray[np.int64]) -> Array:
    x, y, base = spec.starts.x, spec.starts.y, spec.starts.base
    if x is None or y is None or base is None:
        raise ValueError("a slice needs base, x and y")
    starts = np.tile(np.array(base), (len(cells), 1))
    starts[:, x.index] = np.linspace(x.from_, x.to, x.n)[cells // y.n]
    starts[:, y.index] = np.linspace(y.from_, y.to, y.n)[cells % y.n]
    return starts
