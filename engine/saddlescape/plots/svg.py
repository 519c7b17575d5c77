"""A picture as a part of a page."""

import io
import re
from html import escape

from matplotlib import rc_context
from matplotlib.figure import Figure


def svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an SVG element without background, whose black is the text colour of the page.

    Parameters
    ----------
    name : what the ids inside start with, so that several pictures can be in one page.
    alt : said in place of the picture.
    """
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "saddlescape"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", text[text.index("<svg") :])
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL).replace("#000000", "currentColor")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
