"""Pages in one file: the script, the data and the style are in it, and nothing is fetched."""

import base64
import hashlib
import re
from html import escape

from saddlescape.explorer import page
from saddlescape.explorer.recorded import Recorded

BEGINNING = "<!doctype html>\n<!-- made by saddlescape: this file may be replaced by another one of its kind -->\n"
"""Of every such page: only such a file is overwritten."""

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except tab and line feed, characters that change the direction of text, and surrogates."""


def plain(text: object) -> str:
    """A text as HTML, which cannot contain elements or change the direction of what follows."""
    return escape(CONTROL.sub("\ufffd", str(text)))


def script() -> str:
    """The script: the modules of the page, and their host in a file."""
    modules = page.script().replace("export default", "const explorer =")
    return f"{modules}\n{page.IMPORT.sub('', page.text('file.js'))}"


def policy(script: str) -> str:
    """A content security policy that allows this script, and nothing from elsewhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def allowing() -> str:
    """The element that makes `policy` the policy of a page."""
    return f'<meta http-equiv="Content-Security-Policy" content="{policy(script())}">'


def styles() -> str:
    """The styles of an explorer in a file."""
    return page.text("explore.css") + page.text("file.css")


def head(title: str) -> str:
    """The beginning of a page, up to its body."""
    return f"""{BEGINNING}<html lang="en">
<head>
<meta charset="utf-8">
{allowing()}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{plain(title)}</title>
<link rel="icon" href="data:,">
<style>
{styles()}
{page.text("report.css")}
</style>
</head>
"""


def embedded(name: str, recorded: Recorded) -> str:
    """The place of an explorer in a page, and its data."""
    return (
        f'<div class="embedded" data-explorer="{name}"></div>\n'
        f'<script type="application/json" id="{name}">{recorded.text}</script>\n'
        "<noscript><p>The map and the watched starts need JavaScript.</p></noscript>"
    )


def running() -> str:
    """The script element; it is behind all data."""
    return f'<script type="module">{script()}</script>'
