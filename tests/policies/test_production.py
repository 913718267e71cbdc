"""`production-guests-are-protected`."""

from __future__ import annotations

from policies.production import PROTECTED
from tests.policies.judging import NOT_KNOWN_YET, container, machine, said, verdicts

STACK = [
    machine("db", protection=True),
    machine("web"),
    container("dns", protection=False),
    machine("later", protection=NOT_KNOWN_YET),
    machine("base", template=True),
]


def test_in_production_each_guest_that_is_not_protected_is_named() -> None:
    web, dns = said(PROTECTED, *STACK, production=True)

    assert web.startswith("virtual machine web (VMID 100) has no protection=True in a stack that is marked production.")
    assert dns.startswith("container dns (VMID 200) ")


def test_the_stacks_tag_marks_it_as_well() -> None:
    assert len(verdicts(PROTECTED, STACK, tags={"environment": "production"})) == 2
    assert verdicts(PROTECTED, STACK, tags={"environment": "test"}) == []


def test_elsewhere_nothing_is_asked() -> None:
    assert said(PROTECTED, *STACK) == []


def test_some_need_none() -> None:
    assert said(PROTECTED, *STACK, production=True, without=["web", "d*"]) == []
