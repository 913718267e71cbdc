"""Placing guests: nobody is where there is no room, and nobody moves because somebody else comes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.placement import NoRoomError, Room, Wish, mebibytes, place

HOSTS = {"alpha": Room(memory=8192, disk=100 << 10), "beta": Room(memory=4096, disk=200 << 10)}
SMALL = Room(memory=64, disk=1024)
HUGE = Room(memory=1 << 30, disk=1 << 30)


@st.composite
def wishes(draw: st.DrawFn) -> list[Wish]:
    """Guests of some groups, some of them with a host that somebody has chosen."""
    groups = draw(st.lists(st.text("abcdef", min_size=1, max_size=4), unique=True, max_size=6))
    found = []
    for group in groups:
        takes = Room(memory=draw(st.integers(64, 4096)), disk=draw(st.integers(1, 50)) << 10)
        host = draw(st.sampled_from([None, None, "alpha", "beta"]))
        count = draw(st.integers(1, 3))
        found += [Wish(name=f"{group}-{n}", takes=takes, group=group, number=n, host=host) for n in range(count)]
    return found


def placed(guests: list[Wish], hosts: dict[str, Room] | None = None) -> dict[str, str]:
    """Where they are; what can't be placed is another test's."""
    try:
        return place(hosts or HOSTS, guests)
    except NoRoomError:
        assume(False)  # noqa: FBT003 - Hypothesis has it so
        raise


@given(wishes())
def test_every_guest_has_a_host_with_room_for_all_that_are_on_it(guests: list[Wish]) -> None:
    where = placed(guests)

    assert set(where) == {guest.name for guest in guests}
    for host, room in HOSTS.items():
        on_it = [guest.takes for guest in guests if where[guest.name] == host]
        assert sum(takes.memory for takes in on_it) <= room.memory
        assert sum(takes.disk for takes in on_it) <= room.disk
    assert all(where[guest.name] == guest.host for guest in guests if guest.host)


@given(wishes(), st.integers(0, 20))
def test_a_guest_that_is_added_at_the_end_moves_nobody(guests: list[Wish], more: int) -> None:
    all_of_them = placed(guests)
    before = placed(guests[: max(0, len(guests) - more)])

    assert before.items() <= all_of_them.items()


@given(wishes(), st.data())
def test_with_room_for_all_nobody_moves_whoever_goes_or_comes(guests: list[Wish], data: st.DataObject) -> None:
    hosts = dict.fromkeys(HOSTS, HUGE)
    some = data.draw(st.permutations(guests))[: data.draw(st.integers(0, len(guests)))]

    assert placed(list(some), hosts).items() <= placed(guests, hosts).items()


@given(wishes(), st.integers(1, 3), st.integers(0, 20))
def test_a_host_that_is_added_moves_nobody_and_takes_whom_the_others_have_no_room_for(
    guests: list[Wish], hosts: int, more: int
) -> None:
    new = {f"new{number}": HUGE for number in range(hosts)}
    some = guests[: max(0, len(guests) - more)]
    before = placed(some)

    after = place({**new, **HOSTS}, [*some, *(replace(guest, host=None) for guest in guests[len(some) :])], new)

    assert before.items() <= after.items()
    assert after.keys() == {guest.name for guest in guests}


@given(st.text("abcdef", min_size=1), st.integers(2, 20))
def test_the_members_of_a_group_are_spread_evenly(group: str, count: int) -> None:
    guests = [Wish(name=str(number), takes=SMALL, group=group, number=number) for number in range(count)]

    where = list(placed(guests, dict.fromkeys(HOSTS, HUGE)).values())

    assert abs(where.count("alpha") - where.count("beta")) <= 1


def test_one_that_fits_nowhere_is_told_with_what_is_left() -> None:
    guests = [Wish(name="big", takes=Room(memory=8000, disk=1024), group="big", host="alpha")]
    guests += [Wish(name="late", takes=Room(memory=1024, disk=1024), group="late", host="alpha")]

    with pytest.raises(NoRoomError) as error:
        place(HOSTS, guests)

    assert str(error.value) == (
        "late takes 1024 MiB of memory and 1 GiB of disk, and what is left is no more than this: "
        "alpha: 192 MiB of memory and 99 GiB of disk"
    )


def test_one_that_does_not_fit_where_it_would_be_goes_to_the_other_host() -> None:
    hosts = dict.fromkeys(HOSTS, HUGE)
    wish = Wish(name="web", takes=SMALL, group="web")
    (first,) = place(hosts, [wish]).values()
    hosts[first] = Room(memory=0, disk=0)

    assert place(hosts, [wish]) == {"web": "beta" if first == "alpha" else "alpha"}


def test_sizes_are_read_as_they_are_written() -> None:
    assert [mebibytes(size) for size in ("512M", "16G", "1T")] == [512, 16384, 1048576]
    with pytest.raises(ValueError, match="'16' is no size"):
        mebibytes("16")
