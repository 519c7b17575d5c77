"""The page about a result: what it embeds and says is compared with the result, and its script is the only one."""

import base64
import hashlib
import json
import math
import re
import shutil
import zlib
from html.parser import HTMLParser
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from spec_cases import DRAWN, TINY
from test_committed import begun

import saddlescape as ss
from saddlescape.errors import CorruptError, RefusedError, SpecError
from saddlescape.explorer import cells, report, standalone, watched
from saddlescape.explorer.recorded import harmless
from saddlescape.plan import Plan
from saddlescape.spec import parse
from saddlescape.system.arguments import ArgumentError
from saddlescape.words.outcomes import Outcome
from saddlescape_cli.main import cli

HOSTILE = "</title></script><!--<script>alert(1)</script><img src=x onerror=alert(2)>&amp;\u202e'\""
SLICE = TINY.replace(
    DRAWN,
    'kind = "slice"\nbase = [0.7, 0.4, -0.9, -0.9, -0.5, 0, -0.3, 0.9, 0]\n'
    "x = { index = 8, from = -9, to = 9, n = 19 }\ny = { index = 5, from = -9, to = 9, n = 11 }\n",
).replace("learning_rate = 0.5\nsteps = 20", "learning_rate = 3.0\nmomentum = 0.7\nsteps = 60\n[stop]\nsolved = 0.5")
AXES = """[[axes]]
key = "starts.scale"
values = [0.01, 1.0, 4.0]
[[axes]]
key = "training.learning_rate"
values = [0.5, 5.0]
"""
WIDTHS = '[[axes]]\nkey = "network.hidden"\nvalues = [[2], [3]]\n'


class Page(HTMLParser):
    """The elements and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts, self.text = [], [], {}, text
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    @property
    def words(self):
        """The text between the elements, without scripts and styles."""
        shown = re.sub(r"<(script|style|svg).*?</\1>", "", self.text, flags=re.DOTALL)
        lines = HTMLText(shown)
        return re.sub(r"\s+", " ", "".join(lines.said))

    @property
    def embedded(self):
        return json.loads(next(text for text in self.texts["script"] if text.startswith("{")))

    @property
    def table(self):
        rows = re.findall(r"<tr>(.*?)</tr>", self.text)
        return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in rows]


class HTMLText(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.said = []
        self.feed(text)

    def handle_data(self, data):
        self.said.append(data)


def payload(told):
    return zlib.decompress(base64.b64decode(told["payload"]))


def tiles(embedded, more=()):
    """The cells of the map, as arrays over both axes, from its tiles."""
    (told,) = embedded["tiles"]
    places, content = np.array(told["tiles"]), payload(told)
    whole, at = {}, 0
    for name, kind in (("loss", "f8"), ("clock", "f8"), ("outcome", "i1"), *more):
        values = np.frombuffer(content, kind, 64 * len(places), at).reshape(-1, 8, 8)
        at += values.nbytes
        array = whole[name] = np.empty(8 * (places.max(axis=0) + 1), kind)
        for (i, j), tile in zip(places, values, strict=True):
            array[8 * i : 8 * i + 8, 8 * j : 8 * j + 8] = tile
    assert at == len(content)
    return whole


def path(told, parameters):
    """The arrays of a watched run."""
    content, records, grid, at, arrays = payload(told), told["records"], told["grid"], 0, []
    for kind, shape in (
        ("f8", (records,)), ("f8", (records,)), ("f8", (records, parameters)), ("f4", (records, grid, grid)),
    ):  # fmt: skip
        arrays.append(np.frombuffer(content, kind, math.prod(shape), at).reshape(shape))
        at += arrays[-1].nbytes
    assert at + 8 * records * sum(columns for _, _, columns in told["measures"]) == len(content)
    return arrays


def ran(folder, text, *overrides):
    return ss.run(parse(text, Path(), overrides), folder, progress=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    texts = {"slice": SLICE, "scale": TINY + AXES[: AXES.rindex("[[axes]]")], "axes": TINY + AXES}
    return {name: ran(folder / name, text) for name, text in texts.items()}


@pytest.fixture(scope="module")
def pages(runs):
    return {name: Page(report.html_of(result)) for name, result in runs.items()}


def test_the_map_of_a_slice_has_every_run_to_the_bit(runs, pages):
    result, embedded = runs["slice"], pages["slice"].embedded
    found = tiles(embedded)
    solve, stop = result["solve_step"], result["stop_step"]
    expected = {"outcome": result["outcome"], "clock": np.where(solve >= 0, solve, stop), "loss": result["final_loss"]}
    for name, values in expected.items():
        assert np.array_equal(found[name][:19, :11], values[..., 0])
        assert (found[name][19:] == -1).all()
        assert (found[name][:, 11:] == -1).all()
    assert embedded["spec"]["grid"]["values"] == {"x": result.coords["x"].tolist(), "y": result.coords["y"].tolist()}
    assert embedded["spec"]["grid"]["names"] == {"x": "b2[0]", "y": "b1[1]"}
    assert embedded["spec"]["ends"] == {"x": [-0.5, 18.5], "y": [-0.5, 10.5]}
    assert embedded["done"] == "209 runs"


@pytest.mark.parametrize("name", ["slice", "scale", "axes"])
def test_each_outcome_has_runs_to_watch_that_begin_and_end_as_in_the_result(runs, pages, name):
    result, told = runs[name], pages[name].embedded["paths"]
    outcomes = [each["outcome"] for each in told]
    assert set(outcomes) == set(np.unique(result["outcome"]))
    assert max(outcomes.count(code) for code in outcomes) <= watched.EACH
    assert f"{len(told)} runs can be watched" in pages[name].words
    for each in told:
        clock, loss, theta, surface = path(each, 9)
        ends = zip(("outcome", "stop_step", "final_loss"), (each["outcome"], clock[-1], loss[-1]), strict=True)
        found = np.argwhere(np.all([result[name] == value for name, value in ends], axis=0))
        starts = [start_of(result, index) for index in found.tolist()]
        (index,) = [index for index, start in zip(found, starts, strict=True) if np.array_equal(start, theta[0])]
        assert each["label"].startswith(f"{Outcome(each['outcome']).label}, step {clock[-1]:g}: ")
        if name == "slice":
            assert (each["n"], each["m"]) == tuple(index[:2])
        outputs = ss.outputs(result.sweep.spec, theta, corners(pages[name].embedded["spec"]))
        assert np.allclose(surface[:, [0, 0, -1, -1], [0, -1, 0, -1]], outputs[..., 0], rtol=2**-8, atol=0)


def start_of(result, index):
    axes = len(result.sweep.shape)
    number = index[-1] if len(index) == axes + 1 else int(np.ravel_multi_index(index[axes:-1], (19, 11)))
    return ss.start(result.sweep, index[:axes], number)


def corners(spec):
    """The corners of the surface, the first input fastest."""
    first, second = spec["samples"]["ends"]
    return [[x, y] for y in second for x in first]


def test_a_cell_of_several_runs_has_the_most_frequent_outcome_and_medians(runs, pages):
    result, embedded = runs["axes"], pages["axes"].embedded
    found = tiles(embedded, [("count", "i4")])
    assert embedded["spec"]["grid"]["runs"] == 10
    for i, j in np.ndindex(3, 2):
        codes, stop = result["outcome"][i, j], result["stop_step"][i, j]
        counts = np.bincount(codes, minlength=len(Outcome)).tolist()
        code = counts.index(max(counts))
        clock = np.where(result["solve_step"][i, j] >= 0, result["solve_step"][i, j], stop)
        medians = [np.median(values[codes == code]) for values in (clock, result["final_loss"][i, j])]
        assert [found[name][i, j] for name in ("outcome", "count", "clock", "loss")] == [code, max(counts), *medians]
    assert "A cell of 10 runs shows their most frequent outcome" in pages["axes"].words
    assert embedded["done"] == "6 cells"


@pytest.mark.parametrize("name", ["slice", "scale", "axes"])
def test_the_table_and_the_counts_are_those_of_the_result(runs, pages, name):
    result, words = runs[name], pages[name].words
    head, *rows = pages[name].table
    table = result.outcome_table()
    keys = [name.replace(" ", "_") for name in head]
    assert rows == [[f"{row[key]:g}" if key == "scale" else str(row[key]) for key in keys] for row in table]
    codes = result["outcome"]
    for outcome in Outcome:
        number = np.count_nonzero(codes == outcome)
        assert (f"{outcome.label}: {number:,} runs" in words) == bool(number)
        assert (outcome.sentence in words) == bool(number)
    assert f"{codes.size:,} runs: " in words
    assert "The network 2-2-1 is trained on xor by " in words
    assert f"for at most {result.sweep.spec.steps:,} steps." in words


def test_what_a_result_lacks_is_left_out_with_a_sentence(pages):
    assert "There is no map: it needs two axes" in pages["scale"].words
    assert pages["scale"].embedded["tiles"] == []
    assert "svg" in dict(pages["scale"].elements)
    assert "svg" not in dict(pages["slice"].elements)
    assert "svg" in dict(pages["axes"].elements)


def test_it_says_how_to_run_it_again(runs, pages, tmp_path):
    result, words = runs["slice"], pages["slice"].words
    assert re.sub(r"\s+", " ", result.spec_text.strip()) in words
    digest = hashlib.sha256(Path(result).read_bytes()).hexdigest()
    assert f"The SHA-256 of result.h5 is {digest}." in words
    assert ", ".join(f"{name} {version}" for name, version in result.software[0].items()) in words
    with_overrides = ran(tmp_path / "run", TINY, "training.steps=3", "title='a b'")
    words = Page(report.html_of(with_overrides)).words
    assert "saddlescape run spec.toml --set training.steps=3 --set 'title='\"'\"'a b'\"'\"'' -o again" in words


def test_hostile_texts_make_no_element(tmp_path):
    text = SLICE.replace('"tiny"', json.dumps(HOSTILE)).replace("n = 19", "n = 3").replace("n = 11", "n = 3")
    hostile, harmless_one = (Page(report.html_of(ran(tmp_path / name, given))) for name, given in (
        ("hostile", text), ("harmless", text.replace(json.dumps(HOSTILE), '"a title"'))
    ))  # fmt: skip
    strip = [(tag, attributes) for tag, attributes in hostile.elements if tag != "meta"]
    assert strip == [(tag, attributes) for tag, attributes in harmless_one.elements if tag != "meta"]
    assert hostile.texts["h1"] == hostile.texts["title"] == [HOSTILE.replace("\u202e", "\ufffd")]
    assert hostile.embedded["spec"]["title"] == HOSTILE


@pytest.mark.parametrize("text", [HOSTILE, "<!--<script>", "]]>", "\ud800\x00\u2028"])
def test_embedded_json_ends_no_element_and_says_the_same(text):
    assert not set(harmless({text: [text]})) & set("<>&\u2028")
    assert json.loads(harmless({text: [text]})) == {text: [text]}


def test_only_the_script_of_the_page_may_run(pages):
    page = pages["slice"]
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "explorer"}, {"type": "module"}]
    (policy,) = [each["content"] for tag, each in page.elements if each.get("http-equiv") == "Content-Security-Policy"]
    script = page.texts["script"][-1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert "http" not in policy
    assert not re.search(r"</script|<!--|\beval\b|new Function|\bimport\b|innerHTML|https?://(?!www\.w3\.org)", script)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert {tag for tag, attributes in page.elements if {"src", "href"} & attributes.keys()} <= {"link", "use"}


def test_a_large_map_is_thinned_and_says_so(runs, monkeypatch):
    monkeypatch.setattr(cells, "CELLS", 30)
    page = Page(report.html_of(runs["slice"]))
    assert "One of 3 values along both axes is shown." in page.words
    found = tiles(page.embedded)["outcome"]
    assert np.array_equal(found[:7, :4], runs["slice"]["outcome"][::3, ::3, 0])
    assert page.embedded["spec"]["grid"]["values"]["x"] == runs["slice"].coords["x"][::3].tolist()
    assert page.embedded["done"] == "28 runs"
    monkeypatch.setattr(cells, "RUNS", 3)
    assert "Each point of this result has 1 runs" in Page(report.html_of(runs["slice"])).words


def test_long_paths_are_thinned_and_say_so(runs, pages, monkeypatch):
    long = max(pages["slice"].embedded["paths"], key=lambda each: each["records"])
    one = 8 * (1 + 1 + 9 + sum(columns for _, _, columns in long["measures"])) + 4 * 48**2
    monkeypatch.setattr(watched, "BYTES", 10 * one)
    page = Page(report.html_of(runs["slice"]))
    told = next(each for each in page.embedded["paths"] if each["label"] == long["label"])
    assert "Some recorded steps of" in page.words
    whole, thin = path(long, 9), path(told, 9)
    assert told["records"] == 10 < long["records"]
    assert [array[[0, -1]].tolist() for array in thin] == [array[[0, -1]].tolist() for array in whole]
    assert set(thin[0]) <= set(whole[0])
    monkeypatch.setattr(watched, "BYTES", 8 * 9)
    page = Page(report.html_of(runs["slice"]))
    assert "No start can be watched on this page, as a network has 9 parameters." in page.words


def test_a_page_has_a_bounded_size(pages):
    """Of the constants: a map, two paths of each outcome, before compression, as base64."""
    most = 17 * cells.CELLS + watched.EACH * len(Outcome) * watched.BYTES
    assert most * 4 / 3 < 24e6  # "at most about 25 MB" in how-to.md, with the texts
    assert all(len(page.text) < 2e6 for page in pages.values())


def test_runs_that_take_too_long_are_left_out(runs, monkeypatch):
    monkeypatch.setattr(watched, "SECONDS", -1.0)
    page = Page(report.html_of(runs["slice"]))
    assert page.embedded["paths"] == []
    assert "A solved run is left out: all watched runs together may take -1 s." in page.words


def test_a_run_that_is_not_what_the_spec_gives_is_left_out(tmp_path):
    ran(tmp_path / "run", SLICE.replace("n = 19", "n = 2").replace("n = 11", "n = 2"))
    with h5py.File(tmp_path / "run/result.h5", "a") as file:
        file["final_loss"][...] = 0.25
    with ss.open(tmp_path / "run") as result:
        page = Page(report.html_of(result))
    assert page.embedded["paths"] == []
    assert "this version of the software computes another path for it." in page.words


def test_a_spec_that_is_not_that_of_the_runs_is_not_trained(runs, tmp_path):
    shutil.copy(runs["axes"], tmp_path / "other.h5")
    with h5py.File(tmp_path / "other.h5", "a") as file:
        text = file["provenance/spec"][()].decode().replace("count = 10", "count = 4")
        del file["provenance/spec"]
        file["provenance"].create_dataset("spec", data=text)
    with ss.open(tmp_path / "other.h5") as result:
        page = Page(report.html_of(result))
    assert page.embedded["paths"] == []
    assert "No run can be watched, as the spec is not that of the runs." in page.words


def test_networks_of_other_points_are_described_with_their_paths(tmp_path):
    result = ran(tmp_path / "run", TINY + WIDTHS)
    embedded = Page(report.html_of(result)).embedded
    sizes = {len(each.get("own", embedded["spec"])["parameters"]) for each in embedded["paths"]}
    assert sizes == {9, 13}
    for each in embedded["paths"]:
        path(each, len(each.get("own", embedded["spec"])["parameters"]))
    assert "The networks 2-2-1 and 2-3-1 are trained on xor by" in Page(report.html_of(result)).words


def test_a_fitted_run_is_shown_as_such(tmp_path):
    drawn = 'name = "random"\nsamples = 6\ninputs = 2\noutputs = 1'
    result = ran(tmp_path / "run", TINY.replace('name = "xor"', drawn))
    told = Page(report.html_of(result)).embedded["paths"]
    assert Outcome.FITTED in result["outcome"]
    assert {each["outcome"] for each in told} == set(result["outcome"].ravel().tolist())


def test_zipped_axes_have_the_values_of_all(tmp_path):
    zipped = "".join(
        f'[[axes]]\nzip = "both"\nkey = "{key}"\nvalues = {values}\n'
        for key, values in (("starts.scale", [0.5, 1.0]), ("training.learning_rate", [0.25, 2.0]))
    )
    result = ran(tmp_path / "run", TINY + zipped + '[[axes]]\nkey = "training.momentum"\nvalues = [0.0, 0.5]\n')
    grid = Page(report.html_of(result)).embedded["spec"]["grid"]
    assert grid["names"] == {"x": "scale, learning_rate", "y": "momentum"}
    assert grid["values"] == {"x": ["0.5, 0.25", "1, 2"], "y": [0.0, 0.5]}


def test_the_clock_is_that_of_the_solution_else_of_the_stop():
    ends = {"solve_step": np.array([3, -1]), "stop_step": np.array([9, 7]), "final_loss": np.array([0.5, np.nan])}
    assert cells.ends_of(ends)[0].tolist() == [3, 7]
    times = {"solve_time": np.array([0.5, -1.0]), "stop_time": np.array([2.0, 4.0]), "final_loss": np.zeros(2)}
    assert cells.ends_of(times)[0].tolist() == [0.5, 4.0]


def test_a_selection_without_runs_has_no_table(runs):
    words = Page(report.html_of(runs["axes"].isel(run=slice(0, 0)))).words
    assert "There is no table of 0 runs." in words
    assert "a map shows 1 to" in words


def test_a_run_with_noise_is_watched_with_its_number(tmp_path):
    result = ran(tmp_path / "run", TINY, "training.noise=0.1")
    page = Page(report.html_of(result))
    codes = np.unique(result["outcome"], return_counts=True)[1]
    assert len(page.embedded["paths"]) == sum(min(watched.EACH, count) for count in codes)
    assert "is left out" not in page.words


def test_a_selection_says_so(runs):
    page = Page(report.html_of(runs["axes"].sel(scale=1.0, run=slice(2, 4))))
    assert "6 runs: 2 values of training.learning_rate, 3 starts of each point." in page.words
    assert "They are a selection of the 60 runs of the result." in page.words
    assert page.embedded["paths"]
    for each in page.embedded["paths"]:
        rate, run = re.search(r"learning_rate = ([\d.]+), run (\d+)$", each["label"]).groups()
        start = ss.start(runs["axes"].sweep, (1, [0.5, 5.0].index(float(rate))), int(run))
        assert np.array_equal(path(each, 9)[2][0], start)


def test_a_single_run_is_told_as_one(runs):
    words = Page(report.html_of(runs["scale"].isel(scale=[0], run=[0]))).words
    assert " 1 run: 1 value of starts.scale. " in words
    assert ": 1 run (100 %). " in words


def test_a_run_in_progress_shows_what_is_there(tmp_path):
    plan = Plan(parse(TINY + AXES, Path()))
    with ss.open(begun(plan, tmp_path / "run", [])) as nothing:
        page = Page(report.html_of(nothing))
    assert "So far 0 of 60 runs have finished." in page.words
    assert "has no finished run yet" in page.words
    assert str(tmp_path) not in page.text


def test_a_spec_that_cannot_be_read_is_no_obstacle(tmp_path):
    (tmp_path / "mine.csv").write_text("x1,x2,t1\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    sweep = parse(TINY.replace('name = "xor"', 'file = "mine.csv"'), tmp_path)
    result = ss.run(sweep, tmp_path / "run", progress=False)
    Path(result).rename(tmp_path / "moved.h5")
    with ss.open(tmp_path / "moved.h5") as moved:
        words = Page(report.html_of(moved)).words
        assert f"and the data file mine.csv (SHA-256 {sweep.data['mine.csv']})" in words


def test_report_writes_a_new_file_or_over_its_own(runs, tmp_path):
    result = runs["scale"]
    target = ss.report(result, tmp_path / "page.html")
    assert target == tmp_path / "page.html"
    assert ss.report(result, target).read_text() == target.read_text()
    target.write_text("<!doctype html>\n<p>mine</p>\n")
    with pytest.raises(RefusedError, match="exists and is left alone"):
        ss.report(result, target)
    with pytest.raises(ArgumentError, match=r"results must be opened first: saddlescape\.open\(.run.\); got a path"):
        ss.report("run", target)


def invoked(*command):
    return CliRunner().invoke(cli, list(map(str, command)), catch_exceptions=True)


def test_the_command_names_its_file(runs, tmp_path):
    folder = Path(runs["scale"]).parent
    assert invoked("report", folder).output == f"{folder / 'result.html'}\n"
    assert invoked("report", folder / "result.h5", "-o", tmp_path / "page").output == f"{tmp_path / 'page.html'}\n"
    assert (tmp_path / "page.html").read_text() == (folder / "result.html").read_text()
    (tmp_path / "mine.toml").write_text(TINY)
    for given, kind in ((tmp_path / "none.h5", SpecError), (tmp_path / "mine.toml", SpecError)):
        assert isinstance(invoked("report", given).exception, kind)
    (tmp_path / "bad.h5").write_bytes(b"x" * 1000)
    assert isinstance(invoked("report", tmp_path / "bad.h5").exception, CorruptError)
    assert not (tmp_path / "bad.html").exists()


def test_the_script_of_a_file_has_no_name_twice():
    names = re.findall(r"^(?:export )?(?:async )?(?:const|class|function) (\w+)", standalone.script(), re.MULTILINE)
    assert len(names) == len(set(names))


def test_what_the_how_to_says_of_its_bounds():
    text = re.sub(r"\s+", " ", (Path(__file__).parents[1] / "docs/how-to.md").read_text())
    assert (watched.EACH, cells.CELLS, watched.SECONDS) == (2, 512**2, 60)
    assert "it has at most two runs to watch" in text
    assert "A map of more than 512 x 512 cells shows every second value" in text
    assert "runs that together take longer than a minute are left out" in text
