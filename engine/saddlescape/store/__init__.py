"""HDF5 and the run's folder: immutable blocks, one merged result.  The only room that knows h5py."""

from saddlescape.store.blocks import encode
from saddlescape.store.committed import Committed
from saddlescape.store.folder import RunFolder
from saddlescape.store.merge import versions
from saddlescape.store.mixture import Mixture
from saddlescape.store.reading import ResultFile
from saddlescape.store.shards import merge_shards, write_result
from saddlescape.store.status import Status, last_line, status, together

__all__ = [
    "Committed",
    "Mixture",
    "ResultFile",
    "RunFolder",
    "Status",
    "encode",
    "last_line",
    "merge_shards",
    "status",
    "together",
    "versions",
    "write_result",
]
