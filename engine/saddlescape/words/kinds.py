"""Kinds of plots."""

ALIASES = {
    "escape_curve": "curve",
    "outcome_map": "map",
    "convergence_map": "convergence",
    "escape_times": "scaling",
    "spectra": "spectrum",
}
"""Other names of kinds, which are names of functions, too."""
