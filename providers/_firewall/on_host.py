"""The firewall's configuration as it is on the host, asked for where a verdict comes to depend on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from providers._firewall.ruleset import (
    CLUSTER,
    Entry,
    Guest,
    Interface,
    Level,
    Nic,
    Node,
    Rule,
    Ruleset,
    Unresolved,
)
from providers._runtime.facts import Facts
from providers._runtime.wire import parse_property_string

Value = TypeVar("Value")
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_VNETS = "/cluster/sdn/vnets"
_OF_VNETS = ("all", "gateway", "no-gateway")
"""The ipsets that a virtual network has by itself, such as `+sdn/v1-gateway`; not those of addresses leased by DHCP."""


class Asked(Mapping[str, Value]):
    """What there is under some names, each of which is asked for when somebody wants to know it, once."""

    def __init__(self, names: Iterable[str], ask: Callable[[str], Value]) -> None:
        self._names, self._ask = tuple(names), ask
        self._known: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def on_host(facts: Facts) -> Ruleset:
    """All of it; what the identity may not see is `Unresolved` where it is needed."""
    host = _Host(facts)
    nodes = {str(row["name"]): row for row in host.rows("/cluster/status") if row["type"] == "node" and row.get("ip")}
    online = [name for name, row in nodes.items() if row.get("online")]
    guests = {str(row["vmid"]): row for row in facts.of_type("qemu", "lxc")}
    vnets = [str(row["vnet"]) for row in facts.look(_VNETS) or ()]
    paths = {
        CLUSTER: "/cluster/firewall",
        **{f"node {name}": f"/nodes/{name}/firewall" for name in online},
        **{f"guest {vmid}": f"{_of_guest(row)}/firewall" for vmid, row in guests.items()},
        **{f"vnet {vnet}": f"{_VNETS}/{vnet}/firewall" for vnet in vnets},
    }
    sdn = {f"{vnet}-{part}": (vnet, part) for vnet in vnets for part in _OF_VNETS}
    groups = [str(row["group"]) for row in facts.look("/cluster/firewall/groups") or ()]
    links = {str(row["name"]): _links(row) for row in facts.look("/cluster/config/nodes") or ()}
    return Ruleset(
        levels=Asked(paths, lambda key: host.level(key, paths[key])),
        groups=Asked(groups, lambda name: host.rules(f"/cluster/firewall/groups/{name}")),
        nodes={name: Node(str(nodes[name]["ip"]), links.get(name, ())) for name in online},
        interfaces=Asked(online, host.interfaces),
        guests=Asked(guests, lambda vmid: host.guest(guests[vmid])),
        sdn=Asked(sdn, lambda name: host.of_vnet(*sdn[name])),
    )


def _of_guest(row: Mapping[str, Any]) -> str:
    return f"/nodes/{row['node']}/{row['type']}/{row['vmid']}"


def _links(row: Mapping[str, Any]) -> list[str]:
    """Addresses on corosync's links, in their order."""
    return [str(row[key]) for key in sorted(row) if key.startswith("ring") and key.endswith("_addr")]


class _Host:
    """The answers of a host as plain data."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def _seen(self, path: str) -> Any:
        found = self._facts.look(path)
        if found is None:
            raise Unresolved(f"{path} can't be read by this identity")
        return found

    def rows(self, path: str) -> list[dict[str, Any]]:
        """A list."""
        found: list[dict[str, Any]] = self._seen(path)
        return found

    def rules(self, path: str) -> list[Rule]:
        """A list of rules."""
        return [Rule.from_row(row) for row in sorted(self.rows(path), key=lambda row: int(row.get("pos", 0)))]

    def level(self, key: str, path: str) -> Level:
        """What is configured at a level; only the cluster and guests have names of their own."""
        options = {name: value for name, value in self._seen(f"{path}/options").items() if name != "digest"}
        if key.startswith(("node ", "vnet ")):
            return Level(options, self.rules(f"{path}/rules"))
        aliases = {str(row["name"]).lower(): str(row["cidr"]) for row in self.rows(f"{path}/aliases")}
        sets = [str(row["name"]) for row in self.rows(f"{path}/ipset")]
        return Level(
            options,
            self.rules(f"{path}/rules"),
            aliases,
            Asked(sets, lambda name: [_entry(row) for row in self.rows(f"{path}/ipset/{name}")]),
        )

    def of_vnet(self, vnet: str, part: str) -> list[Entry]:
        """An ipset that a virtual network has because of its subnets."""
        subnets = self.rows(f"{_VNETS}/{vnet}/subnets")
        whole = [Entry(str(row["cidr"])) for row in subnets]
        gateways = [Entry(str(row["gateway"]), part == "no-gateway") for row in subnets if row.get("gateway")]
        return gateways if part == "gateway" else [*whole, *(gateways if part == "no-gateway" else ())]

    def interfaces(self, node: str) -> list[Interface]:
        """The addresses of a node's network interfaces."""
        return [
            Interface(str(row["iface"]), str(row[key]))
            for row in self.rows(f"/nodes/{node}/network")
            for key in ("cidr", "cidr6")
            if row.get(key)
        ]

    def guest(self, row: Mapping[str, Any]) -> Guest:
        """A guest's network cards."""
        config = self._seen(f"{_of_guest(row)}/config")
        nics = {name: _nic(str(text)) for name, text in config.items() if name[:3] == "net" and name[3:].isdecimal()}
        return Guest(str(row["node"]), nics)


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(str(row["cidr"]), bool(int(row.get("nomatch") or 0)))


def _nic(text: str) -> Nic:
    found = parse_property_string(text, "model")
    mac = next(filter(_MAC.fullmatch, found.values()), None)
    addresses = [str(found[key]).partition("/")[0] for key in ("ip", "ip6") if "/" in str(found.get(key, ""))]
    return Nic(str(found.get("bridge", "")), found.get("firewall") == "1", mac, addresses)
