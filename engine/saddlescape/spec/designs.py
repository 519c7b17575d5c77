"""Drawn values of an axis: independent, or from a Sobol sequence over all axes zipped with it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from saddlescape.errors import Fault
from saddlescape.spec.model import is_number
from saddlescape.spec.validate import Tree, field_faults
from saddlescape.spec.values import Integer, Section, Seed
from saddlescape.system.spacing import between

DESIGNS = ("random", "sobol")
MAX_VALUES = 2**20

End = Annotated[float, Field(ge=-1e300, le=1e300)]


class Design(Section):
    """`n` numbers from one end to the other, evenly, or with `log` evenly in the logarithm."""

    from_: Annotated[End, Field(alias="from")]
    to: End
    n: Annotated[Integer, Field(ge=2, le=MAX_VALUES)]
    log: bool = False
    seed: Seed = 0


def drawn(number: int, tables: Sequence[Tree]) -> tuple[list[float], list[Fault]]:
    """The values of the design in table `number` of the axes, and the faults of the design.

    random: ``Generator(Philox(key=[seed, number])).random(n)``.  sobol: the scrambled sequence of
    ``scipy.stats.qmc.Sobol(d, rng=seed)``, one of its d dimensions for each sobol design zipped under the same name,
    in their order.  Either is a share, 0 to 1, of the way between the ends.
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
    together = _together(number, tables) if kind == "sobol" else [number]
    if faults := list(_unfit(path, design, table["key"], kind, [tables[other] for other in together])):
        return [], faults
    if kind == "random":
        shares = np.random.Generator(np.random.Philox(key=[design.seed, number])).random(design.n)
    else:
        shares = _sobol(len(together), design.n, design.seed)[:, together.index(number)]
    return between(design.from_, design.to, shares, design.log).tolist(), []


def _together(number: int, tables: Sequence[Tree]) -> list[int]:
    """Numbers of the tables whose designs share one Sobol sequence with that of table `number`."""
    name = tables[number].get("zip")
    zipped = [n for n, table in enumerate(tables) if "sobol" in table and table.get("zip") == name]
    return zipped if name else [number]


def _unfit(path: str, design: Design, key: str, kind: str, together: Sequence[Tree]) -> Iterator[Fault]:
    if not is_number(key):
        yield Fault(path, f"needs a key that is a number of a run, such as starts.scale; got {key!r}; list its values")
    if design.log and min(design.from_, design.to) <= 0:
        ends = f"{design.from_:g} and {design.to:g}"
        yield Fault(path, f"must run between numbers greater than 0 with log = true; got {ends}")
    if kind == "random":
        return
    if design.n & (design.n - 1):
        below = 2 ** (design.n.bit_length() - 1)
        yield Fault(f"{path}.n", f"must be a power of 2, which spreads evenly; got {design.n}; {below} or {2 * below}")
    seeds = [table["sobol"].get("seed", 0) for table in together if isinstance(table["sobol"], dict)]
    if any(seed != design.seed for seed in seeds):
        yield Fault(f"{path}.seed", f"must be one for all that are zipped; got {seeds}")


@lru_cache(maxsize=1)
def _sobol(dimensions: int, n: int, seed: int) -> npt.NDArray[np.float64]:
    from scipy.stats.qmc import Sobol  # half a second

    points: npt.NDArray[np.float64] = Sobol(dimensions, rng=seed).random_base2(n.bit_length() - 1)
    return points
