"""The starts: the initial parameters of run r, which depend only on the spec, the seed and r."""

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.plan.schemes import SCHEMES, Array, Sampler, unit_interval, widths, zeros
from saddlescape.spec import Spec
from saddlescape.words.starts import STARTS

Numbers = Mapping[str, Array]
"""Values of numeric keys of a spec for each run, by key."""
Flags = npt.NDArray[np.bool_]


def draw(
    spec: Spec,
    runs: npt.NDArray[np.int64],
    scale: float | Array | None = None,
    sampler: Sampler | None = None,
    numbers: Numbers | None = None,
) -> Array:
    """Draw the starts of the runs numbered `runs`.

    The direction of run r is drawn with ``Generator(Philox(key=[seed, r]))``: `standard_normal(n_params)` (normal,
    tied, mirrored), `uniform(-1, 1, n_params)` (uniform), or the normal draw normalized to length 1 (sphere; ray: that
    of run 0).  ``biases = false`` sets the biases to zero after the draw.  The start is scale times direction; then
    `centre` is added to the weights, and each layer has its factor (`scaling`).  For a slice, r is the number of the
    cell, where y varies fastest; for a file, the row.  Negative zeros become positive ones, so that all starts of zeros
    are equal to the bit.

    Parameters
    ----------
    scale : instead of `starts.scale`: a number, or one for each run.
    sampler : a faster function than `sample`, such as `kernels.sample`.
    numbers : arrays (len(runs),) by keys such as ``starts.centre``; by default the values of the spec.

    Returns
    -------
    Parameters in the order of `layout`, float64 (len(runs), n_params).
    """
    runs = np.asarray(runs).astype(np.int64)
    if spec.starts.kind == "slice":
        return _slice(spec, runs) + 0.0
    if spec.starts.kind == "file":
        return spec.given_starts[runs] + 0.0
    factor, summand = scaling(spec, _numbers(scale, numbers))
    if (np.diff(runs) > 0).all():
        directions = _directions(spec, runs, sampler or sample)
    else:
        distinct, inverse = np.unique(runs, return_inverse=True)
        directions = _directions(spec, distinct, sampler or sample)[inverse]
    if factor.shape[1] > 1:
        column = columns(spec)
        factor, summand = factor[:, column], summand[:, column]
    directions *= factor
    directions += summand
    return directions


def scaling(spec: Spec, numbers: Numbers) -> tuple[Array, Array]:
    """Factors and summands that make directions starts, for the weights of each layer, then the biases of each layer.

    Both have the shape (runs, 2 n_layers), or (runs, 1) if all parameters have the same; runs is 1 if all runs have.
    """
    keys, layers = spec.starts, len(spec.sizes) - 1

    def of(key: str) -> Array:
        return np.asarray(numbers[key] if key in numbers else spec.number(key), dtype=np.float64).reshape(-1, 1)

    scale, centre = of("starts.scale"), of("starts.centre")
    centered = np.count_nonzero(centre) > 0
    if keys.layer_scales is None and keys.bias_scale is None and keys.bias_constant is None and not centered:
        return scale, np.zeros((1, 1))
    own = [of(f"starts.layer_scales.{layer}") for layer in range(layers)]
    biases = own if keys.bias_scale is None else [of("starts.bias_scale")] * layers
    summands = [centre * factor for factor in own] + [np.zeros((1, 1))] * layers
    if keys.bias_constant is not None and keys.biases:
        whole = of("starts.bias_constant")  # NaN for a list
        listed = [of(f"starts.bias_constant.{layer}") for layer in range(layers)]
        summands[layers:] = listed if np.isnan(whole).any() else [whole] * layers
    factors = [scale * factor for factor in (*own, *biases)]
    return _beside(factors), _beside(summands)


def _beside(columns: list[Array]) -> Array:
    return np.concatenate(np.broadcast_arrays(*columns), axis=1)


def columns(spec: Spec) -> npt.NDArray[np.intp]:
    """The column of `scaling` that belongs to each parameter."""
    layer = np.concatenate([np.full(i.size, k) for k, i in enumerate(layout.layers(*spec.shape))])
    biases = layout.is_bias(*spec.shape)
    return np.where(biases, layer + len(spec.sizes) - 1, layer)


def _effective(spec: Spec, numbers: Numbers) -> tuple[Array, Array]:
    """The `scaling` of all layers, with factors of zero for what is not drawn and summands of zero for what is not."""
    drawn = _drawn(spec)
    if not STARTS[spec.starts.kind].scaled:
        return np.zeros((1, len(drawn))), np.zeros((1, len(drawn)))
    there = np.ones(len(drawn))
    there[len(drawn) // 2 :] = spec.network.bias
    factor, summand = scaling(spec, numbers)
    return factor * drawn, summand * there


def _drawn(spec: Spec) -> list[bool]:
    """Whether any weights of each layer, then any biases of each layer, are drawn."""
    weights = [True] * (len(spec.sizes) - 1)
    if spec.starts.kind == "sparse":  # a layer may have no weight that is not zero
        weights = [number < size for number, size in zip(zeros(spec), spec.sizes[1:], strict=True)]
    return weights + [_draws_biases(spec)] * len(weights)


def _draws_biases(spec: Spec) -> bool:
    keys = spec.starts
    return STARTS[keys.kind].biases and spec.network.bias and keys.biases and keys.bias_constant is None


def single(spec: Spec, scale: float | None = None, numbers: Numbers | None = None) -> Flags:
    """Whether all runs of a point have the same start, for each value of the numbers; arguments as of `draw`."""
    kind, drawn = STARTS[spec.starts.kind], _drawn(spec)
    if kind.single or not kind.scaled:
        return np.array([kind.single])
    factor, _ = scaling(spec, _numbers(scale, numbers))
    zero = factor == 0
    if zero.shape[1] == 1:
        return zero[:, 0] if any(drawn) else np.ones(len(zero), dtype=bool)
    return np.asarray((zero | np.logical_not(drawn)).all(axis=1))


def _numbers(scale: float | Array | None, numbers: Numbers | None) -> Numbers:
    own = {} if scale is None else {"starts.scale": np.asarray(scale, dtype=np.float64)}
    return {**(numbers or {}), **own}


def origins(spec: Spec, numbers: Numbers) -> tuple[list[tuple[object, ...]], npt.NDArray[np.intp]]:
    """Keys for the starts of points with these numbers, and the index of each point's; equal keys mean equal starts."""
    rows = np.concatenate(np.broadcast_arrays(*_effective(spec, numbers)), axis=1)
    distinct, which = np.unique(rows + 0.0, axis=0, return_inverse=True)
    drawn = (distinct[:, : rows.shape[1] // 2] != 0).any(axis=1)
    return [(*_origin(spec, any_drawn), row.tobytes()) for any_drawn, row in zip(drawn, distinct, strict=True)], which


def _origin(spec: Spec, drawn: bool) -> tuple[object, ...]:
    """A key for the directions of a point."""
    keys, network = spec.starts, (spec.sizes, spec.network.bias, spec.n_params, spec.network.dtype)
    if keys.kind in ("slice", "file"):
        return (*network, keys.file, keys.base, keys.x, keys.y)
    if not drawn:
        return network
    undrawn = keys.kind == "constant" or (keys.kind == "ray" and keys.direction is not None)
    biases = _draws_biases(spec) or not spec.network.bias
    direction = keys.direction if keys.kind == "ray" else None
    scheme = (keys.kind, widths(spec), zeros(spec) if keys.kind == "sparse" else ())
    return (*network, scheme, biases, direction, None if undrawn else keys.seed)


def count(spec: Spec) -> int:
    """Number of starts at each point; 1 for a slice, whose sides are dimensions of the result."""
    if spec.starts.kind == "file":
        return len(spec.given_starts)
    return 1 if spec.starts.kind == "slice" else spec.starts.count


def of_point(spec: Spec) -> int:
    """Number of starts of one point, which are numbered from 0; all cells of a slice."""
    return count(spec) * math.prod(side.n for side in (spec.starts.x, spec.starts.y) if side is not None)


def _directions(spec: Spec, runs: npt.NDArray[np.int64], sampler: Sampler) -> Array:
    keys = spec.starts
    directions = DIRECTIONS[keys.kind](spec, runs, sampler)
    if not _draws_biases(spec) and spec.network.bias:
        directions[:, layout.is_bias(*spec.shape)] = 0
    if STARTS[keys.kind].unit and keys.direction is None:
        directions /= np.sqrt(np.sum(directions**2, axis=1, keepdims=True))
    return directions


def _normal(spec: Spec, runs: npt.NDArray[np.int64], sampler: Sampler) -> Array:
    return sampler(spec.starts.seed, runs, spec.n_params, "standard_normal")


def _tied(spec: Spec, runs: npt.NDArray[np.int64], sampler: Sampler) -> Array:
    source, _ = _symmetry(spec)
    return _normal(spec, runs, sampler)[:, source]


def _mirrored(spec: Spec, runs: npt.NDArray[np.int64], sampler: Sampler) -> Array:
    source, sign = _symmetry(spec)
    return _normal(spec, runs, sampler)[:, source] * sign


def _ray(spec: Spec, runs: npt.NDArray[np.int64], sampler: Sampler) -> Array:
    keys, first = spec.starts, np.zeros(1, dtype=np.int64)
    row = _normal(spec, first, sampler) if keys.direction is None else np.array([keys.direction])
    return np.repeat(row, len(runs), axis=0)


DIRECTIONS: dict[str, Callable[[Spec, npt.NDArray[np.int64], Sampler], Array]] = {
    "zero": lambda spec, runs, sampler: np.zeros((len(runs), spec.n_params)),
    "constant": lambda spec, runs, sampler: np.ones((len(runs), spec.n_params)),
    "normal": _normal,
    "uniform": unit_interval,
    "sphere": _normal,
    "tied": _tied,
    "mirrored": _mirrored,
    "ray": _ray,
    **SCHEMES,
}
"""Draws of all kinds but slice and file, (runs, n_params), before biases are set to zero and the scale is applied."""


def sample(seed: int, runs: npt.NDArray[np.int64], n: int, method: str) -> Array:
    """Samples (len(runs), n) of a method of `numpy.random.Generator`, each row with the key [seed, run].

    The method ``truncated_normal`` is `standard_normal` without the numbers larger than `CUT` in size.  To set the key
    of one generator is six times as fast as to make a generator for each run.
    """
    bits = np.random.Philox(key=np.array([seed, 0], dtype=np.uint64))
    generator, state = np.random.Generator(bits), bits.state
    fill = partial(_fill_truncated, generator) if method == "truncated_normal" else getattr(generator, method)
    rows = np.empty((len(runs), n))
    for row, run in zip(rows, runs, strict=True):
        state["state"]["key"][1] = run
        bits.state = state
        fill(out=row)
    return rows


CUT = 2.0
"""Largest size of the numbers of a truncated normal distribution, in standard deviations."""


def _fill_truncated(generator: np.random.Generator, out: Array) -> None:
    kept = np.empty(0)
    while len(kept) < len(out):
        drawn = generator.standard_normal(len(out) + 8)
        kept = np.concatenate([kept, drawn[np.abs(drawn) <= CUT]])
    out[:] = kept[: len(out)]


def _symmetry(spec: Spec) -> tuple[npt.NDArray[np.intp], Array]:
    """For each parameter, the index of the parameter of unit 0 whose draw it has, and its sign in mirrored starts."""
    sizes = spec.sizes
    source, sign = np.empty(spec.n_params, dtype=np.intp), np.empty(spec.n_params)
    for layer, indices in enumerate(layout.layers(*spec.shape)):
        units, inputs = (np.arange(size) for size in indices.shape)
        weights = inputs < sizes[layer]
        signs = np.where(weights, (-1.0) ** inputs, 1.0) if layer > 0 else np.ones(len(inputs))
        if layer > 0:
            inputs = np.where(weights, 0, inputs)
        hidden = layer < len(sizes) - 2
        source[indices] = indices[np.ix_(units * (not hidden), inputs)]
        sign[indices] = np.outer((-1.0) ** units if hidden else np.ones(len(units)), signs)
    return source, sign


def _slice(spec: Spec, cells: npt.NDArray[np.int64]) -> Array:
    x, y, base = spec.starts.x, spec.starts.y, spec.starts.base
    if x is None or y is None or base is None:
        raise ValueError("a slice needs base, x and y")
    starts = np.tile(np.array(base), (len(cells), 1))
    starts[:, x.index] = np.linspace(x.from_, x.to, x.n)[cells // y.n]
    starts[:, y.index] = np.linspace(y.from_, y.to, y.n)[cells % y.n]
    return starts
