"""A sweep: a base spec and the axes that span a grid of points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from saddlescape.errors import SpecError
from saddlescape.spec.axes import Axis, grid, only_numbers
from saddlescape.spec.keys import EVENTS, NUMERIC, is_number
from saddlescape.spec.sections import Side, Starts
from saddlescape.spec.spec import Spec
from saddlescape.spec.validate import field_faults
from saddlescape.system.arguments import point_index
from saddlescape.words.optimizers import OPTIMIZERS

Floats = npt.NDArray[np.float64]


GENERATION = 3
"""What a spec means if it does not say so.  In the first generation, *solved* did not depend on the accuracy by
default, runs were neither *fitted* nor *collapsed*, and results had no epochs.  In the second, dropout did not make
runs *collapsed*, and only results with `record.epochs` had `solve_epoch`.  Runs begun then go on like that."""


@dataclass(frozen=True)
class Sweep:
    """A base spec, and axes that span a grid of points.

    Attributes
    ----------
    spec : the spec of the first point.
    axes : in the order of the file.
    text : the TOML text.
    folder : the folder that relative paths of data files refer to.
    overrides : such as ``"training.learning_rate=0.1"``, applied to the text.
    data : SHA-256 (hex) of each data file, by its name in the spec.
    kept : the contents of data files that runs and results keep, by their names in the spec.
    generation : of the meaning of the spec; see `GENERATION`.
    """

    spec: Spec
    axes: tuple[Axis, ...]
    text: str
    folder: Path
    overrides: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, bytes] = field(default_factory=dict)
    generation: int = GENERATION
    _structures: dict[tuple[int, ...], Spec] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        sides = zip(self.grid, self.shape, strict=True)
        shape = ", ".join(f"{' with '.join(axis.name for axis in side)} {n}" for side, n in sides) or "one point"
        spec, sizes = self.spec, "-".join(map(str, self.spec.sizes))
        problem = spec.problem.name or spec.problem.file
        return f"<saddlescape sweep {spec.title!r}: {shape}; {problem}, {sizes}, {spec.training.optimizer}>"

    @cached_property
    def grid(self) -> tuple[tuple[Axis, ...], ...]:
        """The axes along each dimension of the grid: one axis, or several that are zipped."""
        return grid(self.axes)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions of the grid."""
        return tuple(len(side[0].values) for side in self.grid)

    @property
    def structures(self) -> list[Spec]:
        """One spec for each combination of the axes that change more than a number, in C order."""
        return list(self._structures.values())

    def structure(self, index: Sequence[int]) -> Spec:
        """The spec of the point at `index`, except that keys of axes which only change a number may have any value."""
        sides = zip(self.grid, index, strict=True)
        return self._structures[tuple(0 if only_numbers(side) else int(i) for side, i in sides)]

    def at(self, index: Sequence[int] | int) -> Spec:
        """The spec of the point at `index`, which has one integer for each dimension of the grid.

        A negative one counts from the end.

        Raises
        ------
        ArgumentError
            If there is no such point.
        """
        names = [" with ".join(axis.name for axis in side) for side in self.grid]
        whole = point_index(index, dict(zip(names, self.shape, strict=True)))
        spec = self.structure(whole)
        for side, i in zip(self.grid, whole, strict=True):
            for axis in (axis for axis in side if is_number(axis.key)):
                spec = spec.replaced(axis.key, axis.values[i])
        return spec

    @cached_property
    def _numbers(self) -> dict[str, tuple[int, Floats]]:
        """Dimension and values, by key, of each axis that only changes a number."""
        sides = enumerate(self.grid)
        axes = ((dimension, axis) for dimension, side in sides for axis in side if is_number(axis.key))
        return {axis.key: (dimension, np.array(axis.values, dtype=np.float64)) for dimension, axis in axes}

    def numeric(self, key: str) -> Floats:
        """Values of a `key` of `NUMERIC` with one default for all optimizers, float64, broadcastable to `shape`."""
        shape = [1] * len(self.grid)
        if key not in self._numbers:
            return np.full(shape, self.spec.number(key))
        dimension, values = self._numbers[key]
        shape[dimension] = -1
        return values.reshape(shape)

    def numbers(
        self, index: Sequence[npt.NDArray[np.intp]], n: int, structure: Spec | None = None
    ) -> dict[str, Floats]:
        """Values of all of `NUMERIC`, and of layers' rates that are axes, at `n` points; (n,) float64 each, read-only.

        `index` has an array (n,) for each dimension of the grid; `structure` is the spec of these points if the sweep
        has several structures, whose default events, and defaults of the optimizer, may differ.
        """
        varied = {key: values[index[dimension]] for key, (dimension, values) in self._numbers.items()}
        if structure is not None and not all(map(only_numbers, self.grid)):
            of_optimizer = (f"training.{name}" for name in OPTIMIZERS[structure.training.optimizer].defaults)
            own = {key: np.full(n, structure.number(key)) for key in (*EVENTS, *of_optimizer)}
            varied = {**own, **varied}
        keys, constants = self._constants
        return dict(zip(keys, np.broadcast_to(constants, (len(keys), n)), strict=True)) | varied

    @cached_property
    def _constants(self) -> tuple[list[str], Floats]:
        """Keys of `NUMERIC` that are no axis, and their values (n_keys, 1)."""
        keys = [key for key in NUMERIC if key not in self._numbers]
        return keys, np.array([self.spec.number(key) for key in keys]).reshape(-1, 1)

    def finer(self, levels: int) -> "Sweep":
        """The sweep of a slice with `2**levels` as many intervals along each side, and without trajectories.

        The new starts include the old ones.  The overrides include the change, as a result stores the text with them.
        """
        sides = _finer(self.spec.starts, levels)
        structures = {
            index: spec.changed("record", runs=0).changed("starts", **sides) for index, spec in self._structures.items()
        }
        changes = [f"starts.{name}={side.toml}" for name, side in sides.items()] + ["record.runs=0"]
        changed = {text.split("=")[0] for text in changes}
        unchanged = [text for text in self.overrides if text.split("=")[0].strip() not in changed]
        spec = next(iter(structures.values()))
        return replace(self, spec=spec, overrides=(*unchanged, *changes), _structures=structures)

    def window(self, x: Mapping[str, Any] | Sequence[float], y: Mapping[str, Any] | Sequence[float]) -> "Sweep":
        """The sweep of another window of the plane that this one shows: of a slice of starts, or of two numbers.

        Parameters
        ----------
        x, y : three numbers ``(from, to, n)``, the new range of the same side: evenly spaced values, both ends
            included.  Or a dict: for a slice any of ``index``, ``from``, ``to`` and ``n``; for two numbers of the spec
            the table of an axis, such as ``{"key": "training.learning_rate", "logspace": [0.01, 1, 50]}`` or with
            ``values``.

        Returns
        -------
        Sweep : a slice keeps its other axes.  Two numbers are the only axes; the keys of others keep their first
            value.  ``text`` is the complete spec, in which the overrides are applied, without comments.

        Raises
        ------
        ArgumentError
            If a side is neither three numbers nor a dict, or does not belong to this plane.
        SpecError
            Lists all errors of the spec.

        Examples
        --------
        >>> ss.load("xor-slice").window((2, 3, 100), (-1, 0, 100)).text  # doctest: +SKIP
        """
        from saddlescape.spec.window import window

        return window(self, x, y)

    def resolved(self) -> dict[str, Any]:
        """The complete spec as plain JSON values: defaults, axes and `data` included."""
        axes = [axis.resolved() for axis in self.axes]
        data = {"data": dict(self.data)} if self.data else {}
        return {**self.spec.resolved(), **self._events, "axes": axes, **data}

    @property
    def _events(self) -> dict[str, Any]:
        """The default events of each structure, if they differ."""
        events = [spec.events.resolved() for spec in self.structures]
        return {} if all(each == events[0] for each in events) else {"events": {"structures": events}}


def _finer(starts: Starts, levels: int) -> dict[str, Side]:
    """The sides of a slice with more starts; SpecError if there are too many."""
    sides: dict[str, Side] = {}
    faults = []
    for name, side in (("x", starts.x), ("y", starts.y)):
        try:
            sides |= {name: side.finer(levels)} if side is not None else {}
        except ValidationError as error:
            faults += field_faults(error, Side, f"starts.{name}.")
    if faults:
        raise SpecError(faults)
    return sides
