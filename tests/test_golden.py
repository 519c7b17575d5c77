"""The optimizers of the kernel against trajectories of PyTorch's optimizers (data/golden, see data/README.md)."""

import hashlib
import json

import numpy as np
import pytest
from golden_cases import GOLDEN, kernel_trajectory
from tolerances import PEERS

with np.load(GOLDEN) as file:
    DATA = {name: file[name] for name in file.files}
ORIGIN = json.loads(str(DATA["origin"]))


EACH = [
    pytest.param(case, marks=[pytest.mark.slow] * (len(case.split()) > 1 and case.split()[1] not in ("all", "online")))
    for case in ORIGIN["cases"]
]
"""The quick tests have each optimizer, and the cases with all options."""


@pytest.mark.parametrize("case", EACH)
def test_optimizers_equal_those_of_torch(case):
    optimizer, options = case.split()[0], ORIGIN["cases"][case]
    path = kernel_trajectory(
        optimizer, options, DATA["start"], ORIGIN["X"], ORIGIN["T"], ORIGIN["numbers"],
        ORIGIN["learning_rates"][optimizer], DATA["steps"],
    )  # fmt: skip
    np.testing.assert_allclose(path, DATA[case], rtol=PEERS, atol=PEERS)


def test_golden_files_have_the_digests_in_the_readme():
    readme = (GOLDEN.parents[1] / "README.md").read_text()
    named = dict(reversed(line.split()) for line in readme.splitlines() if line.endswith(".npz"))
    actual = {str(path.relative_to(GOLDEN.parents[1])): path for path in GOLDEN.parent.iterdir()}
    assert named == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in actual.items()}
