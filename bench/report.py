"""Where measurements go: JSON with the machine they were made on, a table beside it, both into docs/performance.md."""

import json
import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from saddlescape.system.resources import cores

ROOT = Path(__file__).parents[1]
KEPT, PAGE = ROOT / ".benchmarks", ROOT / "docs/performance.md"
PACKAGES = ("numpy", "numba", "jax", "torch")


def versions():
    """Versions of the packages that are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine():
    """Processor, cores, load (runnable processes, mean of the last minute) and versions."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"^model name\s*: (.+)$", info.read_text() if info.exists() else "", re.MULTILINE)
    model = models[0] if models else platform.processor()
    return {"processor": model, "cores": cores(), "load": round(os.getloadavg()[0], 1),
            "python": platform.python_version(), **versions()}  # fmt: skip


def table(heads, rows):
    """Markdown; numbers to three digits."""
    cells = [heads, ["---"] * len(heads), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _cell(value):
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def keep(name, data, text, before):
    """Print the table and keep it, the numbers and the machine (`before` the run, and its load after it)."""
    command = " ".join(["python", f"bench/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    there = {**before, "load_after": machine()["load"]}
    KEPT.mkdir(exist_ok=True)
    record = {"command": command, "machine": there, "data": data, "table": text}
    (KEPT / f"{name}.json").write_text(json.dumps(record, indent=1))
    print(f"{text}\n\n{there}")


def read(name):
    """What was kept under a name, or None."""
    path = KEPT / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _section(match):
    kept = read(match[1])
    if kept is None:
        return match[0]
    there = ", ".join(f"{key} {value}" for key, value in kept["machine"].items())
    return f"<!-- {match[1]} -->\n`{kept['command']}`: {there}.\n\n{kept['table']}\n<!-- end -->"


def main():
    """Replace every section of the page that was measured."""
    PAGE.write_text(re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", _section, PAGE.read_text(), flags=re.DOTALL))


if __name__ == "__main__":
    main()
