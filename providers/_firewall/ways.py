"""What has to get through the firewall if nobody is to be shut out, as packets.

The source of the connection's own packets is what a node says of it, where the connection has SSH; else it is the
address that this machine sends them from, and where that is translated on the way, the nodes see another one.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from providers._firewall.packet import Address, Packet
from providers._firewall.ruleset import Ruleset
from providers._firewall.verdict import End, Firewalls, Verdict
from providers._runtime.connection import Connection
from providers._runtime.errors import ProxmoxError

if TYPE_CHECKING:
    from providers._runtime.client import Client  # programs import this module, and ask nobody

API, SSH, COROSYNC = 8006, 22, 5405
"""Ports of a node; corosync has one more for each further link."""
PATIENCE = 10.0
"""Seconds in which a node has to say who we are."""
_WHO_AM_I = ["sh", "-c", 'echo "$SSH_CONNECTION"']
_OF_NODES = (("the API", API), ("SSH", SSH), ("migration", 60000), ("migration", 60050))


@dataclass(frozen=True)
class Way:
    """A packet that has to get through."""

    what: str
    packet: Packet
    source: End | None
    dest: End

    def end(self, firewalls: Firewalls) -> Verdict:
        """The verdict that lets it through or stops it."""
        return firewalls.journey(self.packet, self.source, self.dest)[-1]


@dataclass(frozen=True)
class Managed:
    """An address of a guest by which it has to stay reachable from here."""

    vmid: int
    address: str

    def way(self, ruleset: Ruleset, seen: Address | None) -> Way | None:
        """SSH to the card that has the address, as far as the guest's configuration tells; else to the first one."""
        dest = ipaddress.ip_address(self.address)
        known = seen if seen and seen.version == dest.version else None
        source, guest = known or _local_address(self.address, SSH), ruleset.guests.get(str(self.vmid))
        cards = guest.nics.items() if guest else ()
        nic = next((name for name, card in cards if self.address in card.addresses), "net0")
        end, what = End("guest", str(self.vmid), nic), f"guest {self.vmid} at {self.address}"
        return Way(what, Packet(source, dest, "tcp", dport=SSH), None, end) if guest and source else None


def seen_by_nodes(client: Client, ruleset: Ruleset) -> Address | None:
    """The address that a node sees this machine at; None if there is no asking."""
    node = next(filter(client.ssh.reaches, ruleset.nodes), None)
    if node is None:
        return None
    try:
        told = client.ssh.check(node, _WHO_AM_I, deadline=time.monotonic() + PATIENCE)
        return ipaddress.ip_address(told.decode().split()[0])
    except (ProxmoxError, ValueError, IndexError):
        return None


def ways(connection: Connection, ruleset: Ruleset, seen: Address | None) -> list[Way]:
    """The connection's own, and those of the nodes to each other; each once."""
    found = (*_own(connection, ruleset, seen), *_between_nodes(ruleset))
    return list(dict.fromkeys(way for way in found if way.packet.source.version == way.packet.dest.version))


def _own(connection: Connection, ruleset: Ruleset, seen: Address | None) -> Iterator[Way]:
    """To the API of the nodes that are endpoints, or of all where addresses don't tell; and over SSH."""
    ends = list(filter(None, map(_ends, connection.endpoints)))
    addresses = {str(there) for _, there in ends}
    endpoints = [name for name, node in ruleset.nodes.items() if node.address in addresses]
    for here in [seen] if seen else [here for here, _ in ends]:
        for name in endpoints or ruleset.nodes:
            yield Way(f"the API of {name} from here", _tcp(ruleset, here, name, API), None, End("node", name))
        for name in ruleset.nodes:
            if connection.ssh and name in connection.ssh.hosts:
                packet = _tcp(ruleset, here, name, _ssh_port(connection, name))
                yield Way(f"SSH to {name} from here", packet, None, End("node", name))


def _ssh_port(connection: Connection, node: str) -> int:
    """The port of a node's sshd, unless ports are forwarded on the way: then those that we know are not the node's."""
    forwarded = any(urlsplit(endpoint).port != API for endpoint in connection.endpoints)
    return SSH if forwarded or not connection.ssh else connection.ssh.hosts[node].port


def _between_nodes(ruleset: Ruleset) -> Iterator[Way]:
    for name, node in ruleset.nodes.items():
        for other, peer in ruleset.nodes.items():
            if name == other:
                continue
            words, ends = f"from {name} to {other}", (End("node", name), End("node", other))
            for what, port in _OF_NODES:
                yield Way(f"{what} {words}", _tcp(ruleset, ipaddress.ip_address(node.address), other, port), *ends)
            for number, link in enumerate(zip(node.links, peer.links, strict=False)):
                near, far = map(_address, link)
                if near and far:
                    yield Way(f"corosync {words}", Packet(near, far, "udp", dport=COROSYNC + number), *ends)


def _tcp(ruleset: Ruleset, source: Address, node: str, port: int) -> Packet:
    return Packet(source, ipaddress.ip_address(ruleset.nodes[node].address), "tcp", dport=port)


def _address(text: str) -> Address | None:
    """None for a name: corosync's links may be told by name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _ends(endpoint: str) -> tuple[Address, Address] | None:
    """Our address and that of an endpoint, on the way to it; None if its name is not known."""
    parts = urlsplit(endpoint)
    try:
        there = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)[0][4][0]
    except OSError:
        return None
    here = _local_address(str(there), parts.port or API)
    return (here, ipaddress.ip_address(there)) if here else None


def _local_address(dest: str, port: int) -> Address | None:
    """The address that packets to there are sent from; nothing is sent to find out."""
    with socket.socket(socket.AF_INET6 if ":" in dest else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((dest, port))
        except OSError:
            return None
        return ipaddress.ip_address(probe.getsockname()[0])
