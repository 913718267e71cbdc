"""The objects of Proxmox's software-defined network, one like the other: kind, ID, and options in the wire format.

A resource (`sdn_zone` with its VNets and their subnets) is a set of such objects. Comparing, staging and taking back
know nothing but these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers._runtime.api import quoted
from providers._runtime.ownership import Owner, marked, unmarked
from providers._runtime.wire import parse_property_string, to_text

Options = Mapping[str, Any]
Key = tuple[str, str]
"""Kind and ID: `("vnets", "web")`."""
Ask = Callable[[str, Mapping[str, Any]], Any]
"""GET of a path with parameters, fresh or shared."""

SHOWN = frozenset({"digest", "state", "pending", "type", "protocol", "zone_type"})
"""What an answer has besides ID and options."""


@dataclass(frozen=True)
class Kind:
    """How Proxmox addresses one kind of objects."""

    path: str
    """The collection; `{}` is the object that it belongs to."""
    key: str
    """The parameter that names a new object."""
    word: str
    """For people."""
    computed: frozenset[str] = frozenset()
    """What an answer says of the place of an object, and no option."""
    type_key: str = "type"
    list_deletes: bool = False
    """Whether `delete` is a list, and the type has to be said with every change."""


KINDS: Mapping[str, Kind] = {
    "fabrics": Kind("/cluster/sdn/fabrics/fabric", "id", "fabric", type_key="protocol", list_deletes=True),
    "fabric_nodes": Kind(
        "/cluster/sdn/fabrics/node/{}",
        "node_id",
        "fabric node",
        frozenset({"fabric_id"}),
        "protocol",
        list_deletes=True,
    ),
    "controllers": Kind("/cluster/sdn/controllers", "controller", "controller"),
    "ipams": Kind("/cluster/sdn/ipams", "ipam", "ipam"),
    "dns": Kind("/cluster/sdn/dns", "dns", "dns"),
    "zones": Kind("/cluster/sdn/zones", "zone", "zone"),
    "vnets": Kind("/cluster/sdn/vnets", "vnet", "vnet"),
    "subnets": Kind(
        "/cluster/sdn/vnets/{}/subnets",
        "subnet",
        "subnet",
        frozenset({"id", "zone", "network", "mask", "cidr", "vnet"}),
    ),
}
"""In the order in which they are made: each may need those before it."""
RANK = {name: rank for rank, name in enumerate(KINDS)}
AT_ONCE = frozenset({"ipams", "dns"})
"""Kinds of which a change takes effect at once: they are never pending."""
SINCE_LOCK = frozenset({"fabrics", "fabric_nodes"})
"""Kinds that came with the release that brought the lock."""
NO_TOKEN_TO_DELETE = SINCE_LOCK
"""Kinds whose DELETE takes no `lock-token`, so that Proxmox refuses it while anybody holds the lock, ourselves too."""


@dataclass(frozen=True)
class SdnObject:
    """One object, as it is or as it is to be."""

    kind: str
    id: str
    type: str = ""
    options: Options = field(default_factory=dict)
    parent: str = ""
    """A subnet's VNet, a node's fabric."""
    owner: Owner | None = None
    """Whose mark a VNet's alias is to carry."""

    @property
    def key(self) -> Key:
        """Kind and ID."""
        return self.kind, self.id

    @property
    def words(self) -> str:
        """For people: `vnet web`."""
        return f"{KINDS[self.kind].word} {self.id}"

    @property
    def collection(self) -> str:
        """Where objects of its kind are made."""
        return KINDS[self.kind].path.format(quoted(self.parent))

    @property
    def path(self) -> str:
        """Where it is changed and removed."""
        name = self.id.removeprefix(f"{self.parent}_") if self.kind == "fabric_nodes" else self.id
        return f"{self.collection}/{quoted(name)}"

    def making(self) -> dict[str, Any]:
        """The parameters that make it."""
        kind, name = KINDS[self.kind], self.id
        if self.kind == "subnets":
            _, network, mask = self.id.split("-")
            name = f"{network}/{mask}"
        elif self.kind == "fabric_nodes":
            name = self.id.removeprefix(f"{self.parent}_")
        return {kind.key: name, kind.type_key: self.type, **self.options}

    def over(self, actual: SdnObject | None) -> SdnObject:
        """Itself with the owner's mark behind its alias: the one that it declares, or the one that is there."""
        if self.owner is None:
            return self
        there = unmarked(actual.options.get("alias")) if actual else None
        alias = marked(self.options.get("alias") or there, self.owner)
        return SdnObject(self.kind, self.id, self.type, {**self.options, "alias": alias}, self.parent)


Objects = dict[Key, SdnObject]


def objects(*some: SdnObject) -> Objects:
    """Objects by their keys."""
    return {each.key: each for each in some}


def subnet_id(zone: str, cidr: str) -> str:
    """`z1-10.0.0.0-24`."""
    return f"{zone}-{cidr.replace('/', '-')}"


def comparable(value: Any) -> Any:
    """An option in a form in which two of them compare: Proxmox gives a list of texts back as a list of parts."""
    return [_part(item) for item in value] if isinstance(value, list | tuple) else to_text(value)


def _part(item: Any) -> dict[str, str]:
    keys = item if isinstance(item, Mapping) else parse_property_string(str(item), "")
    return {str(key): to_text(value) for key, value in keys.items()}


def changed_options(actual: Options, wanted: Options) -> dict[str, Any]:
    """The options of `wanted` that are not so already."""
    return {
        name: value
        for name, value in wanted.items()
        if comparable(actual.get(name, "")) != comparable(value) and (name in actual or to_text(value) != "0")
    }


# ---------------------------------------------------------------- reading


def from_row(kind: str, row: Mapping[str, Any]) -> SdnObject:
    """An object as an answer shows it."""
    about = KINDS[kind]
    parent = str(row.get("vnet", "") if kind == "subnets" else row.get("fabric_id", ""))
    id_ = str(row["id"] if kind == "subnets" else row[about.key])
    options = {
        name: value
        for name, value in row.items()
        if name not in SHOWN | about.computed | {about.key} and value not in (None, "", [])
    }
    name = f"{parent}_{id_}" if kind == "fabric_nodes" else id_
    return SdnObject(kind, name, str(row.get(about.type_key, "")), options, parent)


def rows_of(ask: Ask, kind: str, view: Mapping[str, Any], parents: Iterable[str] = ()) -> list[Mapping[str, Any]]:
    """The rows of one kind; those that belong to others are asked for one by one."""
    path = KINDS[kind].path
    if kind == "fabric_nodes":
        return list(ask("/cluster/sdn/fabrics/node", view))
    if kind == "subnets":
        return [row for vnet in parents for row in ask(path.format(quoted(vnet)), view)]
    return list(ask(path, {} if kind in AT_ONCE else view))


def read_objects(ask: Ask, kinds: Iterable[str], view: Mapping[str, Any], vnets: Iterable[str]) -> Objects:
    """The objects of some kinds in a view; subnets those of the named VNets."""
    return {
        each.key: each for kind in kinds for each in (from_row(kind, row) for row in rows_of(ask, kind, view, vnets))
    }
