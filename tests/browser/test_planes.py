"""Planes of the explorer in a browser: numbers of the spec as axes, points that runs are trained for, results."""

import json
import re
import signal
import subprocess
import tomllib
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect
from test_explorer import COMMAND, PICTURES, PIXEL, Page

DRAWN = """schema = 1
title = "drawn"
[problem]
name = "xor"
[starts]
kind = "normal"
count = 6
seed = 3
[training]
learning_rate = 2.0
momentum = 0.7
steps = 60
[[axes]]
key = "network.activation"
values = ["logistic", "tanh"]
"""
LONG = DRAWN.replace("steps = 60", "steps = 1000000000").replace("2.0", "1e-9")
BOTH = ("across", "up")


@contextmanager
def served(folder, *source):
    call = [*COMMAND, "explore", *source, "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(call, cwd=folder, **pipes, text=True) as process:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors.strip()) == (130, "", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planes")
    (folder / "drawn.toml").write_text(DRAWN)
    (folder / "long.toml").write_text(LONG)
    run = [*COMMAND, "run", "drawn.toml", "-o", "result", "--set", "training.steps=50"]
    subprocess.run(run, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with served(folder, "result") as address:
        yield address


@pytest.fixture
def page(chromium, address):
    page = Page(chromium, address, size=(800, 480))
    yield page
    page.context.close()
    assert page.faults == []


def choose(page, **options):
    """Choose options of the fields, one after the other; each makes another plane."""
    for name, option in options.items():
        generation = int(page.root.get_attribute("data-generation"))
        page.tab.get_by_label(name, exact=True).select_option(option)
        expect(page.root).to_have_attribute("data-generation", str(generation + 1))
    page.done()


def put(page, name, value):
    field = page.tab.get_by_label(name, exact=True)
    generation = int(page.root.get_attribute("data-generation"))
    field.fill(str(value))
    field.press("Enter")
    expect(page.root).to_have_attribute("data-generation", str(generation + 1))
    page.done()


def fields(page, *names):
    return [page.tab.get_by_label(name, exact=True).input_value() for name in names]


def seen(page, *names):
    """What a permalink brings back; the height of the map depends on the texts below it."""
    view = page.view()
    return view["k"], view["n"], sum(view["m"]), fields(page, *names), page.root.get_attribute("data-path")


def test_two_numbers_are_axes_and_the_view_is_run_again(page, tmp_path):
    choose(page, across="starts.scale, logarithmic")
    assert fields(page, *BOTH, "through") == ["log:starts.scale", "log:training.learning_rate", "run"]
    put(page, "run", 2)
    where = re.compile(r"across: starts\.scale from 0\.0\d+ to \d+.*; up: training\.learning_rate from")
    expect(page.tab.locator(".place")).to_contain_text(where)
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    page.tab.mouse.move(*page.at(0.6, 0.4))
    told = page.tab.locator(".hover").inner_text()
    numbers = r"starts\.scale = [\d.e-]+, training\.learning_rate = [\d.e-]+"
    assert re.fullmatch(rf"(solved|trapped|plateau), step \d+, loss .*; {numbers}", told)
    page.train(0.6, 0.4)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.tab.screenshot(path=PICTURES / "numbers.png")
    path, _ = page.download("Download this view as a spec")
    axes = tomllib.loads(path.read_text())["axes"]
    assert [axis["key"] for axis in axes] == ["starts.scale", "training.learning_rate"]
    view = page.view()
    assert [len(axis["values"]) for axis in axes] == [high - low + 1 for low, high in (view["n"], view["m"])]
    done = subprocess.run([*COMMAND, "run", path, "-o", tmp_path / "run", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"]


def test_the_address_brings_back_a_plane_of_numbers_and_its_start(page):
    choose(page, up="training.layer_rates.1", across="training.layer_rates.0, logarithmic", through="the end of a run")
    put(page, "run", 3)
    put(page, "point", 1)
    expect(page.tab.locator(".values")).to_have_text('network.activation = "tanh"')
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom in").click())
    page.train(0.3, 0.4)
    page.tab.wait_for_url(re.compile(r"at=1&start=-?\d+_-?\d+_-?\d+$"))
    page.tab.wait_for_timeout(600)
    names = (*BOTH, "through", "run", "point")
    before = seen(page, *names)
    assert before[3] == ["log:training.layer_rates.0", "training.layer_rates.1", "end", "3", "1"]
    page.tab.reload()
    expect(page.root).to_have_attribute("data-path", before[-1])
    page.done()
    assert seen(page, *names) == before


def test_what_does_not_go_together_is_replaced_or_left_out(page):
    choose(page, up="training.momentum")
    choose(page, across="starts.scale")
    choose(page, up="training.momentum, logarithmic")
    choose(page, across="training.momentum")  # the same number: they change places
    assert fields(page, *BOTH) == ["training.momentum", "starts.scale"]
    choose(page, across="w1[0,1]")  # no start has a scale and a parameter
    assert fields(page, *BOTH) == ["1", "0"]


def test_starts_whose_numbers_do_not_exist_are_blank(page):
    choose(page, up="training.momentum")
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom out").click())
    page.moved(lambda: page.tab.get_by_role("button", name="Zoom out").click())
    grays = [page.map.evaluate(PIXEL, [0.5, down])[:3] == [236] * 3 for down in (0.02, 0.5, 0.98)]
    assert grays == [True, False, True]


def base_of(page):
    path, _ = page.download("Download this view as a spec")
    return tomllib.loads(path.read_text())["starts"]["base"]


def test_the_map_goes_through_the_marked_start_its_end_and_a_solution(page):
    page.tab.get_by_label("through", exact=True).select_option("the marked start")
    expect(page.tab.locator("[role=alert]")).to_have_text("Click a start first.")
    page.train(0.3, 0.4)
    choose(page, through="the marked start")
    before = base_of(page)
    page.train(0.3, 0.4)
    choose(page, through="the end of the marked start")
    assert fields(page, "through") == ["own"]
    base = base_of(page)
    assert all(one != other for one, other in zip(before[2:], base[2:], strict=True))  # all are trained
    page.tab.wait_for_url(re.compile(rf"through={re.escape(str(base[0]))}_"))
    page.tab.reload()
    page.done()
    assert base_of(page) == base
    put(page, "point", 1)  # where a run is solved
    choose(page, through="a solution")
    assert fields(page, "through") == ["solution"]


def test_a_long_search_is_told_and_canceled_while_the_map_goes_on(chromium, folder):
    with served(folder, "long.toml") as address:
        page = Page(chromium, address, size=(800, 480), done=False)
        expect(page.root).to_have_attribute("data-generation", "0")
        page.tab.get_by_label("through", exact=True).select_option("a solution")
        finding = page.tab.locator(".finding")
        expect(finding).to_contain_text("Looking for a run that is solved")
        finding.get_by_role("button", name="Keep the present plane").click()
        expect(finding).to_have_text("")
        expect(page.tab.get_by_label("through", exact=True)).to_have_value("run")
        page.context.close()
        assert page.faults == []
