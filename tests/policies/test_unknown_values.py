"""What a preview doesn't know yet is never held against a stack, whatever the stack is and whatever isn't known."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy import Policy

from policies.pack import POLICIES
from policies.resources import PREFIX
from tests.policies.choices import FIELDS
from tests.policies.judging import NOT_KNOWN_YET, Described, verdicts

SETTINGS: dict[str, dict[str, Any]] = {
    "guests-are-backed-up": {"without": ["scratch*"]},
    "no-privileged-container": {"allowed": ["nfs"]},
    "exposed-guests-have-a-firewall": {"networks": ["vmbr*"]},
    "production-guests-are-protected": {"production": True, "without": ["scratch*"]},
    "ram-limit": {"stack_gib": 2, "guest_gib": 1},
    "disk-limit": {"stack_gib": 20, "guest_gib": 10},
    "guest-names": {"pattern": "[a-z]+"},
    "guest-tags": {"required": ["env-.*"], "allowed": ["env-.*"]},
    "pool-names": {"pattern": "prod", "required": True},
}


@st.composite
def stacks(draw: st.DrawFn) -> list[Described]:
    """A stack with a few resources of any class."""
    made = []
    for index, kind in enumerate(draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=6))):
        values = {field: draw(st.sampled_from(values)) for field, values in FIELDS[kind].items()}
        set_ = {field: copy.deepcopy(value) for field, value in values.items() if value is not None}
        made.append(Described(f"{PREFIX}{kind}", f"r{index}", set_))
    return made


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All places in a value: what holds it, and under which key."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@given(stack=stacks(), data=st.data())
def test_an_unknown_value_is_never_held_against_a_stack(
    policy: Policy, stack: list[Described], data: st.DataObject
) -> None:
    settings = SETTINGS.get(policy.name, {})
    partly = copy.deepcopy(stack)
    for holder, key in [place for each in partly for place in places(each.values)]:
        if data.draw(st.integers(0, 5)) == 0:
            holder[key] = NOT_KNOWN_YET

    known = {about for about, _ in verdicts(policy, stack, settings)}

    assert {about for about, _ in verdicts(policy, partly, settings)} <= known
