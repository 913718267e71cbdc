"""What a node's network file says of the zones that it is part of."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.sdn.config import subnet_cidr
from simulator.sdn.records import SdnObject
from simulator.store import Table


def interfaces_file(table: Table[str, SdnObject], zones: Iterable[SdnObject]) -> list[str]:
    """Return the lines of `/etc/network/interfaces.d/sdn` for these zones."""
    by_zone: dict[str, list[SdnObject]] = {}
    for vnet in sorted(table.by("kind", "vnets"), key=lambda row: row.id):
        by_zone.setdefault(vnet.options["zone"], []).append(vnet)
    lines: list[str] = []
    for zone in zones:
        for vnet in by_zone.get(zone.id, []):
            lines += ["", *_bridge(table, zone, vnet)]
    return lines


def _bridge(table: Table[str, SdnObject], zone: SdnObject, vnet: SdnObject) -> list[str]:
    """Return the stanza of a virtual network's bridge."""
    addresses = [
        f"\taddress {subnet.options['gateway']}/{subnet_cidr(subnet.id).partition('/')[2]}"
        for subnet in sorted(table.by("kind", "subnets"), key=lambda row: row.id)
        if subnet.options["vnet"] == vnet.id and "gateway" in subnet.options
    ]
    options = [f"\tbridge_ports {_port(zone, vnet)}", "\tbridge_stp off", "\tbridge_fd 0"]
    if vnet.options.get("vlanaware") == "1":
        options += ["\tbridge-vlan-aware yes", "\tbridge-vids 2-4094"]
    if "mtu" in zone.options:
        options.append(f"\tmtu {zone.options['mtu']}")
    if "alias" in vnet.options:
        options.append(f"\talias {vnet.options['alias']}")
    return [f"auto {vnet.id}", f"iface {vnet.id}", *(addresses if zone.type in ("simple", "evpn") else []), *options]


def _port(zone: SdnObject, vnet: SdnObject) -> str:
    """Return the port that links a virtual network's bridge with the other nodes."""
    if zone.type == "vlan":
        return f"{zone.options['bridge']}.{vnet.options['tag']}"
    if zone.type == "qinq":
        return f"z_{zone.id}.{vnet.options['tag']}"
    return f"vxlan_{vnet.id}" if zone.type in ("vxlan", "evpn") else "none"
