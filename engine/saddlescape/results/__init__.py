"""Open results, select from them, convert them to xarray, export and refine them."""

from saddlescape.results.results import Results, open, opened
from saddlescape.results.tables import WORDS

__all__ = ["WORDS", "Results", "open", "opened"]
