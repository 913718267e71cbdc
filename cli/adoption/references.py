"""Which resources of a program name each other, so that each comes after what it names, and is removed before it.

A value that is an output of the other one is written as that output. What only mentions it (a bridge of a node, a
permission's path) is written as the text that it is, and as something to wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cli.adoption.mentions import BRIDGES, GUESTS, RULES, VNETS, Path, Thing, mentions
from cli.adoption.reading import Declaration
from providers._firewall.scope import Scope

LAB = "lab"
"""What a program calls its `AdoptedLab`."""
HOLDERS: dict[str, tuple[str, str]] = {
    "realm": ("realms", "realm"),
    "role": ("roles", "roleid"),
    "group": ("groups", "groupid"),
    "user": ("users", "userid"),
    "hardware_mapping": ("mappings", "mapping_id"),
    "pool": ("pools", "poolid"),
    "storage": ("storages", "storage"),
    "node_network": ("networks", "node"),
    "sdn_ipam": ("ipams", "ipam"),
    "sdn_dns": ("dns", "dns"),
    "sdn_fabric": ("fabrics", "fabric"),
    "sdn_controller": ("controllers", "controller"),
    "sdn_zone": ("zones", "zone"),
    "vm": (GUESTS, "vmid"),
    "container": (GUESTS, "vmid"),
    "firewall_alias": ("aliases", "name"),
    "ip_set": ("ip_sets", "name"),
    "security_group": ("security_groups", "group"),
    "firewall_rules": (RULES, ""),
    "ha_resource": ("ha_resources", "vmid"),
}
"""Type -> the dict of `AdoptedLab` that has its resources, and the field that others name one by."""


@dataclass(frozen=True)
class References:
    """What a resource of the program is called there, and what it names of the others."""

    variable: str = ""
    """Where the program keeps it, if others may name it."""
    outputs: dict[Path, str] = field(default_factory=dict)
    """Place in its arguments -> the output that is written there."""
    after: tuple[str, ...] = ()
    """The resources to wait for besides."""


NONE = References()


@dataclass(frozen=True)
class _Target:
    """A resource that others may name."""

    variable: str
    it: Declaration

    @property
    def output(self) -> tuple[str, Any] | None:
        """The field that it is named by, and its value."""
        name = HOLDERS[self.it.kind][1]
        return (name, self.it.args[name]) if name else None


class Kept:
    """The resources of a program as far as it is written: what comes later can name what is there."""

    def __init__(self) -> None:
        self._there: dict[Thing, list[_Target]] = {}

    def add(self, it: Declaration, variable: str) -> None:
        """One that the program keeps somewhere."""
        for thing in _things(it) if variable else ():
            self._there.setdefault(thing, []).append(_Target(variable, it))

    def of(self, it: Declaration, variable: str) -> References:
        """What the next one names of those that are there."""
        outputs: dict[Path, str] = {}
        others: dict[str, None] = {}
        for path, value, things in mentions(it):
            found = [target for each in things for target in self._there.get(each, ())]
            if len(found) == 1 and found[0].output and found[0].output[1] == value:
                outputs[path] = f"{found[0].variable}.{found[0].output[0]}"
            else:
                others |= dict.fromkeys(target.variable for target in found)
        said = {text.rpartition(".")[0] for text in outputs.values()}
        return References(variable, outputs, tuple(each for each in others if each not in said))


def kept_in(it: Declaration) -> str:
    """The dict that a program keeps a resource in; none where nobody names it."""
    if it.kind not in HOLDERS:
        return ""
    attribute = HOLDERS[it.kind][0]
    return f"{LAB}.{'templates' if attribute == GUESTS and it.args.get('template') else attribute}"


def in_order(it: Declaration) -> tuple[bool, str]:
    """To sort those of a type by: a template comes before its clones, and a pool before those inside it."""
    return not it.args.get("template"), str(it.args.get("poolid", ""))


def _things(it: Declaration) -> Iterator[Thing]:
    """What a resource is to others, and what it brings along for them."""
    attribute, key = HOLDERS[it.kind]
    if it.kind == "firewall_rules":
        yield attribute, Scope.of(it.args)
    elif it.kind in ("firewall_alias", "ip_set"):
        yield attribute, (it.args.get("vmid"), str(it.args[key]).lower())
    else:
        yield attribute, it.args[key]
    for vnet in it.args.get("vnets") or ():
        yield VNETS, vnet
    for name in it.args.get("interfaces") or ():
        yield BRIDGES, name
        yield BRIDGES, (it.args["node"], name)
