"""Keys, starts of one's own and two paths side by side in a real browser; touch, the keyboard and a lost connection."""

import json
import re
import subprocess

import pytest
from playwright.sync_api import expect
from test_explorer import COMMAND, PICTURES, SIZES, Page, address, middle, open_page, page, span  # noqa: F401

ALERT = "[role=alert]"
ALL = (
    "[...document.querySelectorAll('button, input, select, summary, [tabindex]')]"
    ".filter((e) => e.checkVisibility() && !e.disabled)"
)
FOCUSABLE, NUMBER = f"{ALL}.length", f"{ALL}.indexOf(document.activeElement)"
OUTLINED = "parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2"


def field(page, name):  # noqa: F811
    return page.tab.get_by_label(name, exact=True)


def changed(page, generation, act):  # noqa: F811
    act()
    expect(page.root).to_have_attribute("data-generation", str(generation))
    page.done()


def put(page, name, value):  # noqa: F811
    field(page, name).fill(value)
    field(page, name).press("Enter")


def more(page):  # noqa: F811
    page.tab.get_by_text("More keys").click()


def trained(page, act):  # noqa: F811
    """Do something that trains a start; the words of its end."""
    old = page.root.get_attribute("data-path") or "none"
    act()
    expect(page.root).to_have_attribute("data-path", re.compile(f"^(?!{re.escape(old)}$).+"))
    return page.tab.get_by_role("heading", level=2).inner_text()


def press(page, name):  # noqa: F811
    return lambda: page.tab.get_by_role("button", name=name).click()


def zero(page):  # noqa: F811
    return trained(page, press(page, "Train the start of zeros"))


def kick(page):  # noqa: F811
    return trained(page, press(page, "Add a random start"))


def test_fields_have_ranges_words_and_sentences(page):  # noqa: F811
    rate, optimizer, help_ = field(page, "learning rate"), field(page, "optimizer"), page.tab.locator(".help")
    expect(rate).to_have_attribute("min", "0")
    expect(rate).to_have_accessible_description("r, the step size (> 0)")
    expect(field(page, "momentum")).to_have_attribute("max", "1")
    words = optimizer.locator("option").all_inner_texts()
    assert (len(words), words[0], words[-1]) == (18, "gd", "flow")
    expect(help_).to_be_hidden()
    rate.focus()
    expect(help_).to_have_text("r, the step size (> 0)")
    optimizer.focus()
    expect(help_).to_contain_text("momentum: v = momentum v + g")
    page.tab.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    rate.hover()
    expect(help_).to_be_visible()


def test_only_the_keys_that_the_spec_uses_are_shown(page):  # noqa: F811
    more(page)
    expect(field(page, "beta1")).to_have_count(0)
    field(page, "optimizer").focus()
    changed(page, 1, lambda: field(page, "optimizer").select_option("adam"))
    expect(field(page, "beta1")).to_have_value("0.9")
    expect(field(page, "momentum")).to_have_count(0)
    expect(field(page, "optimizer")).to_be_focused()
    field(page, "bias").set_checked(False)
    expect(page.root).to_have_attribute("data-generation", "2")
    expect(field(page, "bias rate")).to_have_count(0)
    page.done()
    page.tab.wait_for_url(re.compile("training.optimizer=adam.*network.bias=false|network.bias=false.*optimizer=adam"))
    changed(page, 3, press(page, "Set all keys as they were opened"))
    expect(field(page, "momentum")).to_have_value("0.7")
    expect(page.tab.get_by_role("button", name="Set all keys")).to_be_hidden()


def test_another_network_keeps_the_view_and_a_link_brings_it_back(page):  # noqa: F811
    page.train(0.3, 0.4)
    view = page.moved(press(page, "Zoom in"))
    place = page.root.get_attribute("data-path")
    changed(page, 1, lambda: put(page, "hidden", "3"))
    assert page.view() == view
    expect(page.tab.get_by_role("heading", level=1)).to_contain_text("(2-3-1)")
    expect(page.tab.get_by_text("do not fit this network")).to_be_visible()
    expect(page.root).to_have_attribute("data-path", place)
    expect(field(page, "across")).to_have_value("12")
    changed(page, 2, lambda: field(page, "activation").select_option("tanh"))
    page.tab.wait_for_url(re.compile("tanh"))
    page.tab.reload()
    expect(page.root).to_have_attribute("data-path", place)
    page.done()
    assert page.view() == view
    expect(field(page, "hidden")).to_have_value("3")
    expect(field(page, "activation")).to_have_value("tanh")


def test_a_refused_word_shows_the_fault_and_the_word_that_holds(page):  # noqa: F811
    field(page, "loss").first.select_option("bce_logits")
    expect(page.tab.locator(ALERT)).to_have_text(re.compile('training.loss: "bce_logits" needs output = "linear"'))
    expect(field(page, "loss").first).to_have_value("half_sse")
    put(page, "momentum", "2")
    expect(page.tab.locator(ALERT)).to_have_text(re.compile("training.momentum: must be at most 1"))
    expect(field(page, "momentum")).to_have_attribute("aria-invalid", "true")
    expect(page.root).to_have_attribute("data-generation", "0")
    changed(page, 1, lambda: put(page, "momentum", "1"))
    expect(page.tab.locator(ALERT)).to_have_text("")


def test_a_zero_start_stays_and_a_kicked_one_leaves(page, tmp_path):  # noqa: F811
    assert zero(page) == "Start: frozen, step 0"
    expect(page.tab.get_by_text("does not lie on the plane")).to_be_visible()
    put(page, "Size of the kick, times a standard normal start", "1")
    assert re.match("Start: (trapped|solved), step ", end := kick(page))
    expect(page.tab.get_by_text("Kicked by 1 times the standard normal start of run 0.")).to_be_visible()
    now = page.tab.locator(".now").inner_text()
    page.tab.get_by_text("Values of the start").click()
    values = [each.input_value() for each in page.tab.locator("input.value").all()]
    assert len(values) == 9
    zero(page)
    for index, value in enumerate(values):
        trained(page, lambda i=index, v=value: (page.tab.locator("input.value").nth(i).fill(v),
                                                page.tab.locator("input.value").nth(i).press("Enter")))  # fmt: skip
    assert page.tab.get_by_role("heading", level=2).inner_text() == end
    assert page.tab.locator(".now").inner_text() == now
    path, name = page.download("Download this start as a spec")
    assert name == "start.toml"
    done = subprocess.run([*COMMAND, "run", path, "-o", tmp_path / "run", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row[end.split()[1].rstrip(",")] == 1
    changed(page, 1, lambda: put(page, "hidden", "3"))
    expect(page.tab.get_by_role("heading", level=2)).to_have_text("Click a start to train it")


def test_a_measure_of_the_path_is_chosen(page):  # noqa: F811
    page.train()
    measure, now = page.tab.get_by_label("Measure of the path"), page.tab.locator(".now")
    assert measure.locator("option").all_inner_texts()[:3] == ["loss", "grad norm", "separation"]
    for name, words in (("separation", r"separation [\d.]+$"), ("layer_norm", r"layer norm [\d.]+ and [\d.]+$")):
        measure.select_option(name)
        expect(now).to_have_text(re.compile(words))
    label = "Euclidean norm of the weights and biases of a layer against the step"
    curve = page.tab.get_by_role("img", name=label)
    drawn = (
        "(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 === 2 && v === 156)"
    )
    assert curve.evaluate(drawn)
    page.train(0.3, 0.4)
    expect(measure).to_have_value("layer_norm")


def test_two_paths_are_compared_and_scrubbed_together(page):  # noqa: F811
    page.train(0.3, 0.4)
    one = page.tab.get_by_role("heading", level=2).inner_text().removeprefix("Start: ")
    press(page, "Keep this path")()
    changed(page, 1, lambda: put(page, "learning rate", "0.5"))
    kept, other = page.tab.locator("figcaption").first, page.tab.locator("figcaption").last
    expect(kept).to_have_text(f"A, kept: {one}; learning rate 3")
    expect(other).to_have_text(re.compile("^B: "))
    expect(page.tab.get_by_role("img", name="Output of the network")).to_have_count(2)
    page.tab.get_by_role("slider").focus()
    page.tab.keyboard.press("Home")
    expect(page.tab.locator(".now")).to_have_text(re.compile("^step 0 of 60"))
    red = "(c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].join()"
    surfaces = page.tab.get_by_role("img", name="Parameters of the network")
    assert surfaces.first.evaluate(red) == surfaces.last.evaluate(red)
    page.tab.keyboard.press("End")
    assert surfaces.first.evaluate(red) != surfaces.last.evaluate(red)
    press(page, "Keep this path")()
    expect(page.tab.get_by_role("img", name="Output of the network")).to_have_count(1)


def fingers(page, *steps):  # noqa: F811
    """Touch the map: for each step the places of all fingers."""
    client = page.context.new_cdp_session(page.tab)
    for kind, places in zip(("touchStart", *["touchMove"] * (len(steps) - 1)), steps, strict=True):
        points = [dict(zip(("x", "y", "id"), (*page.at(*place), id_), strict=True)) for id_, place in enumerate(places)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_fingers_pinch_drag_and_tap(page):  # noqa: F811
    before = page.view()
    apart = [[(0.5 - d, 0.5), (0.5 + d, 0.5)] for d in (0.1, 0.15, 0.2)]
    near = page.moved(lambda: fingers(page, *apart))
    assert span(near) == pytest.approx(span(before) / 2, rel=0.05)
    assert middle(near) == pytest.approx(middle(before), abs=span(before) / 40)
    assert page.root.get_attribute("data-path") is None
    far = page.moved(lambda: fingers(page, *apart[::-1]))
    assert span(far) == pytest.approx(span(before), rel=0.05)
    moved = page.moved(lambda: fingers(page, [(0.5, 0.5)], [(0.4, 0.5)], [(0.25, 0.5)]))
    assert middle(moved) - middle(far) == pytest.approx(span(far) / 4, rel=0.1)
    assert span(moved) == pytest.approx(span(far), rel=0.01)
    trained(page, lambda: fingers(page, [(0.5, 0.5)]))
    assert page.view() == moved


def test_every_control_has_a_name_and_is_reached_by_the_keyboard(page):  # noqa: F811
    page.train()
    for summary in page.tab.locator("summary").all():
        summary.click()
    client = page.context.new_cdp_session(page.tab)
    nodes = client.send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "spinbutton", "textbox", "combobox", "checkbox", "slider", "application", "DisclosureTriangle"}
    controls = [node for node in nodes if not node["ignored"] and node["role"]["value"] in roles]
    assert len(controls) > 45
    assert {node["role"]["value"] for node in controls} >= roles - {"DisclosureTriangle"}
    assert [node for node in controls if not node["name"]["value"].strip()] == []
    names = [(node["role"]["value"], node["name"]["value"]) for node in controls]
    assert len({*names}) >= len(names) - 2  # loss and accuracy are keys of two tables
    enabled = page.tab.evaluate(FOCUSABLE)
    page.tab.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(enabled + 1):
        page.tab.keyboard.press("Tab")
        if (place := page.tab.evaluate(NUMBER)) >= 0:
            reached.add(place)
            assert page.tab.evaluate(OUTLINED), page.tab.evaluate("document.activeElement.outerHTML")
    assert len(reached) == enabled


@pytest.mark.parametrize(("motion", "most"), [("reduce", 9), ("no-preference", 1000)])
def test_play_jumps_where_motion_is_reduced(page, motion, most):  # noqa: F811
    page.tab.emulate_media(reduced_motion=motion)
    page.train(0.05, 0.95)
    last = page.tab.locator(".now").inner_text()
    page.tab.evaluate("""() => {
      window.seen = 0;
      new MutationObserver(() => { window.seen++; }).observe(document.querySelector(".now"), { childList: true });
    }""")
    page.tab.get_by_role("button", name="Play").click()
    expect(page.tab.get_by_role("button", name="Play")).to_have_text("Stop")
    expect(page.tab.get_by_role("button", name="Play")).to_have_text("Play")
    assert page.tab.locator(".now").inner_text() == last
    seen = page.tab.evaluate("window.seen")
    assert 2 <= seen <= most
    assert motion == "reduce" or seen > 9


def test_a_lost_connection_loses_nothing(page):  # noqa: F811
    changed(page, 1, lambda: put(page, "hidden", "3"))
    changed(page, 2, lambda: put(page, "steps", "9"))
    view = page.moved(press(page, "Zoom in"))
    zero(page)
    kick(page)
    path, now = page.root.get_attribute("data-path"), page.tab.locator(".now").inner_text()
    page.tab.evaluate(
        "() => { window.lost = window.kept; window.kept.send('x'.repeat(2 ** 17)); }"
    )  # closed by the server
    expect(page.root).to_have_attribute("data-state", "lost")
    expect(page.tab.get_by_role("status")).to_contain_text("connection is lost")
    page.done()
    assert page.tab.evaluate("window.kept !== window.lost")
    assert page.view() == view
    assert page.root.get_attribute("data-path") == path
    expect(page.tab.locator(".now")).to_have_text(now)
    expect(field(page, "hidden")).to_have_value("3")
    expect(field(page, "steps")).to_have_value("9")
    page.tab.wait_for_url(re.compile("theta="))
    page.tab.reload()
    expect(page.root).to_have_attribute("data-path", path)
    page.done()
    assert page.view() == view
    expect(page.tab.locator(".now")).to_have_text(now)


def test_two_tabs_have_keys_and_starts_of_their_own(open_page):  # noqa: F811
    one, other = open_page(), open_page()
    changed(one, 1, lambda: put(one, "steps", "7"))
    zero(one)
    expect(other.root).to_have_attribute("data-generation", "0")
    expect(field(other, "steps")).to_have_value("60")
    other.train()
    expect(other.tab.locator(".now")).not_to_contain_text("of 7,")
    expect(one.tab.locator(".now")).to_contain_text("of 0,")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_two_paths_and_all_keys_fit_on_the_screen(open_page, size, scheme):  # noqa: F811
    page = open_page(size=SIZES[size], scheme=scheme)  # noqa: F811
    zero(page)
    press(page, "Keep this path")()
    kick(page)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.tab.screenshot(path=PICTURES / f"two-{size}-{scheme}.png")
    for box in (each.bounding_box() for each in page.tab.get_by_role("img", name="Output of the network").all()):
        assert box["width"] >= 150
        assert box["y"] + min(box["width"], box["height"]) <= SIZES[size][1]
    more(page)
    page.tab.screenshot(path=PICTURES / f"keys-{size}-{scheme}.png")
    width, height = SIZES[size]
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    assert page.tab.evaluate("document.documentElement.scrollHeight") <= height
    assert (
        page.tab.evaluate(
            "(() => { const e = document.querySelector('.right'); return e.scrollWidth - e.clientWidth; })()"
        )
        <= 0
    )
