"""Drawn values of an axis: independent, or from a Sobol sequence over all axes zipped with it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from saddlescape.errors import Fault
from saddlescape.spec.keys import is_number
from saddlescape.spec.tree import Tree
from saddlescape.spec.validate import field_faults
from saddlescape.spec.values import Integer, Section, Seed
from saddlescape.system.spacing import between

DESIGNS = ("random", "sobol")
MAX_VALUES = 2**20

End = Annotated[float, Field(ge=-1e300, le=1e300)]


class Design(Section):
    """`n` numbers drawn between two ends, uniformly or, with `log`, uniformly in the logarithm."""

    from_: Annotated[End, Field(alias="from")]
    to: End
    n: Annotated[Integer, Field(ge=2, le=MAX_VALUES)]
    log: bool = False
    seed: Seed = 0


def drawn(number: int, tables: Sequence[Tree]) -> tuple[list[float], list[Fault]]:
    """The values of the design in table `number` of the axes, and the faults of the design.

    random: ``Generator(Philox(key=[seed, number])).random(n)``.  sobol: the scrambled sequence of
    ``scipy.stats.qmc.Sobol(d, rng=seed)``, one of its d dimensions for each sobol design zipped under the same name,
    in their order.  These numbers from 0 to 1 are scaled to the interval between the ends.
    """
    table = tables[number]
    kind = next(kind for kind in DESIGNS if kind in table)
    path = f"axes[{number}].{kind}"
    if not isinstance(table[kind], dict):
        return [], [Fault(path, f"must be a table such as {{from = 0, to = 1, n = 8}}; got {table[kind]!r:.80}")]
    try:
        design = Design.model_validate(table[kind])
    except ValidationError as error:
        return [], field_faults(error, Design, f"{path}.")
    zipped = _zipped(number, tables) if kind == "sobol" else [number]
    if faults := list(_faults(path, design, table["key"], kind, [tables[other] for other in zipped])):
        return [], faults
    if kind == "random":
        fractions = np.random.Generator(np.random.Philox(key=[design.seed, number])).random(design.n)
    else:
        fractions = _sobol(len(zipped), design.n, design.seed)[:, zipped.index(number)]
    return between(design.from_, design.to, fractions, design.log).tolist(), []


def _zipped(number: int, tables: Sequence[Tree]) -> list[int]:
    """Numbers of the tables whose designs share one Sobol sequence with the design of table `number`."""
    name = tables[number].get("zip")
    zipped = [n for n, table in enumerate(tables) if "sobol" in table and table.get("zip") == name]
    return zipped if name else [number]


def _faults(path: str, design: Design, key: str, kind: str, zipped: Sequence[Tree]) -> Iterator[Fault]:
    if not is_number(key):
        requirement = "needs a key that only changes a number of a run, such as starts.scale"
        yield Fault(path, f"{requirement}; got {key!r}; list its values")
    if design.log and min(design.from_, design.to) <= 0:
        ends = f"{design.from_:g} and {design.to:g}"
        yield Fault(path, f"must run between numbers greater than 0 with log = true; got {ends}")
    if kind == "random":
        return
    if design.n & (design.n - 1):
        below = 2 ** (design.n.bit_length() - 1)
        requirement = "must be a power of 2, so that the values are evenly spread"
        yield Fault(f"{path}.n", f"{requirement}; got {design.n}; write {below} or {2 * below}")
    seeds = [table["sobol"].get("seed", 0) for table in zipped if isinstance(table["sobol"], dict)]
    if any(seed != design.seed for seed in seeds):
        yield Fault(f"{path}.seed", f"must be the same for all zipped axes; got {seeds}")


@lru_cache(maxsize=1)
def _sobol(dimensions: int, n: int, seed: int) -> npt.NDArray[np.float64]:
    from scipy.stats.qmc import Sobol  # imported only here, because it takes half a second

    points: npt.NDArray[np.float64] = Sobol(dimensions, rng=seed).random_base2(n.bit_length() - 1)
    return points
