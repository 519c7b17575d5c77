"""Why is it dangerous to start at zero?  The usual answers as claims, each tested by an experiment."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from saddlescape import results
from saddlescape.claims import (
    bigger_steps,
    decay_trap,
    delta_rule,
    equal_units,
    hidden_gradient,
    many_starts,
    priors,
    saddle,
    sgd,
    small_starts,
    usually,
    which_zeros,
    xor,
)
from saddlescape.claims.claim import Check, Claim, Finding, Picture
from saddlescape.explorer.of_results import live
from saddlescape.runs import runner
from saddlescape.store import own_folder

__all__ = ["CLAIMS", "Check", "Claim", "Finding", "Picture", "examine"]

CLAIMS = tuple(
    module.CLAIM
    for module in (
        xor,
        delta_rule,
        hidden_gradient,
        equal_units,
        many_starts,
        priors,
        saddle,
        usually,
        which_zeros,
        decay_trap,
        sgd,
        small_starts,
        bigger_steps,
    )
)


def examine(
    folder: str | Path, claims: Sequence[Claim] = CLAIMS, device: str = "cpu", threads: int | None = None
) -> Iterator[tuple[Claim, Finding]]:
    """Run the experiment of each claim and test the claim; yield it with its finding.

    The runs of each of the `claims` are in `folder` under its name; finished runs are not run again.

    Raises
    ------
    RefusedError
        If a folder contains something else.
    """
    folder = Path(folder)
    own_folder(folder)
    for claim in claims:
        with results.open(runner.run(claim.sweep, folder / claim.name, device=device, threads=threads)) as result:
            finding = claim.examine(result)
            if claim.mapped is not None:
                sentence, select = claim.mapped
                said, recorded = live(select(result), result.sweep)
                finding = replace(finding, live=([sentence, *said], recorded))
            yield claim, finding
