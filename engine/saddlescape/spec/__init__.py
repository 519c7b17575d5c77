"""One TOML file describes a sweep: read, checked as a whole, and turned into one spec per point."""

from saddlescape.spec.axes import Axis, only_numbers
from saddlescape.spec.checks import LARGEST
from saddlescape.spec.model import NUMERIC, Spec, Starts
from saddlescape.spec.sweep import Sweep, bundled, load, parse

__all__ = [
    "LARGEST",
    "NUMERIC",
    "Axis",
    "Spec",
    "Starts",
    "Sweep",
    "bundled",
    "load",
    "only_numbers",
    "parse",
]
