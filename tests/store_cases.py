"""A small sweep, and block data in which each value identifies its position, so that no test needs training."""

import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from spec_cases import TINY

from saddlescape.errors import SaddlescapeError
from saddlescape.plan import Block, Plan
from saddlescape.plan import plan as plans
from saddlescape.spec import parse
from saddlescape.spec.files import ARRAYS
from saddlescape.store import RunFolder, encode, is_run, read_sweep
from saddlescape.store.lock import lock
from saddlescape.store.schema import variables
from saddlescape.words.outcomes import CODED

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
    """Data of a block or of slices: hashes of name and indices, reduced to the range of int8 or of the codes."""
    if isinstance(where, Block):
        where = [slice(a, b) for a, b in zip(where.start, where.stop, strict=True)]
    place = dict(zip((d.name for d in plan.dimensions), where, strict=True))
    runs = plan.trajectory_run
    kept = np.flatnonzero((runs >= place["run"].start) & (runs < place["run"].stop))
    indices = {name: np.arange(s.start, s.stop) for name, s in place.items()} | {"trajectory": kept}
    indices |= {"record": np.arange(len(plan.record_at)), "parameter": np.arange(plan.n_params)}
    indices |= {name: np.arange(length) for name, length in plan.inner.items()}
    data = {}
    for number, variable in enumerate(variables(plan)):
        mesh = np.ix_(*(indices[d] for d in variable.dims))
        values = sum((i * (7 * k + 3) for k, i in enumerate(mesh)), start=np.int64(number))
        codes = len(CODED[variable.name]) if variable.name in CODED else 97
        data[variable.name] = (values % codes).astype(variable.dtype)
    return data


@contextmanager
def held(path):
    """A file that another descriptor has locked, as another process would."""
    descriptor = lock(path, path, "")
    try:
        yield
    finally:
        os.close(descriptor)


def commit(store, block, data):
    """Encode and commit the data of a block."""
    store.commit_file(block, encode(store.plan, block, data))


def small_plan(monkeypatch):
    """A plan of three blocks of the smallest sweep, whose data are arrays that the run keeps."""
    monkeypatch.setattr(plans, "BLOCK_RUNS", 4)
    text = TINY.replace('name = "xor"', f'file = "{ARRAYS}"')
    plan = Plan(parse(text, Path(), ["record.runs=0"], {ARRAYS: b"x1,x2,t1\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n"}))
    assert plan.blocks == 3
    return plan


def finish(folder, plan, acknowledge=lambda what: None):
    """Compute the missing blocks; returns the blocks that existed, and the bytes of the result."""
    with RunFolder(folder, plan) as store:
        found = store.committed()
        for block in plan:
            if block.number not in found:
                commit(store, block, filled(plan, block))
                acknowledge(block.number)
        result = store.merge().read_bytes()
        acknowledge("result")
        return found, result


def telling(folder):
    """A function that records what was done in a file next to the folder, which another process can read."""
    told = folder.with_suffix(".told").open("ab", buffering=0)
    return lambda what: told.write(f"{what}\n".encode())


def acknowledged(folder):
    """What `telling` recorded: blocks by number, and "result"."""
    path = folder.with_suffix(".told")
    told = path.read_text().split() if path.exists() else ()
    return {what if what == "result" else int(what) for what in told}


def lost(folder, plan, acknowledged, reference):
    """What differs from what was acknowledged (blocks by number, "result"), or is different after a resume."""
    result = folder / "result.h5"
    if "result" in acknowledged and not (result.exists() and result.read_bytes() == reference):
        return "the result"
    try:
        if is_run(folder) and Plan(read_sweep(folder)).digest != plan.digest:
            return "the plan"
        found, again = finish(folder, plan)
    except (SaddlescapeError, OSError) as error:
        return str(error)
    if missing := acknowledged - {"result"} - found.keys():
        return f"blocks {missing}"
    if litter := [*folder.rglob("*.part"), *folder.rglob("*.corrupt")]:
        return f"{litter} are left"
    return "" if again == reference else "equal bytes"


def run_folder(plan: Plan, folder, order=None):
    """The result of a folder in which all blocks were committed in the given order."""
    with RunFolder(folder, plan) as store:
        for number in range(plan.blocks) if order is None else order:
            commit(store, plan.block(number), filled(plan, plan.block(number)))
        return store.merge()
