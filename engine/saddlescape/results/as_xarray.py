"""Results as an xarray Dataset with lazy variables.

References
----------
Lazy loading: docs.xarray.dev, "How to add a new backend".
"""

from collections import ChainMap
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from saddlescape.system.extras import extra

with extra("xarray"):
    import pandas
    import xarray
    from xarray.backends import BackendArray
    from xarray.core import indexing
    from xarray.indexes import PandasIndex

if TYPE_CHECKING:
    from saddlescape.results.results import Results

COUNTED = ("run", "trajectory", "record")
"""Dimensions whose coordinate is 0, 1, 2, ..., so that it need not be read."""


class _Unread(BackendArray):
    """A variable of results that xarray reads when it is computed."""

    def __init__(self, results: "Results", name: str) -> None:
        self.results, self.name = results, name
        self.sizes = results.sizes(name)
        self.shape, self.dtype = tuple(self.sizes.values()), results.stored(name).dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        return self.results.read(self.name, **dict(zip(self.sizes, key, strict=True)))


def dataset(results: "Results", chunks: Any) -> xarray.Dataset:
    """The Dataset of all variables of the results, with their coordinates and attributes."""
    parts = [_coordinate(results, name) for name in results if results.stored(name).dims == (name,)]
    merged = ChainMap(*(dict(part.variables) for part in parts)), ChainMap(*(dict(part.xindexes) for part in parts))
    coordinates = xarray.Coordinates(*merged)
    dask = chunks is not None and find_spec("dask") is not None
    variables = {name: _variable(results, name, not dask) for name in results if name not in coordinates}
    data = xarray.Dataset(variables, coordinates, results.attrs)
    if dask:
        texts = {name: values for name, values in variables.items() if values.dtype == object}  # of unknown size
        lazy = (data.drop_vars(texts) if texts else data).chunk(chunks, token=uuid4().hex)  # else Dask reads, to name
        data = lazy.assign(texts) if texts else lazy
    return data.set_coords(results.zipped)


def _variable(results: "Results", name: str, cached: bool) -> xarray.Variable:
    attrs = {key: value for key, value in results.stored(name).attrs.items() if key != "coordinates"}
    unread: Any = indexing.CopyOnWriteArray(indexing.LazilyIndexedArray(_Unread(results, name)))  # type: ignore[arg-type]
    values = indexing.MemoryCachedArray(unread) if cached else unread  # type: ignore[no-untyped-call]
    return xarray.Variable(tuple(results.sizes(name)), values, attrs, fastpath=True)


def _coordinate(results: "Results", name: str) -> xarray.Coordinates:
    attrs = results.stored(name).attrs
    if not results.sizes(name):
        return xarray.Coordinates({name: ((), results.read(name), attrs)}, {})
    if name not in COUNTED:
        return xarray.Coordinates({name: (name, results.read(name), attrs)})
    pick = results.picks(name)[name]
    counted = pandas.RangeIndex(pick) if isinstance(pick, range) else pandas.Index(np.asarray(pick))
    coordinates = xarray.Coordinates.from_xindex(PandasIndex(counted, name))
    coordinates[name].attrs.update(attrs)
    return coordinates
