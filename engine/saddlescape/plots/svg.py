"""Figures as SVG elements of an HTML page."""

import io
import re
from html import escape

from matplotlib import rc_context
from matplotlib.figure import Figure


def svg(figure: Figure, name: str, alt: str) -> str:
    """Convert `figure` to an SVG element with a transparent background and the text color of the page for black.

    Parameters
    ----------
    name : prefix of the ids in the element, so that a page can contain several figures.
    alt : text alternative of the figure.
    """
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "saddlescape"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", text[text.index("<svg") :])
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL).replace("#000000", "currentColor")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
