"""What a preview tells of the network: by lists that all resources of the run share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from providers._runtime.facts import Facts, Row
from providers._runtime.model import Problem, Values
from providers._runtime.privileges import granted
from providers._sdn.objects import KINDS
from providers._sdn.zone_kinds import ZONE_KINDS

DEFAULT_MTU = 1500
VXLAN_TAKES = 50
VLAN_TAKES = 4
LOOKED_AT = 200
"""Stopped guests whose configuration is read, at most, before a VNet is removed."""


def tag_problem(zone_type: str, tag: int | None) -> str | None:
    """What is wrong with a VNet's tag in a zone of a type."""
    largest = ZONE_KINDS[zone_type].largest_tag
    if tag is None:
        return f"a VNet of a {zone_type} zone needs one" if largest else None
    if not largest:
        return "a VNet of a simple zone has none"
    return f"{largest} is the largest of a {zone_type} zone" if tag > largest else None


# ---------------------------------------------------------------- what a zone is built on


def zone_problems(facts: Facts, before: Values, wanted: Values) -> Iterator[Problem]:
    """Nodes, the bridge on each of them, and the objects that the zone names."""
    known = {str(row["node"]): row.get("status") == "online" for row in facts.of_type("node")}
    for field in ("nodes", "exitnodes"):
        for name in wanted.get(field) or ():
            if why := facts.no_node(name):
                yield field, why
    primary = wanted.get("exitnodes_primary")
    if primary and "exitnodes" in wanted and primary not in wanted["exitnodes"]:
        yield "exitnodes_primary", f"{primary} is none of exitnodes"
    if wanted.get("bridge") != before.get("bridge") or wanted.get("nodes") != before.get("nodes"):
        yield from _bridge(facts, wanted, [name for name, online in known.items() if online])
    for field, kind in (("controller", "controllers"), ("ipam", "ipams"), ("dns", "dns"), ("reversedns", "dns")):
        yield from named(facts, kind, field, wanted)
    yield from named(facts, "fabrics", "fabric", wanted)
    yield from _vrf(facts, wanted)


def named(facts: Facts, kind: str, field: str, wanted: Values) -> Iterator[Problem]:
    """Another object of the network that is named, such as a zone's controller."""
    name, about = wanted.get(field), KINDS[kind]
    if not name or facts.announced(about.word, name) or (kind, name) == ("ipams", "pve"):
        return
    if not granted(facts.permissions(), f"/sdn/{kind}/{name}", "SDN.Audit|SDN.Allocate"):
        return  # lists leave out what the identity may not see
    rows = facts.look(about.path)
    if rows is not None and name not in {str(row[about.key]) for row in rows}:
        yield field, f"there is no {about.word} {name!r} on the host, and none in this program"


def _bridge(facts: Facts, wanted: Values, online: list[str]) -> Iterator[Problem]:
    bridge = wanted.get("bridge")
    if not bridge or facts.announced("bridge", bridge):
        return
    for node in sorted(set(wanted.get("nodes") or online) & set(online)):
        there = facts.bridges(node)
        if there is not None and bridge not in there:
            yield "bridge", f"there is no bridge {bridge!r} on {node}; there are {', '.join(sorted(there)) or 'none'}"


def _vrf(facts: Facts, wanted: Values) -> Iterator[Problem]:
    vrf = wanted.get("vrf_vxlan")
    for row in (facts.look("/cluster/sdn/zones") or ()) if vrf else ():
        if str(row.get("vrf-vxlan", "")) == str(vrf) and row["zone"] != wanted.get("zone"):
            yield "vrf_vxlan", f"zone {row['zone']} has {vrf} already"


# ---------------------------------------------------------------- VNets


def vnet_problems(facts: Facts, zone: str | None, vnets: Mapping[str, Values]) -> Iterator[Problem]:
    """Names that other zones have, and tags that other VNets of the same one have."""
    rows = (facts.look("/cluster/sdn/vnets") or ()) if vnets and zone else ()
    for row in rows:
        name, tag = str(row["vnet"]), row.get("tag")
        if name in vnets and row.get("zone") != zone:
            yield f"vnets.{name}", f"VNet {name} already exists in zone {row.get('zone')}"
        elif name not in vnets and row.get("zone") == zone and tag is not None:
            for other, vnet in vnets.items():
                if str(vnet.get("tag")) == str(tag):
                    yield f"vnets.{other}.tag", f"VNet {name} of the same zone has the tag {tag} already"


def users_of(facts: Facts, vnets: Collection[str]) -> list[str]:
    """Who is on some VNets, as `guest 100 is on front`.

    Proxmox lists the NICs of running guests by zone; of those that are stopped each one has to be asked.
    """
    zones = {str(row["zone"]) for row in facts.look("/cluster/sdn/vnets") or () if row["vnet"] in vnets}
    found, plugged = set(), True
    for node in facts.of_type("node"):
        for zone in sorted(zones):
            bridges = facts.look(f"/nodes/{node['node']}/sdn/zones/{zone}/bridges")
            plugged = plugged and bridges is not None
            ports = [(port, row["name"]) for row in bridges or () for port in row.get("ports", ())]
            found |= {
                f"guest {port['vmid']} is on {name}" for port, name in ports if name in vnets and port.get("vmid")
            }
    for row in facts.of_type("qemu", "lxc"):
        if not (plugged and row.get("status") == "running"):
            config = facts.look(f"/nodes/{row['node']}/{row['type']}/{row['vmid']}/config") or {}
            found |= {f"guest {row['vmid']} is on {vnet}" for vnet in vnets if _on(config, vnet)}
    return sorted(found)


def still_used(facts: Facts, vnets: Collection[str]) -> Iterator[Problem]:
    """Guests on VNets that are to be removed; Proxmox itself would cut them off without a word."""
    users = users_of(facts, vnets) if vnets else []
    if users:
        remedy = "give them another bridge, or remove them in a run of its own, before the VNet is removed"
        yield "vnets", f"{', '.join(users)}: {remedy}"


def _on(config: Mapping[str, Any], vnet: str) -> bool:
    return any(
        f"bridge={vnet}" in str(value).split(",")
        for name, value in config.items()
        if name.removeprefix("net").isdigit()
    )


# ---------------------------------------------------------------- hints


def mtu_hints(facts: Facts, wanted: Values) -> Iterator[str]:
    """An MTU for which the network below has no room."""
    mtu, takes = wanted.get("mtu"), {"vxlan": VXLAN_TAKES, "evpn": VXLAN_TAKES, "qinq": VLAN_TAKES, "vlan": 0}
    if mtu is None or wanted.get("type") not in takes:
        return
    needed = mtu + takes[wanted["type"]]
    for node in wanted.get("nodes") or [str(row["node"]) for row in facts.of_type("node")]:
        rows: list[Row] = facts.look(f"/nodes/{node}/network") or []
        below = [row for row in rows if row.get("iface") == wanted.get("bridge") or "bridge" not in wanted]
        room = max((int(row.get("mtu") or DEFAULT_MTU) for row in below), default=needed)
        if room < needed:
            yield (
                f"zone {wanted.get('zone')}: with mtu {mtu} the network below has to carry {needed} bytes, and {node} "
                f"carries {room}: set mtu to {room - takes[wanted['type']]} or less"
            )


def peer_hints(facts: Facts, wanted: Values) -> Iterator[str]:
    """Nodes of a VXLAN zone whose address is none of its peers."""
    peers = wanted.get("peers")
    if not peers or wanted.get("type") != "vxlan":
        return
    for row in facts.look("/cluster/status") or ():
        if row.get("type") == "node" and row.get("ip") and row["name"] in (wanted.get("nodes") or [row["name"]]):
            addresses = _addresses(facts, str(row["name"])) | {str(row["ip"])}
            if not addresses & set(peers):
                named = ", ".join(peers)
                yield f"zone {wanted.get('zone')}: none of {row['name']}'s addresses is one of the peers {named}"


def _addresses(facts: Facts, node: str) -> set[str]:
    rows = facts.look(f"/nodes/{node}/network") or ()
    return {str(row[name]) for row in rows for name in ("address", "address6") if row.get(name)}
