"""Units that are equal, or equal up to sign, stay so to the last bit: only their starts distinguish units."""

from itertools import product

import numpy as np
import pytest
from kernel_cases import DTYPES, STEPPING, TARGET, XOR, make_batch, slowly

from saddlescape.kernels import Trainer, train
from saddlescape.kernels.batch import LANE_BYTES
from saddlescape.network import layout
from saddlescape.words.outcomes import StopReason

SIZES = (2, 3, 1)
LEARNING_RATES = {"sign": 1e-5, "normalized": 1e-4, "rprop": 1e-2}


SINGLE = ("sign", "normalized", "multiplicative", "lion")
"""Optimizers that the quick tests try with float32; the kernels of the others are those of other tests."""

QUICK = [(optimizer, "float32" if optimizer in SINGLE else "float64", 3 * 10**4) for optimizer in STEPPING]


@pytest.mark.parametrize("case", slowly(list(product(STEPPING, DTYPES, (3 * 10**4, 10**6))), quick=QUICK), ids=str)
def test_identical_and_mirrored_units_stay_so(case):
    """Unit 1 equals unit 0 in the first half of the runs and is its mirror image in the second; unit 2 is another."""
    optimizer, dtype, steps = case
    runs = LANE_BYTES // np.dtype(dtype).itemsize
    theta = np.random.default_rng(8).normal(0, 1, (runs, layout.n_params(SIZES, True))).astype(dtype)
    first, twin, other = layout.unit_vectors(SIZES, True, 0)
    sign = np.where(np.arange(runs) < runs // 2, 1, -1)[:, None].astype(dtype)
    theta[:, twin] = sign * theta[:, first]
    trainer = Trainer(SIZES, True, ("tanh", "tanh"), "half_sse", optimizer)
    batch = make_batch(theta, steps, learning_rate=LEARNING_RATES.get(optimizer, 1e-3), every=steps // 10)
    trained = train(trainer, 2 * XOR - 1, 1.6 * TARGET - 0.8, batch)
    assert set(trained.stop_reason) <= {StopReason.BUDGET, StopReason.FIXED_POINT}
    assert (trained.stop_step > steps / 10).any()
    for path in (trained.theta[:, None], trained.theta_path):
        run, record = np.nonzero(np.isfinite(path).all(axis=2))
        finite = path[run, record]
        assert (finite[:, twin] == sign[run] * finite[:, first]).all()
        assert (finite[:, other] != finite[:, first]).all()
    assert (trained.theta != theta).any(axis=1).all()
    assert (trained.separation == 0).all()
