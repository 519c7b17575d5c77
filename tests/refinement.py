"""How refined maps compare with that of all starts; as a script, a table for the docs.

.venv/bin/python tests/refinement.py FULL REFINED...
"""

import sys

import numpy as np
from scipy.ndimage import label

import saddlescape as ss


def islands(wrong):
    """(names, count) of connected sets, along sides and diagonals, of starts where something is wrong; 0: no set."""
    return label(wrong, np.ones((3, 3)))


def table(full, *refined):
    lines = ["| map | starts run | with another outcome | islands | starts in the largest |", "| --- " * 5 + "|"]
    for fine in refined:
        assert fine.dims == full.dims
        ran, wrong = fine.computed[..., 0] == 1, (fine.outcome != full.outcome)[..., 0]
        names, count = islands(wrong)
        largest = np.bincount(names[wrong], minlength=1).max()
        shares = (f"{values.sum():,} ({100 * values.mean():.2g} %)" for values in (ran, wrong))
        lines.append(f"| {fine.path.stem} | {' | '.join(shares)} | {count:,} | {largest:,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(*map(ss.open, sys.argv[1:])))
