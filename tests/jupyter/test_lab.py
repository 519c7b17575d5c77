"""The explorer's widget in JupyterLab: what a user does, also while a cell is running, and what must never happen."""

import json
import re

import nbformat
import pytest
from conftest import PICTURES, WAIT, notebook, setting
from nbclient import NotebookClient
from nbformat.sign import NotebookNotary
from playwright.sync_api import expect

WAITING = "import pathlib\nwhile not pathlib.Path('{}').exists(): pass"
CELLS = (
    "import saddlescape as ss, threading\nw = ss.explore('xor-slice')\nw", WAITING.format("go"), "w.sweep.text",
    "[thread.name for thread in threading.enumerate()].count('explore')", "w.close()",
)  # fmt: skip
OURS = "[...document.styleSheets].some((s) => [...s.cssRules].some((r) => r.cssText.includes('saddlescape')))"
TEXT = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width / 5, canvas.height);
  return data[data.findIndex((value, at) => at % 4 === 3 && value === 255) - 3];
}"""
"""The red of the first opaque pixel at the left of a picture, where its texts are."""

SHADE = "(element, name) => { element.style.color = `var(${name})`; return getComputedStyle(element).color; }"


class Lab:
    """A notebook in a tab of JupyterLab."""

    def __init__(self, browser, lab, name, cells):
        self.address, self.folder, self.token = lab
        nbformat.write(cells, self.folder / f"{name}.ipynb")
        self.url, self.faults = f"{self.address}/lab/workspaces/{name}/tree/{name}.ipynb?token={self.token}", []
        self.context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
        self.tab = self.context.new_page()
        self.tab.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("request", lambda request: self._check(request.url))
        self.load()

    def _check(self, url):
        if not url.startswith((self.address, self.address.replace("http", "ws"), "blob:", "data:")):
            self.faults.append(f"foreign request: {url}")

    def load(self):
        self.tab.goto(self.url)
        self.is_idle()

    def is_idle(self):
        expect(self.tab.locator("#jp-main-statusbar")).to_contain_text("| Idle")

    def cell(self, number):
        return self.tab.locator(".jp-CodeCell").nth(number)

    def run(self, number):
        self.cell(number).locator(".cm-content").click()
        self.tab.keyboard.press("Control+Enter")

    def value(self, number):
        """The text of the value of a cell that is run now."""
        output = self.cell(number).locator(".jp-OutputArea-output")
        before = output.inner_text() if output.count() else ""
        prompt = self.cell(number).locator(".jp-InputPrompt")
        old = prompt.inner_text()
        self.run(number)
        expect(prompt).not_to_have_text(old)
        self.is_idle()
        return output.inner_text() or before

    def release(self):
        (self.folder / "go").touch()

    def hold(self):
        """Run a cell that goes on until `release`."""
        (self.folder / "go").unlink(missing_ok=True)
        self.run(1)
        expect(self.cell(1).locator(".jp-InputPrompt")).to_have_text("[*]:")

    def choose(self, menu, *items):
        self.tab.locator(".lm-MenuBar-item", has_text=menu).click()
        for item in items:
            self.tab.locator(".lm-Menu-item", has_text=item).first.click()

    def view(self, number=0):
        return View(self, self.tab.locator(".saddlescape-explorer").nth(number))


class View:
    """A view of the widget."""

    def __init__(self, lab, root):
        self.lab, self.tab, self.root, self.map = lab, lab.tab, root, root.locator("canvas.map")

    def done(self):
        expect(self.root).to_have_attribute("data-state", "done")
        return json.loads(self.root.get_attribute("data-view"))

    def moved(self, act):
        old = self.root.get_attribute("data-view")
        act()
        expect(self.root).not_to_have_attribute("data-view", old)
        return json.loads(self.root.get_attribute("data-view"))

    def at(self, right, down):
        self.map.scroll_into_view_if_needed()
        box = self.map.bounding_box()
        return box["x"] + right * box["width"], box["y"] + down * box["height"]

    def color(self, name):
        return self.root.evaluate(f"element => getComputedStyle(element).{name}")


@pytest.fixture(scope="module")
def book(chromium, lab):
    """A notebook whose map is shown, which waited for the next cell, as after *Run All*."""
    book = Lab(chromium, lab, "book", notebook(*CELLS))
    book.run(0)
    book.hold()
    expect(book.tab.locator(".kernel")).to_contain_text("goes on when the kernel is free")
    book.release()
    book.view().done()
    expect(book.tab.locator(".kernel")).to_have_text("")
    yield book
    book.context.close()
    assert book.faults == []


@pytest.fixture
def view(book):
    return book.view()


def test_one_zooms_and_trains_a_start(book, view):
    before = view.done()
    book.tab.mouse.move(*view.at(0.6, 0.4))
    after = view.moved(lambda: book.tab.mouse.wheel(0, -300))
    assert after["k"] < before["k"]
    view.done()
    book.tab.mouse.click(*view.at(0.4, 0.4))
    expect(view.root).to_have_attribute("data-path", re.compile(r"^-?\d+ -?\d+ -?\d+$"))
    PICTURES.mkdir(parents=True, exist_ok=True)
    book.tab.screenshot(path=PICTURES / "light.png")
    n, k = view.done()["n"], view.done()["k"]
    assert f"from = {n[0] * 2.0**k!r}" in book.value(2)


def test_keys_are_the_map_s_and_not_the_notebook_s(book, view):
    cells = book.tab.locator(".jp-Cell").count()
    view.map.focus()
    near = view.moved(lambda: book.tab.keyboard.press("+"))
    assert view.moved(lambda: book.tab.keyboard.press("ArrowDown"))["m"][0] < near["m"][0]
    steps = view.root.get_by_label("steps")
    steps.click()
    book.tab.keyboard.press("Control+a")
    for key in "190":
        book.tab.keyboard.press(key)
    book.tab.keyboard.press("Tab")
    expect(view.root).to_have_attribute("data-generation", "1")
    view.map.focus()
    for key in "axdd":
        book.tab.keyboard.press(key)
    assert book.tab.locator(".jp-Cell").count() == cells
    assert "steps = 190" in book.value(2)


def test_a_map_goes_on_while_a_cell_runs(book, view):
    book.hold()
    view.moved(lambda: view.root.get_by_role("button", name="Zoom in").click())
    view.done()
    expect(book.cell(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    expect(book.tab.locator(".kernel").first).to_have_text("")
    book.release()
    book.is_idle()


def test_another_view_of_a_widget_shows_all_and_moves_alone(book, view):
    first, threads = view.done(), int(book.value(3))
    book.cell(0).locator(".jp-OutputArea-output").first.click(button="right", position={"x": 3, "y": 3})
    book.tab.get_by_text("Create New View for Cell Output").click()
    other = book.view(1)
    other.done()
    other.moved(lambda: other.root.get_by_role("button", name="Zoom in").click())
    other.done()
    assert view.done()["k"] == first["k"]
    assert int(book.value(3)) == 2 * threads > 0
    book.tab.locator(".lm-DockPanel .lm-TabBar-tab.lm-mod-closable", has_text="Output View").locator(
        ".lm-TabBar-tabCloseIcon"
    ).click()
    expect(book.tab.locator(".saddlescape-explorer")).to_have_count(1)
    assert int(book.value(3)) == threads


def test_themes_change_the_map_and_no_styles_cross(book, view):
    assert view.color("backgroundColor") == "rgb(255, 255, 255)"
    weights = view.root.get_by_role("img", name="Parameters").first
    book.tab.mouse.click(*view.at(0.4, 0.4))
    expect(view.root).to_have_attribute("data-path", re.compile("."))
    assert weights.evaluate(TEXT) == 26
    book.choose("Settings", "Theme", "JupyterLab Dark")
    expect(view.root).to_have_css("background-color", "rgb(22, 24, 27)")
    view.map.scroll_into_view_if_needed()
    book.tab.screenshot(path=PICTURES / "dark.png")
    assert view.root.evaluate(SHADE, "--text") == "rgb(232, 232, 232)"
    assert weights.evaluate(TEXT) == 232  # drawn again
    assert not book.tab.evaluate(OURS)
    book.tab.add_style_tag(content="button, h1, canvas { display: none !important }")
    assert view.root.get_by_role("button", name="Zoom in").is_visible()


def test_a_page_that_is_loaded_again_shows_the_same_and_says_when_it_waits(book, view, home):
    """Without subshells, as with older releases and in VS Code, messages of widgets wait for the cell that runs."""
    view.moved(lambda: view.root.get_by_role("button", name="Zoom in").click())
    before = view.done()
    book.choose("File", "Save Notebook")
    setting(home, "kernels-settings", '{"commsOverSubshells": "disabled"}')
    book.load()
    assert view.done() == before
    book.hold()
    line = book.tab.locator(".kernel")
    after = view.moved(lambda: view.root.get_by_role("button", name="Zoom in").click())
    expect(line).to_contain_text("goes on when the kernel is free")
    book.release()
    expect(line).to_have_text("")
    assert view.done() == after


def test_after_a_restart_one_is_told_to_run_the_cell_again(book, view):
    view.done()
    book.choose("Kernel", "Restart Kernel")
    book.tab.get_by_role("button", name="Confirm Kernel Restart").click()
    book.is_idle()
    view.root.get_by_role("button", name="Zoom out").click()
    expect(book.tab.locator(".kernel")).to_contain_text("run the cell again")
    book.run(0)
    expect(book.tab.locator(".kernel")).to_have_text("")
    view.done()


def test_a_notebook_that_was_run_elsewhere_says_what_to_do(chromium, lab):
    cells = notebook(CELLS[0])
    NotebookClient(cells, timeout=WAIT).execute()
    other = Lab(chromium, lab, "other", cells)
    expect(other.cell(0).locator(".jp-OutputArea-output")).to_contain_text("run this cell to see the map")
    NotebookNotary().sign(cells)  # a trusted notebook shows widgets, as far as it has their state
    other.load()
    expect(other.tab.locator(".kernel")).to_contain_text("run the cell again")
    expect(other.view().root).to_have_attribute("data-state", "waiting")
    other.context.close()
    assert other.faults == []
