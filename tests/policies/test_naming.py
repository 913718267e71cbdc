"""`guest-names`, `guest-tags` and `pool-names`."""

from __future__ import annotations

from policies.naming import NAMES, POOLS, TAGS
from tests.policies.judging import NOT_KNOWN_YET, container, described, machine, said


def test_a_name_has_to_match_as_a_whole() -> None:
    stack = [machine("web-01"), machine("Web"), container("dns-01x")]

    wrong, longer = said(NAMES, *stack, pattern=r"[a-z]+-\d\d")

    assert wrong.startswith(r"virtual machine Web (VMID 100) has name='Web', which has to match [a-z]+-\d\d.")
    assert longer.startswith("container dns-01x (VMID 200) has hostname='dns-01x'")


def test_a_guest_without_a_name_is_told_and_one_that_is_not_known_yet_is_not() -> None:
    [text] = said(NAMES, machine(name=None), machine(name=NOT_KNOWN_YET), described("Pool", "P", poolid="P"))

    assert "has no name, which has to match" in text


def test_required_tags_are_missed_and_others_are_not_allowed() -> None:
    stack = [machine("web", tags=["env-prod", "blue"]), machine("db"), machine("later", tags=NOT_KNOWN_YET)]

    blue, missing = said(TAGS, *stack, required=["env-.*"], allowed=["env-.*", "red"])

    assert blue == "virtual machine web (VMID 100) has the tag blue, which matches none of env-.*, red. Take it out."
    assert missing == "virtual machine db (VMID 100) has no tag that matches env-.* (it has []). Add one to `tags`."
    assert said(TAGS, *stack) == []


def test_guests_are_in_pools_that_match() -> None:
    stack = [machine("web", pool="prod/web"), machine("db"), described("Pool", "scratch", poolid="scratch")]

    in_none, named = said(POOLS, *stack, pattern="prod(/.*)?", required=True)

    assert in_none == "virtual machine db (VMID 100) is in no pool. Set `pool`."
    assert named == "Pool scratch is named scratch, which has to match prod(/.*)?. Use one that does."
    assert said(POOLS, *stack, machine("later", pool=NOT_KNOWN_YET), pattern=".*") == []
