"""The explorer's widget without a notebook: what its comm carries, to and from any number of views."""

import contextvars
import re
import subprocess
import sys
import threading
from pathlib import Path

import comm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_explore_lattice import SPECS, rerun
from test_explore_session import FAULTS, JSON, VIEW, Page, is_done, unpacked

import saddlescape as ss
from saddlescape.explorer import page, widget
from saddlescape.spec import parse
from saddlescape.system.arguments import ArgumentError

SMALL = {**VIEW, "n": [-9, 10], "m": [-5, 10]}
OF = contextvars.ContextVar("of", default="no message")
"""Set where a message comes in; what is sent from there has its value."""


class Wire(comm.base_comm.BaseComm):
    """A comm whose other end is a list of what was sent, by view."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        content = data and data.get("content")
        if content:
            page = self.pages.setdefault(content["view"], Page())
            page.send({"type": "heard", **(content["message"] or {}), "of": OF.get()}, *(buffers or [b""]))

    def say(self, content, of="a message"):
        """What the front end sends."""
        context = contextvars.copy_context()
        context.run(OF.set, of)
        context.run(self.handle_msg, {"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


class Cell:
    """A widget that is shown, and its views."""

    def __init__(self, source):
        self.widget = ss.explore(source)
        self.wire = self.widget.comm
        self.wire.pages = {}

    def say(self, view, message, **options):
        self.wire.say({"view": view, "message": message}, **options)
        return self.wire.pages.get(view)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "explore"]


@pytest.fixture
def show(monkeypatch, caplog):
    """Show a widget; when it is closed, no thread is left, and nothing was logged, as an error in it would be."""
    monkeypatch.setattr(comm, "create_comm", Wire)
    shown = []

    def show(source=None):
        shown.append(Cell(parse(SPECS["momentum"], Path()) if source is None else source))
        return shown[-1]

    yield show
    for cell in shown:
        cell.widget.close()
    assert not threads()
    assert not caplog.records


def test_a_view_gets_the_runs_of_the_sweep_that_the_widget_names(show):
    cell = show()
    assert (cell.widget.sweep, cell.widget.start) == (None, None)
    page = cell.say("one", {"type": "open"})
    assert [header["type"] for header, _ in page.heard] == ["heard", "spec"]
    cell.say("one", SMALL)
    page.until(is_done)
    sweep = cell.widget.sweep
    assert (sweep.spec.starts.x.n, sweep.spec.starts.y.n) == (20, 16)
    tiles = {place: values for message in page.of("tiles") for place, values in unpacked(*message).items()}
    for variable, values in rerun(sweep.text).items():
        shown = [[tiles[-3, n // 8, m // 8][variable][n % 8, m % 8] for m in range(-5, 11)] for n in range(-9, 11)]
        assert np.array(shown).tobytes() == values.astype(np.array(shown).dtype).tobytes(), variable
    cell.say("one", {"type": "start", "k": -3, "n": 16, "m": 24})
    page.until(lambda header: header["type"] == "path")
    ((header, payload),) = page.of("path")
    assert cell.widget.start.tobytes() == payload[16 * header["records"] :][: 9 * 8]


def test_each_view_has_a_session_that_ends_with_it(show):
    cell = show()
    one = cell.say("one", {"type": "open"})
    each = len(threads())
    other = cell.say("other", {"type": "open"})
    cell.say("one", {"type": "keys", "steps": 9})
    cell.say("other", SMALL)
    other.until(is_done)
    assert one.of("spec")[-1][0]["generation"] == 1
    assert not one.of("tiles")
    assert cell.widget.sweep.spec.steps == 120
    assert len(threads()) == 2 * each > 0
    cell.say("other", {"type": "close"})
    assert len(threads()) == each
    cell.widget.close()
    assert not threads()
    cell.widget.close()


def test_a_view_too_many_takes_the_session_of_another_which_gets_a_new_one(show):
    cell = show()
    cell.say("0", {"type": "open"})
    most = widget.SESSIONS * len(threads())
    for number in range(1, widget.SESSIONS + 1):
        cell.say(str(number), {"type": "open"})
    assert len(threads()) == most
    first = cell.say("0", SMALL)
    assert [header["generation"] for header, _ in first.of("spec")] == [0, 0]
    assert len(threads()) == most


def test_answers_belong_to_the_latest_message(show):
    cell = show()
    page = cell.say("one", {"type": "open"}, of="opening")
    cell.say("one", SMALL, of="viewing")
    page.until(is_done)
    assert [header["of"] for header, _ in page.of("spec")] == ["opening"]
    assert {header["of"] for header, _ in page.of("tiles")} == {"viewing"}


@pytest.mark.parametrize("message", FAULTS, ids=repr)
def test_a_message_that_no_view_sends_gets_one_line(show, message):
    cell = show()
    cell.say("one", {"type": "open"})
    page = cell.say("one", message)
    ((fault, _),) = page.of("fault")
    assert len(fault["message"]) <= 200


def test_a_widget_survives_any_message(show):
    cell = show()

    @settings(max_examples=60)
    @given(JSON | st.fixed_dictionaries({"view": JSON, "message": JSON}))
    def say(content):
        cell.wire.say(content)

    say()
    for view in ("", "v" * (widget.NAME + 1), 3, None):
        cell.wire.say({"view": view, "message": {"type": "open"}})
    assert {"", "v" * (widget.NAME + 1)}.isdisjoint(cell.wire.pages)
    cell.say("one", {"type": "open"})
    cell.say("one", SMALL).until(is_done)


def test_what_run_accepts_can_be_explored(show, tmp_path):
    (tmp_path / "mine.toml").write_text(SPECS["drawn"])
    r = ss.run(tmp_path / "mine.toml", tmp_path / "run", threads=1)
    sources = ["xor-slice", tmp_path / "mine.toml", str(tmp_path / "mine.toml"), ss.load("xor"), r, tmp_path / "run"]
    for source in sources:
        assert show(source).say("one", {"type": "open"}).of("spec")
    r.close()
    assert ss.explore(overrides=["training.steps=7"])._document.spec.steps == 7
    with pytest.raises(ArgumentError, match="loaded already"):
        ss.explore(ss.load("xor"), overrides=["training.steps=7"])
    with pytest.raises(ss.errors.SpecError, match="no bundled sweep"):
        ss.explore("xor-slyce")
    with pytest.raises(ArgumentError, match="got int 3"):
        ss.explore(3)


def test_a_widget_without_a_notebook_shows_a_line(show):
    assert repr(show().widget) == "<saddlescape explorer 'tiny': run this cell to see the map>"


def test_the_module_is_one_file_with_its_styles():
    module = widget.module()
    assert not re.search(r"^import ", module, re.MULTILINE)
    assert re.findall(r"^export default.*", module, re.MULTILINE) == ["export default { render };"]
    for name in ("explore.css", "widget.css"):
        assert page.text(name).splitlines()[0] in module
    assert "innerHTML" not in module


CODE = """import sys, saddlescape as ss
print(callable(ss.explore), 'anywidget' in sys.modules)
sys.modules['anywidget'] = None
ss.explore()"""


def test_without_anywidget_the_function_is_there_until_it_is_called():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.stdout == "True False\n"
    assert done.stderr.endswith('anywidget is needed; install it with: pip install "saddlescape[jupyter]"\n')
