"""Claim 4: units that start equal stay equal, and are worth no more than one."""

from saddlescape import plots
from saddlescape.claims.claim import Check, Claim, Finding, Picture, number, point, share
from saddlescape.outcomes import Outcome
from saddlescape.results import Results

ONE_UNIT = 1 / 3
"""Least loss of equal units on XOR, never reached: outputs 0, 2/3, 2/3, 2/3, the best fit to 0, 1, 1, 0 that rises."""


def examine(results: Results) -> Finding:
    """From starts with equal units beside starts with different ones."""
    tied, normal = (list(results.coords["kind"]).index(kind) for kind in ("tied", "normal"))
    apart, loss, solved = results["final_separation"], results["final_loss"], results["outcome"] == Outcome.SOLVED
    above = loss[tied].min() - ONE_UNIT
    equal, scale = apart[tied] == 0, results.coords["scale"]
    scales, widths = f"from {scale.min():g} to {scale.max():g}", " or ".join(map(str, results.coords["hidden"]))
    checks = (
        Check(
            f"{share(equal.sum(), equal.size)} runs with equal units ({widths} of them, scales {scales}) still have "
            f"units equal to the last bit after up to {number(results['stop_step'].max())} steps",
            bool(equal.all()),
        ),
        Check(f"none of them gets to a loss of 1/3: the nearest stays {above:.0e} above it", bool(above > 0)),
        Check(
            f"{share(solved[normal].sum(), solved[normal].size)} runs with different units solve XOR, of those with "
            f"equal ones {solved[tied].sum()}",
            bool(solved[normal].any() and not solved[tied].any()),
        ),
    )
    words = {"scales": scales, "runs": number(results.dims["run"]), "above": f"{above:.0e}"}
    panels = {
        f"{width} units, {what}": point(results, kind=kind, hidden=width, scale=1)
        for kind, what in (("tied", "equal"), ("normal", "different"))
        for width in results.coords["hidden"]
    }
    drawn = plots.trajectories(results, panels, {"1/3": ONE_UNIT}, columns=2)
    return Finding(checks, words, {"paths": Picture(drawn, "Loss of equal and of different units against steps")})


CLAIM = Claim(
    "claims/4-equal-units",
    "Equal units stay equal",
    "With equal weights, zero or not, all units follow the same gradient and end up doing the same thing, for ever.",
    examine,
)
