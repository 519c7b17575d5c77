"""The page that tells what was found: one file that needs nothing else."""

import re
from collections.abc import Sequence
from html import escape
from string import Template

from saddlescape import __version__, plots
from saddlescape.claims.claim import Claim, Finding, Picture, prose

BEGINNING = prose("page").partition("<style>")[0].encode()
"""Of every page that was made here, title and all: only such a file is written over."""


def page(found: Sequence[tuple[Claim, Finding]]) -> str:
    """HTML of all findings, in their order."""
    words = {f"{claim.key}_{name}": word for claim, finding in found for name, word in set_words(finding).items()}
    return Template(prose("page")).substitute(
        answer=Template(prose("answer")).substitute(words),
        advice=Template(prose("advice")).substitute(words),
        contents="\n".join(_entry(claim, finding) for claim, finding in found),
        sections="\n".join(_section(i, *pair) for i, pair in enumerate(found, start=1)),
        version=__version__,
    )


def _entry(claim: Claim, finding: Finding) -> str:
    return f'<li><a href="#{claim.name}">{escape(claim.title)}</a>{_badge(finding)}</li>'


def _badge(finding: Finding) -> str:
    kind = "fails" if finding.verdict == "fails" else "only" if finding.only_when else "holds"
    return f'<span class="badge {kind}">{typeset(finding.verdict)}</span>'


def _section(number: int, claim: Claim, finding: Finding) -> str:
    checks = "\n".join(
        f"<li{'' if check.holds else ' class=no'}>{typeset(check.sentence)}</li>" for check in finding.checks
    )
    drawn = {name: _drawn(f"{claim.name}-{name}", picture) for name, picture in finding.pictures.items()}
    story = Template(claim.prose).substitute(set_words(finding), **drawn)
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


SIGNS = (
    (r"(?<=\d) (?=\d{3}\b)", "&#8239;"),
    (r"(?<=\d) %", "&nbsp;%"),
    (r"\b1e-0*(\d+)", r"10<sup>&minus;\1</sup>"),
    (r"(\d)e-0*(\d+)", r"\1&nbsp;&times;&nbsp;10<sup>&minus;\2</sup>"),
    (r"(?<![\w.;])-(?=\d)", "&minus;"),
    (r"(?<=\d) x (?=[\d&])", " &times; "),
)
"""Patterns in plain text, and the signs that stand for them on a page."""


def set_words(finding: Finding) -> dict[str, str]:
    """Words of a finding as HTML; those that are HTML already are left alone."""
    return {name: word if word.startswith("<") else typeset(word) for name, word in finding.words.items()}


def typeset(text: str) -> str:
    """Plain text as HTML, its numbers set with the proper signs."""
    text = escape(text, quote=False)
    for pattern, sign in SIGNS:
        text = re.sub(pattern, sign, text)
    return text


def _drawn(name: str, picture: Picture) -> str:
    return plots.svg(picture.figure, f"p{name}", picture.alt)
