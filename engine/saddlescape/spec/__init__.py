"""Load and validate sweeps, and give the spec of each point."""

from saddlescape.spec.axes import Axis, only_numbers
from saddlescape.spec.checks import LARGEST
from saddlescape.spec.draft import draft
from saddlescape.spec.keys import NUMERIC
from saddlescape.spec.loading import bundled, load, parse
from saddlescape.spec.sections import Starts
from saddlescape.spec.spec import Spec
from saddlescape.spec.sweep import GENERATION, Sweep

__all__ = [
    "GENERATION",
    "LARGEST",
    "NUMERIC",
    "Axis",
    "Spec",
    "Starts",
    "Sweep",
    "bundled",
    "draft",
    "load",
    "only_numbers",
    "parse",
]
