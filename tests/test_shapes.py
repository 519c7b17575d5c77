"""Classes drawn with noise and the sine: exact definitions, golden bits, balance, label noise, codings."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tolerances import SUMMED

import saddlescape as ss
from saddlescape.network.problems import shaped_problem
from saddlescape.network.shapes import Shape, draw, sine_cosine
from saddlescape.spec import parse
from saddlescape.words.problems import SHAPES

N = 11


def by_class(name, **numbers):
    """The places of each class, in an order of their own."""
    X, T = draw(name, Shape(N, **numbers))
    label = T[:, 0] if T.shape[1] == 1 else T.argmax(axis=1)
    return [X[label == k] for k in np.unique(label)]


def same_points(actual, expected):
    """Whether two sets of points are equal, in any order."""
    distance = np.linalg.norm(actual[:, None] - expected[None], axis=2)
    assert actual.shape == expected.shape
    assert max(distance.min(axis=0).max(), distance.min(axis=1).max()) < SUMMED


def test_moons_and_circles_are_those_of_scikit_learn():
    first, second = by_class("moons")
    a, b = np.linspace(0, np.pi, N // 2), np.linspace(0, np.pi, N - N // 2)
    same_points(first, np.stack([np.cos(a), np.sin(a)], axis=1))
    same_points(second, np.stack([1 - np.cos(b), 1 - np.sin(b) - 0.5], axis=1))
    first, second = by_class("circles", factor=0.3)
    a, b = (np.linspace(0, 2 * np.pi, n, endpoint=False) for n in (N // 2, N - N // 2))
    same_points(first, np.stack([np.cos(a), np.sin(a)], axis=1))
    same_points(second, 0.3 * np.stack([np.cos(b), np.sin(b)], axis=1))


def test_spirals_and_blobs_are_those_of_the_page():
    arms = by_class("spirals", classes=3, turns=1.5)
    assert [len(arm) for arm in arms] == [4, 4, 3]
    for k, arm in enumerate(arms):
        r = np.linspace(0, 1, len(arm))
        a = 2 * np.pi * (k / 3 + 1.5 * r)
        same_points(arm, np.stack([r * np.cos(a), r * np.sin(a)], axis=1))
    generator = np.random.Generator(np.random.Philox(key=np.array([5, 2**64 - 1], dtype=np.uint64)))
    centers = 20 * generator.random((4, 3)) - 10
    for center, blob in zip(centers, by_class("blobs", seed=5, classes=4, inputs=3), strict=True):
        same_points(blob, np.tile(center, (len(blob), 1)))


def test_noise_is_added_to_the_same_draws():
    generator = np.random.Generator(np.random.Philox(key=np.array([2, 2**64 - 1], dtype=np.uint64)))
    order = np.argsort(generator.random(N), kind="stable")
    generator.random((2, N))
    noise = generator.standard_normal((N, 2))[order]
    (plain, T), (noisy, T_noisy) = (draw("moons", Shape(N, 2, noise=scale)) for scale in (0, 0.1))
    np.testing.assert_allclose(noisy - plain, 0.1 * noise, rtol=0, atol=SUMMED)
    np.testing.assert_array_equal(T, T_noisy)


def test_sine_is_that_of_the_page():
    (X, T), (_, noisy) = (draw("sine", Shape(50, 3, noise=scale, frequency=2.5)) for scale in (0, 0.5))
    generator = np.random.Generator(np.random.Philox(key=np.array([3, 2**64 - 1], dtype=np.uint64)))
    np.testing.assert_array_equal(X, 2 * generator.random((50, 1)) - 1)
    np.testing.assert_allclose(T, np.sin(np.pi * 2.5 * X), rtol=0, atol=SUMMED)
    np.testing.assert_allclose(noisy - T, 0.5 * generator.standard_normal((50, 1)), rtol=0, atol=SUMMED)


def test_balance_is_exact_and_label_noise_replaces_labels_at_its_rate():
    assert Counter(draw("circles", Shape(10, balance=0.3))[1].ravel()) == {0: 7, 1: 3}
    assert draw("blobs", Shape(10, classes=3, balance=0.5))[1].sum(axis=0).tolist() == [3, 2, 5]
    plain, wrong = (draw("blobs", Shape(4000, classes=4, label_noise=rate))[1].argmax(axis=1) for rate in (0, 0.25))
    changed = plain != wrong
    assert abs(changed.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000)
    steps = np.bincount((wrong - plain)[changed] % 4, minlength=4)
    assert steps[0] == 0
    assert (abs(steps[1:] / changed.sum() - 1 / 3) < 0.1).all()
    all_wrong = draw("moons", Shape(40, label_noise=1.0))[1]
    np.testing.assert_array_equal(all_wrong, 1 - draw("moons", Shape(40))[1])


def test_targets_are_coded():
    plain, coded = (shaped_problem("spirals", Shape(9, classes=3), coding).T for coding in ("01", "pm1"))
    assert plain.sum(axis=1).tolist() == [1] * 9
    np.testing.assert_array_equal(coded, 2 * plain - 1)
    text = '[problem]\nname = "xor"\n'
    lows = {"coding": (-1, -1), "input_coding": (-1, 0), "target_coding": (0, -1)}
    cases = [(f'{key} = "pm1"', low) for key, low in lows.items()]
    for keys, lowest in [*cases, ('coding = "pm1"\ntarget_coding = "01"', (-1, 0))]:
        problem = parse(text + keys, Path()).spec.loaded
        assert (problem.X.min(), problem.T.min()) == lowest


def test_sine_and_cosine_have_an_error_of_one_unit_in_the_last_place():
    t = np.concatenate([np.arange(-8, 9) / 8, np.random.default_rng(0).uniform(-0.5, 0.5, 1000)])
    sine, cosine = sine_cosine(t)
    np.testing.assert_allclose(sine, np.sin(2 * np.pi * t), rtol=0, atol=SUMMED)
    np.testing.assert_allclose(cosine, np.cos(2 * np.pi * t), rtol=0, atol=SUMMED)
    assert sine_cosine([0, 0.25, 0.5, 0.75, 1])[0].tolist() == [0, 1, 0, -1, 0]


GOLDEN = {
    "moons": "064345281726024c",
    "circles": "795d23710bc3a952",
    "spirals": "f874d3fce7d2c987",
    "blobs": "fb63b60818ad75cc",
    "sine": "c648cfd5bc6bcb95",
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_bits_are_the_same_for_ever(name):
    """Golden: only operations that IEEE 754 rounds."""
    X, T = draw(name, Shape(100, 7, 0.1, 0.1, 0.4, 3 if name in ("spirals", "blobs") else 2, frequency=2.0))
    assert hashlib.sha256(X.tobytes() + T.tobytes()).hexdigest()[:16] == GOLDEN[name]


def test_numbers_of_drawn_classes_are_axes():
    axes = {"problem.noise": [0, 0.2], "problem.label_noise": [0, 0.1], "problem.balance": [0.5, 0.25]}
    sweep = ss.sweep(problem={"name": "moons", "samples": 40}, hidden=[2], axes=axes)
    for k, noise in enumerate(axes["problem.noise"]):
        for m, balance in enumerate(axes["problem.balance"]):
            spec = sweep.at((k, 1, m))
            X, T = draw("moons", Shape(40, noise=noise, label_noise=0.1, balance=balance))
            np.testing.assert_array_equal(spec.loaded.X, X)
            np.testing.assert_array_equal(spec.loaded.T, T)
