"""The published initializations: draws that depend on the sizes of the layers.

All use correctly rounded operations and sums in a fixed order, so that a start has the same bits on every machine.
"""

import math
from collections.abc import Callable, Iterator
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from saddlescape.network import layout
from saddlescape.spec import Spec
from saddlescape.system.spacing import EXACT
from saddlescape.words.activations import LEAK

Array = npt.NDArray[np.float64]
Runs = npt.NDArray[np.int64]
Sampler = Callable[[int, Runs, int, str], Array]
"""A function with the arguments and the result of `starts.sample`."""

STD = 0.01
"""Standard deviation of the weights of sparse starts, as in `torch.nn.init.sparse_`."""

SPARSITY = 0.1
"""Share of the units that an input does not reach, by default."""


def he_variance(fan_in: int, fan_out: int, activation: str) -> float:
    """Variance of a weight of a layer with this activation: 2 / fan_in, or that of `leaky_relu`."""
    return 2 / ((1 + LEAK**2) * fan_in) if activation == "leaky_relu" else 2 / fan_in


VARIANCES: dict[str, Callable[[int, int, str], float]] = {
    "glorot": lambda fan_in, fan_out, _: 2 / (fan_in + fan_out),
    "he": he_variance,
    "lecun": lambda fan_in, fan_out, _: 1 / fan_in,
    "torch": lambda fan_in, fan_out, _: 1 / (3 * fan_in),
}
"""Variance of the weights of a layer: Glorot & Bengio 2010; He et al. 2015; LeCun et al. 1998; torch.nn.Linear."""


def widths(spec: Spec) -> tuple[float, ...]:
    """Standard deviation, or half-width of the interval, of the weights of each layer; () if they are not scaled."""
    family, _, shape = spec.starts.kind.partition("_")
    if family not in VARIANCES:
        return ()
    times = 1 if shape == "normal" else 3
    layers = zip(_layers(spec), spec.activations, strict=True)
    return tuple(math.sqrt(times * VARIANCES[family](W.shape[1], W.shape[0], f)) for (W, _), f in layers)


def zeros(spec: Spec) -> tuple[int, ...]:
    """Number of the units of each layer that an input does not reach in sparse starts."""
    sparsity = SPARSITY if spec.starts.sparsity is None else spec.starts.sparsity
    return tuple(math.ceil(sparsity * units) for units in spec.sizes[1:])


def _layers(spec: Spec) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Indices of the weights (units, inputs) and of the biases (units,), or (0,), of each layer."""
    bias = spec.network.bias
    for indices in layout.layers(*spec.shape):
        weights = indices.shape[1] - bias
        yield indices[:, :weights], indices[:, weights:].ravel()


def _scaled(spec: Spec, draw: Array) -> Array:
    factor = np.empty(spec.n_params)
    for (weights, biases), width in zip(_layers(spec), widths(spec), strict=True):
        factor[weights], factor[biases] = width, width
    draw *= factor
    return draw


def _normals(spec: Spec, runs: Runs, sampler: Sampler) -> Array:
    return _scaled(spec, sampler(spec.starts.seed, runs, spec.n_params, "standard_normal"))


def _uniforms(spec: Spec, runs: Runs, sampler: Sampler) -> Array:
    return _scaled(spec, unit_interval(spec, runs, sampler))


def unit_interval(spec: Spec, runs: Runs, sampler: Sampler) -> Array:
    """Uniform numbers from -1 to 1 for all parameters."""
    draw = sampler(spec.starts.seed, runs, spec.n_params, "random")
    draw *= 2
    draw -= 1
    return draw


def _truncated(spec: Spec, runs: Runs, sampler: Sampler) -> Array:
    return sampler(spec.starts.seed, runs, spec.n_params, "truncated_normal")


def _orthogonal(spec: Spec, runs: Runs, sampler: Sampler) -> Array:
    draw = sampler(spec.starts.seed, runs, spec.n_params, "standard_normal")
    for weights, _ in _layers(spec):
        tall = weights.shape[0] >= weights.shape[1]
        vectors = np.ascontiguousarray(draw.T[weights.T if tall else weights])
        _orthonormalize(vectors)
        draw.T[weights.T if tall else weights] = vectors
    return draw


def _orthonormalize(vectors: Array) -> None:
    """Orthonormalize vectors (n, length, runs) in place: Q of the QR decomposition with a positive diagonal of R.

    Gram-Schmidt in its modified form, each vector twice (Giraud, Langou & Rozloznik 2005).
    """
    for n, vector in enumerate(vectors):
        for _ in range(2):
            for other in vectors[:n]:
                vector -= _dot(other, vector) * other
        vector /= np.sqrt(_dot(vector, vector))


def _dot(a: Array, b: Array) -> Array:
    """Scalar products (runs,) of vectors (length, runs), summed from the first component to the last."""
    products = a * b
    if len(products) > products.shape[1]:
        return np.asarray(np.add.accumulate(products, axis=0)[-1])  # the same sums, faster for a few runs
    return _sum(products)


def _sparse(spec: Spec, runs: Runs, sampler: Sampler) -> Array:
    """Normal weights; from each input, those to the units with the smallest of further normal numbers are zero."""
    n = spec.n_params
    drawn = sampler(spec.starts.seed, runs, 2 * n, "standard_normal")
    draw, further = STD * drawn[:, :n], drawn[:, n:]
    for (weights, _), number in zip(_layers(spec), zeros(spec), strict=True):
        order = np.argsort(further[:, weights], axis=1, kind="stable")[:, :number]
        values = draw[:, weights]
        np.put_along_axis(values, order, 0.0, axis=1)
        draw[:, weights] = values
    return draw


def _nguyen_widrow(spec: Spec, runs: Runs, sampler: Sampler) -> Array:
    draw = unit_interval(spec, runs, sampler)
    *hidden, (weights, biases) = _layers(spec)
    for W, b in hidden:
        length = 0.7 * _root(*W.shape)
        draw[:, b] *= length
        incoming = np.ascontiguousarray(draw.T[W.T])
        incoming *= length / np.sqrt(_sum(incoming**2))
        draw.T[W.T] = incoming
    draw[:, weights] *= 0.5
    draw[:, biases] *= 0.5
    return draw


def _sum(rows: Array) -> Array:
    """Sum over the first axis, from first to last, in place."""
    total: Array = rows[0]
    for row in rows[1:]:
        total += row
    return total


def _root(units: int, inputs: int) -> float:
    """The number of units to the power 1 / inputs, with the same bits on every machine."""
    return float(EXACT.power(Decimal(units), EXACT.divide(Decimal(1), Decimal(inputs))))


SCHEMES: dict[str, Callable[[Spec, Runs, Sampler], Array]] = {
    "truncated_normal": _truncated,
    "glorot_uniform": _uniforms,
    "glorot_normal": _normals,
    "he_uniform": _uniforms,
    "he_normal": _normals,
    "lecun_uniform": _uniforms,
    "lecun_normal": _normals,
    "orthogonal": _orthogonal,
    "sparse": _sparse,
    "torch": _uniforms,
    "nguyen_widrow": _nguyen_widrow,
}
"""Draws of all parameters, (runs, n_params), before biases are set to zero and the scale is applied."""
