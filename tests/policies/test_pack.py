"""The pack as a whole: what every policy has, and what the engine takes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Policy

from policies.connections import TRUST
from policies.pack import POLICIES
from policies.resources import PREFIX, read
from providers._runtime.checking import INSECURE
from providers._runtime.model import fields_of
from providers._runtime.registry import handler_of
from tests.contract.kinds import KINDS, kind
from tests.policies.choices import FIELDS
from tests.policies.judging import described, verdicts


@dataclass
class Declared:
    """A resource as the engine tells of it."""

    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str


EVERYTHING = [described(kind(name).resource.__name__, name) for name in KINDS]


def test_no_two_policies_have_one_name() -> None:
    names = [policy.name for policy in POLICIES]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_each_has_a_level_and_says_why_and_what_may_be_set(policy: Policy) -> None:
    assert policy.enforcement_level in (EnforcementLevel.ADVISORY, EnforcementLevel.MANDATORY)
    assert policy.description.endswith(".")
    assert ": " in policy.description or ", so that " in policy.description or " where " in policy.description
    for spec in policy.config_schema.properties.values() if policy.config_schema else ():
        assert {"type", "default", "description"} <= set(spec)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_resources_of_all_types_with_nothing_set_are_judged_without_a_stumble(policy: Policy) -> None:
    about = {urn for urn, _ in verdicts(policy, EVERYTHING)}

    assert about <= {each.urn for each in EVERYTHING if each.name in ("vm", "container")}


def test_what_is_not_proxmoxs_is_left_alone() -> None:
    assert read(Declared("random:index/randomPet:RandomPet", {"insecure": True}, "urn:…", "pet")) is None


def test_the_policies_know_the_tokens_and_fields_that_the_resources_have() -> None:
    classes = {kind(name).resource.__name__: name for name in KINDS}
    read_by_policies = {(each, field) for each, fields in FIELDS.items() for field in fields} | {
        (trust.kind, trust.field.partition(".")[0]) for trust in TRUST if trust.kind
    }
    there = {(each, field) for each, name in classes.items() for field in fields_of(handler_of(name).inputs)}

    assert {f"pulumi-python:{kind(name).resource._resource_type_name}" for name in KINDS} == {
        f"{PREFIX}{each}" for each in classes
    }
    assert read_by_policies - there == {("Pool", INSECURE)}
