"""What there is on a host: for each type the lists that name its objects.

A source gives values by which the type's handler finds each object; what the object is like, the handler says itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cli.adoption.reach import Reach
from providers._firewall.rule_list import contents, rows_at
from providers._firewall.scope import Scope
from providers._network.interface import Interface
from providers._network.site import look
from providers._runtime.api import Api, quoted
from providers._runtime.model import Values

Seeds = Callable[["Look"], Iterable[Values]]
BUILT_IN = ({"userid": "root@pam"}, {"realm": "pam"}, {"realm": "pve"}, {"ipam": "pve"})
"""What each Proxmox VE brings along, and nobody can make or remove."""
CARD = {"type": "eth"}


@dataclass(frozen=True)
class Look:
    """A look at a host, as far as somebody wants to see."""

    api: Api
    reach: Reach

    def rows(self, path: str) -> list[dict[str, Any]]:
        """A list."""
        found: list[dict[str, Any]] = self.api.get(path) or []
        return found

    def guests(self, *kinds: str) -> list[dict[str, Any]]:
        """The guests of some kinds, by number."""
        rows = (row for row in self.api.facts.of_type(*kinds) if self.reach.has_guest(int(row["vmid"])))
        return sorted(rows, key=lambda row: int(row["vmid"]))

    def nodes(self) -> list[str]:
        """The nodes that are online; the others can't be asked."""
        rows = self.api.facts.of_type("node") if self.reach.everything else []
        return sorted(str(row["node"]) for row in rows if row.get("status") == "online")

    def guest_scopes(self) -> Iterator[Scope]:
        """The cluster's firewall and those of guests."""
        if self.reach.everything:
            yield Scope()
        yield from (Scope("guest", str(row["vmid"])) for row in self.guests("qemu", "lxc"))

    def scopes(self) -> Iterator[Scope]:
        """All firewalls."""
        yield from self.guest_scopes()
        yield from (Scope("node", node) for node in self.nodes())
        if self.reach.everything:
            yield from (Scope("vnet", str(row["vnet"])) for row in self.rows("/cluster/sdn/vnets"))


@dataclass(frozen=True)
class Source:
    """Where the objects of one type are found."""

    kind: str
    seeds: Seeds


def _listed(path: str, **fields: str) -> Seeds:
    """Each row of a list; `fields` are the handler's fields and the row's keys for them."""

    def seeds(at: Look) -> Iterator[Values]:
        for row in at.rows(path):
            values = {field: row[key] for field, key in fields.items() if row.get(key) is not None}
            if not row.get("special") and not any(values.items() >= own.items() for own in BUILT_IN):
                yield values

    return seeds


def _guests(kind: str) -> Seeds:
    return lambda at: ({"vmid": int(row["vmid"]), "node": row["node"]} for row in at.guests(kind))


def _of_nodes(at: Look) -> Iterator[Values]:
    return ({"node": node} for node in at.nodes())


def _networks(at: Look) -> Iterator[Values]:
    """What is set on a card alone is a declaration; that there is a card is none."""
    for node in at.nodes():
        interfaces = {
            name: {key: value for key, value in settings.items() if key in Interface.model_fields}
            for name, settings in look(at.api, node).network.items()
            if name != "lo" and settings != CARD
        }
        if interfaces:
            yield {"node": node, "interfaces": interfaces}


def _acl(at: Look) -> Iterator[Values]:
    for row in at.rows("/access/acl"):
        yield {"path": row["path"], "roleid": row["roleid"], str(row["type"]): row["ugid"]}


def _mappings(at: Look) -> Iterator[Values]:
    for kind in ("pci", "usb", "dir"):
        yield from ({"type": kind, "mapping_id": row["id"]} for row in at.rows(f"/cluster/mapping/{kind}"))


def _reservations(at: Look) -> Iterator[Values]:
    """Those of people; what Proxmox has given to a guest's NIC or to a gateway is none."""
    for row in at.rows("/cluster/sdn/ipams/pve/status"):
        if not row.get("gateway") and not row.get("vmid") and row.get("vnet"):
            yield {name: row[name] for name in ("zone", "vnet", "ip") if row.get(name)}


def _named(collection: str) -> Seeds:
    """Aliases and IP sets, by their scopes."""

    def seeds(at: Look) -> Iterator[Values]:
        for scope in at.guest_scopes():
            path = scope.path_if_there(at.api)
            yield from ({**scope.values, "name": row["name"]} for row in at.rows(f"{path}/{collection}"))

    return seeds


def _options(at: Look) -> Iterator[Values]:
    return (scope.values for scope in at.scopes())


def _rules(at: Look) -> Iterator[Values]:
    """All rules of a scope are one object, which knows its own by what it is told of them."""
    for scope in at.scopes():
        rules = contents(rows_at(at.api, f"{scope.path_if_there(at.api)}/rules"))
        if rules:
            yield {**scope.values, "rules": rules}


def _ha_resources(at: Look) -> Iterator[Values]:
    return ({"vmid": int(str(row["sid"]).partition(":")[2])} for row in at.rows("/cluster/ha/resources"))


FAMILIES: dict[str, tuple[Source, ...]] = {
    "access": (
        Source("realm", _listed("/access/domains", realm="realm", type="type")),
        Source("role", _listed("/access/roles", roleid="roleid")),
        Source("group", _listed("/access/groups", groupid="groupid")),
        Source("user", _listed("/access/users", userid="userid")),
    ),
    "datacenter": (
        Source("cluster_options", lambda _: [{}]),
        Source("metrics_server", _listed("/cluster/metrics/server", server_id="id")),
        Source("hardware_mapping", _mappings),
        Source("node_dns", _of_nodes),
        Source("node_time", _of_nodes),
    ),
    "storages": (
        Source("pool", _listed("/pools", poolid="poolid")),
        Source("storage", _listed("/storage", storage="storage")),
    ),
    "networks": (
        Source("node_network", _networks),
        Source("sdn_ipam", _listed("/cluster/sdn/ipams", ipam="ipam", type="type")),
        Source("sdn_dns", _listed("/cluster/sdn/dns", dns="dns", type="type")),
        Source("sdn_fabric", _listed("/cluster/sdn/fabrics/fabric", fabric="id", protocol="protocol")),
        Source("sdn_controller", _listed("/cluster/sdn/controllers", controller="controller", type="type")),
        Source("sdn_zone", _listed("/cluster/sdn/zones", zone="zone", type="type")),
        Source("ip_reservation", _reservations),
    ),
    "guests": (Source("vm", _guests("qemu")), Source("container", _guests("lxc"))),
    "firewalls": (
        Source("firewall_alias", _named("aliases")),
        Source("ip_set", _named("ipset")),
        Source("security_group", _listed("/cluster/firewall/groups", group="group")),
        Source("firewall_rules", _rules),
        Source("firewall_options", _options),
    ),
    "availability": (
        Source("ha_resource", _ha_resources),
        Source("ha_rule", _listed("/cluster/ha/rules", rule="rule", type="type")),
        Source("replication", _listed("/cluster/replication", job_id="id")),
        Source("backup_job", _listed("/cluster/backup", job_id="id")),
    ),
    "permissions": (Source("acl", _acl),),
}
"""Files of a program -> the types in them, in the order in which they are read and written."""

_OF_ZONE = "it is written as part of its SdnZone"
NEVER: dict[str, str] = {
    "api_token": "the secret of a token is told once, when it is made",
    "backup": "a backup is a deed, and what it made is a file",
    "cluster": "forming a cluster is a deed; its options are taken over",
    "cluster_member": "joining a cluster is a deed; what a node has is taken over",
    "file": "a storage does not tell where the content of its files is from",
    "guest_exec": "a command is a deed",
    "guest_file": "nobody knows which of a guest's files are meant",
    "node_exec": "a command is a deed",
    "node_file": "nobody knows which of a node's files are meant",
    "node_hosts": "of a node's file of hosts a program owns the block that it has written, and no other line",
    "private_key": "a key that this program has not made is nobody's business",
    "sdn_subnet": _OF_ZONE,
    "sdn_vnet": _OF_ZONE,
    "snapshot": "a snapshot is a moment of its guest, and nothing that an environment is made of",
}
"""Types that are not taken over -> why."""


def tokens(at: Look) -> Iterator[str]:
    """The API tokens, which can only be named."""
    for user in at.rows("/access/users") if at.reach.everything else ():
        rows = at.rows(f"/access/users/{quoted(user['userid'])}/token")
        yield from (f"{user['userid']}!{row['tokenid']}" for row in rows)
