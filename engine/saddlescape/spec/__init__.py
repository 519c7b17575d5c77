"""Read a sweep from a TOML file, check it as a whole, and give the spec of each point."""

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
