"""Elementary functions of the lanes against mpmath: accuracy in units in the last place, parity, monotony, extremes."""

import mpmath
import numpy as np
import pytest
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from tolerances import ELEMENTARY_ULP, MONOTONE_ULP

from saddlescape.kernels import elementary
from saddlescape.kernels.code import Index, Rows
from saddlescape.kernels.lanes import Kind
from saddlescape.kernels.tick import pointer

mpmath.mp.prec = 120
LANES = 8


def compiled(function):
    """`function` of lanes, with several results, as a function of an array: (results, n)."""

    @intrinsic
    def each(typingctx, x, out, n):
        kind = Kind(x.dtype.name, LANES)

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


def tanh_pair(x):
    return mpmath.tanh(x), 4 / (mpmath.exp(x) + mpmath.exp(-x)) ** 2


def logistic_pair(x):
    e = mpmath.exp(-abs(x))
    return (e if x < 0 else 1) / (1 + e), e / (1 + e) ** 2


def exp_pair(x):
    return mpmath.exp(-abs(x)), -mpmath.expm1(-abs(x))


TANH, LOGISTIC = compiled(elementary.tanh_slope), compiled(elementary.logistic_slope)
EXP = compiled(lambda x: elementary.exp_of_negative(-abs(x)))
LOG1P = compiled(lambda e: (elementary.log1p_unit(e), e))
CASES = {"tanh": (TANH, tanh_pair, 350, 41), "logistic": (LOGISTIC, logistic_pair, 700, 84),
         "exp": (EXP, exp_pair, 700, 84)}  # fmt: skip


def points(limit, dtype):
    """Both signs, every magnitude from the smallest normal number to `limit`, and the seams of the reduction."""
    rng = np.random.default_rng(11)
    tiny = float(np.finfo(dtype).tiny)
    spread = np.exp(rng.uniform(np.log(tiny), np.log(limit), 1500))
    near = rng.uniform(0, min(limit, 40), 3000)
    seams = np.add.outer(np.arange(0.5, 40) * np.log(2) / 2, [-1e-6, 0, 1e-6]).ravel()
    x = np.concatenate([spread, near, seams[seams < limit], [limit, tiny]]).astype(dtype)
    return np.concatenate([x, -x])


def ulps(values, exact, dtype):
    """Distance of values from mpmath numbers, in units in the last place of the exact ones."""
    rounded = np.array([float(e) for e in exact]).astype(dtype)
    unit = np.spacing(np.abs(rounded)).astype(float)
    return np.array([abs(float((mpmath.mpf(float(v)) - e) / u)) for v, e, u in zip(values, exact, unit, strict=True)])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_relatively_accurate(name, dtype):
    function, exact, *limits = CASES[name]
    x = points(limits[dtype == "float32"], dtype)
    pairs = [exact(mpmath.mpf(float(v))) for v in x]
    for number, values in enumerate(function(x)):
        off = ulps(values, [pair[number] for pair in pairs], dtype)
        assert off.max() <= ELEMENTARY_ULP[number], (number, x[off.argmax()], off.max())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_log1p_is_relatively_accurate(dtype):
    e = np.concatenate([np.geomspace(1e-30, 1, 1000), np.linspace(0.01, 1, 1000)]).astype(dtype)
    exact = [mpmath.log1p(mpmath.mpf(float(v))) for v in e]
    assert ulps(LOG1P(e)[0], exact, dtype).max() <= ELEMENTARY_ULP[0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tanh_is_odd_and_both_are_monotone_across_the_seams(dtype):
    x = points(20, dtype)
    seams = np.arange(1, 60) * np.log(2) / 2
    beside = [np.nextafter(seams.astype(dtype), dtype(end)) for end in (0, 99)]
    x = np.unique(np.concatenate([x, *beside, *np.negative(beside)]))
    tanh, slope = TANH(x)
    assert (np.diff(tanh) >= 0).all()
    logistic = LOGISTIC(x)[0]
    assert (np.diff(logistic) >= -MONOTONE_ULP * np.spacing(logistic[1:])).all()
    np.testing.assert_array_equal(TANH(-x)[0], -tanh)
    np.testing.assert_array_equal(TANH(-x)[1], slope)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_extremes(dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e-30], dtype=dtype)
    tanh, slope = TANH(x)
    np.testing.assert_array_equal(tanh, np.array([0.0, -0.0, 1, -1, np.nan, *x[5:]], dtype=dtype))
    assert np.signbit(tanh[[1, 3, 6]]).all()
    assert (slope[[0, 1]] == 1).all()
    assert (slope[[2, 3]] > 0).all()
    assert (slope[[2, 3]] < 1e-30).all()
    logistic, slope = LOGISTIC(x)
    np.testing.assert_array_equal(logistic[[0, 1, 2, 5]], np.array([0.5, 0.5, 1, 0.5], dtype=dtype))
    assert 0 < logistic[3] < 1e-30
    assert np.isnan([logistic[4], slope[4]]).all()
