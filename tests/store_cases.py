"""A small sweep and block data for it in which every value tells its place, so that nothing need be trained."""

from pathlib import Path

import numpy as np
from spec_cases import TINY

from saddlescape.plan import Block, Plan
from saddlescape.spec import parse
from saddlescape.store import RunFolder
from saddlescape.store.reading import CODES
from saddlescape.store.schema import variables

TEXT = TINY + """[record]
runs = 5
parameters = true
final_parameters = true
[[axes]]
key = "network.activation"
values = ["tanh", "logistic"]
[[axes]]
key = "network.bias"
values = [true, false]
"""


def sweep(*overrides, text=TEXT):
    return parse(text, Path(), overrides)


def filled(plan, where):
    """Data of a block, or of the slices `where`: a hash of name and indices, cut to what int8 holds or a code is."""
    if isinstance(where, Block):
        where = [slice(a, b) for a, b in zip(where.start, where.stop, strict=True)]
    place = dict(zip((d.name for d in plan.dimensions), where, strict=True))
    runs = plan.trajectory_run
    kept = np.flatnonzero((runs >= place["run"].start) & (runs < place["run"].stop))
    indices = {name: np.arange(s.start, s.stop) for name, s in place.items()} | {"trajectory": kept}
    indices |= {"record": np.arange(len(plan.record_at)), "parameter": np.arange(plan.n_params)}
    data = {}
    for number, variable in enumerate(variables(plan)):
        mesh = np.ix_(*(indices[d] for d in variable.dims))
        values = sum((i * (7 * k + 3) for k, i in enumerate(mesh)), start=np.int64(number))
        data[variable.name] = (values % CODES.get(variable.name, 97)).astype(variable.dtype)
    return data


def run_folder(plan: Plan, folder, order=None):
    """The result of a folder in which all blocks were committed in the given order."""
    with RunFolder(folder, plan) as store:
        for number in range(plan.blocks) if order is None else order:
            store.commit(plan.block(number), filled(plan, plan.block(number)))
        return store.merge()
