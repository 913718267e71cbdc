"""SSH that anybody can knock at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.resources import UNKNOWN, Object, matches, of_kind
from policies.settings import numbers, texts
from policies.sources import Names

SSH = 22


def _check(args: StackValidationArgs, report: ReportViolation) -> None:
    settings = args.get_config()
    names = Names(of_kind(args.resources, ("IpSet",)), of_kind(args.resources, ("FirewallAlias",)))
    ports = {int(port) for port in settings["ports"]}
    for scope in of_kind(args.resources, ("FirewallRules", "SecurityGroup", "FirewallOptions")):
        if matches(scope.name, settings["allowed"]):
            continue
        if scope.kind == "FirewallOptions":
            if scope.get("enable") is True and scope.get("policy_in") == "ACCEPT":
                report(
                    f"{scope.title} lets in whatever no rule fits (policy_in='ACCEPT'), SSH too. "
                    f"Take it out: DROP is the default.",
                    scope.urn,
                )
            continue
        for index, rule in _open(scope, ports, names):
            source = rule.get("source") or "anywhere"
            report(
                f"{scope.title}: rule {index} accepts {_ports_of(rule)} from {source}. Set its "
                f"`source` to the networks that manage the hosts, or let in a VPN only.",
                scope.urn,
            )


def _open(scope: Object, ports: Collection[int], names: Names) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rules of a list by which strangers come in at one of some ports: index and rule."""
    rules = scope.get("rules")
    still = set(ports)
    for index, rule in enumerate(rules if isinstance(rules, Sequence) else ()):
        if not isinstance(rule, Mapping) or (rule.get("action") != "ACCEPT" and UNKNOWN in rule.values()):
            return  # who comes past it is not known yet
        if rule.get("enable") not in (None, True) or rule.get("type") != "in":
            continue
        reached = {port for port in still if _covers(rule, port)}
        if rule.get("action") != "ACCEPT":
            still -= set() if any(map(rule.get, ("source", "dest", "iface", "sport"))) else reached
        elif reached and names.are_strangers(rule.get("source")):
            yield index, rule


def _covers(rule: Mapping[str, Any], port: int) -> bool:
    """Whether a rule is about TCP packets to a port."""
    if (macro := rule.get("macro")) is not None:
        return macro == "SSH" and port == SSH
    if rule.get("proto") not in (None, "tcp") or rule.get("dport") is UNKNOWN:
        return False
    asked = rule.get("dport")
    return asked is None or any(_is_in(port, part.strip()) for part in str(asked).split(","))


def _is_in(port: int, part: str) -> bool:
    """Whether a port is one, a range (`20:30`) or the service that a part of a rule names."""
    first, _, last = part.partition(":")
    if first.isdigit():
        return int(first) <= port <= int(last or first)
    return part == "ssh" and port == SSH


def _ports_of(rule: Mapping[str, Any]) -> str:
    if rule.get("macro"):
        return str(rule["macro"])
    return f"{rule.get('proto') or 'everything'}" + (f" to port {rule['dport']}" if rule.get("dport") else "")


SHUT = StackValidationPolicy(
    name="no-public-ssh",
    description="SSH is reached by those who manage the hosts and guests only: all others try passwords at it.",
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema(
        {
            "ports": numbers("The ports that count as SSH.", SSH),
            "allowed": texts("Names of resources that may, such as a bastion's rules; `*` stands for anything."),
        }
    ),
    validate=_check,
)
