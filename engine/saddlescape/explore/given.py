"""Starts whose values a page gives, on the plane or not."""

from collections.abc import Sequence

import numpy as np

from saddlescape.errors import RefusedError
from saddlescape.explore.document import Document
from saddlescape.explore.lattice import Array
from saddlescape.explore.messages import Given, Start
from saddlescape.explore.train import measures_of
from saddlescape.plan import starts
from saddlescape.spec import Spec, parse
from saddlescape.spec.sections import Starts
from saddlescape.spec.toml import parse_toml
from saddlescape.spec.window import text_of


def kicked(spec: Spec, theta: Sequence[float], size: float = 0.0, draw: int = 0) -> Array:
    """A start, plus `size` times the standard normal start of run `draw`; RefusedError if it has the wrong length."""
    if len(theta) != spec.n_params:
        raise RefusedError(f"start: must have {spec.n_params} numbers, one for each parameter; got {len(theta)}")
    drawn = spec.model_copy(update={"starts": Starts(kind="normal", scale=size)})
    kick = starts.draw(drawn, np.array([draw], dtype=np.int64))[0] if size else 0.0
    return np.array(theta, dtype=np.float64) + kick


def start(document: Document, asked: Start | Given) -> Array:
    """The parameters (n_params,) of a start that a page asks for; RefusedError as of `kicked`."""
    if isinstance(asked, Given):
        return kicked(document.spec, asked.theta, asked.kick, asked.draw)
    n, m = (np.array([each], dtype=np.int64) for each in (asked.n, asked.m))
    (theta,) = document.plane.starts(asked.k, n, m)
    return np.asarray(theta)


def text(document: Document, theta: Sequence[float]) -> str:
    """A spec, as TOML, of one run from a start, with its whole path.

    Raises
    ------
    RefusedError
        As of `kicked`.
    SpecError
        If there is none, for example because values are too large for float32.
    """
    spec, base = document.spec, kicked(document.spec, theta).tolist()
    places = {"x": document.plane.x, "y": document.plane.y}
    sides = {name: {"index": at, "from": base[at], "to": base[at], "n": 1} for name, at in places.items()}
    record = {"runs": 1, "parameters": True, "dtype": "float64", "fields": list(measures_of(spec))}
    table = {"starts": {"kind": "slice", "base": base, **sides}, "record": record}
    sweep = document.sweep
    return parse(text_of(parse_toml(sweep.text) | table), sweep.folder, (), sweep.kept).text
