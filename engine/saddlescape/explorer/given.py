"""Starts whose values a page gives, on the plane or not."""

from collections.abc import Sequence

import numpy as np

from saddlescape.errors import RefusedError
from saddlescape.explorer.document import Document
from saddlescape.explorer.lattice import Array
from saddlescape.explorer.messages import Given, Start, Take
from saddlescape.explorer.points import Starting
from saddlescape.explorer.train import measures_of
from saddlescape.plan import starts
from saddlescape.spec import Spec, parse
from saddlescape.spec.numbers import faults_of
from saddlescape.spec.sections import Starts
from saddlescape.spec.toml import parse_toml
from saddlescape.spec.tree import put
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
    return np.asarray(_runs(document, asked).theta[0])


def numbers(document: Document, asked: Start | Given | Take) -> dict[str, Array]:
    """The numbers of the training of a start that are axes of the map (1,), by their keys.

    Those that a page does not give are those of the spec.

    Raises
    ------
    RefusedError
        If the spec cannot have them.
    """
    if isinstance(asked, Start):
        return _runs(document, asked).numbers
    keys = [axis.key for axis in document.plane.numbers if not axis.of_starts]
    values = {key: np.array([asked.numbers.get(key, document.origin.number(key))]) for key in keys}
    if {*asked.numbers} - {*keys} or (values and faults_of(document.spec, values)):
        raise RefusedError("start: the spec cannot have these numbers; choose another start")
    return values


def _runs(document: Document, asked: Start) -> Starting:
    runs = document.runs_of(asked.k, *(np.array([each], dtype=np.int64) for each in (asked.n, asked.m)))
    if not runs.there.all():
        raise RefusedError("start: the spec cannot have these numbers; choose another start")
    return runs


def text(document: Document, asked: Take) -> str:
    """A spec, as TOML, of one run from a start, with its whole path.

    Raises
    ------
    RefusedError
        As of `kicked` and `numbers`.
    SpecError
        If there is none, for example because values are too large for float32.
    """
    spec, base = document.spec, kicked(document.spec, asked.theta).tolist()
    axes = document.plane.x, document.plane.y
    places = dict(zip("xy", (0, 1) if document.plane.numbers else axes, strict=True))
    sides = {name: {"index": at, "from": base[at], "to": base[at], "n": 1} for name, at in places.items()}
    record = {"runs": 1, "parameters": True, "dtype": "float64", "fields": list(measures_of(spec))}
    table = {"starts": {"kind": "slice", "base": base, **sides}, "record": record}
    sweep = document.sweep
    tree = parse_toml(sweep.text) | table | {"axes": []}
    for key, values in numbers(document, asked).items():
        list(put(tree, key, float(values[0])))
    return parse(text_of(tree), sweep.folder, (), sweep.kept).text
