"""Make the files that other programs are to read, and beside each its values as NumPy's own archive.

Run by ``make test-readers``: python tests/readers/make_files.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from spec_cases import DRAWN, TINY
from store_cases import TEXT, filled, run_folder

from saddlescape.plan import Plan
from saddlescape.spec import parse

SIDES = "".join(f"{d} = {{index = {i}, from = -1, to = 1, n = {n}}}\n" for d, i, n in (("x", 8, 6), ("y", 3, 5)))
SLICE = TINY.replace(DRAWN, f'kind = "slice"\nbase = [0, 0, 0, 0, 0, 0, 0, 0, 0]\n{SIDES}')
SCALE = '[[axes]]\nkey = "starts.scale"\nvalues = [0, 0.1, 1.0]\n'
ZIPPED = "".join(
    f'[[axes]]\nkey = "{key}"\nvalues = [0.1, 0.2]\nzip = "both"\n'
    for key in ("starts.scale", "training.learning_rate")
)
SPECS = {"words": TEXT, "slice": SLICE, "scale": TINY + SCALE, "zipped": TINY + ZIPPED, "plain": TINY}

folder = Path(sys.argv[1])
for name, text in SPECS.items():
    plan = Plan(parse(text, folder))
    made = run_folder(plan, folder / f"run-{name}")
    made.rename(folder / f"{name}.h5")
    np.savez(folder / f"{name}.npz", **filled(plan, [slice(0, n) for n in plan.shape]))
