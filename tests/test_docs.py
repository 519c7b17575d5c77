"""Tests of the examples in the documents: they run and print the output shown."""

import ast
import doctest
import inspect
import re
import shlex
import subprocess
import sys
import textwrap
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import saddlescape
from saddlescape_cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(python|console|toml|csv)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w-]+\.(?:toml|csv))`")


class Page:
    """Run the blocks of a document from top to bottom in an empty folder; `faults` lists the differences."""

    def __init__(self, name):
        self.name, self.names, self.faults, self.run = name, {}, [], 0
        self.text = (DOCS / name).read_text(encoding="utf-8")

    def follow(self):
        for block in BLOCK.finditer(self.text):
            getattr(self, f"_{block[1]}")(block[2], self.text[: block.start()])
            self.run += 1

    def _toml(self, content, before):
        """Write a file with the name mentioned last."""
        Path(NAMED.findall(before)[-1]).write_text(content)

    _csv = _toml

    def _console(self, content, before):
        """Run the commands after ``$``; their output must be the output shown, if any is shown."""
        for command, shown in re.findall(r"^\$ saddlescape (.*)\n((?:(?!\$ ).*\n)*)", content, re.MULTILINE):
            call = [sys.executable, "-m", "saddlescape", *shlex.split(command)]
            done = subprocess.run(call, capture_output=True, text=True)
            if done.returncode or (shown and done.stdout != shown):
                self.faults.append(f"{command}\n{done.stdout}{done.stderr}")

    def _python(self, content, before):
        """Run a doctest; its names are available in the next one."""
        if content.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(content, self.names, self.name, self.name, 0)
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
            runner.run(test, out=self.faults.append, clear_globs=False)
            self.names = test.globs


LEAST = {
    **{"analysis.md": 10, "arrays.md": 8, "gpu.md": 1, "how-to.md": 27, "measures.md": 1, "points.md": 6},
    **{"scaling.md": 3, "traps.md": 5, "tutorial.md": 9, "why-zero.md": 6},
}
"""The least number of blocks that run in each page."""


@pytest.mark.examples
@pytest.mark.parametrize("name", LEAST)
def test_examples_print_the_output_shown(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Page(name)
    page.follow()
    assert page.run >= LEAST[name]
    assert not page.faults, "\n".join(page.faults)


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")]), ids=lambda page: page.name)
def test_targets_of_links_exist(page):
    targets = re.findall(r"\]\((?!\w+:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize(
    "page", sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")]), ids=lambda page: page.name
)
def test_named_source_files_exist(page):
    named = set(re.findall(r"\b[\w/]+\.py\b", page.read_text(encoding="utf-8")))
    rooms = ("engine", "cli", "tests", "bench", "docs")
    paths = [path.as_posix() for room in rooms for path in (ROOT / room).rglob("*.py")]
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in paths)] == []


def test_modules_of_the_architecture_are_in_their_packages():
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)/`.*? \| (.*) \|$", page, re.MULTILINE)
    engine = ROOT / "engine/saddlescape"
    there = {row[0]: {path.stem for path in (engine / row[0]).iterdir()} for row in rows}
    named = {(row[0], name) for row in rows for name in re.findall(r"`(\w+)/?`", row[1])}
    assert len(rows) > 9
    assert [(package, name) for package, name in named if name not in there[package]] == []


def test_commands_with_a_device_are_those_of_the_page():
    told = re.search(r"^(.*) have `--device`; in Python, (.*)\n", (DOCS / "gpu.md").read_text(), re.MULTILINE)
    commands = {name: getattr(import_module(f"saddlescape_cli.{name}"), name) for name in COMMANDS}
    able = {name for name, command in commands.items() if "device" in {option.name for option in command.params}}
    assert set(re.findall(r"`(\w+)`", told[1])) == able
    public = {name: getattr(saddlescape, name) for name in saddlescape.__all__ if callable(getattr(saddlescape, name))}
    able = {name for name, own in public.items() if "device" in inspect.signature(own).parameters}
    assert set(re.findall(r"`(\w+)`", told[2])) == able


def test_every_page_is_in_the_navigation_of_the_site():
    pages = set(re.findall(r"docs/([\w-]+)[>\"]", (DOCS / "site/conf.py").read_text(encoding="utf-8")))
    assert {path.stem for path in DOCS.glob("*.md")} <= pages


REFERENCE = {page.read_text(encoding="utf-8").partition("\n")[0]: page for page in (DOCS / "reference").glob("*.rst")}
"""Pages of the reference, by title: a page on a module has its name."""
PUBLIC = {title for title in REFERENCE if title.startswith("saddlescape") and hasattr(import_module(title), "__all__")}


def documents(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def documented_data(module):
    """Names that a module assigns and documents: a string follows."""
    body = ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body
    told = [one for one, then in pairwise(body) if documents(then)]
    return {ast.unparse(one).partition(" ")[0].rstrip(":") for one in told}


@pytest.mark.parametrize("title", sorted(PUBLIC))
def test_every_public_name_has_an_entry_in_the_reference(title):
    """As the site demands, which another lane makes."""
    module, names = import_module(title), set(import_module(title).__all__) - {"__version__"}
    told = {name for name in names if callable(getattr(module, name)) and inspect.getdoc(getattr(module, name))}
    data = re.findall(r"py:data:: (\w+)", REFERENCE[title].read_text(encoding="utf-8"))
    assert names - told - documented_data(module) - set(data) == set()


def functions(module):
    """The public functions of a module, and the public methods of its classes, by name."""
    for name in module.__all__:
        own = getattr(module, name)
        if inspect.isfunction(own):
            yield name, own
        elif inspect.isclass(own):
            methods = inspect.getmembers(own, inspect.isroutine)
            yield from ((f"{name}.{each}", one) for each, one in methods if own_method(each, one))


def own_method(name, method):
    return not name.startswith("_") and getattr(method, "__module__", "").startswith("saddlescape")


COMMON = re.findall(r"``(\w+)``(?:, |$)", (DOCS / "reference/index.rst").read_text(encoding="utf-8"), re.MULTILINE)
"""Arguments that mean the same everywhere, which the index of the reference describes."""


def described(owner):
    """Names that a docstring describes, as `name` or as an entry."""
    doc = inspect.getdoc(owner)
    told = [*re.findall(r"`+([^`]+)`+", doc), *re.findall(r"^([*\w, ]+) : ", doc, re.MULTILINE), *COMMON]
    return set(re.findall(r"\w+", " ".join(told)))


@pytest.mark.parametrize("title", sorted(PUBLIC))
def test_every_parameter_of_a_public_function_is_described(title):
    for name, function in functions(import_module(title)):
        parameters = set(inspect.signature(function).parameters) - {"self", "cls"}
        assert parameters - described(function) == set(), name


@pytest.mark.parametrize("title", sorted(PUBLIC))
def test_the_errors_that_a_public_function_raises_are_in_its_docstring(title):
    for name, function in functions(import_module(title)):
        own = getattr(inspect.unwrap(function), "__func__", inspect.unwrap(function))
        body = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(own))))
        raised = {ast.unparse(each.exc).partition("(")[0] for each in body if isinstance(each, ast.Raise) and each.exc}
        kinds = {kind for kind in raised if kind.endswith("Error")}
        assert [kind for kind in kinds if kind not in inspect.getdoc(function)] == [], name


@pytest.mark.parametrize("title", sorted(PUBLIC))
def test_every_attribute_of_public_data_is_described(title):
    """Those of a spec, which pydantic makes, are its keys."""
    for own in (getattr(import_module(title), name) for name in import_module(title).__all__):
        if names := inspect.isclass(own) and [*getattr(own, "__dataclass_fields__", ()), *getattr(own, "_fields", ())]:
            body = ast.parse(inspect.getsource(own)).body[0].body
            told = {ast.unparse(one).partition(":")[0] for one, then in pairwise(body) if documents(then)}
            assert {name for name in names if name[0] != "_"} - told - described(own) == set(), own


@pytest.mark.parametrize("title", sorted(PUBLIC))
def test_public_functions_that_take_a_path_take_text(title):
    functions = [getattr(import_module(title), name) for name in import_module(title).__all__]
    signatures = {each.__name__: inspect.signature(each) for each in functions if inspect.isfunction(each)}
    kinds = [(name, str(one.annotation)) for name, own in signatures.items() for one in own.parameters.values()]
    assert [name for name, kind in kinds if "Path" in kind and not re.search(r"\bstr\b", kind)] == []
