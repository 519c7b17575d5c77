"""`saddlescape bench --against`: whether one of two specs, or of two revisions of the code, trains faster."""

from contextlib import nullcontext
from pathlib import Path

import click


def compare_speed(spec: str, against: str, overrides: tuple[str, ...]) -> None:
    """Time both sides in turn, and print their rates and the ratio with its interval."""
    from saddlescape.analysis import median_interval
    from saddlescape.plan import starts
    from saddlescape.runs.against import PAIRS, Side, contest, revision
    from saddlescape.spec import load
    from saddlescape.system.bundled import sweeps

    if spec == against:
        raise click.UsageError(f"both sides are {spec}; give --against another spec, or a revision such as HEAD~1")
    known = sweeps()
    is_spec = against in known or against.endswith(".toml") or Path(against).exists()
    paths = [known.get(name, Path(name)).resolve() for name in (spec, against) if name == spec or is_spec]
    counts = []
    for path in paths:
        sweep = load(path, overrides)
        counts.append(starts.of_point(sweep.at(tuple(n - 1 for n in sweep.shape))))
    a = Side(spec if is_spec else "this code", paths[0], overrides)
    other = nullcontext(Side(against, paths[-1], overrides)) if is_spec else revision(against, paths[0], overrides)
    with other as b:
        timed = contest(a, b, min(counts), told=lambda n: click.echo(f"\rpair {n} of {PAIRS}", err=True, nl=n == PAIRS))
    width = max(len(a.name), len(b.name))
    for name, rates in zip((a.name, b.name), zip(*timed.rates, strict=True), strict=True):
        click.echo(f"{name:<{width}}  {median_interval(rates).value:.3g} network-steps/s")
    ratio = median_interval(timed.ratios)
    verdict = (
        f"{a.name} is faster" if ratio.low > 1 else f"{a.name} is slower" if ratio.high < 1 else "no difference seen"
    )
    bits = "the same bits" if timed.same_bits else "other bits"
    click.echo(f"ratio {ratio.value:.3f}, 95 % interval {ratio.low:.3f} to {ratio.high:.3f}: {verdict}; {bits}")
