"""The explorer in a real browser, with its content security policy: what a user does, and what must never happen."""

import json
import re
import signal
import struct
import subprocess
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
COMMAND = [ROOT / ".venv/bin/saddlescape"]
PICTURES = ROOT / "build/browser"
HOSTILE = "<img src=x onerror=alert(1)></h1>"
SPEC = f"""schema = 1
title = "{HOSTILE}"
[problem]
name = "xor"
[starts]
kind = "slice"
base = [0.7, 0.4, -0.9, -0.9, -0.5, 0, -0.3, 0.9, 0]
x = {{ index = 8, from = -10, to = 10, n = 9 }}
y = {{ index = 5, from = -10, to = 10, n = 9 }}
[training]
learning_rate = 3.0
momentum = 0.7
steps = 60
[stop]
solved = 0.5
"""
COLORS = {"plateau": [0x60, 0x60, 0x60], "trapped": [0xD5, 0x5E, 0x00]}
PIXEL = "(c, [x, y]) => Array.from(c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data)"
OURS = "willReadFrequently"
"""In the advice that reading pixels gives, which only this test does."""

KEEP = """window.WebSocket = class extends WebSocket {
  constructor(...all) {
    super(...all);
    window.kept = this;
  }
};"""
"""A test closes the connection of its page."""

SIZES = {"small": (1024, 768), "large": (1920, 1080)}

expect.set_options(timeout=60000)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explorer")
    (folder / "mine.toml").write_text(SPEC)
    call = [*COMMAND, "explore", "mine.toml", "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(call, cwd=folder, **pipes, text=True) as process:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (130, "", "")


class Page:
    """The page of the explorer in a tab of its own."""

    def __init__(self, browser, address, size=SIZES["small"], scheme="light", done=True):
        self.context = browser.new_context(
            viewport=dict(zip(("width", "height"), size, strict=True)), color_scheme=scheme, accept_downloads=True
        )
        self.tab, self.faults = self.context.new_page(), []
        origin = address.partition("/#")[0]
        self.tab.on("console", lambda message: OURS in message.text or self.faults.append(message.text))
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.tab.on("request", lambda request: self._check(request.url, (origin, "blob:", "data:")))
        self.tab.add_init_script(KEEP)
        self.tab.goto(address)
        self.root, self.map = self.tab.locator(".saddlescape-explorer"), self.tab.locator("canvas.map")
        if done:
            self.done()

    def _check(self, url, known):
        if not url.startswith(known):
            self.faults.append(f"foreign request: {url}")

    def done(self):
        expect(self.root).to_have_attribute("data-state", "done")

    def view(self):
        return json.loads(self.root.get_attribute("data-view"))

    def moved(self, act):
        """Do something that changes the view; the new one, when all of it is there."""
        old = self.root.get_attribute("data-view")
        act()
        expect(self.root).not_to_have_attribute("data-view", old)
        self.tab.wait_for_timeout(50)
        self.done()
        return self.view()

    def at(self, right, down):
        box = self.map.bounding_box()
        return box["x"] + right * box["width"], box["y"] + down * box["height"]

    def train(self, right=0.5, down=0.5):
        old = self.root.get_attribute("data-path") or "none"
        self.tab.mouse.click(*self.at(right, down))
        expect(self.root).to_have_attribute("data-path", re.compile(f"^(?!{old}$).+"))

    def download(self, name):
        with self.tab.expect_download() as told:
            self.tab.get_by_role("button", name=name).click()
        return Path(told.value.path()), told.value.suggested_filename


@pytest.fixture
def open_page(chromium, address):
    pages = []

    def open_page(**options):
        pages.append(Page(chromium, address, **options))
        return pages[-1]

    yield open_page
    for page in pages:
        page.context.close()
        assert page.faults == []


@pytest.fixture
def page(open_page):
    return open_page()


def span(view, side="n"):
    low, high = view[side]
    return (high - low) * 2.0 ** view["k"]


def middle(view, side="n"):
    return sum(view[side]) / 2 * 2.0 ** view["k"]


def test_a_title_is_text(page):
    expect(page.tab.get_by_role("heading", level=1)).to_have_text(f"{HOSTILE} (2-2-1)")
    assert page.tab.locator("img").count() == 0


def test_the_token_leaves_the_address_and_a_reload_keeps_the_session(page, address):
    place, _, token = address.partition("#")
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    page.tab.wait_for_url(f"{place}#x=*")
    assert token not in page.tab.url
    page.tab.reload()
    page.done()
    assert token not in page.tab.url


def test_a_reload_at_once_keeps_the_view(page):
    """Before the address is changed, which waits a little."""
    first, view = page.view(), page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    page.tab.reload()
    page.done()
    assert page.view() == view != first


def changed_in_all(page):
    """Change all that a permalink holds; what the page shows then, and its address."""
    page.tab.get_by_label("through", exact=True).select_option("a run")
    expect(page.root).to_have_attribute("data-generation", "1")
    page.tab.get_by_label("across", exact=True).select_option("w1[0,1]")
    expect(page.root).to_have_attribute("data-generation", "2")
    page.tab.get_by_label("steps").fill("21")
    page.tab.get_by_label("steps").press("Enter")
    expect(page.root).to_have_attribute("data-generation", "3")
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    page.train(0.3, 0.4)
    page.tab.wait_for_url(re.compile(r"steps=21&start=-?\d+_-?\d+_-?\d+$"))
    page.tab.wait_for_timeout(600)
    return shown(page), page.tab.url


def shown(page):
    """What a permalink holds."""
    labels = ("across", "up", "through", "run", "learning rate", "steps")
    fields = [page.tab.get_by_label(name, exact=True).input_value() for name in labels]
    return page.view(), fields, page.root.get_attribute("data-path")


def test_the_address_brings_back_what_a_page_showed(page, address):
    before, link = changed_in_all(page)

    def waits():
        expect(page.root).to_have_attribute("data-path", before[2])

    page.tab.reload()
    waits()
    page.done()
    assert shown(page) == before
    page.tab.goto("about:blank")
    page.tab.go_back()
    waits()
    page.done()
    assert shown(page) == before
    page.tab.get_by_label("through", exact=True).select_option("zero")
    page.tab.wait_for_url(re.compile("through=zero"))
    page.tab.evaluate("link => { location.href = link; }", link)
    waits()
    page.done()
    assert shown(page) == before
    page.tab.evaluate("token => { location.hash = token; }", address.partition("#")[2])
    page.tab.wait_for_url(link)


def test_a_link_is_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    page.tab.get_by_role("button", name="Copy a link to this view").click()
    expect(page.tab.get_by_role("status")).to_have_text("The link is copied.")
    copied = page.tab.evaluate("navigator.clipboard.readText()")
    assert copied == page.tab.url
    assert "pixel=" in copied


@pytest.mark.parametrize(
    ("place", "fault"),
    [("x=1e999&y=a&pixel=-1&start=1_2&across=-1&up=b&through=1.5&steps=-3", ""),
     ("across=99&up=5&x=3&y=3&pixel=1", "99"),
     ("through=81&learning_rate=3", "0 to 80"), ("across=5&up=5", "must differ"), ("<img/src=x>=%ff%00&x", "")],
)  # fmt: skip
def test_a_link_to_what_does_not_exist_shows_the_first_view(page, place, fault):
    first = page.view()
    page.tab.evaluate("place => { history.replaceState(null, '', `#${place}`); }", place)
    page.tab.reload()
    page.done()
    expect(page.tab.locator("[role=alert]")).to_have_text(re.compile(f".*{fault}.*" if fault else "^$"))
    view = page.view()
    assert (view["k"], middle(view), middle(view, "m")) == (first["k"], middle(first), middle(first, "m"))


def test_without_the_token_there_is_nothing(chromium, address):
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto(address.partition("#")[0])
    expect(tab.locator(".saddlescape-explorer")).to_have_attribute("data-state", "lost")
    expect(tab.get_by_role("status")).to_contain_text("connection is lost")
    context.close()


def test_the_wheel_zooms_about_the_pointer(page):
    before = page.view()
    page.tab.mouse.move(*page.at(0.75, 0.25))
    after = page.moved(lambda: page.tab.mouse.wheel(0, -300))
    assert span(after) == pytest.approx(span(before) * 0.55, rel=0.05)
    x = middle(before) + span(before) / 4
    assert middle(after) + span(after) / 4 == pytest.approx(x, abs=span(before) / 50)
    assert middle(after, "m") > middle(before, "m")


def test_a_drag_moves_and_a_box_zooms(page):
    before = page.view()

    def drag(start, end):
        page.tab.mouse.move(*page.at(*start))
        page.tab.mouse.down()
        page.tab.mouse.move(*page.at(*end), steps=4)
        page.tab.mouse.up()

    after = page.moved(lambda: drag((0.5, 0.5), (0.25, 0.5)))
    assert middle(after) - middle(before) == pytest.approx(span(before) / 4, rel=0.05)
    page.tab.keyboard.down("Shift")
    boxed = page.moved(lambda: drag((0.5, 0.5), (0.75, 0.75)))
    page.tab.keyboard.up("Shift")
    assert span(boxed) == pytest.approx(span(before) / 4, rel=0.05)
    assert middle(boxed, "m") < middle(after, "m")


def test_the_keys_do_all_that_the_mouse_does(page):
    page.map.focus()
    first = page.view()
    press = page.tab.keyboard.press
    right = page.moved(lambda: press("ArrowRight"))
    assert middle(right) > middle(first)
    up = page.moved(lambda: press("ArrowUp"))
    assert middle(up, "m") > middle(right, "m")
    near = page.moved(lambda: press("+"))
    assert span(near) == pytest.approx(span(first) / 2, rel=0.05)
    assert span(page.moved(lambda: press("-"))) == pytest.approx(span(first), rel=0.05)
    assert page.moved(lambda: press("Home")) == first
    page.tab.wait_for_timeout(600)  # the movements before were one
    page.moved(lambda: press("+"))
    assert page.moved(lambda: press("Backspace")) == first
    press("Enter")
    expect(page.root).to_have_attribute("data-path", re.compile(r"^-?\d+ -?\d+ -?\d+$"))


def test_all_controls_have_names_and_are_reached_by_the_keyboard(page):
    for name in ("Back to the last view", "Show the whole plane", "Zoom in", "Zoom out", "Download this view as a spec",
                 "Download this view as a picture", "Copy a link to this view",
                 "Play the path of the start"):  # fmt: skip
        expect(page.tab.get_by_role("button", name=name)).to_be_visible()
    expect(page.tab.get_by_role("application", name="Map of outcomes")).to_be_visible()
    expect(page.tab.get_by_role("slider", name="Record of the path")).to_be_visible()
    expect(page.tab.get_by_label("learning rate")).to_have_value("3")
    reached = set()
    focused = (
        "(() => { const e = document.activeElement; return e.getAttribute('aria-label') ?? e.getAttribute('name'); })()"
    )
    for _ in range(27):
        page.tab.keyboard.press("Tab")
        reached.add(page.tab.evaluate(focused))
    assert {
        "Back to the last view",
        "learning rate",
        "across",
        "up",
        "through",
        "Record of the path",
    } <= reached


def test_the_name_of_a_button_has_the_text_that_is_seen(page):
    buttons = [(each.inner_text(), each.get_attribute("aria-label")) for each in page.tab.get_by_role("button").all()]
    assert {"Home", "Kick", "PNG"} <= {text for text, _ in buttons}
    assert not [name for text, name in buttons if re.match(r"\w", text) and text.lower() not in name.lower()]


def test_what_is_pointed_at_is_told_and_has_its_color(page):
    seen = set()
    for down in (0.03, 0.5, 0.97):
        for right in (0.02, 0.3, 0.97):
            x, y = page.at(right, down)
            page.tab.mouse.move(x, y)
            name = page.tab.locator(".hover").inner_text().partition(",")[0]
            seen.add(name)
            pixel = page.map.evaluate(PIXEL, [right, down])
            if name in COLORS:
                assert pixel[:3] == COLORS[name]
            else:
                assert name == "solved"
                assert pixel[:3] not in COLORS.values()
    assert {"trapped", "solved"} <= seen


def test_a_start_is_trained_scrubbed_and_played(page):
    page.train()
    slider, now = page.tab.get_by_role("slider"), page.tab.locator(".now")
    last = now.inner_text()
    assert re.match(r"step (\d+) of \1, loss ", last)
    slider.focus()
    page.tab.keyboard.press("Home")
    expect(now).to_have_text(re.compile(r"^step 0 of \d+, loss "))
    page.tab.get_by_role("button", name="Play").click()
    expect(now).to_have_text(last)


def test_the_axes_and_the_point_of_the_plane_are_chosen(page, tmp_path):
    across, up, through = (page.tab.get_by_label(name, exact=True) for name in ("across", "up", "through"))
    place, hover = page.tab.locator(".place"), page.tab.locator(".hover")

    def planed(generation, act):
        act()
        expect(page.root).to_have_attribute("data-generation", str(generation))
        page.done()

    page.train()
    planed(1, lambda: across.select_option("w1[0,1]"))
    expect(place).to_contain_text(re.compile(r"across: w1\[0,1\] from -2.* up: b1\[1\] from -10"))
    expect(page.tab.get_by_role("heading", level=2)).to_have_text("Click a start to train it")
    planed(2, lambda: up.select_option("w1[0,1]"))  # is across already: they change places
    expect(place).to_contain_text(re.compile(r"across: b1\[1\] from .* up: w1\[0,1\] from "))
    planed(3, lambda: through.select_option("zero"))
    page.tab.mouse.move(*page.at(0.5, 0.5))
    expect(hover).to_contain_text(re.compile(r"b1\[1\] = \S+, w1\[0,1\] = "))
    page.train()
    page.tab.get_by_role("slider").focus()
    page.tab.keyboard.press("Home")
    path, _ = page.download("Download this view as a spec")
    starts = tomllib.loads(path.read_text())["starts"]
    assert (set(starts["base"]), starts["x"]["index"], starts["y"]["index"]) == ({0}, 5, 1)
    planed(4, lambda: through.select_option("a run"))
    run = page.tab.get_by_label("run", exact=True)
    expect(run).to_have_value("0")
    run.fill("80")
    planed(5, lambda: run.press("Enter"))
    expect(page.tab.get_by_label("run", exact=True)).to_be_focused()
    path, _ = page.download("Download this view as a spec")
    base = tomllib.loads(path.read_text())["starts"]["base"]
    assert base == [0.7, 0.4, -0.9, -0.9, -0.5, 10, -0.3, 0.9, 10]
    run.fill("81")
    run.press("Enter")
    expect(page.tab.locator("[role=alert]")).to_contain_text("must be a run from 0 to 80; got 81")


def test_a_new_session_gets_the_plane_and_the_keys(page):
    page.tab.get_by_label("through", exact=True).select_option("zero")
    expect(page.root).to_have_attribute("data-generation", "1")
    page.tab.get_by_label("steps").fill("7")
    page.tab.get_by_label("steps").press("Enter")
    expect(page.root).to_have_attribute("data-generation", "2")
    view = page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    page.tab.evaluate("window.kept.close()")
    page.tab.wait_for_timeout(800)
    page.done()
    assert page.view() == view
    expect(page.tab.get_by_label("through", exact=True)).to_have_value("zero")
    expect(page.tab.get_by_label("steps")).to_have_value("7")


SEGMENT = "async ([w, b, ends]) => (await import('/explore.js')).segment(w.map(Number), Number(b), ends)"
BOX = [[-1, 2], [0, 4]]
SEGMENTS = {
    "upright": (["2", "0"], "-1", [[0.5, 0], [0.5, 4]]),
    "level": (["0", "-3"], "3", [[-1, 1], [2, 1]]),
    "rising": (["1", "-1"], "1", [[-1, 0], [2, 3]]),
    "falling and cut at both sides": (["1", "1"], "-5", [[1, 4], [2, 3]]),
    "steep": (["4", "1"], "-4", [[1, 0], [0, 4]]),
    "outside": (["1", "0"], "-3", None),
    "outside and oblique": (["1", "1"], "9", None),
    "of zero weights": (["0", "0"], "0", None),
    "of a unit that is on everywhere": (["0", "0"], "1", None),
    "diverged": (["Infinity", "1"], "0", None),
    "not a number": (["1", "NaN"], "0", None),
    "of largest numbers": (["1e308", "-1e308"], "1e308", [[-1, 0], [2, 3]]),
    "of least numbers": (["1e-320", "-1e-320"], "1e-320", [[-1, 0], [2, 3]]),
}


@pytest.mark.parametrize("line", SEGMENTS)
def test_the_line_of_a_unit_is_where_its_pre_activation_is_zero(page, line):
    weights, bias, expected = SEGMENTS[line]
    found = page.tab.evaluate(SEGMENT, [weights, bias, BOX])
    assert found == (expected and [pytest.approx(point, abs=1e-9) for point in expected])


def test_the_lines_of_the_hidden_units_are_drawn_and_follow_the_slider(page):
    page.train()
    page.tab.get_by_role("slider").focus()
    page.tab.keyboard.press("Home")
    expect(page.root).to_have_attribute("data-lines", "0 1")
    (low, high), size = (-0.25, 1.25), "(c) => Math.min(c.clientWidth, c.clientHeight - 18)"
    surface = page.tab.get_by_role("img", name="Output of the network")
    side, box = surface.evaluate(size), surface.evaluate("(c) => [c.clientWidth, c.clientHeight]")

    def pixel(u, v):
        right, up = ((value - low) / (high - low) * side for value in (u, v))
        return surface.evaluate(PIXEL, [right / box[0], (side - up) / box[1]])[:3]

    assert pixel(0.2, 0.5) != [0, 0, 0]
    assert pixel(0.9, (0.7 * 0.9 - 0.9) / -0.4) == [0, 0, 0]


def test_keys_change_what_is_trained_but_not_the_view(page):
    view = page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    steps, alert = page.tab.get_by_label("steps"), page.tab.locator("[role=alert]")
    steps.fill("7")
    steps.press("Enter")
    expect(page.root).to_have_attribute("data-generation", "1")
    page.done()
    assert page.view() == view
    page.train()
    expect(page.tab.locator(".now")).to_contain_text("of 7,")
    rate = page.tab.get_by_label("learning rate")
    rate.fill("-1")
    rate.press("Enter")
    expect(alert).to_contain_text("learning_rate")
    rate.fill("2")
    rate.press("Enter")
    expect(page.root).to_have_attribute("data-generation", "2")
    expect(alert).to_have_text("")


def test_a_view_is_downloaded_and_run_again(page, tmp_path):
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    path, name = page.download("Download this view as a spec")
    assert name == "view.toml"
    starts = tomllib.loads(path.read_text())["starts"]
    view = page.view()
    assert starts["x"]["n"] == view["n"][1] - view["n"][0] + 1
    done = subprocess.run([*COMMAND, "run", path, "-o", tmp_path / "run", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    legend = page.tab.locator(".legend").inner_text()
    share = 100 * row["trapped"] / (starts["x"]["n"] * starts["y"]["n"])
    assert float(re.search(r"trapped ([\d.]+) %", legend)[1]) == pytest.approx(share, abs=0.5)


def test_a_view_is_downloaded_as_a_picture(page):
    path, name = page.download("Download this view as a picture")
    content, box = path.read_bytes(), page.map.bounding_box()
    assert (name, content[:8]) == ("view.png", b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (round(box["width"]), round(box["height"]))


def test_two_tabs_have_views_of_their_own(open_page):
    one, other = open_page(), open_page()
    before = other.view()
    one.moved(lambda: one.tab.get_by_role("button", name="Zoom in").click())
    assert other.view() == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_everything_fits_on_the_screen(open_page, size, scheme):
    page = open_page(size=SIZES[size], scheme=scheme)
    page.train(0.35, 0.35)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.tab.screenshot(path=PICTURES / f"{size}-{scheme}.png")
    width, height = SIZES[size]
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    assert page.tab.evaluate("document.documentElement.scrollHeight") <= height
    dark = page.root.evaluate("element => getComputedStyle(element).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")
