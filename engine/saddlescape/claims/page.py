"""The page of all findings: one self-contained HTML file."""

import re
from collections.abc import Sequence
from html import escape
from string import Template

from saddlescape import __version__, plots
from saddlescape.claims.claim import Claim, Finding, Picture, prose
from saddlescape.explorer.standalone import allowing, embedded, plain, running, styles

BEGINNING = prose("page").partition("<style>")[0].encode()
"""First bytes of every page that this module has made: only such a file is overwritten."""


def page(findings: Sequence[tuple[Claim, Finding]]) -> str:
    """Return the HTML of all findings, in their order."""
    words = {f"{claim.key}_{name}": word for claim, finding in findings for name, word in set_words(finding).items()}
    return Template(prose("page")).substitute(
        answer=Template(prose("answer")).substitute(words),
        advice=Template(prose("advice")).substitute(words),
        contents="\n".join(_entry(claim, finding) for claim, finding in findings),
        sections="\n".join(_section(i, *pair) for i, pair in enumerate(findings, start=1)),
        **_live_parts(findings),
        version=__version__,
    )


def _live_parts(findings: Sequence[tuple[Claim, Finding]]) -> dict[str, str]:
    """What a page with maps to zoom into has in its head and at its end."""
    if not any(finding.live[1] for _, finding in findings):
        return {"head": "", "script": ""}
    return {"head": f"{allowing()}\n<style>\n{styles()}</style>", "script": running()}


def _live(claim: Claim, finding: Finding) -> str:
    """The map of a claim."""
    said, recorded = finding.live
    if recorded is None:
        return ""
    return f"""<figure class="wide">{embedded(f"map-{claim.name}", recorded)}
<figcaption>{plain(" ".join(said))}</figcaption></figure>
"""


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
{_live(claim, finding)}<p class="rerun">Run it again: <code>saddlescape run {claim.sweep} -o {claim.name}</code></p>
</section>"""


SIGNS = (
    (r"(?<=\d) (?=\d{3}\b)", "&#8239;"),
    (r"(?<=\d) %", "&nbsp;%"),
    (r"\b1e-0*(\d+)", r"10<sup>&minus;\1</sup>"),
    (r"(\d)e-0*(\d+)", r"\1&nbsp;&times;&nbsp;10<sup>&minus;\2</sup>"),
    (r"(?<![\w.;])-(?=\d)", "&minus;"),
    (r"(?<=\d) x (?=[\d&])", " &times; "),
)
"""Patterns in plain text, and the HTML that replaces them."""


def set_words(finding: Finding) -> dict[str, str]:
    """Return the words of a finding as HTML; words that are HTML already do not change."""
    return {name: word if word.startswith("<") else typeset(word) for name, word in finding.words.items()}


def typeset(text: str) -> str:
    """Convert plain text to HTML, with typographic minus signs, spaces and powers of ten."""
    text = escape(text, quote=False)
    for pattern, sign in SIGNS:
        text = re.sub(pattern, sign, text)
    return text


def _drawn(name: str, picture: Picture) -> str:
    return plots.svg(picture.figure, f"p{name}", picture.alt)
