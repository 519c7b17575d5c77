"""The project as a whole: the lock, the import rule, one version, and what a start of the program costs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import saddlescape

ROOT = Path(__file__).parents[1]
LOCK, LOWEST, *OTHERS = (
    (ROOT / name).read_text()
    for name in (
        *("requirements.lock", "requirements-lowest.lock"),
        *("bench/peers.lock", "tests/readers/readers.lock", "tests/cuda/cuda.lock", "tests/browser/browser.lock"),
        *("tests/jupyter/jupyter.lock", "docs/site.lock"),
    )
)
NAMES = ["ours", "lowest", "peers", "readers", "cuda", "browser", "jupyter", "site"]
locks = pytest.mark.parametrize("lock", [LOCK, LOWEST, *OTHERS], ids=NAMES)


def imported_by(code: str) -> set[str]:
    """Top-level packages loaded after `code` in a fresh interpreter."""
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@locks
def test_lock_names_no_index_and_no_host(lock):
    assert not re.search(r"https?:|file:|--(index|extra-index|find-links|trusted)", lock)


@locks
def test_lock_pins_every_requirement_with_a_hash(lock):
    blocks = re.split(r"\n(?=\S)", lock.strip())
    assert len(blocks) > 5
    assert all(re.match(r"[\w.\-\[\]]+==\S+", block) and "--hash=sha256:" in block for block in blocks)


def declared(*extras: str) -> dict[str, str]:
    """Floors of the dependencies in pyproject.toml and of these extras, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = (project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras))
    wanted = [each for group in groups for each in group if not each.startswith("saddlescape[")]
    return dict(re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)(?:;.*)?", each).groups() for each in wanted)


EXTRAS = ("plot", "xarray", "parquet", "dask", "explore", "jupyter", "test")


def test_every_dependency_has_its_floor_and_its_row_in_the_docs():
    text = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| ([\w-]+)(?: \(`\w+`\))? \| ([\d.]+) \|", text, re.MULTILINE)
    assert dict(rows) == declared(*EXTRAS, "cuda", "dev")
    locked = set(re.findall(r"^([\w.\-]+)==", "".join((LOCK, *OTHERS)), re.MULTILINE))
    assert dict(rows).keys() <= locked


def test_the_lowest_lock_pins_every_floor():
    pinned = dict(re.findall(r"^([\w.\-]+)==([\d.]+)", LOWEST, re.MULTILINE))
    assert {name: re.sub(r"(\.0)+$", "", pinned[name]) for name in declared(*EXTRAS)} == declared(*EXTRAS)


def test_rooms_import_only_from_below():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_versions_and_dates_agree():
    citation = dict(re.findall(r"^([\w-]+): (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE))
    version, date = re.search(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE).groups()
    assert saddlescape.__version__ == version == citation["version"]
    assert citation.get("date-released", "not released") == date


@pytest.mark.parametrize("page", ["README.md", "docs/install.md"])
def test_the_wheel_that_pages_install_is_that_of_this_version(page):
    wheels = re.findall(r"saddlescape-\S+\.whl", (ROOT / page).read_text())
    assert wheels == [f"saddlescape-{saddlescape.__version__}-py3-none-any.whl"]


def test_classifiers_name_the_versions_of_python_that_are_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    python = "Programming Language :: Python :: "
    named = [each.removeprefix(python) for each in project["classifiers"] if each.startswith(f"{python}3.")]
    tested = re.search(r"^PYTHONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert named == [project["requires-python"].removeprefix(">="), *tested]
    assert not any(each.startswith("License ::") for each in project["classifiers"]), "license is an SPDX expression"


@pytest.mark.parametrize("wrong", ["test_kernels", "test_kernel.py::test_gd", "no-such.py"])
def test_make_bench_names_the_files_that_there_are(wrong):
    command = ["make", "--no-print-directory", "-o", ".venv/.ready", "bench", f"ONLY={wrong}"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 2
    assert told.stdout.startswith(f"ONLY={wrong}: must be one of test_evaluate.py ")


@pytest.mark.parametrize(
    "code",
    ["import saddlescape", "from saddlescape_cli.main import cli; cli(['--help'], standalone_mode=False)"],
    ids=["import", "help"],
)
def test_a_start_loads_nothing_heavy(code):
    assert not imported_by(code) & {"numba", "numpy", "h5py", "pydantic", "matplotlib", "tqdm"}


def test_a_run_on_the_processor_loads_nothing_for_gpus(tmp_path):
    folder, overrides = str(tmp_path / "run"), ["starts.count=2", "training.steps=2"]
    run = f"ss.run('xor', {folder!r}, overrides={overrides})"
    script = f"import sys, saddlescape as ss\n{run}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {"numba", "saddlescape.kernels.device", "saddlescape.kernels.on_device"} <= loaded
    assert not loaded & {"numba.cuda", "numba_cuda", "saddlescape.kernels.thread", "saddlescape.kernels.ptx"}


def test_the_package_knows_only_its_names():
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        saddlescape.runn  # noqa: B018


def test_no_module_hides_a_name_of_the_package():
    modules = {path.stem for path in Path(saddlescape.__file__).parent.iterdir()}
    assert not modules & set(saddlescape.__all__)
    assert all(callable(getattr(saddlescape, name)) for name in saddlescape.__all__ if name != "__version__")


def test_contributors_read_of_each_command_of_make_and_whether_all_run_it():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`make .*?`) \| (\+?) ?\|(.*)", page, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`make ([\w-]+)`", "".join(row))}
    phony = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert told == set(" ".join(phony).split()) - {"clean"}
    ran = re.findall(r"\b(?:test|lint)\b(?:-[a-z]+)?", (ROOT / ".ci/run").read_text(encoding="utf-8"))
    marked = {name for command, plus, _ in rows if plus for name in re.findall(r"`make ([\w-]+)`", command)}
    assert marked == set(ran)
