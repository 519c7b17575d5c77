"""Arrays in, arrays out: what the outcomes of many runs say."""

from saddlescape.analysis.escape import outcome_counts, wilson_interval

__all__ = ["outcome_counts", "wilson_interval"]
