"""Checks whether the blocks of a run were computed by the same software."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saddlescape.errors import RefusedError, SaddlescapeWarning
from saddlescape.plan import Plan
from saddlescape.system.software import EARLIER, differences, versions
from saddlescape.words.optimizers import OPTIMIZERS, Decay
from saddlescape.words.outcomes import FIRST


class Mixture:
    """The software of the blocks of a run, by its stamps; different software is refused unless `accepted`.

    Blocks of versions without stamps, whose stamp is "", mix with all others; a warning says that they are unknown.
    """

    def __init__(self, plan: Plan, accepted: bool = False) -> None:
        self._same = frozenset() if _differs(plan) or len(plan.outcomes) > FIRST else EARLIER
        self._accepted, self._indices = accepted, dict[str, int]()
        self._first: dict[str, Path | None] = {}
        self._of_result: list[int] = []

    def add(self, stamp: str, path: Path | None = None) -> int:
        """The index of a stamp, in order of appearance; of a block file, or of this process if there is no path.

        Raises
        ------
        RefusedError
            If earlier blocks were computed by different software.
        """
        if stamp not in self._indices:
            self._compare(stamp, path)
            self._indices[stamp] = len(self._indices)
        return self._indices[stamp]

    def add_result(self, stamps: Sequence[str], path: Path) -> None:
        """Add the software of a result whose values are copied into the blocks."""
        self._of_result = [self.add(stamp, path) for stamp in stamps]

    def _compare(self, stamp: str, path: Path | None) -> None:
        for other, first in self._first.items():
            theirs, ours = differences(other, stamp, self._same)
            if theirs and not self._accepted:
                raise RefusedError(
                    f"{first or 'this'} was computed by {theirs}, {f'{path} by' if path else 'this is'} {ours}; "
                    "use the same software, begin in another folder, or allow the mixture with --accept-versions"
                )
        known_and_unknown = self._indices and ("" in self._indices) != (not stamp)
        if known_and_unknown and (not stamp or len(self._indices) == 1):  # warn once
            message = "some blocks do not name the software that computed them; it may differ from that of the others"
            warnings.warn(message, SaddlescapeWarning, stacklevel=2)
        if stamp:
            self._first[stamp] = path

    def listed(self, indices: Sequence[int]) -> tuple[list[dict[str, str]], list[int]]:
        """The software of blocks whose stamps have these indices, without duplicates, and the entry of each block.

        If values of a result were copied into the blocks, its software is included, and no entries are returned.
        """
        stamps = list(self._indices)
        order = {index: entry for entry, index in enumerate(dict.fromkeys([*indices, *self._of_result]))}
        entries = [] if self._of_result else [order[index] for index in indices]
        return [versions(stamps[index]) for index in order], entries


def provenance(software: Mixture, indices: Sequence[int]) -> dict[str, Any]:
    """The entries `software` and, if it has several, `block_software` of the provenance of a result."""
    entries, of_blocks = software.listed(indices)
    return {"software": entries} | ({"block_software": of_blocks} if len(entries) > 1 and of_blocks else {})


def _differs(plan: Plan) -> bool:
    """Whether earlier code computed other bits: with weight decay in the gradient of some run, or with rprop."""
    used = [spec.training.optimizer for spec in plan.structures]
    coupled = any(OPTIMIZERS[name].decay is Decay.COUPLED for name in used)
    return "rprop" in used or (coupled and bool(plan.sweep.numeric("training.weight_decay").any()))
