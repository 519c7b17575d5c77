"""Save measurements as JSON, with the machine and a table, and write the tables into docs/performance.md."""

import json
import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from saddlescape.system.resources import cores

ROOT = Path(__file__).parents[1]
RECORDS, PAGE = ROOT / ".benchmarks", ROOT / "docs/performance.md"
KEPT = ROOT / "bench/records"
"""Records that are part of the repository, because few machines can measure them again."""

UNMEASURED = {"gpu": "Not yet measured on a device."}
"""Sections that say so as long as there is no record."""

PACKAGES = ("numpy", "numba", "numba-cuda", "jax", "torch")


def versions():
    """Return the versions of the packages that are installed."""
    installed = {}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


def machine():
    """Return the processor, cores, load (runnable processes, mean of the last minute) and versions."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"^model name\s*: (.+)$", info.read_text() if info.exists() else "", re.MULTILINE)
    model = models[0] if models else platform.processor()
    return {"processor": model, "cores": cores(), "load": round(os.getloadavg()[0], 1),
            "python": platform.python_version(), **versions()}  # fmt: skip


def table(heads, rows):
    """Return a Markdown table with numbers of three digits."""
    cells = [heads, ["---"] * len(heads), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _cell(value):
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def save(name, data, text, before, folder=None):
    """Print a table and store it."""
    measured_on = store(name, data, text, before, folder)
    print(f"{text}\n\n{measured_on}")


def store(name, data, text, before, folder=None):
    """Store a table with its data and the machine as it was `before` the run, whose description is returned."""
    command = " ".join(["python", f"bench/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    measured_on = {**before, "load_after": machine()["load"]}
    path = (folder or RECORDS) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"command": command, "machine": measured_on, "data": data, "table": text}
    path.write_text(json.dumps(record, indent=1))
    return measured_on


def read(name):
    """Return the record of this name, or None."""
    paths = [path for folder in (RECORDS, KEPT) if (path := folder / f"{name}.json").exists()]
    return json.loads(paths[0].read_text()) if paths else None


def _section(match):
    record = read(match[1])
    if record is None:
        return f"<!-- {match[1]} -->\n{UNMEASURED[match[1]]}\n<!-- end -->" if match[1] in UNMEASURED else match[0]
    measured_on = ", ".join(f"{key} {value}" for key, value in record["machine"].items())
    return f"<!-- {match[1]} -->\n`{record['command']}`: {measured_on}.\n\n{record['table']}\n<!-- end -->"


def sections(text):
    """Return the text of a page with every section that has a record replaced by it."""
    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", _section, text, flags=re.DOTALL)


def main():
    """Write the sections of the page."""
    PAGE.write_text(sections(PAGE.read_text()))


if __name__ == "__main__":
    main()
