"""What a page needs to know of a document before it asks for anything, as plain JSON values."""

import math
from collections.abc import Iterable
from typing import Any

from saddlescape.explorer.document import Document
from saddlescape.explorer.keys import fields
from saddlescape.explorer.lattice import SIDE
from saddlescape.explorer.messages import LARGEST, LEVELS, VALUES
from saddlescape.explorer.numbers import FINEST, Number
from saddlescape.explorer.train import ends_of_surface
from saddlescape.network import layout
from saddlescape.spec import Spec
from saddlescape.words.colors import COLORS, RAMP
from saddlescape.words.outcomes import Outcome

EXACT = {"float64": LARGEST, "float32": 2**23}
"""Largest integer n for which the starts n 2^k and (n + 1) 2^k differ, and so do their halves."""

SHOWN = 2000
"""Maximum number of samples that a page draws on the decision surface."""

LINES = 20
"""Maximum number of hidden units whose lines a page draws; as many looks of a line can be told apart."""

UNFIT = "The starts of the spec do not fit this network; runs start at standard normal parameters."


def describe(document: Document) -> dict[str, Any]:
    """The spec as a page shows it."""
    spec, plane = document.spec, document.plane
    return {
        **network(spec),
        "title": title(spec),
        "side": SIDE,
        "skew": plane.skew,
        "ends": document.ends,
        "levels": LEVELS,
        "exact": EXACT[spec.network.dtype],
        "axes": {name: axis if isinstance(axis, int) else axis.name for name, axis in (("x", plane.x), ("y", plane.y))},
        "numbers": [_number(each, spec) for each in document.numbers.values()],
        "point": document.point,
        "points": document.points,
        "given": document.spec.n_params <= VALUES,
        "at": document.at,
        "of": math.prod(document.source.shape),
        "values": document.values,
        "runs": document.runs,
        "keys": _keys(spec),
        "fields": fields(spec, [axis.key for axis in (plane.x, plane.y) if not isinstance(axis, int)]),
        "changes": document.changes,
        "note": "" if document.fits else UNFIT,
        "outcomes": outcomes(each for each in Outcome if each is not Outcome.FITTED),
        "ramp": RAMP,
    }


def _number(number: Number, spec: Spec) -> dict[str, Any]:
    """A number of the spec that can be an axis."""
    finest = FINEST[spec.network.dtype] if number.log else LEVELS[0]
    return {"name": number.name, "key": number.key, "log": number.log, "finest": finest}


def title(spec: Spec) -> str:
    """The title of a spec, or else the name of its problem."""
    return spec.title or str(spec.problem.name or spec.problem.file)


def network(spec: Spec) -> dict[str, Any]:
    """What a page shows of the network and the samples of a start."""
    return {
        "network": "-".join(map(str, spec.sizes)),
        "clock": "time" if spec.flows else "step",
        "parameters": [layout.name(place) for place in layout.places(*spec.shape)],
        "samples": _samples(spec),
        "units": _units(spec),
    }


def outcomes(shown: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Names, sentences and colors of outcomes."""
    return [{"code": int(o), "name": o.label, "sentence": o.sentence, "color": COLORS[o]} for o in shown]


def _keys(spec: Spec) -> dict[str, float]:
    """The keys that a page may change, with their values; the gradient flow has no learning rate."""
    rate = {} if spec.flows else {"learning_rate": spec.training.learning_rate}
    return {**rate, "steps": spec.steps}


def _samples(spec: Spec) -> dict[str, Any] | None:
    """Inputs and first targets of samples of a problem with two inputs."""
    if spec.sizes[0] != 2:
        return None
    problem = spec.loaded
    X, T = problem.X[:SHOWN].tolist(), problem.T[:SHOWN, 0].tolist()
    return {"inputs": X, "targets": T, "ends": ends_of_surface(spec)}


def _units(spec: Spec) -> list[list[int]]:
    """Indices of the two weights, and of the bias if any, of units of the first hidden layer that has two inputs."""
    if spec.sizes[0] != 2 or len(spec.sizes) < 3:
        return []
    return layout.layers(*spec.shape)[0][:LINES].tolist()  # type: ignore[no-any-return]
