"""Features that need an optional package say how to install it; all others work without it."""

import json
import subprocess
import sys

import pytest
from store_cases import run_folder, sweep

from saddlescape.errors import MissingExtraError, SaddlescapeError
from saddlescape.plan import Plan
from saddlescape.system.extras import extra

HIDDEN = """
import json, sys
sys.modules.update(dict.fromkeys(sys.argv[2].split()))
import saddlescape as ss
result = ss.open(sys.argv[1])
told = {}
for code in sys.argv[3:]:
    try:
        exec(code)
    except Exception as error:
        told[code] = [type(error).__name__, str(error)]
print(json.dumps(told))
"""

EXPORT = "from pathlib import Path; from saddlescape.results.export import export; export(result, {0!r}, Path({1!r}))"


@pytest.fixture(scope="module")
def hiding(tmp_path_factory):
    """Exceptions of statements about a `result` without these packages, by statement."""
    file = run_folder(Plan(sweep()), tmp_path_factory.mktemp("extras") / "run")

    def hiding(packages, *statements):
        args = [sys.executable, "-c", HIDDEN, file, packages, *statements]
        return json.loads(subprocess.run(args, capture_output=True, text=True, check=True).stdout)

    return hiding


@pytest.mark.parametrize(
    ("package", "extra", "statements"),
    [
        ("matplotlib", "plot", ["from saddlescape import plots", "import saddlescape.plots.curve",
                                "import saddlescape.gallery", "from saddlescape.claims import examine"]),
        ("dask", "dask", ["from saddlescape import cluster"]),
        ("distributed", "dask", ["from saddlescape.runs.cluster import connect"]),
        ("websockets", "explore", ["from saddlescape.explorer import server"]),
        ("xarray", "xarray", ["result.to_xarray()"]),
        ("pandas", "parquet", ["result.to_dataframe()"]),
        ("pyarrow", "parquet", [EXPORT.format("parquet", "never.parquet")]),
    ],
)  # fmt: skip
def test_what_needs_a_package_that_is_missing_names_the_extra(hiding, package, extra, statements):
    told = ["MissingExtraError", f'{package} is needed; install it with: pip install "saddlescape[{extra}]"']
    assert hiding(package, *statements) == dict.fromkeys(statements, told)


def test_without_any_extra_the_rest_serves(hiding, tmp_path):
    statements = [
        "ss.load('xor'); result['outcome']; list(result.tables()); ss.status(result.path.parent)",
        *(EXPORT.format(kind, f"{tmp_path}/it.{kind}") for kind in ("csv", "npz")),
        "from saddlescape import analysis; from saddlescape.results import refine",
        "from saddlescape.runs import from_array, replay, runner",
        f"ss.report(result, '{tmp_path}/it.html')",
    ]
    hidden = "matplotlib dask distributed xarray pandas pyarrow h5netcdf websockets anywidget"
    assert hiding(hidden, *statements) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"it.csv", "it.npz", "it.html"}
    assert "The page has no plot: matplotlib is needed" in (tmp_path / "it.html").read_text()


def test_a_missing_extra_is_caught_as_any_missing_import_and_as_any_of_our_errors():
    for kind in (ImportError, SaddlescapeError):
        with pytest.raises(kind, match=r'pip install "saddlescape\[plot\]"$') as told, extra("plot"):
            import no_such_package  # noqa: F401
        assert isinstance(told.value, MissingExtraError)
        assert told.value.name == "no_such_package"


def test_a_module_of_our_own_that_is_missing_is_no_extra():
    with pytest.raises(ModuleNotFoundError, match=r"saddlescape\.never"), extra("plot"):
        import saddlescape.never  # noqa: F401
