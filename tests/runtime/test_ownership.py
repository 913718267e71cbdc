"""The mark by which a resource knows its own objects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from providers._runtime.ownership import Owner, marked, owner_in, unmarked

URN = "urn:pulumi:prod::labs::pulumi-python:dynamic/proxmox:Pool::front"
OWNER = Owner.of_urn(URN)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


def test_the_mark_names_project_and_stack_for_people_and_the_resource_by_a_hash() -> None:
    assert OWNER.stack == "labs/prod"
    assert OWNER.mark == f"[pulumi labs/prod {OWNER.key}]"
    assert len(OWNER.key) == 12


def test_another_resource_has_another_mark() -> None:
    assert Owner.of_urn(f"{URN}2") != OWNER


@given(TEXTS)
def test_a_marked_text_tells_owner_and_text_again(text: str) -> None:
    assert owner_in(marked(text, OWNER)) == OWNER
    assert unmarked(marked(text, OWNER)) == unmarked(text)


@given(TEXTS)
def test_marking_twice_is_marking_once_with_the_last_owner(text: str) -> None:
    other = Owner("labs/test", "0123456789ab")

    assert marked(marked(text, other), OWNER) == marked(text, OWNER)


def test_a_text_of_several_lines_keeps_them() -> None:
    assert unmarked(marked("one\ntwo", OWNER)) == "one\ntwo"


def test_a_new_line_that_proxmox_adds_behind_the_mark_means_nothing() -> None:
    assert unmarked(f"{marked('text', OWNER)}\n") == "text"
    assert owner_in(f"{marked('text', OWNER)}\n") == OWNER


def test_nothing_but_a_mark_is_no_text() -> None:
    assert unmarked(OWNER.mark) is None
    assert unmarked("") is None
    assert unmarked(None) is None


def test_a_text_that_only_looks_like_a_mark_is_somebody_elses_text() -> None:
    assert owner_in("[pulumi is great]") is None
    assert owner_in(None) is None
