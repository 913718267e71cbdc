"""Asks a policy for its verdict on resources that are only described, as the engine would hand them over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_policy import (
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.resources import PREFIX

NOT_KNOWN_YET = UNKNOWN_STRING_VALUE
"""What stands in a preview for a value that isn't known."""
OPTIONS = PolicyResourceOptions(
    protect=False,
    ignore_changes=[],
    delete_before_replace=None,
    aliases=[],
    custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
    additional_secret_outputs=[],
)


@dataclass(frozen=True)
class Described:
    """A resource of a stack: its type token, its name and its values."""

    type: str
    name: str
    values: Mapping[str, Any]

    @property
    def urn(self) -> str:
        """Its URN in the stack."""
        return f"urn:pulumi:test::proxmox::{self.type}::{self.name}"

    def as_sent(self) -> Any:
        """Its values as the engine sends them: all numbers are floats, and one that isn't known ends the reading."""
        return unknown_checking_proxy(json.loads(json.dumps(self.values), parse_int=float))


def described(kind: str, name: str, /, **values: Any) -> Described:
    """One of Proxmox's objects."""
    return Described(f"{PREFIX}{kind}", name, values)


def machine(name: str = "web", /, **values: Any) -> Described:
    """A virtual machine."""
    return described("VirtualMachine", name, **{"name": name, "node": "pve1", "vmid": 100, **values})


def container(name: str = "dns", /, **values: Any) -> Described:
    """A container."""
    return described("Container", name, **{"hostname": name, "node": "pve1", "vmid": 200, **values})


def verdicts(
    policy: Policy,
    stack: Sequence[Described],
    settings: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> list[tuple[str, str]]:
    """What a policy has against a stack: the URN of what it is about, and its words."""
    schema = policy.config_schema.properties if policy.config_schema else {}
    config = {**{name: spec["default"] for name, spec in schema.items()}, **(settings or {})}
    found: list[tuple[str, str]] = []

    def report_of(own: str) -> ReportViolation:
        return lambda text, urn: found.append((urn or own, text))

    if isinstance(policy, ResourceValidationPolicy):
        for each in stack:
            args = ResourceValidationArgs(each.type, each.as_sent(), each.urn, each.name, OPTIONS, None, config, tags)
            policy.validate(args, report_of(each.urn))
    elif isinstance(policy, StackValidationPolicy):
        resources = [
            PolicyResource(each.type, each.as_sent(), each.urn, each.name, OPTIONS, None, None, [], {})
            for each in stack
        ]  # fmt: skip
        policy.validate(StackValidationArgs(resources, config, tags), report_of("the stack"))
    return found


def said(policy: Policy, *stack: Described, **settings: Any) -> list[str]:
    """The words alone."""
    return [text for _, text in verdicts(policy, stack, settings)]
