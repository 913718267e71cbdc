"""Proxmox's types of zones: which fields each must have, which others are its own, and what its VNets may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers._runtime.model import Inputs

EVERY_ZONE = frozenset(
    {"zone", "type", "nodes", "mtu", "ipam", "dns", "reversedns", "dnszone", "vnets", "apply_foreign"}
)


@dataclass(frozen=True)
class ZoneKind:
    """One type of zone."""

    required: frozenset[str]
    own: frozenset[str]
    largest_tag: int
    """Of its VNets; 0 where they have none."""
    routed: bool = False
    """Whether the nodes route between its VNets, so that no two subnets may have addresses in common."""

    @property
    def fields(self) -> frozenset[str]:
        """All fields that a zone of this type may have."""
        return self.required | self.own | EVERY_ZONE | frozenset(Inputs.model_fields)


def _kind(required: str, own: str, largest_tag: int, *, routed: bool = False) -> ZoneKind:
    return ZoneKind(frozenset(required.split()), frozenset(own.split()), largest_tag, routed)


_VLAN, _VXLAN = 4096, 16777216
ZONE_KINDS: Mapping[str, ZoneKind] = {
    "simple": _kind("", "dhcp", 0, routed=True),
    "vlan": _kind("bridge", "bridge_disable_mac_learning", _VLAN),
    "qinq": _kind("bridge tag", "vlan_protocol", _VLAN),
    "vxlan": _kind("", "peers fabric vxlan_port", _VXLAN),
    "evpn": _kind(
        "controller vrf_vxlan",
        "mac exitnodes exitnodes_local_routing exitnodes_primary advertise_subnets rt_import"
        " disable_arp_nd_suppression",
        _VXLAN,
        routed=True,
    ),
}
