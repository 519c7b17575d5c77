"""Units that are equal, or equal up to sign, stay so to the last bit: only their starts distinguish units."""

import numpy as np
import pytest
from kernel_cases import STEPPING, TARGET, XOR, make_batch

from saddlescape.kernels import Trainer, train
from saddlescape.kernels.batch import LANE_BYTES
from saddlescape.network import layout
from saddlescape.words.outcomes import StopReason

SIZES = (2, 4, 1)
LEARNING_RATES = {"sign": 1e-5, "normalized": 1e-4, "rprop": 1e-2}


@pytest.mark.parametrize("steps", [3 * 10**4, pytest.param(10**6, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", STEPPING)
def test_identical_and_mirrored_units_stay_so(optimizer, dtype, steps):
    """Unit 1 equals unit 0, unit 2 is their mirror image, unit 3 is another one."""
    runs = LANE_BYTES // np.dtype(dtype).itemsize
    theta = np.random.default_rng(8).normal(0, 1, (runs, layout.n_params(SIZES, True))).astype(dtype)
    first, twin, mirrored, other = layout.unit_vectors(SIZES, True, 0)
    theta[:, twin], theta[:, mirrored] = theta[:, first], -theta[:, first]
    trainer = Trainer(SIZES, True, ("tanh", "tanh"), "half_sse", optimizer)
    batch = make_batch(theta, steps, learning_rate=LEARNING_RATES.get(optimizer, 1e-3), every=steps // 10)
    trained = train(trainer, 2 * XOR - 1, 1.6 * TARGET - 0.8, batch)
    assert set(trained.stop_reason) <= {StopReason.BUDGET, StopReason.FIXED_POINT}
    assert (trained.stop_step > steps / 10).any()
    for path in (trained.theta[:, None], trained.theta_path):
        finite = path[np.isfinite(path).all(axis=2)]
        assert (finite[:, twin] == finite[:, first]).all()
        assert (finite[:, mirrored] == -finite[:, first]).all()
        assert (finite[:, other] != finite[:, first]).all()
    assert (trained.theta != theta).any(axis=1).all()
    assert (trained.separation == 0).all()
