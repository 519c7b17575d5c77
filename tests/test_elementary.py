"""Elementary functions over lanes against mpmath: errors in units in the last place, parity, monotonicity, limits."""

import mpmath
import numpy as np
import pytest
from kernel_cases import slowly
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from tolerances import ELEMENTARY_ULP, HELD, MONOTONE_ULP, SLOPE_NEAR_ROOT

from saddlescape.kernels import elementary
from saddlescape.kernels.activations import ACTIVATIONS
from saddlescape.kernels.code import Index, Rows
from saddlescape.kernels.lanes import BIASED_MAGIC, LaneType, power_of_two
from saddlescape.kernels.tick import pointer
from saddlescape.words.activations import ACTIVATIONS as WORDS
from saddlescape.words.activations import LEAK

mpmath.mp.prec = 120
LANES = 8


def compiled(function):
    """`function` of lanes with two results as a function of an array (n,), which returns an array (2, n)."""

    @intrinsic
    def each(typingctx, x, out, n):
        kind = LaneType(x.dtype.name, LANES)

        def codegen(context, builder, sig, args):
            rows, results = Rows(builder, kind, args[0], "theta"), Rows(builder, kind, args[1], "grad")
            blocks = builder.udiv(args[2], ir.Constant(ir.IntType(64), LANES))
            with cgutils.for_range(builder, blocks) as loop:
                block = Index(builder, loop.index)
                for k, value in enumerate(function(rows[block])):
                    results[block + Index(builder, blocks) * k] = value
            return context.get_dummy_value()

        return types.void(x, out, types.intp), codegen

    @njit
    def run(x, out):
        each(pointer(x), pointer(out), x.shape[0])

    def over(x):
        padded = np.resize(x, -(-len(x) // LANES) * LANES)
        out = np.empty((2, len(padded)), dtype=x.dtype)
        run(padded, out)
        return out[:, : len(x)]

    return over


def logistic(x):
    return 1 / (1 + mpmath.exp(-x))


def gate(x):
    return mpmath.tanh(mpmath.log1p(mpmath.exp(x)))


def normal(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


EXACT = {
    "logistic": lambda x: (logistic(x), logistic(x) * logistic(-x)),
    "tanh": lambda x: (mpmath.tanh(x), mpmath.sech(x) ** 2),
    "softplus": lambda x: (mpmath.log1p(mpmath.exp(x)), logistic(x)),
    "silu": lambda x: (x * logistic(x), logistic(x) * (1 + x * logistic(-x))),
    "mish": lambda x: (x * gate(x), gate(x) + x * (1 - gate(x) ** 2) * logistic(x)),
    "gelu": lambda x: (x * normal(x), normal(x) + x * mpmath.npdf(x)),
    "erf": lambda x: (mpmath.erf(x), 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)),
    "sin": lambda x: (mpmath.sin(x), mpmath.cos(x)),
    "exp": lambda x: (mpmath.exp(x), x),
    "log1p": lambda x: (mpmath.log1p(abs(x)), x),
    "log": lambda x: (mpmath.log(abs(x)), x),
}
FUNCTIONS = {
    name: compiled(function)
    for name, function in {
        **ACTIVATIONS,
        "exp": lambda x: (elementary.exp(x), x),
        "log1p": lambda x: (elementary.log1p(abs(x)), x),
        "log": lambda x: (elementary.log(abs(x)), x),
    }.items()
}
LIMITS = {
    "logistic": (700, 84), "tanh": (350, 41), "softplus": (700, 84), "silu": (700, 84), "mish": (700, 84),
    "gelu": (37, 12.5), "erf": (26, 9), "sin": (2.0**40, 2.0**20), "exp": (700, 84), "log1p": (1e300, 1e30),
    "log": (1e300, 1e30),
}  # fmt: skip
ROOTS = {"silu": -1.2784645427610738, "mish": -1.1924312145154952, "gelu": -0.7517915246935645}
"""Roots of derivatives, near which the error is compared with the rounding error of 1."""


def points(limit, dtype, number=1500):
    """Points of both signs, of all magnitudes from the smallest normal number to `limit`, and near seams."""
    rng = np.random.default_rng(11)
    tiny = float(np.finfo(dtype).tiny)
    spread = np.exp(rng.uniform(np.log(tiny), np.log(limit), number))
    near = rng.uniform(0, [[1], [min(limit, 40)]], (2, number)).ravel()
    reduced = np.concatenate([np.arange(0.5, 40) * np.log(2) / 2, np.arange(1, 60) * np.pi / 4])
    seams = np.add.outer(reduced, [-1e-6, 0, 1e-6]).ravel()
    x = np.concatenate([spread, near, seams[seams < limit], [limit, tiny]]).astype(dtype)
    return np.concatenate([x, -x])


def ulps(values, exact, dtype):
    """Errors of values against mpmath numbers, in units in the last place of the exact numbers."""
    rounded = np.array([float(e) for e in exact]).astype(dtype)
    unit = np.spacing(np.abs(rounded)).astype(float)
    return np.array([abs(float((mpmath.mpf(float(v)) - e) / u)) for v, e, u in zip(values, exact, unit, strict=True)])


def errors(name, dtype, number):
    """(points, errors of the values, errors of the derivatives), in units in the last place."""
    x = points(LIMITS[name][dtype == "float32"], dtype, number)
    pairs = [EXACT[name](mpmath.mpf(float(v))) for v in x]
    return x, *(ulps(v, [p[k] for p in pairs], dtype) for k, v in enumerate(FUNCTIONS[name](x)))


@pytest.mark.parametrize("number", slowly([300, 1500], [300]))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", EXACT)
def test_values_and_slopes_have_small_relative_errors(name, dtype, number):
    x, *off = errors(name, dtype, number)
    off[1][np.abs(x - ROOTS.get(name, np.inf)) < 0.3] = 0
    for number, limit in enumerate(ELEMENTARY_ULP.get(name, ELEMENTARY_ULP["all"])):
        worst = off[number].argmax()
        assert off[number][worst] <= limit, (number, x[worst], off[number][worst])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ROOTS)
def test_slopes_are_accurate_near_their_root(name, dtype):
    x = np.linspace(ROOTS[name] - 0.3, ROOTS[name] + 0.3, 2000).astype(dtype)
    exact = np.array([float(EXACT[name](mpmath.mpf(float(v)))[1]) for v in x])
    assert np.abs(FUNCTIONS[name](x)[1] - exact).max() <= SLOPE_NEAR_ROOT * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["tanh", "logistic", "erf", "softplus"])
def test_values_are_monotone_across_the_seams(name, dtype):
    x = points(20, dtype)
    seams = np.concatenate([np.arange(1, 60) * np.log(2) / 2, [elementary.SEAM]])
    beside = [np.nextafter(seams.astype(dtype), dtype(end)) for end in (0, 99)]
    value = FUNCTIONS[name](np.unique(np.concatenate([x, *beside, *np.negative(beside)])))[0]
    assert (np.diff(value) >= -MONOTONE_ULP * np.spacing(np.abs(value[1:]))).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [name for name, its in WORDS.items() if its.odd])
def test_odd_functions_are_odd_to_the_last_bit(name, dtype):
    x = np.concatenate([points(30, dtype), np.array([0.0, 1e-45, 3.0, 700.0, 4000.0], dtype=dtype)])
    (value, slope), (mirrored, same) = FUNCTIONS[name](x), FUNCTIONS[name](-x)
    assert (-value).tobytes() == mirrored.tobytes()
    assert slope.tobytes() == same.tobytes()


HUGE = {
    "logistic": (0, 1, 0, 0), "tanh": (-1, 1, 0, 0), "erf": (-1, 1, 0, 0), "sin": (np.nan, np.nan, np.nan, np.nan),
    "relu": (0, np.inf, 0, 1), "softplus": (0, np.inf, 0, 1), "silu": (0, np.inf, 0, 1), "gelu": (0, np.inf, 0, 1),
    "mish": (0, np.inf, 0, 1), "leaky_relu": (-np.inf, np.inf, LEAK, 1), "linear": (-np.inf, np.inf, 1, 1),
}  # fmt: skip
"""Values at -inf and inf, derivatives at -inf and inf."""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_extremes(name, dtype):
    x = np.array([-np.inf, np.inf, -1e30, 1e30, np.nan], dtype=dtype)
    value, slope = FUNCTIONS[name](x)
    np.testing.assert_allclose(value[:2], HUGE[name][:2], atol=HELD)
    np.testing.assert_allclose(slope[:2], HUGE[name][2:], rtol=1e-6, atol=HELD)
    np.testing.assert_array_equal(slope[2:4], slope[:2])
    assert np.isnan(value[4])
    if name not in ("relu", "sin"):
        assert (slope[:4] != 0).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_normal_power_of_two_is_exact(dtype):
    exponents = np.arange(np.finfo(dtype).minexp, np.finfo(dtype).maxexp)
    powers, _ = compiled(lambda k: (power_of_two(k + BIASED_MAGIC[k.dtype]), k))(exponents.astype(dtype))
    np.testing.assert_array_equal(powers, np.ldexp(1.0, exponents))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [name for name in EXACT if name in ACTIVATIONS])
def test_zero_and_subnormal_arguments(name, dtype):
    x = np.array([0, 1, 2, 1000, -1, -1000], dtype=dtype) * np.finfo(dtype).smallest_subnormal
    exact = [[float(v) for v in EXACT[name](mpmath.mpf(float(v)))] for v in x]
    units = np.abs(FUNCTIONS[name](x).T - exact) / np.spacing(np.abs(np.array(exact, dtype=dtype)))
    assert (units <= ELEMENTARY_ULP["all"]).all()
