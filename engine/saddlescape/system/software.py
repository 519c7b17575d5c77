"""The software that computes blocks: versions of packages, and a digest of the code."""

import functools
import hashlib
import json
import re
from collections.abc import Collection
from importlib import metadata
from pathlib import Path

from saddlescape import __version__

PACKAGES = ("numba", "llvmlite", "numpy", "scipy", "pydantic")
READING = frozenset({"pydantic"})
"""Packages that only read the spec: blocks name their versions, but do not depend on them."""

COMPUTING = (
    *("kernels/*.py", "network/*.py", "network/reference/*.py", "plan/*.py", "words/*.py"),
    *("runs/compute.py", "runs/prepare.py", "runs/finished.py", "runs/classify.py", "runs/evaluate.py"),
    *("runs/derived.py", "runs/growth.py", "runs/basins.py", "runs/device_check.py"),
    *("system/arithmetic.py", "system/rounding.py", "system/spacing.py", "system/user_files.py"),
)
"""Files that determine the bits of a block."""

EARLIER = frozenset({"a5fd942aac2900c8", "2026c57015b9773e", "5d623153982d5b63", "94b03e67292825d3"})
"""Digests of earlier code that computed the same bits (see ``tests/stamped``), except for runs with weight decay, where
the gradient norm did not include it, for rprop, which did not freeze at once, and for the signs of NaN.  Remove them
when bits change."""

MAX_LENGTH = 1000
"""Characters of a stamp, at most."""


version = functools.cache(metadata.version)
"""Version of an installed package; to read it takes a millisecond."""


@functools.cache
def code() -> str:
    """The first 16 hex digits of the SHA-256 of the code that computes blocks."""
    package = Path(__file__).parents[1]
    files = [path for pattern in COMPUTING for path in sorted(package.glob(pattern))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


@functools.cache
def stamp() -> str:
    """The stamp of this software in the blocks that it computes: JSON of versions by name."""
    packages = {package: version(package) for package in PACKAGES}
    return json.dumps({"saddlescape": __version__, "code": code(), **packages})


@functools.lru_cache(maxsize=64)
def versions(stamp: str) -> dict[str, str]:
    """Versions by name, from a stamp; the stamp of older blocks is "", which gives an empty dictionary.

    Raises
    ------
    ValueError
        If the stamp has an unknown format.
    """
    if not stamp:
        return {}
    by_name = json.loads(stamp) if len(stamp) <= MAX_LENGTH else None
    if not isinstance(by_name, dict) or not all(_is_plain(word) for pair in by_name.items() for word in pair):
        raise ValueError("its software entry has an unknown format")
    return by_name


def _is_plain(word: object) -> bool:
    return isinstance(word, str) and re.fullmatch(r"[\w.+!-]+", word, re.ASCII) is not None


def differences(one: str, other: str, same: Collection[str] = ()) -> tuple[str, str]:
    """Names and versions of the software in which two stamps differ, of one and of the other; "" if they agree.

    Only entries of both are compared: older stamps name fewer packages.  Code with a digest in `same` counts as this
    code.
    """
    first, second = (_current(versions(stamp), same) for stamp in (one, other))
    names = [name for name in first if name in second and name not in READING and first[name] != second[name]]
    texts = [", ".join(f"{name} {by_name[name]}" for name in names) for by_name in (first, second)]
    return texts[0], texts[1]


def _current(by_name: dict[str, str], same: Collection[str]) -> dict[str, str]:
    return {**by_name, "code": code()} if by_name.get("code") in same else by_name
