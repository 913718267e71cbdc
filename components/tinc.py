"""The configuration of tinc 1.0 for a full mesh, as text: what each member has in its `/etc/tinc/<net>`."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

PORT = 655
"""The one that is tinc's."""
ROOM = 1400
"""MTU inside, where the network below carries 1500: what the tunnel adds fits in between."""
PING_INTERVAL = 5
"""Seconds of silence after which a member is asked whether it is there; it has five to answer."""
MAIN = "tinc.conf"
KEY = "rsa_key.priv"
SCRIPTS = ("tinc-up", "tinc-down")


@dataclass(frozen=True, kw_only=True)
class Net:
    """What the members of a mesh have in common."""

    name: str
    """Of the mesh, and so of its interface."""
    port: int = PORT
    """The port of TCP and UDP; two meshes of one machine need two."""
    mode: Literal["switch", "router"] = "switch"
    """`switch` carries frames, so that bridges can be joined; `router` packets of each member's address."""
    mtu: int = ROOM


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What a member is in the mesh."""

    address: str | None = None
    """Its address inside, with the prefix length."""
    bridge: str | None = None
    """A bridge of the member, of Linux or of Open vSwitch, that the mesh is a port of; in the mode `switch`."""


def problems(net: Net, peers: Mapping[str, Peer]) -> Iterator[str]:
    """What can't be."""
    if not re.fullmatch(r"[A-Za-z0-9_]{1,15}", net.name):
        yield f"{net.name!r} is no name of a mesh: it names an interface too, by up to 15 letters, digits and _"
    for one, other in itertools.combinations(peers, 2):
        if name_of(one) == name_of(other):
            yield f"{one} and {other} are both {name_of(one)} to tinc, which has no other characters"
        first, second = peers[one].address, peers[other].address
        if first and second and ipaddress.ip_interface(first).network != ipaddress.ip_interface(second).network:
            yield f"{one} ({first}) and {other} ({second}) are not in one network"
        elif first and first == second:
            yield f"{one} and {other} have the same address {first}"
    for member, peer in peers.items():
        if net.mode == "router" and (peer.bridge or not peer.address):
            yield f"{member}: in the mode router a member has an address, and no bridge"


def name_of(member: str) -> str:
    """As tinc writes it: letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9]", "_", member)


def main_file(net: Net, me: str, members: Mapping[str, Peer]) -> str:
    """`tinc.conf`: who it is, and that it reaches out to all others.

    Broadcasts go to each member by itself, and not from one to the next: so those that are there find each other at
    once when one in between is gone, which is else noticed after a minute only.
    """
    lines = [f"Name = {name_of(me)}", f"Mode = {net.mode}", f"Interface = {net.name}"]
    lines += ["Broadcast = direct", f"PingInterval = {PING_INTERVAL}"]
    lines += [f"ConnectTo = {name_of(member)}" for member in members if member != me]
    return "".join(f"{line}\n" for line in lines)


def host_file(net: Net, peer: Peer, endpoint: str, public_key: str) -> str:
    """What all know of one member: where it is, what is behind it, and its public key."""
    lines = [f"Address = {endpoint}", f"Port = {net.port}"]
    if net.mode == "router" and peer.address:
        lines.append(f"Subnet = {ipaddress.ip_interface(peer.address).ip}")
    return "".join(f"{line}\n" for line in lines) + f"\n{public_key.strip()}\n"


def up(net: Net, peer: Peer) -> str:
    """`tinc-up`: what becomes of the interface when the mesh starts."""
    lines = ["#!/bin/sh", "set -e", f'ip link set dev "$INTERFACE" mtu {net.mtu} up']
    if peer.address:
        lines.append(f'ip address replace {peer.address} dev "$INTERFACE"')
    if peer.bridge:
        lines += _join(peer.bridge)
    return "".join(f"{line}\n" for line in lines)


def _join(bridge: str) -> list[str]:
    """Make the interface a port: the bridge keeps the MAC that it has, by which others know what is on it.

    An Open vSwitch may still hold the interface that the mesh had before.
    """
    return [
        f"mac=$(cat /sys/class/net/{bridge}/address)",
        f'ip link set dev {bridge} address "$mac"',
        f'ip link set dev "$INTERFACE" master {bridge} 2>/dev/null && exit',
        f'ovs-vsctl set bridge {bridge} "other-config:hwaddr=\\"$mac\\""',
        'ovs-vsctl --if-exists del-port "$INTERFACE"',
        f'ovs-vsctl add-port {bridge} "$INTERFACE"',
    ]


def down() -> str:
    """`tinc-down`."""
    return '#!/bin/sh\nip link set dev "$INTERFACE" down\n'


def files(
    net: Net, me: str, peers: Mapping[str, Peer], endpoints: Mapping[str, str], public_keys: Mapping[str, str]
) -> dict[str, str]:
    """All files of one member but its private key, by their paths below the folder of the mesh."""
    hosts = {
        f"hosts/{name_of(member)}": host_file(net, peer, endpoints[member], public_keys[member])
        for member, peer in peers.items()
    }
    return {MAIN: main_file(net, me, peers), "tinc-up": up(net, peers[me]), "tinc-down": down(), **hosts}
