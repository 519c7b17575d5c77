"""What a prompt offers: names that are not loaded yet, variables of results, and help that serves."""

import inspect
import rlcompleter
import subprocess
import sys
from pathlib import Path

import pytest
from spec_cases import TINY

import saddlescape as ss
from saddlescape.spec import parse

FUNCTIONS = [name for name in ss.__all__ if name != "__version__"]


@pytest.fixture(scope="module")
def r(tmp_path_factory):
    with ss.open(ss.run(parse(TINY, Path()), tmp_path_factory.mktemp("completion") / "run", threads=1)) as results:
        yield results


def offered(text, **names):
    completer, found = rlcompleter.Completer(names), []
    while (match := completer.complete(text, len(found))) is not None:
        found.append(match)
    return found


def test_the_package_offers_its_names():
    assert set(dir(ss)) >= {*FUNCTIONS, "__version__", "analysis", "plots"}
    assert not {name for name in dir(ss) if not name.startswith("_")} - {*FUNCTIONS, "analysis", "plots"}
    assert offered("ss.re", ss=ss) == ["ss.replay(", "ss.report("]


def test_what_is_offered_is_there_and_looking_loads_nothing():
    code = "import saddlescape as ss, sys; dir(ss); print({'numpy', 'matplotlib', 'numba'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert ss.plots.__name__ == "saddlescape.plots"
    assert ss.analysis.__name__ == "saddlescape.analysis"


def test_without_matplotlib_help_serves_and_plots_names_the_extra():
    code = "import sys; sys.modules['matplotlib'] = None; import saddlescape as ss; help(ss); ss.plots"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "AttributeError: saddlescape.plots: matplotlib is needed; install it with" in done.stderr
    assert all(f"\n    {name}(" in done.stdout for name in FUNCTIONS)
    assert "\n    run_starts : train from" in done.stdout


def test_results_offer_their_variables(r):
    assert offered("r.final", r=r) == [f"r.{name}" for name in sorted(r) if name.startswith("final")]
    assert set(dir(r)) >= {*r, "final_loss"}
    assert {"sel", "isel", "find"} <= set(dir(r))
    assert r._ipython_key_completions_() == list(r)


def test_looking_for_a_name_reads_nothing(r, monkeypatch):
    monkeypatch.setattr(type(r), "read", lambda *_: pytest.fail("was read"))
    assert "outcome" in r
    assert "outcomes" not in r


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_has_the_sections_and_every_parameter(name):
    function = getattr(ss, name)
    text = inspect.getdoc(function)
    for section in ("Parameters", "Returns", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    told = text.partition("Parameters\n---")[2].partition("Returns\n---")[0]
    heads = " ".join(line.partition(" : ")[0] for line in told.splitlines() if " : " in line)
    assert set(inspect.signature(function).parameters) <= set(heads.replace("*", "").replace(",", " ").split())
