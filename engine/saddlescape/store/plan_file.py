"""The files spec.toml and plan.json in the folder of a run: what the run computes, and which shard of it."""

import hashlib
import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saddlescape import spec as specs
from saddlescape.errors import CorruptError, RefusedError
from saddlescape.plan import FORMAT, Plan, Shard
from saddlescape.store.atomic import write_atomic
from saddlescape.system.shell import quote
from saddlescape.system.user_files import file_bytes
from saddlescape.words.suggest import similar_file

PLAN, SPEC = "plan.json", "spec.toml"

GROWING = "growing"
"""Folder, in that of a run, of the bigger run that it becomes."""

FIELDS = {"digest": str, "blocks": int, "overrides": list, "folder": str, "spec": dict}
"""Fields of plan.json, with their types."""
MAX_SIZE = 2**26
"""Bytes of a file, at most: a spec has at most 1 MiB, and is longer when resolved."""
MAX_OVERRIDES = 1000


def is_run(folder: Path) -> bool:
    """Whether a folder contains a run."""
    return (folder / PLAN).exists()


def write_plan(folder: Path, plan: Plan, shard: Shard) -> None:
    """Write data that are in no other file, ``spec.toml`` and ``plan.json``."""
    sweep = plan.sweep
    stored = {"stored": sorted(sweep.kept)} if sweep.kept else {}
    fields = {
        "format": FORMAT,
        "digest": plan.digest,
        "blocks": plan.blocks,
        "shard": [shard.number, shard.of],
        "overrides": list(sweep.overrides),
        "folder": str(sweep.folder.absolute()),
        "spec": sweep.resolved(),
        "generation": sweep.generation,
        **stored,
    }
    write_data(folder, sweep)
    write_atomic(folder / SPEC, sweep.text.encode())
    write_atomic(folder / PLAN, json.dumps(fields, indent=1).encode())


def write_data(folder: Path, sweep: specs.Sweep) -> None:
    """Write the data of a sweep that are in no other file, unless the folder has them.

    Raises
    ------
    CorruptError
        If the folder has other data.
    """
    for name, content in sweep.kept.items():
        if not (folder / name).exists():
            write_atomic(folder / name, content)
        elif not contains(folder / name, content):
            raise _changed(folder / name)


def contains(path: Path, content: bytes) -> bool:
    """Whether a path is a regular file with this content."""
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def _changed(data: Path) -> CorruptError:
    return CorruptError(f"{data} is missing or has changed since the run began; put the old file back")


def _data(folder: Path, fields: dict[str, Any]) -> dict[str, bytes]:
    """The contents of the data files in the folder of a run; CorruptError if one has changed."""
    contents = {}
    for path in (folder / name for name in fields.get("stored", ())):
        try:
            contents[path.name] = file_bytes(path, MAX_SIZE)
        except (FileNotFoundError, ValueError):
            raise _changed(path) from None
        if hashlib.sha256(contents[path.name]).hexdigest() != fields["spec"].get("data", {}).get(path.name):
            raise _changed(path)
    return contents


def read_plan(folder: Path) -> dict[str, Any]:
    """The fields of ``plan.json``.

    Raises
    ------
    RefusedError
        If there is no such file, or it has another format.
    CorruptError
        If it is damaged.
    """
    path = folder / PLAN
    if not path.exists():
        raise RefusedError(f"{folder} is not a run's folder: {_kind(folder)}")
    try:
        fields = json.loads(read_text(path))
        version = fields["format"]
        valid = version != FORMAT or _is_valid(fields)
    except (ValueError, LookupError, TypeError, RecursionError):
        valid = False
    if not valid:
        extend, start = f"delete {folder} and extend the run again", "start the run again in another folder"
        raise CorruptError(f"{path} is damaged; {extend if folder.name == GROWING else start}")
    if version != FORMAT:
        raise RefusedError(f"{path} has format {version!r:.20}; this version writes {FORMAT}")
    return dict(fields)


def is_input(path: Path) -> bool:
    """Whether a path is a file with the suffix of a spec or of data."""
    return path.suffix in (".toml", ".csv", ".npz") and path.is_file()


def run_first(path: Path) -> str:
    """The remedy for a spec or data that were given in place of a run or its result."""
    if path.suffix != ".toml":
        return f"this is a data file; begin with: saddlescape init {quote(str(path))}"
    return f"this is a spec; run it first: saddlescape run {quote(str(path))}"


def absent(path: Path) -> str:
    """What is said of a result or run that does not exist, with the one beside it whose name is the most similar."""
    lost = path if path.parent.is_dir() else path.parent
    there = (each for each in sorted(lost.parent.glob("*")) if each.suffix == ".h5" or is_run(each))
    return f"it does not exist{similar_file(lost, there)}"


def _kind(path: Path) -> str:
    """What a path without a run is."""
    if not path.exists():
        return absent(path)
    if path.is_dir():
        return f"it has no {PLAN}"
    return run_first(path) if is_input(path) else "it is a file; give the folder of a run"


def _is_valid(fields: dict[str, Any]) -> bool:
    """Whether all fields have valid types and values."""
    number, of = fields.get("shard", (1, 1))
    return fields.get("generation", 1) in range(1, specs.GENERATION + 1) and (
        all(isinstance(fields[key], kind) for key, kind in FIELDS.items())
        and len(fields["overrides"]) <= MAX_OVERRIDES
        and all(isinstance(override, str) for override in fields["overrides"])
        and isinstance(fields["spec"].get("data", {}), dict)
        and all(isinstance(name, str) and Path(name).name == name for name in fields.get("stored", []))
        and all(isinstance(n, int) and 0 < n < 2**62 for n in (number, of, fields["blocks"]))
        and number <= of
    )


def generation_of(fields: dict[str, Any]) -> int:
    """The generation of the spec in a folder (`spec.GENERATION`), from the fields of its ``plan.json``."""
    return int(fields.get("generation", 1))


def shard_of(fields: dict[str, Any]) -> Shard:
    """The shard in a folder, from the fields of its ``plan.json``."""
    return Shard(*fields.get("shard", (1, 1)))


def read_sweep(folder: Path, overrides: Sequence[str] | None = None) -> specs.Sweep:
    """The sweep of a run, from the spec and the overrides in its folder, or from other overrides.

    Data files are in the folder of the run, if ``plan.json`` says so, or else relative to the folder that it names; if
    that does not exist, as on another machine, to the current one.
    """
    fields = read_plan(folder)
    spec = folder / SPEC
    try:
        content = read_text(spec)
    except (FileNotFoundError, ValueError):
        raise CorruptError(f"{spec} is missing or damaged; restore the spec of the run") from None
    data = Path(fields["folder"])
    data = data if data.is_dir() else Path()
    contents, meant, begun = _data(folder, fields), generation_of(fields), overrides is None
    own = tuple(fields["overrides"] if overrides is None else overrides)
    return specs.parse(content, data, own, contents, name=str(spec), begun=begun, generation=meant)


def read_text(path: Path) -> str:
    """Content of a text file of a run; ValueError if it is too large or not a regular file."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_SIZE:
        raise ValueError(f"{path} is not a regular file of at most {MAX_SIZE} bytes")
    return path.read_bytes().decode()  # read_text would turn CRLF into LF, and so change the result's bytes
