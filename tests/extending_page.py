"""The walks of docs/extending.md: changes as diffs without line numbers, and tests with what they say."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREE = (
    *("engine", "cli", "tests", "docs", "data", "bench"),
    *("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
)
BLOCK = re.compile(r"^```(diff|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WALK = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
PASSES = "passes"


def walks(page):
    """Blocks (kind, text) of each section with a diff, by the title of the section."""
    sections = {title: BLOCK.findall(text) for title, text in WALK.findall(page)}
    return {title: blocks for title, blocks in sections.items() if any(kind == "diff" for kind, _ in blocks)}


def copy_tree(folder):
    """Copy the tree, without machine code."""
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "pictures", ".*"))
        else:
            shutil.copy(source, folder / name)


def apply(diff, folder):
    """Apply a diff; lines that are kept or removed must be in the file exactly once, one after the other."""
    for name, body in re.findall(r"^--- (\S+)\n((?:(?!--- ).*\n)*)", diff, re.MULTILINE):
        path = folder / name
        for piece in re.split(r"^@@.*\n", body, flags=re.MULTILINE):
            lines = piece.splitlines(keepends=True)
            if not lines:
                continue
            before = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
            after = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
            text = path.read_text(encoding="utf-8")
            assert text.count(before) == 1, f"{name} has these lines {text.count(before)} times:\n{before}"
            path.write_text(text.replace(before, after), encoding="utf-8")


def commands(block):
    """(command, what it says) of each line; ``passes`` if the command succeeds, or nothing is said of it."""
    for line in block.splitlines():
        command, _, told = line.partition("  # ")
        yield shlex.split(command), told.strip() or PASSES


def run(command, folder):
    """Run pytest or a script of the copy in this environment; return its exit code and what it prints."""
    program = ["-m", "pytest", "-p", "no:cacheprovider", "-n0", "-q", "--tb=short"] if command[0] == "pytest" else []
    own = {"PYTHONPATH": os.pathsep.join(str(folder / name) for name in ("engine", "cli")), "NUMBA_CACHE_DIR": ""}
    done = subprocess.run(
        [sys.executable, *program, *command[1:]], cwd=folder, capture_output=True, text=True, env={**os.environ, **own}
    )
    return done.returncode, done.stdout + done.stderr


def follow(blocks, folder):
    """Do what the blocks say; return what went otherwise."""
    otherwise = []
    for kind, text in blocks:
        if kind == "diff":
            apply(text, folder)
            continue
        for command, told in commands(text):
            code, said = run(command, folder)
            if (code == 0) != (told == PASSES) or (code and told not in said):
                otherwise.append(f"{' '.join(command)}: exit code {code}, not {told!r}\n{said[-3000:]}")
    return otherwise
