"""Pages in one file, opened from the disk by a browser without a network."""

import json
import math
import re
import subprocess

import pytest
import test_explorer
from playwright.sync_api import expect
from test_explorer import COMMAND, PICTURES, SIZES, address  # noqa: F401

HOSTILE = "</script><img src=x onerror=alert(1)>"
SLICE = f"""schema = 1
title = "{HOSTILE}"
[problem]
name = "xor"
[starts]
kind = "slice"
base = [0.7, 0.4, -0.9, -0.9, -0.5, 0, -0.3, 0.9, 0]
x = {{ index = 8, from = -10, to = 9.9, n = 200 }}
y = {{ index = 5, from = -10, to = 9.9, n = 200 }}
[training]
learning_rate = 3.0
momentum = 0.7
steps = 200
[stop]
solved = 0.5
[record]
runs = 0
"""
SCALE = """schema = 1
[problem]
name = "xor"
[starts]
count = 20
[training]
steps = 200
[[axes]]
key = "starts.scale"
values = [0, 1.0]
"""
PIXEL = "(c, [x, y]) => Array.from(c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data)"
OURS = "willReadFrequently"
"""In the advice that reading pixels gives, which only this test does."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The page of each result, and what is in the result, by name."""
    folder = tmp_path_factory.mktemp("files")
    made = {}
    for name, text in {"slice": SLICE, "scale": SCALE}.items():
        (folder / f"{name}.toml").write_text(text)
        for command in (["run", f"{name}.toml", "-o", name], ["report", name, "-o", f"{name}.html"]):
            subprocess.run([*COMMAND, *command], cwd=folder, check=True, capture_output=True)
        subprocess.run([*COMMAND, "export", name, "-o", f"{name}.csv"], cwd=folder, check=True, capture_output=True)
        made[name] = folder / f"{name}.html"
    return made


class Page:
    """A page of a file in a tab of its own, without a network."""

    def __init__(self, browser, path, size=SIZES["small"], scheme="light"):
        viewport = dict(zip(("width", "height"), size, strict=True))
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True, accept_downloads=True)
        self.tab, self.faults = self.context.new_page(), []
        self.tab.on("console", lambda message: OURS in message.text or self.faults.append(message.text))
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.tab.on("request", lambda request: self._check(request.url, path.as_uri()))
        self.tab.goto(path.as_uri())
        self.root, self.map = self.tab.locator(".saddlescape-explorer"), self.tab.locator("canvas.map")
        expect(self.root).to_have_attribute("data-path", re.compile("."))

    def _check(self, url, own):
        if not url.startswith((own, "blob:", "data:")):
            self.faults.append(f"request: {url}")

    def at(self, right, down):
        box = self.map.bounding_box()
        return box["x"] + right * box["width"], box["y"] + down * box["height"]

    def view(self):
        return json.loads(self.root.get_attribute("data-view"))

    def hovered(self, right=0.5, down=0.5):
        self.tab.mouse.move(*self.at(right, down))
        return self.tab.locator(".hover").text_content()

    def wide(self):
        low, high = self.view()["n"]
        return high - low


@pytest.fixture
def open_file(chromium, files):
    pages = []

    def open_file(name, **options):
        pages.append(Page(chromium, files[name], **options))
        return pages[-1]

    yield open_file
    for page in pages:
        page.context.close()
        assert page.faults == []


def cells(path):
    """The rows of an exported result by the values of its slice."""
    head, *rows = [line.split(",") for line in path.with_suffix(".csv").read_text().splitlines()]
    all_rows = [dict(zip(head, row, strict=True)) for row in rows]
    return {(float(row["x"]), float(row["y"])): row for row in all_rows}


HOVER = re.compile(r"(\w+), step (\d+), loss ([\d.e-]+); b2\[0\] = (-?[\d.]+), b1\[1\] = (-?[\d.]+)")


def test_pointing_at_a_cell_tells_its_run(open_file, files):
    page, runs = open_file("slice"), cells(files["slice"])
    page.map.scroll_into_view_if_needed()
    seen = set()
    for right, down in ((0.5, 0.5), (0.2, 0.2), (0.6, 0.4), (0.9, 0.9)):
        outcome, step, loss, x, y = HOVER.fullmatch(page.hovered(right, down)).groups()
        run = runs[min(runs, key=lambda place: abs(place[0] - float(x)) + abs(place[1] - float(y)))]
        solved = run["outcome"] == "solved"
        assert (outcome, step) == (run["outcome"], run["solve_step" if solved else "stop_step"])
        assert abs(float(loss) / float(run["final_loss"]) - 1) < 0.01
        seen.add(outcome)
    assert len(seen) > 1


def test_the_shares_of_the_whole_map_are_those_of_the_result(open_file, files):
    page, runs = open_file("slice"), cells(files["slice"])
    solved = sum(run["outcome"] == "solved" for run in runs.values())
    share = round(100 * solved / len(runs))
    expect(page.tab.get_by_role("listitem").filter(has_text=f"solved {share} % (step")).to_be_visible()
    expect(page.tab.locator(".status")).to_have_text("40,000 runs")


def test_the_wheel_and_keys_zoom_and_home_comes_back(open_file):
    page = open_file("slice")
    page.map.scroll_into_view_if_needed()
    whole, old = page.wide(), page.root.get_attribute("data-view")
    page.tab.mouse.move(*page.at(0.3, 0.3))
    page.tab.mouse.wheel(0, -600)
    expect(page.root).not_to_have_attribute("data-view", old)
    wheeled = page.wide()
    assert wheeled < whole
    page.map.press("+")
    assert page.wide() < wheeled
    page.tab.get_by_role("button", name="Show the whole map").click()
    assert page.wide() == whole
    box = [page.at(0.4, 0.4), page.at(0.6, 0.6)]
    page.tab.keyboard.down("Shift")
    page.tab.mouse.move(*box[0])
    page.tab.mouse.down()
    page.tab.mouse.move(*box[1])
    page.tab.mouse.up()
    assert page.wide() < whole / 2
    page.tab.get_by_role("button", name="Back to the last view").click()
    assert page.wide() == whole


def test_a_watched_start_is_chosen_by_its_button_and_by_its_ring(open_file):
    page = open_file("slice")
    buttons = page.tab.locator(".watched button")
    assert {text.split(",")[0] for text in buttons.all_text_contents()} == {"plateau", "trapped", "solved"}
    for number in range(buttons.count()):
        label = buttons.nth(number).text_content()
        buttons.nth(number).click()
        expect(page.tab.get_by_role("heading", level=2, name="Start: " + label.split(":")[0])).to_be_visible()
        expect(buttons.nth(number)).to_have_attribute("aria-pressed", "true")
    page.map.scroll_into_view_if_needed()
    page.tab.mouse.click(*page.at(0.99, 0.01))
    expect(page.tab.get_by_role("alert")).to_have_text(re.compile("not among those in this file"))


def test_a_path_is_scrubbed_and_played(open_file):
    page = open_file("scale")
    slider, now = page.tab.get_by_role("slider"), page.tab.locator(".now")
    page.tab.locator(".watched button").last.click()
    last = now.text_content()
    slider.fill("0")
    expect(now).to_have_text(re.compile(r"^step 0 of \d+, loss"))
    page.tab.get_by_role("button", name="Play the path").click()
    expect(now).to_have_text(last)
    expect(page.map).to_be_hidden()


def test_titles_are_text(open_file):
    page = open_file("slice")
    expect(page.tab.get_by_role("heading", level=1).first).to_have_text(HOSTILE)
    assert page.tab.title() == HOSTILE
    assert page.tab.locator("img").count() == 0


def test_the_policy_stops_other_scripts(open_file):
    page = open_file("scale")
    page.tab.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert page.tab.evaluate("window.ran") is None
    assert "Content Security Policy" in page.faults.pop()


@pytest.mark.parametrize(("size", "scheme"), [("small", "light"), ("large", "dark")])
def test_pictures_of_pages(open_file, size, scheme):
    """For the eyes; the text must not be wider than the page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in ("slice", "scale"):
        page = open_file(name, size=SIZES[size], scheme=scheme)
        assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.tab.screenshot(path=PICTURES / f"report-{name}-{size}-{scheme}.png", full_page=True)


@pytest.fixture
def explorer(chromium, address):  # noqa: F811
    shown = test_explorer.Page(chromium, address)
    yield shown
    shown.context.close()
    assert shown.faults == []


def test_the_explorer_takes_its_view_home_as_a_page(explorer, chromium, tmp_path):
    explorer.moved(lambda: explorer.map.press("+"))
    explorer.train(0.3, 0.6)
    explorer.tab.mouse.move(*explorer.at(0.4, 0.4))
    told, view = explorer.tab.locator(".hover").text_content(), explorer.view()
    file, name = explorer.download("Download this view as a page")
    assert name == "view.html"
    (tmp_path / name).write_bytes(file.read_bytes())
    page = Page(chromium, tmp_path / name)
    expect(page.root).to_have_attribute("data-path", explorer.root.get_attribute("data-path"))
    starts = math.prod(high - low + 1 for low, high in (view["n"], view["m"]))
    expect(page.tab.locator(".status")).to_have_text(f"{starts:,} of {starts:,} starts of this view were trained")
    expect(page.tab.locator(".now")).to_have_text(explorer.tab.locator(".now").text_content())
    place = re.search("; (.*)", told)[1]
    assert page.tab.locator(".watched button").count() == 1
    assert [name for name in re.findall(r"(\S+) =", page.hovered(0.4, 0.4))] == re.findall(r"(\S+) =", place)
    page.tab.screenshot(path=PICTURES / "view.png", full_page=True)
    page.context.close()
    assert page.faults == []


def test_the_explorer_takes_its_view_home_as_a_result(explorer, tmp_path):
    file, name = explorer.download("Run this view and download the result")
    assert name == "view.h5"
    (tmp_path / name).write_bytes(file.read_bytes())
    verified = subprocess.run([*COMMAND, "verify", name], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert verified.stdout == "view.h5 is intact\n"
    said = subprocess.run([*COMMAND, "info", name], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    (n, m) = (high - low + 1 for low, high in (explorer.view()["n"], explorer.view()["m"]))
    assert f"dimensions: x {n}, y {m}, run 1" in said
    expect(explorer.tab.get_by_role("button", name="Make this file no longer")).to_be_hidden()
