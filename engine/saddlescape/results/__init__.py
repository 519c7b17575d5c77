"""Reading: open results, select from them, convert them to xarray, export and refine them."""

from saddlescape.results.results import WORDS, Results, open

__all__ = ["WORDS", "Results", "open"]
