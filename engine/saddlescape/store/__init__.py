"""Run folders and HDF5 files: immutable blocks, merged to one result.  The only package that imports h5py."""

from saddlescape.store.atomic import creating, own_folder, write_all
from saddlescape.store.blocks import encode
from saddlescape.store.committed import Committed
from saddlescape.store.folder import RESULT, RunFolder, default_folder, result_of
from saddlescape.store.growth import at_work, finished, grows, held, settle
from saddlescape.store.guard import guarded
from saddlescape.store.listing import Entry, entries
from saddlescape.store.merge import versions
from saddlescape.store.mixture import Mixture
from saddlescape.store.plan_file import GROWING, absent, is_input, is_run, read_plan, read_sweep, run_first
from saddlescape.store.result_file import ResultFile
from saddlescape.store.schema import FileVariable, block_sizes, sizes, variables
from saddlescape.store.seal import written
from saddlescape.store.shards import merge_shards, write_result
from saddlescape.store.source import Pick, Source, Stored, strips, take
from saddlescape.store.spec_difference import side_by_side
from saddlescape.store.status import Status, by_run, last_line, status, together
from saddlescape.store.verify import is_result_of, verify

__all__ = [
    "GROWING",
    "RESULT",
    "Committed",
    "Entry",
    "FileVariable",
    "Mixture",
    "Pick",
    "ResultFile",
    "RunFolder",
    "Source",
    "Status",
    "Stored",
    "absent",
    "at_work",
    "block_sizes",
    "by_run",
    "creating",
    "default_folder",
    "encode",
    "entries",
    "finished",
    "grows",
    "guarded",
    "held",
    "is_input",
    "is_result_of",
    "is_run",
    "last_line",
    "merge_shards",
    "own_folder",
    "read_plan",
    "read_sweep",
    "result_of",
    "run_first",
    "settle",
    "side_by_side",
    "sizes",
    "status",
    "strips",
    "take",
    "together",
    "variables",
    "verify",
    "versions",
    "write_all",
    "write_result",
    "written",
]
