"""Statistical analysis of the outcomes of many runs, and theory.  Most functions take and return arrays."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from saddlescape.analysis.boundary import boundary, box_dimension, uncertainty_exponent
from saddlescape.analysis.collapse import decay_holds, held_norm, online_growth, online_threshold
from saddlescape.analysis.comparison import Comparison, compare
from saddlescape.analysis.difference import fraction_difference, holm
from saddlescape.analysis.entropy import basin_entropy, basin_fractions
from saddlescape.analysis.escape import event_fraction, outcome_counts, wilson_interval
from saddlescape.analysis.middle import median_interval
from saddlescape.analysis.scaling import compare_laws, fit_scaling
from saddlescape.analysis.stability import edge_of_stability, stability_threshold
from saddlescape.analysis.survival import event_quantiles, event_times, survival_curve
from saddlescape.analysis.theory import (
    growth_factor,
    linear_product,
    linear_product_time,
    saddle_escape_time,
    zero_factor_time,
)
from saddlescape.analysis.wada import Merged, wada_merge
from saddlescape.analysis.xor_saddle import xor_escape_constant
from saddlescape.words.suggest import hint

if TYPE_CHECKING:
    from saddlescape.analysis.learning import LearningCoefficient, langevin_learning_coefficient, learning_coefficient
    from saddlescape.analysis.noise import Kramers, basin_steps, kramers, mean_time
    from saddlescape.analysis.paths import Band, Barriers, barriers, elastic_band
    from saddlescape.analysis.plateaus import Stages, stages
    from saddlescape.analysis.stationary import Atlas, atlas

__all__ = [
    "Atlas",
    "Band",
    "Barriers",
    "Comparison",
    "Kramers",
    "LearningCoefficient",
    "Merged",
    "Stages",
    "atlas",
    "barriers",
    "basin_entropy",
    "basin_fractions",
    "basin_steps",
    "boundary",
    "box_dimension",
    "compare",
    "compare_laws",
    "decay_holds",
    "edge_of_stability",
    "elastic_band",
    "event_fraction",
    "event_quantiles",
    "event_times",
    "fit_scaling",
    "fraction_difference",
    "growth_factor",
    "held_norm",
    "holm",
    "kramers",
    "langevin_learning_coefficient",
    "learning_coefficient",
    "linear_product",
    "linear_product_time",
    "mean_time",
    "median_interval",
    "online_growth",
    "online_threshold",
    "outcome_counts",
    "saddle_escape_time",
    "stability_threshold",
    "stages",
    "survival_curve",
    "uncertainty_exponent",
    "wada_merge",
    "wilson_interval",
    "xor_escape_constant",
    "zero_factor_time",
]

_COMPILED = {
    **{name: "learning" for name in ("LearningCoefficient", "langevin_learning_coefficient", "learning_coefficient")},
    **{name: "paths" for name in ("Band", "Barriers", "barriers", "elastic_band")},
    **{name: "noise" for name in ("Kramers", "basin_steps", "kramers", "mean_time")},
    **{"Atlas": "stationary", "atlas": "stationary", "Stages": "plateaus", "stages": "plateaus"},
}
"""Modules of names that load the compiler: they are imported on first use, because plots import this package."""


def __getattr__(name: str) -> Any:
    if name not in _COMPILED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint(name, __all__)}")
    return getattr(import_module(f"{__name__}.{_COMPILED[name]}"), name)
