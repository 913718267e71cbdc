"""A rule of the firewall as it is declared, and as Proxmox lists it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from providers._firewall.formats import Comment, Endpoint, Ports, Protocol, version_of
from providers._firewall.scope import Level
from providers._runtime.errors import InvalidValue
from providers._runtime.model import Values
from providers._runtime.wire import Part, to_text

Place = Level | Literal["group"]
"""A list of rules is at a scope, or in a security group."""
LogLevel = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog"]
_TYPES: dict[Place, tuple[str, ...]] = {
    "cluster": ("in", "out", "forward", "group"),
    "node": ("in", "out", "forward", "group"),
    "guest": ("in", "out", "group"),
    "vnet": ("forward", "group"),
    "group": ("in", "out", "forward"),
}
_ACTIONS = ("ACCEPT", "DROP", "REJECT")
_OF_A_GROUP = {"type", "action", "iface", "enable", "comment"}
"""What a rule that inserts a security group can have; Proxmox drops anything else."""
_ICMP = {"icmp": 4, "icmpv6": 6, "ipv6-icmp": 6}
"""ICMP's names -> their IP versions."""
_WITH_PORTS = ("udp", "17", "udplite", "136", "tcp", "6", "dccp", "33", "sctp", "132")


class FirewallRule(Part):
    """One rule; the first one that fits a packet decides."""

    type: Literal["in", "out", "forward", "group"] = Field(
        description="Direction of the packets; `group` inserts a security group."
    )
    action: Annotated[str, Field(min_length=2, max_length=20, pattern=r"^[A-Za-z][A-Za-z0-9_-]+$")] = Field(
        description="`ACCEPT`, `DROP` or `REJECT`; name of the group for a rule of type `group`."
    )
    macro: Annotated[str | None, Field(max_length=128)] = Field(
        default=None, description="A service of Proxmox's list, such as `SSH`, in place of protocol and ports."
    )
    source: Endpoint | None = Field(
        default=None,
        description="Where packets come from: addresses and networks with commas, a range, an alias, or `+` and the "
        "name of an IP set.",
    )
    dest: Endpoint | None = Field(default=None, description="Where packets go to, written like `source`.")
    proto: Protocol | None = Field(default=None, description="Protocol, such as `tcp`.")
    sport: Ports | None = Field(default=None, description="Ports that packets come from: `22`, `80:90`, `http,https`.")
    dport: Ports | None = Field(default=None, description="Ports that packets go to.")
    icmp_type: str | None = Field(default=None, alias="icmp-type", description="Kind of ICMP message.")
    iface: Annotated[str | None, Field(min_length=2, max_length=20)] = Field(
        default=None, description="Interface of the node; of a guest the name of its NIC (`net0`)."
    )
    log: LogLevel | None = Field(default=None, description="Level at which packets that fit are logged.")
    enable: bool = Field(default=True, description="Whether it is switched on.")
    comment: Comment | None = Field(default=None, description="What it is for.")

    @model_validator(mode="after")
    def _fits_together(self) -> FirewallRule:
        problem = self._problem_of_a_group() if self.type == "group" else self._problem_of_ports()
        problem = problem or self._problem_of_versions()
        if problem:
            raise InvalidValue(problem)
        return self

    def _problem_of_a_group(self) -> str | None:
        wrong = [name for name in self.as_dict() if name not in _OF_A_GROUP]
        return f"{wrong[0]}: a rule of type group has none; the group's own rules do" if wrong else None

    def _problem_of_ports(self) -> str | None:
        if self.action not in _ACTIONS:
            return f"action: {self.action!r} is none of {', '.join(_ACTIONS)}"
        if self.icmp_type is not None and (self.proto not in _ICMP or self.dport is not None):
            return "icmp_type: it takes a proto of icmp or icmpv6, and no dport"
        for field in ("sport", "dport"):
            with_ports = (*_WITH_PORTS, *(("icmp", "icmpv6") if field == "dport" else ()))
            if getattr(self, field) is not None and self.proto not in with_ports:
                return f"{field}: it takes a proto that has ports, such as tcp or udp"
        return None

    def _problem_of_versions(self) -> str | None:
        ends = {field: version_of(text) for field in ("source", "dest") if (text := getattr(self, field))}
        versions = {
            field: version for field, version in {"proto": _ICMP.get(self.proto or ""), **ends}.items() if version
        }
        fields = list(versions)
        return f"{fields[-1]}: IPv4 and IPv6 are mixed with {fields[0]}" if len(set(versions.values())) > 1 else None

    def problem_at(self, place: Place) -> str | None:
        """Why Proxmox has no such rule there; None if it has."""
        if self.type not in _TYPES[place]:
            return f"type: there are no rules of type {self.type} at this level; there are {', '.join(_TYPES[place])}"
        if self.iface is None:
            return None
        if place in ("vnet", "group"):
            return "iface: rules of a VNet or a security group can't name an interface"
        if place == "guest" and not re.fullmatch(r"net\d+", self.iface):
            return f"iface: {self.iface!r} is no NIC of a guest, which is called net0, net1 and so on"
        return None


def check_rules(rules: list[FirewallRule], place: Place) -> None:
    """Refuse the first rule that can't stand there."""
    for number, rule in enumerate(rules):
        problem = rule.problem_at(place)
        if problem:
            raise InvalidValue(f"rules.{number}.{problem}")


_KEYS = FirewallRule.wire_keys()
CARRIED = {
    **dict.fromkeys(_KEYS.values(), "rules (each one)"),
    **dict.fromkeys(("pos", "moveto"), "rules (their order)"),
    "delete": "rules (what one has no longer)",
}
"""Proxmox's parameters of a rule -> what carries them, for a type's coverage."""


def content_of(row: Mapping[str, Any]) -> Values:
    """What a row of Proxmox's list says, in the shape of a declared rule."""
    known = {key: to_text(row[key]) for key in _KEYS.values() if row.get(key) not in (None, "")}
    return {"enable": False, **FirewallRule.from_keys(known)}


def parameters_of(content: Values) -> dict[str, str]:
    """A rule as the parameters of a request."""
    return {_KEYS[name]: to_text(value) for name, value in content.items()}


def unset_in(content: Values) -> str:
    """The parameters that a rule does not have, for Proxmox's `delete`."""
    return ",".join(key for name, key in _KEYS.items() if name not in content)
