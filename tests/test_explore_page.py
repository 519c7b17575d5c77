"""The modules of the page, joined to one script."""

import re
from importlib.resources import files

import pytest

from saddlescape.explorer import page

FILES = {
    each.name.removesuffix(".js")
    for each in (files("saddlescape.explorer") / "page").iterdir()
    if each.name.endswith(".js")
}
HOSTS = {"file", "socket", "widget"}
NAMES = re.compile(r"^(?:export )?(?:const|class|function) (?:\[([^\]]+)\]|(\w+))", re.M)
IMPORTS = re.compile(r'^import \{ (.+) \} from "\./(\w+)\.js";$', re.M)


def names(text):
    """The names that a module declares."""
    return [name.strip() for listed, one in NAMES.findall(text) for name in (listed or one).split(",")]


def test_each_module_is_in_the_script_once():
    assert sorted(page.MODULES) == sorted(FILES - HOSTS)


@pytest.mark.parametrize("host", [[], ["widget"]])
def test_no_two_modules_declare_the_same_name(host):
    declared = [name for module in [*page.MODULES, *host] for name in names(page.text(f"{module}.js"))]
    assert len(declared) > 40
    assert len(declared) == len(set(declared))


@pytest.mark.parametrize("module", page.MODULES)
def test_a_module_imports_what_an_earlier_one_exports_and_uses_it(module):
    text = page.text(f"{module}.js")
    assert len(IMPORTS.findall(text)) == text.count("import ")
    for listed, other in IMPORTS.findall(text):
        assert page.MODULES.index(other) < page.MODULES.index(module)
        for name in listed.split(", "):
            assert re.search(rf"^export (const|class|function) {name}\b", page.text(f"{other}.js"), re.M)
            assert len(re.findall(rf"\b{name}\b", text)) > 1


def test_the_script_imports_nothing():
    assert not re.search(r"\bimport\b", page.script())
    assert page.script().count("export default") == 1
