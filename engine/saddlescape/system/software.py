"""What software computes blocks: versions, and a digest of the code itself."""

import functools
import hashlib
import json
import re
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

from saddlescape import __version__

PACKAGES = ("numba", "llvmlite", "numpy", "scipy", "pydantic")
READING = frozenset({"pydantic"})
"""What only reads the spec: told, but blocks by another release of it are the same, and mix."""

COMPUTING = (
    *("kernels/*.py", "network/*.py", "plan/*.py", "words/*.py"),
    *("runs/compute.py", "runs/prepare.py", "runs/classify.py"),
    *("system/arithmetic.py", "system/rounding.py", "system/spacing.py", "system/user_files.py"),
)
"""The files that decide on the bits of a block."""

EARLIER = frozenset({"a5fd942aac2900c8"})
"""Digests of earlier code that computed the same bits, as ``tests/stamped`` shows, but of runs with weight decay, whose
gradient norm was that of the loss alone.  Empty it when bits change."""

MOST = 1000
"""Characters of a stamp, at most."""


@functools.cache
def code() -> str:
    """The first 16 hex digits of the SHA-256 of the code that computes blocks."""
    here = Path(__file__).parents[1]
    files = [path for pattern in COMPUTING for path in sorted(here.glob(pattern))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


@functools.cache
def stamp() -> str:
    """This software, as the blocks that it computes tell it: JSON of version by name."""
    packages = {package: version(package) for package in PACKAGES}
    return json.dumps({"saddlescape": __version__, "code": code(), **packages})


def versions(its: str) -> dict[str, str]:
    """Versions by name, of a stamp; nothing of the empty one, that of blocks of before there were any.

    Raises
    ------
    ValueError
        If it is no stamp.
    """
    if not its:
        return {}
    found = json.loads(its) if len(its) <= MOST else None
    if not isinstance(found, dict) or not all(_plain(word) for pair in found.items() for word in pair):
        raise ValueError("its software entry has an unknown format")
    return found


def _plain(word: object) -> bool:
    return isinstance(word, str) and re.fullmatch(r"[\w.+!-]+", word, re.ASCII) is not None


def differences(one: str, other: str, same: Collection[str] = ()) -> tuple[str, str]:
    """What two stamps differ in, in words: names and versions of one, and of the other; "" if in nothing.

    Only what both tell is compared: older stamps name fewer packages.  Code whose digest is among the `same` is as good
    as this one.
    """
    mine, yours = (_as_now(versions(stamp), same) for stamp in (one, other))
    names = [name for name in mine if name in yours and name not in READING and mine[name] != yours[name]]
    told = (", ".join(f"{name} {its[name]}" for name in names) for its in (mine, yours))
    return next(told), next(told)


def _as_now(its: dict[str, str], same: Collection[str]) -> dict[str, str]:
    return {**its, "code": code()} if its.get("code") in same else its
