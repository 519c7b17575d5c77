"""docs/extending.md: its diffs fit the files, and its walks go from nothing to passing tests."""

import re

import extending_page
import pytest

PAGE = (extending_page.ROOT / "docs/extending.md").read_text(encoding="utf-8")
WALKS = extending_page.walks(PAGE)


def test_there_is_a_walk_for_each_kind_of_word():
    assert [title.split(":")[0] for title in WALKS] == [
        "An activation", "An optimizer", "A loss", "A measure", "A kind of start",
    ]  # fmt: skip
    for blocks in WALKS.values():
        told = [told for kind, text in blocks if kind == "sh" for _, told in extending_page.commands(text)]
        assert told[0].startswith("missing: ")
        assert told[-1] == extending_page.PASSES


@pytest.mark.parametrize("title", WALKS)
def test_the_diffs_of_a_walk_fit_the_files(title, tmp_path):
    diffs = [text for kind, text in WALKS[title] if kind == "diff"]
    for name in set(re.findall(r"^--- (\S+)$", "\n".join(diffs), re.MULTILINE)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((extending_page.ROOT / name).read_bytes())
    for diff in diffs:
        extending_page.apply(diff, tmp_path)
    word = title.split(": ")[1]
    assert all(word in path.read_text() for path in tmp_path.rglob("*.py"))


def test_a_diff_that_does_not_fit_is_told(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\ny = 2\n")
    extending_page.apply("--- a.py\n-x = 1\n+x = 3\n@@\n y = 2\n+z = 4\n", tmp_path)
    assert (tmp_path / "a.py").read_text() == "x = 3\ny = 2\nz = 4\n"
    with pytest.raises(AssertionError, match=r"a\.py has these lines 0 times"):
        extending_page.apply("--- a.py\n-x = 1\n", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("title", WALKS)
def test_a_walk_goes_from_nothing_to_passing_tests(title, tmp_path):
    extending_page.copy_tree(tmp_path)
    otherwise = extending_page.follow(WALKS[title], tmp_path)
    assert not otherwise, "\n\n".join(otherwise)
