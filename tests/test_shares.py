"""Percentages: 0 % and 100 % are exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tolerances import ROUNDED

from saddlescape.system.shares import percent


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (255, 256, "99.6 %"),
        (4095, 4096, "99.98 %"),
        (1, 10_000, "0.01 %"),
        (1, 10**7, "<0.001 %"),
        (10**7 - 1, 10**7, ">99.999 %"),
        (1, 2, "50.0 %"),
    ],
)
def test_shares_in_words(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


@pytest.mark.parametrize(("part", "said"), [(243, "95 %"), (255, "99.6 %"), (1, "0.4 %"), (256, "100 %")])
def test_without_decimals_there_are_some_where_a_whole_number_would_say_all_or_none(part: int, said: str) -> None:
    assert percent(part, 256, decimals=0) == said


@given(st.data(), st.integers(1, 10**15), st.integers(0, 3))
def test_all_and_none_are_said_of_all_and_none_only(data: st.DataObject, whole: int, decimals: int) -> None:
    part = data.draw(st.integers(0, whole))
    said = percent(part, whole, decimals)
    assert (said == "100 %", said == "0 %") == (part == whole, part == 0)
    if said[0] not in "<>":
        places = len(said.removesuffix(" %").partition(".")[2])
        assert abs(float(said.removesuffix(" %")) - 100 * part / whole) <= ROUNDED * 10**-places
