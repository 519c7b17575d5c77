"""The provenance of a result: its resolved spec, its sweep, and the software that computed it."""

import json
from typing import Any

from saddlescape import spec as specs
from saddlescape.errors import RefusedError
from saddlescape.spec import Sweep
from saddlescape.store import Source, guarded, is_run, read_plan, read_sweep, written
from saddlescape.system.software import versions


def resolved(source: Source) -> dict[str, Any]:
    """The complete spec: defaults, axes and digests of data files included."""
    with guarded(source.path):
        return {**json.loads(source.text("resolved"))}


def digests(source: Source) -> dict[str, str]:
    """Digests by name; see `Results.digests`."""
    result = written(source.path) if source.path.is_file() else ""
    return {**({"result": result} if result else {}), "spec": f"sha256:{source.plan}"}


def software(source: Source) -> list[dict[str, str]]:
    """Versions by name; see `Results.software`."""
    with guarded(source.path):
        entries = json.loads(source.text("software"))
        return [versions(json.dumps(entry) if entry else "") for entry in entries]


def sweep(source: Source) -> Sweep:
    """The sweep; see `Results.sweep`."""
    path = source.path
    folder = path if path.is_dir() else path.parent
    ours = is_run(folder) and read_plan(folder)["digest"] == source.plan
    with guarded(path):
        overrides = tuple(map(str, json.loads(source.text("overrides"))))
        digests = {**resolved(source).get("data", {})}
        data = {str(name): content.encode() for name, content in json.loads(source.text("data")).items()}
    name, text = f"{path}, its spec", source.text("spec")
    if data or not ours:
        loaded = specs.parse(text, folder, overrides, data, name, begun=True, generation=source.generation)
    else:
        loaded = read_sweep(folder)
    for file in (file for file, digest in loaded.data.items() if digests.get(file) != digest):
        raise RefusedError(f"{file}: has changed since {path} was computed from it; restore the old file")
    return loaded
