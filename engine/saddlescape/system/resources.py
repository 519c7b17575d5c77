"""How many processors this process may use, and how much memory and disk still."""

import math
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/")
UNLIMITED = 2**62
"""Larger numbers are how control groups write that there is no limit."""


class Room(NamedTuple):
    """Bytes that are left, and what limits them."""

    bytes: int
    limit: str


def memory(root: Path = ROOT) -> Room:
    """The least of what the machine has available, what control groups allow and the limit of the address space.

    `root` is where ``proc`` and ``sys`` are found.
    """
    return min((_machine(root), *_rooms(root), *_address_space(root)), key=lambda room: room.bytes)


def cores(root: Path = ROOT) -> int:
    """Processors that this process may use: those of its mask, or fewer where control groups have a quota.

    A quota of 1.5 is 2, as the JVM counts: one thread would leave a third of it unused.
    """
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min((mask, *_quotas(root)))))


def held(root: Path = ROOT) -> int:
    """Bytes of memory that this process has already."""
    return int((_text(root / "proc/self/statm") or "0 0").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def disk(folder: Path) -> Room:
    """What is free where a folder is, or would be made."""
    there = _there(folder)
    return Room(shutil.disk_usage(there).free, f"free at {there}")


def files(folder: Path) -> bool:
    """Whether the file system of a folder has inodes for more files; also where it doesn't say."""
    told = os.statvfs(_there(folder))
    return told.f_favail > 0 or told.f_files == 0


def _there(folder: Path) -> Path:
    """A folder, or the one around it that there is."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _machine(root: Path) -> Room:
    found = _fields(root / "proc/meminfo").get("MemAvailable:")
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Room(pages if found is None else 1024 * found, "free on this machine")


def _groups(root: Path, controller: str) -> Iterator[tuple[Path, Path]]:
    """Folders, in versions 2 and 1, of each control group that this process is in, and of those around it."""
    lines = (line.split(":", 2) for line in _text(root / "proc/self/cgroup").splitlines() if line.count(":") > 1)
    for group in (group for _, names, group in lines if not names or controller in names.split(",")):
        for above in (Path(group), *Path(group).parents):
            inside = str(above).lstrip("/")
            yield root / "sys/fs/cgroup" / inside, root / "sys/fs/cgroup" / controller / inside


def _rooms(root: Path) -> Iterator[Room]:
    """What control groups leave of memory."""
    for second, first in _groups(root, "memory"):
        yield from _group(second, "memory.max", "memory.current", "inactive_file")
        yield from _group(first, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _quotas(root: Path) -> Iterator[float]:
    """Processors that control groups allow; "max" and -1 are no limit."""
    for second, first in _groups(root, "cpu"):
        for names in ((second / "cpu.max",), (first / "cpu.cfs_quota_us", first / "cpu.cfs_period_us")):
            microseconds = " ".join(map(_text, names)).split()
            if len(microseconds) == 2 and all(word.isdecimal() and int(word) for word in microseconds):
                yield int(microseconds[0]) / int(microseconds[1])


def _group(folder: Path, most: str, used: str, cached: str) -> Iterator[Room]:
    limit, usage = _text(folder / most).strip(), _text(folder / used).strip()
    if limit.isdecimal() and usage.isdecimal() and int(limit) < UNLIMITED:
        given_back = _fields(folder / "memory.stat").get(cached, 0)
        yield Room(max(0, int(limit) - int(usage) + given_back), "left of the control group's limit")


def _address_space(root: Path) -> Iterator[Room]:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        pages = int((_text(root / "proc/self/statm") or "0").split()[0])
        yield Room(max(0, limit - pages * os.sysconf("SC_PAGE_SIZE")), "left of the limit of ulimit -v")


def _fields(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    lines = (line.split() for line in _text(path).splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdecimal()}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
