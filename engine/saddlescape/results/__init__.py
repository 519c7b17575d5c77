"""The read side: results opened, selected from, labelled, exported and refined."""

from saddlescape.results.results import WORDS, Results, open

__all__ = ["WORDS", "Results", "open"]
