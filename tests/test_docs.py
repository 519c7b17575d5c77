"""The code of the documents runs, and prints what they say it prints."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
LEAST = {"analysis.md": 11, "measures.md": 3}
"""Examples on each page, at least."""


@pytest.mark.parametrize("name", LEAST)
def test_examples_print_what_the_page_shows(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(>>> .*?)^```$", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL)
    page = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, name, name, 0)
    assert len(page.examples) >= LEAST[name]
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(page, out=report.append)
    assert not report, "".join(report)
