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
PACKAGES = ("numpy", "numba", "jax", "torch")


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


def save(name, data, text, before):
    """Print a table and save it with its data and the machine as it was `before` the run."""
    command = " ".join(["python", f"bench/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    measured_on = {**before, "load_after": machine()["load"]}
    RECORDS.mkdir(exist_ok=True)
    record = {"command": command, "machine": measured_on, "data": data, "table": text}
    (RECORDS / f"{name}.json").write_text(json.dumps(record, indent=1))
    print(f"{text}\n\n{measured_on}")


def read(name):
    """Return the record of this name, or None."""
    path = RECORDS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _section(match):
    record = read(match[1])
    if record is None:
        return match[0]
    measured_on = ", ".join(f"{key} {value}" for key, value in record["machine"].items())
    return f"<!-- {match[1]} -->\n`{record['command']}`: {measured_on}.\n\n{record['table']}\n<!-- end -->"


def main():
    """Replace every section of the page that has a record."""
    PAGE.write_text(re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", _section, PAGE.read_text(), flags=re.DOTALL))


if __name__ == "__main__":
    main()
