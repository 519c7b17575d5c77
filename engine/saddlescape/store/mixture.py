"""Whether one software has computed the blocks of a run."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saddlescape.errors import RefusedError, SaddlescapeWarning
from saddlescape.plan import Plan
from saddlescape.system.software import EARLIER, differences, versions
from saddlescape.words.optimizers import OPTIMIZERS, Decay


class Mixture:
    """What software was met in the blocks of a run, by its stamps; another one than before is refused, if not accepted.

    Blocks of before there were stamps go with all; a warning tells that nobody knows.
    """

    def __init__(self, plan: Plan, accepted: bool = False) -> None:
        self._same = frozenset() if _decays(plan) else EARLIER
        self._accepted, self._met = accepted, dict[str, int]()
        self._first: dict[str, Path | None] = {}
        self._taken: list[int] = []

    def meet(self, its: str, path: Path | None = None) -> int:
        """The number of a stamp, in the order of their coming; of a block's file, or of this process.

        Raises
        ------
        RefusedError
            If others were computed by another software.
        """
        if its not in self._met:
            self._compare(its, path)
            self._met[its] = len(self._met)
        return self._met[its]

    def take(self, stamps: Sequence[str], path: Path) -> None:
        """Meet the software of a result that is taken into the blocks."""
        self._taken = [self.meet(its, path) for its in stamps]

    def _compare(self, its: str, path: Path | None) -> None:
        for stamp, first in self._first.items():
            theirs, ours = differences(stamp, its, self._same)
            if theirs and not self._accepted:
                raise RefusedError(
                    f"{first or 'this'} was computed by {theirs}, {f'{path} by' if path else 'this is'} {ours}; "
                    "use the same software, begin in another folder, or allow the mixture with --accept-versions"
                )
        if self._met and ("" in self._met) != (not its) and (not its or len(self._met) == 1):
            told = "some blocks don't tell what software computed them, others do; nobody knows whether it was the same"
            warnings.warn(told, SaddlescapeWarning, stacklevel=2)
        if its:
            self._first[its] = path

    def told(self, numbers: Sequence[int]) -> tuple[list[dict[str, str]], list[int]]:
        """The software of blocks whose stamps have these numbers, each once, and which of it each block is by.

        Where a result was taken into them its software is told too, and no block is by one of it alone.
        """
        stamps = list(self._met)
        order = {number: place for place, number in enumerate(dict.fromkeys([*numbers, *self._taken]))}
        by = [] if self._taken else [order[number] for number in numbers]
        return [versions(stamps[number]) for number in order], by


def provenance(software: Mixture, numbers: Sequence[int]) -> dict[str, Any]:
    """What a result tells of it: each software, and where there are several which of them each block is by."""
    each, by = software.told(numbers)
    return {"software": each} | ({"block_software": by} if len(each) > 1 and by else {})


def _decays(plan: Plan) -> bool:
    """Whether weight decay is a part of some run's gradient."""
    coupled = any(OPTIMIZERS[spec.training.optimizer].decay is Decay.COUPLED for spec in plan.structures)
    return coupled and bool(plan.sweep.numeric("training.weight_decay").any())
