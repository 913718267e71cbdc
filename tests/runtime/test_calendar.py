"""Calendar events are taken and refused as a host does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers._runtime.calendar import checked
from providers._runtime.errors import InvalidValue
from simulator.calendar import parse

NUMBERS = st.integers(0, 70).map(str) | st.just("*")
ITEMS = st.one_of(
    NUMBERS,
    st.tuples(NUMBERS, NUMBERS).map("..".join),
    st.tuples(NUMBERS, NUMBERS).map("/".join),
)
LISTS = st.lists(ITEMS, min_size=1, max_size=2).map(",".join)
DAYS = st.lists(st.sampled_from(["mon", "Tuesday", "fri", "sun", "mon..fri", "sun..mon", "may"]), min_size=1).map(
    ",".join
)
DATES = st.lists(LISTS | st.just("2027"), min_size=2, max_size=4).map("-".join)
TIMES = st.lists(LISTS, min_size=1, max_size=4).map(":".join)
WORDS = st.sampled_from(["daily", "Weekly", "semi-annually", "sometimes", ""])
EVENTS = st.one_of(
    WORDS,
    st.tuples(DAYS | st.just(""), DATES | st.just(""), TIMES | st.just("")).map(" ".join),
    st.text("mon.*/-:,0159 ", max_size=12),
)


@given(EVENTS)
def test_what_a_host_takes_is_taken_and_nothing_else(text: str) -> None:
    try:
        parse(text)
    except ValueError:
        with pytest.raises(InvalidValue):
            checked(text)
    else:
        assert checked(text) == text


@pytest.mark.parametrize("text", ["*/15", "mon..fri 22:30", "sat,sun 3:00", "*-*-1 04:00", "daily", "8..17:0/30"])
def test_what_proxmox_s_documentation_writes_is_taken(text: str) -> None:
    assert checked(text) == text


def test_a_wrong_one_is_refused_with_examples() -> None:
    with pytest.raises(InvalidValue, match=r"'at noon' is no calendar event; write it like `mon\.\.fri 22:30`"):
        checked("at noon")
