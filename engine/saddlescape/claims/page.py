"""The page that tells what was found: one file that needs nothing else."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from saddlescape import __version__, plots
from saddlescape.claims.claim import Claim, Finding, Picture

TEMPLATE = Path(__file__).with_name("page.html")


def page(found: Sequence[tuple[Claim, Finding]]) -> str:
    """HTML of all findings, in their order."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        contents="\n".join(_entry(claim, finding) for claim, finding in found),
        sections="\n".join(_section(i, *pair) for i, pair in enumerate(found, start=1)),
        version=__version__,
    )


def _entry(claim: Claim, finding: Finding) -> str:
    return f'<li><a href="#{claim.name}">{escape(claim.title)}</a>{_badge(finding)}</li>'


def _badge(finding: Finding) -> str:
    kind = "fails" if finding.verdict == "fails" else "only" if finding.only_when else "holds"
    return f'<span class="badge {kind}">{escape(finding.verdict)}</span>'


def _section(number: int, claim: Claim, finding: Finding) -> str:
    checks = "\n".join(
        f"<li{'' if check.holds else ' class=no'}>{escape(check.sentence)}</li>" for check in finding.checks
    )
    drawn = {name: _drawn(f"{claim.name}-{name}", picture) for name, picture in finding.pictures.items()}
    story = Template(claim.prose).substitute(finding.words, **drawn)
    return f"""<section id="{claim.name}">
<h2><span class="count">{number}</span> {escape(claim.title)}</h2>
<blockquote>{escape(claim.statement)}</blockquote>
{_badge(finding)}
<ul class="checks">
{checks}
</ul>
{story}
<p class="rerun">Run it again: <code>saddlescape run {claim.sweep} -o {claim.name}</code></p>
</section>"""


def _drawn(name: str, picture: Picture) -> str:
    return plots.svg(picture.figure, f"p{name}", picture.alt)
