"""A packet, and the places of a cluster where a firewall looks at it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
State = Literal["new", "established", "invalid"]
Way = Literal["in", "out", "forward"]

EPHEMERAL = 49152
"""A port as a client's system picks it for a connection of its own."""


@dataclass(frozen=True)
class Packet:
    """What is known of a packet. What is None is not known, and a rule that asks for it can't be judged."""

    source: Address
    dest: Address
    proto: str
    dport: int | None = None
    sport: int | None = EPHEMERAL
    icmp_type: int | None = None
    icmp_code: int = 0
    iface: str | None = None
    """The node's network interface through which it comes or goes; None for the one that has the packet's address."""
    mac: str | None = None
    """Who sends it on the link; None for the sender's own address."""
    state: State = "new"

    @property
    def version(self) -> int:
        """Of IP."""
        return self.source.version

    def __str__(self) -> str:
        what = f"{self.proto} type {self.icmp_type}" if self.icmp_type is not None else self.proto
        port = "" if self.dport is None else f" port {self.dport}"
        return f"{what} from {self.source} to {self.dest}{port}"


@dataclass(frozen=True)
class Place:
    """Where a firewall looks at packets: a node, a card of a guest, or a virtual network, in one direction."""

    kind: Literal["node", "guest", "vnet"]
    name: str
    way: Way
    nic: str = "net0"

    def __str__(self) -> str:
        what = f"guest {self.name} {self.nic}" if self.kind == "guest" else f"{self.kind} {self.name}"
        return {"in": f"into {what}", "out": f"out of {what}", "forward": f"through {what}"}[self.way]
