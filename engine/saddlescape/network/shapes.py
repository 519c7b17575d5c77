"""Classes of points in the plane and a sine, drawn with noise: the same bits on every machine."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

CENTERS = 10.0
"""Half-width of the box in which the centers of blobs are drawn."""

TERMS = 10
"""Terms of the series of sine and cosine; the next ones are below 1e-19 within an eighth of a turn."""

BALANCES = {"moons": 0.5, "circles": 0.5}
"""Share of the samples that have the last class by default; in other sets all classes have equally many."""


@dataclass(frozen=True)
class Shape:
    """Numbers of a drawn set of classes, or of a sine.

    Attributes
    ----------
    samples : the number of samples.
    seed : determines all draws.
    noise : standard deviation of the normal noise that is added to each input, of a sine to the target.
    label_noise : probability with which a sample has another class than its place.
    balance : share of the samples that have the last class; None: that of `BALANCES`.
    classes, inputs : the number of classes, and of inputs of blobs.
    factor : radius of the inner circle.
    turns : number of turns of each spiral.
    frequency : number of periods of a sine from -1 to 1.
    """

    samples: int
    seed: int = 0
    noise: float = 0.0
    label_noise: float = 0.0
    balance: float | None = None
    classes: int = 2
    inputs: int = 2
    factor: float = 0.8
    turns: float = 1.0
    frequency: float = 1.0


def sine_cosine(turns: npt.ArrayLike) -> tuple[Array, Array]:
    """Sine and cosine of angles, in turns; with only +, * and /, which have the same bits on every machine."""
    t = np.asarray(turns, dtype=np.float64)
    quarters = np.floor(4 * t + 0.5)
    z = 2 * math.pi * (t - quarters / 4)
    sine, cosine = np.ones_like(z), np.ones_like(z)
    for k in range(TERMS, 0, -1):
        sine = 1 - z * z / (2 * k * (2 * k + 1)) * sine
        cosine = 1 - z * z / ((2 * k - 1) * 2 * k) * cosine
    sine = z * sine
    quadrant = np.mod(quarters, 4).astype(np.intp)
    return np.choose(quadrant, [sine, cosine, -sine, -cosine]), np.choose(quadrant, [cosine, -sine, -cosine, sine])


def counts(name: str, shape: Shape) -> list[int]:
    """Number of samples in the place of each class.

    If they cannot be equal, the first classes have one more; of moons and circles the last, as in scikit-learn.
    """
    balance = BALANCES.get(name) if shape.balance is None else shape.balance
    last = [] if balance is None else [math.floor(shape.samples * balance + 0.5)]
    each, more = divmod(shape.samples - sum(last), shape.classes - len(last))
    return [each + (k < more) for k in range(shape.classes - len(last))] + last


def _moon(shape: Shape, k: int, n: int) -> Array:
    sine, cosine = sine_cosine(_even(n, n - 1) / 2)
    return np.stack([1 - cosine, 0.5 - sine] if k else [cosine, sine], axis=1)


def _circle(shape: Shape, k: int, n: int) -> Array:
    sine, cosine = sine_cosine(_even(n, n))
    return (shape.factor if k else 1.0) * np.stack([cosine, sine], axis=1)


def _spiral(shape: Shape, k: int, n: int) -> Array:
    radius = _even(n, n - 1)
    sine, cosine = sine_cosine(k / shape.classes + shape.turns * radius)
    return radius[:, None] * np.stack([cosine, sine], axis=1)


def _even(n: int, intervals: int) -> Array:
    return np.arange(n) / max(1, intervals)


PLACES: dict[str, Callable[[Shape, int, int], Array]] = {"moons": _moon, "circles": _circle, "spirals": _spiral}
"""Places (n, 2) of the n samples of a class, counted from 0, without noise."""


def draw(name: str, shape: Shape) -> tuple[Array, Array]:
    """Inputs (samples, inputs) and targets of "moons", "circles", "spirals", "blobs" or "sine".

    Targets of two classes are one output, 0 or 1; of more classes one output each, 1 for the class of the sample and
    else 0.  All draws are made whatever the noise is, so that problems that differ in it alone have the same draws.
    They come from ``Generator(Philox(key=np.array([seed, 2**64 - 1], dtype=np.uint64)))``: centers of blobs (classes,
    inputs), u, v and w (samples,), which are uniform, and the noise (samples, inputs), which is standard normal; or x
    of a sine (samples, 1), uniform, and its noise.  The samples are put into the order of u; a class k becomes
    (k + 1 + floor(w (classes - 1))) modulo `classes` where v < `label_noise`.
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([shape.seed, 2**64 - 1], dtype=np.uint64)))
    uniform, normal = generator.random, generator.standard_normal
    if name == "sine":
        X = 2 * uniform((shape.samples, 1)) - 1
        return X, sine_cosine(shape.frequency * X / 2)[0] + shape.noise * normal(X.shape)
    centers = CENTERS * (2 * uniform((shape.classes, shape.inputs)) - 1) if name == "blobs" else None
    u, v, w = (uniform(shape.samples) for _ in range(3))
    number = counts(name, shape)
    label = np.repeat(np.arange(shape.classes), number)
    places = [PLACES[name](shape, k, n) for k, n in enumerate(number)] if centers is None else [centers[label]]
    X = np.concatenate(places)
    X = X + shape.noise * normal(X.shape)
    other = (label + 1 + np.floor(w * (shape.classes - 1)).astype(np.intp)) % shape.classes
    label = np.where(v < shape.label_noise, other, label)
    order = np.argsort(u, kind="stable")
    return X[order], _targets(label[order], shape.classes)


def _targets(label: npt.NDArray[np.intp], classes: int) -> Array:
    return cast(Array, (label[:, None] == (1 if classes == 2 else np.arange(classes))).astype(np.float64))
