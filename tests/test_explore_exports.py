"""What the explorer takes home: its view as a page in one file, and as a result with the bytes of a run."""

import re
from pathlib import Path

import numpy as np
import pytest
from test_explore_lattice import SPECS
from test_explore_session import LONG, VIEW, begin, is_done, page, unpacked  # noqa: F401
from test_report import Page, path, payload

import saddlescape as ss
from saddlescape.explorer import exports, view_page, watched
from saddlescape.explorer import session as sessions
from saddlescape.explorer.lattice import points
from saddlescape.spec import parse
from saddlescape.words.outcomes import Outcome

START = {"type": "start", "k": -3, "n": 1, "m": -2}
EXPORT = {**VIEW, "type": "export"}


def is_over(header):
    return header["type"] == "exporting" and header["share"] is None


def latest(page):  # noqa: F811
    """The tiles that the page has heard last."""
    tiles = {}
    for told in page.of("tiles"):
        tiles |= unpacked(*told)
    return tiles


def exported(session, page, to):  # noqa: F811
    """The file of the present view."""
    session.receive({**EXPORT, "to": to})
    page.until(is_over)
    (found,) = [content for header, content in page.of("file") if "text" not in header]
    assert page.of("fault") == []
    return found


@pytest.fixture(params=[0.0, 60.0], ids=["boundaries first", "all at once"])
def shown(begin, page, monkeypatch, request):  # noqa: F811
    """A session that has trained a view and a start."""
    monkeypatch.setattr(sessions, "AT_ONCE", request.param)
    session = begin()
    session.receive(VIEW)
    page.until(is_done)
    session.receive(START)
    page.until(lambda header: header["type"] == "path")
    return session


def test_the_page_of_a_view_has_its_tiles_and_the_watched_start(shown, page):  # noqa: F811
    embedded = Page(exported(shown, page, "page").decode()).embedded
    sent, kept = latest(page), {}
    for told in embedded["tiles"]:
        kept |= unpacked(told, payload(told))
    assert set(kept) == set(sent)
    for tile, values in kept.items():
        its = {**sent[tile], "outcome": np.maximum(sent[tile]["outcome"], -2)}  # of all starts that wait
        assert all(np.array_equal(values[name], its[name], equal_nan=True) for name in values)
    (header, content), (told,) = page.of("path")[0], embedded["paths"]
    assert all(told[name] == header[name] for name in ("k", "n", "m", "outcome", "records"))
    clock, loss, theta, _ = path(told, 9)
    assert content.startswith(clock.tobytes() + loss.tobytes() + theta.tobytes())
    up = 2.0 ** embedded["spec"]["skew"]
    place = f"b2[0] = 0.125, b1[1] = {-0.25 * up:g}"
    assert told["label"] == f"{Outcome(header['outcome']).label}, step {clock[-1]:g}: {place}"
    assert embedded["done"] == "1,681 of 1,681 starts of this view were trained"
    assert {each["generation"] for each in (embedded["spec"], *embedded["tiles"], told)} == {0}
    assert embedded["spec"]["ends"] == {"x": [-2.5, 2.5], "y": [-2.5 * up, 2.5 * up]}


def test_a_page_counts_only_trained_starts_of_its_view(shown, page):  # noqa: F811
    shown.receive({**EXPORT, "to": "page", "n": [15, 24]})
    page.until(is_over)
    (content,) = [content for header, content in page.of("file")]
    trained = 0
    for tile, values in latest(page).items():
        n, m = points(tile)
        inside = (tile[0] == -3) & (n >= 15) & (n <= 24) & (m >= -20) & (m <= 20)
        trained += np.count_nonzero(inside & (values["outcome"].ravel() >= 0))
    assert 6 * 41 <= trained < 10 * 41
    assert Page(content.decode()).embedded["done"] == f"{trained} of 410 starts of this view were trained"


def test_the_result_of_a_view_has_the_bytes_of_its_run(shown, page, tmp_path):  # noqa: F811
    content = exported(shown, page, "result")
    shown.receive(EXPORT)
    (text,) = [header["text"] for header, _ in page.of("file") if "text" in header]
    result = ss.run(parse(text, Path()), tmp_path / "again", progress=False)
    assert content == Path(result).read_bytes()
    assert result["outcome"].size == 41 * 41
    shares = [header["share"] for header, _ in page.of("exporting")]
    assert (shares[0], shares[-2:]) == (0, [1, None])


@pytest.mark.parametrize(
    ("limit", "value", "said"),
    [("SECONDS", 0.0, "export: takes longer than 0 s; zoom in"), ("BYTES", 100, "more than 0; zoom in")],
)
def test_a_file_beyond_the_bounds_is_refused(begin, page, monkeypatch, limit, value, said):  # noqa: F811
    monkeypatch.setattr(exports, limit, value)
    begin().receive({**EXPORT, "to": "result"})
    page.until(is_over)
    (fault,) = [header["message"] for header, _ in page.of("fault")]
    assert said in fault
    assert fault.endswith("or download the spec of the view, and run it with: saddlescape run view.toml")
    assert page.of("file") == []


def test_one_file_is_made_at_a_time_until_it_is_canceled(begin, page):  # noqa: F811
    session = begin(LONG)
    session.receive({**EXPORT, "to": "result"})
    page.until(lambda header: header["type"] == "exporting")
    session.receive({**EXPORT, "to": "page"})
    (fault,) = [header["message"] for header, _ in page.of("fault")]
    assert fault == "export: another file is being made; wait for it, or cancel it"
    session.receive({"type": "stop"})
    page.until(is_over)
    assert page.of("file") == []
    assert len(page.of("fault")) == 1


def test_a_session_that_ends_makes_no_file(begin, page):  # noqa: F811
    session = begin(LONG)
    session.receive({**EXPORT, "to": "result"})
    page.until(lambda header: header["type"] == "exporting")
    session.close()
    assert page.of("file") == []


@pytest.mark.parametrize("name", SPECS)
def test_pages_of_all_kinds_of_specs_are_made(begin, page, name):  # noqa: F811
    session = begin(SPECS[name])
    session.receive({**EXPORT, "to": "page"})
    page.until(is_over)
    (content,) = [content for header, content in page.of("file")]
    assert Page(content.decode()).embedded["done"] == "0 of 1,681 starts of this view were trained"


def test_a_view_of_numbers_is_taken_home(begin, page, tmp_path):  # noqa: F811
    session = begin(SPECS["drawn"])
    session.receive({"type": "plane", "x": "log:training.learning_rate", "y": 0, "point": 0})
    assert page.of("fault") == []
    session.receive({**VIEW, "n": [-8, 8], "m": [-8, 8]})
    page.until(is_done)
    session.receive({**START, "n": 2, "m": 4})
    page.until(lambda header: header["type"] == "path")
    part = {**EXPORT, "n": [-8, 8], "m": [-8, 8]}
    session.receive({**part, "to": "page"})
    page.until(is_over)
    embedded = Page(next(content for header, content in page.of("file")).decode()).embedded
    up = 2.0 ** embedded["spec"]["skew"]
    assert embedded["spec"]["axes"] == {"x": "log:training.learning_rate", "y": 0}
    assert embedded["paths"][0]["label"].endswith(f": training.learning_rate = {10**0.25:.6g}, w1[0,0] = {0.5 * up:g}")
    page.heard.clear()
    session.receive({**part, "to": "result"})
    page.until(is_over)
    (tmp_path / "view.h5").write_bytes(next(content for header, content in page.of("file")))
    with ss.open(tmp_path / "view.h5") as result:
        assert result["outcome"].size == 17 * 17


def test_what_the_page_on_the_explorer_says_of_the_bounds():
    text = re.sub(r"\s+", " ", (Path(__file__).parents[1] / "docs/explorer.md").read_text())
    assert (sessions.WATCHED, view_page.LEVELS, exports.SECONDS, exports.BYTES) == (16, 5, 300, 64 * 2**20)
    assert round(sessions.WATCHED * watched.BYTES / 1e6) == 13
    for sentence in (
        "the last 16 starts that you watched",
        "Its map zooms out four levels",
        "A file takes at most five minutes and 64 MiB",
        "and the last 16 paths (13 MB)",
    ):
        assert sentence in text
