"""What a notebook shows: figures, tables, progress and errors.  The names are those that IPython calls."""

import io
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure
from spec_cases import TINY

import saddlescape as ss
from saddlescape import plots
from saddlescape.errors import CorruptError, Fault, SpecError
from saddlescape.plots.shown import ShownAxes, ShownFigure
from saddlescape.results import outcome_table
from saddlescape.runs import bar
from saddlescape.runs.dispatch import Progress
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> $x$ &lt;'
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def r(tmp_path_factory):
    text = TINY.replace('"tiny"', f"'''{HOSTILE}'''") + '[[axes]]\nkey = "starts.scale"\nvalues = [0, 1]\n'
    with ss.run(parse(text, Path()), tmp_path_factory.mktemp("notebook") / "run", threads=1) as results:
        yield results


def test_a_figure_or_its_axes_show_as_a_picture(r):
    ax, figure = plots.curve(r), plots.plot(r)
    assert isinstance(ax, ShownAxes)
    assert isinstance(figure, ShownFigure)
    assert ax._repr_png_() == ax.figure._repr_png_() == figure._repr_png_()
    assert figure._repr_png_().startswith(PNG)


def test_axes_of_another_figure_are_shown_by_it(r):
    assert not hasattr(plots.curve(r, Figure().add_subplot()), "_repr_png_")
    assert Figure().add_subplot(axes_class=ShownAxes)._repr_png_() is None


class Elements(HTMLParser):
    """The names of all elements, and all text."""

    def __init__(self, html):
        super().__init__()
        self.names, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)

    def handle_data(self, data):
        self.text += data


def test_results_show_a_table_and_a_title_that_can_do_nothing(r):
    html = r._repr_html_()
    found = Elements(html)
    assert set(found.names) == {"div", "b", "br", "table", "thead", "tbody", "tr", "th", "td"}
    assert HOSTILE in found.text
    assert "mathjax_ignore" in html
    assert "scale 2, run 10" in found.text
    assert found.names.count("tr") == 3


def test_a_run_in_progress_and_no_run_show_themselves(r, monkeypatch):
    monkeypatch.setattr(type(r._source), "so_far", (3, 20), raising=False)
    assert "3 of 20 runs so far" in r._repr_html_()
    assert "<table" not in r.isel(run=[])._repr_html_()


def test_the_table_of_outcomes_is_a_list_and_shows_itself(r):
    table = r.outcome_table()
    assert repr(table) == outcome_table.text(table)
    assert [sum(row[o.label] for o in Outcome) for row in table] == [10, 10]
    cells = re.findall(r"<t[hd]>(.*?)</t[hd]>", table._repr_html_())
    assert " ".join(cells).split() == repr(table).split()
    assert "... 60 more" in outcome_table.html(50 * table)
    assert "<td>&lt;b&gt;</td>" in outcome_table.html([{**table[0], "scale": "<b>"}])


def test_the_table_of_a_selection_has_the_axes_that_are_left(r):
    (row,) = r.isel(scale=1).outcome_table()
    (_, whole) = r.outcome_table()
    assert row == {"starts": "all", **{name: n for name, n in whole.items() if name != "scale"}}
    assert [sum(each[o.label] for o in Outcome) for each in r.isel(run=0).outcome_table()] == [1, 1]


def test_a_mistake_is_told_in_its_own_lines():
    assert CorruptError("a.h5: is \x1b[31mdamaged")._render_traceback_() == ["CorruptError: a.h5: is \ufffd[31mdamaged"]
    faults = SpecError([Fault("a.b", "is wrong"), Fault("c", "is missing")])
    assert faults._render_traceback_() == ["SpecError: a.b: is wrong", "c: is missing"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("terminal", "kernel", "progress", "shown"),
    [
        (True, False, None, True), (False, True, None, True), (False, False, None, False),
        (True, True, False, False), (False, False, True, True),
    ],
)  # fmt: skip
def test_a_run_shows_its_progress_to_a_terminal_and_a_notebook(
    terminal, kernel, progress, shown, tmp_path, monkeypatch
):
    shell = SimpleNamespace(kernel=object()) if kernel else SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(bar, "_kind", lambda: bar.tqdm)  # the notebook's needs IPython
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    ss.run(parse(TINY, Path()), tmp_path / "run", threads=1, progress=progress)
    assert ("10.0/10.0" in sys.stderr.getvalue()) == shown


def test_a_function_gets_the_progress_instead_of_a_bar(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    seen = []
    ss.run(parse(TINY, Path()), tmp_path / "run", threads=1, progress=seen.append)
    assert isinstance(seen[-1], Progress)
    assert terminal.getvalue() == ""
