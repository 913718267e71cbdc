"""The options of zones, virtual networks, subnets, controllers and the services around them, by type."""

from __future__ import annotations

import ipaddress
import re

from simulator.formats import named_format
from simulator.schema import Param, PropertyString, array, boolean, integer, number, string
from simulator.sections import SectionType

LOCK_TOKEN = {"lock-token": string(optional=True)}
VIEWS = {"pending": boolean(optional=True), "running": boolean(optional=True)}
CHANGE = {
    "delete": string(format="pve-configid-list", max_length=4096, optional=True),
    "digest": string(max_length=64, optional=True),
}
_TEXT, _FLAG, _NUMBER = string(optional=True), boolean(optional=True), integer(optional=True)
_ID = r"[a-zA-Z][a-zA-Z0-9]*[a-zA-Z0-9]"
_FINGERPRINT = string(pattern=r"([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}", optional=True)

ZONE_ID = string(pattern=_ID, min_length=2, max_length=8)
VNET_ID = string(pattern=_ID, min_length=2, max_length=8)
CONTROLLER_ID = string(pattern=r"[a-zA-Z][a-zA-Z0-9_-]*[a-zA-Z0-9]", min_length=2, max_length=64)
SERVICE_ID = string(pattern=_ID, min_length=2)
SUBNET_ID = string(format="pve-sdn-subnet-id")
FABRIC_ID = string(format="pve-sdn-fabric-id", pattern=r"[a-zA-Z0-9][a-zA-Z0-9-]{0,6}[a-zA-Z0-9]", min_length=2, max_length=8)  # fmt: skip  # noqa: E501 - the identifier's schema is one thing

ZONE_OPTIONS: dict[str, Param] = {
    "advertise-subnets": _FLAG,
    "bridge": _TEXT,
    "bridge-disable-mac-learning": _FLAG,
    "controller": _TEXT,
    "dhcp": string(enum=("dnsmasq",), optional=True),
    "disable-arp-nd-suppression": _FLAG,
    "dns": _TEXT,
    "dnszone": string(format="dns-name", optional=True),
    "dp-id": _NUMBER,
    "exitnodes": string(format="pve-node-list", optional=True),
    "exitnodes-local-routing": _FLAG,
    "exitnodes-primary": string(format="pve-node", optional=True),
    "fabric": string(format="pve-sdn-fabric-id", optional=True),
    "ipam": _TEXT,
    "mac": string(format="mac-addr", optional=True),
    "mtu": _NUMBER,
    "nodes": string(format="pve-node-list", optional=True),
    "peers": string(format="ip-list", optional=True),
    "reversedns": _TEXT,
    "rt-import": string(format="pve-sdn-bgp-rt-list", optional=True),
    "tag": integer(minimum=0, optional=True),
    "vlan-protocol": string(enum=("802.1q", "802.1ad"), optional=True),
    "vrf-vxlan": integer(minimum=1, maximum=16777215, optional=True),
    "vxlan-port": integer(minimum=1, maximum=65536, optional=True),
}
_EVERY_ZONE = "nodes mtu dns reversedns dnszone ipam"
ZONE_TYPES = {
    "simple": SectionType.of(optional=f"{_EVERY_ZONE} dhcp"),
    "vlan": SectionType.of("bridge", f"{_EVERY_ZONE} bridge-disable-mac-learning"),
    "qinq": SectionType.of("bridge tag", f"{_EVERY_ZONE} vlan-protocol"),
    "vxlan": SectionType.of(optional=f"{_EVERY_ZONE} peers fabric vxlan-port"),
    "evpn": SectionType.of(
        "controller vrf-vxlan",
        f"{_EVERY_ZONE} mac exitnodes exitnodes-local-routing exitnodes-primary advertise-subnets"
        " disable-arp-nd-suppression rt-import",
    ),
    "faucet": SectionType.of("controller dp-id", _EVERY_ZONE),
}
VNET_OPTIONS: dict[str, Param] = {
    "alias": string(pattern=r"(?i:[\(\)-_.\w\d\s]{0,256})", max_length=256, optional=True),
    "isolate-ports": _FLAG,
    "tag": integer(minimum=1, maximum=16777215, optional=True),
    "vlanaware": _FLAG,
    "zone": _TEXT,
}
VNET_TYPE = SectionType.of("zone", "alias isolate-ports tag vlanaware")
SUBNET_OPTIONS: dict[str, Param] = {
    "dhcp-dns-server": string(format="ip", optional=True),
    "dhcp-range": array(string(format="pve-sdn-dhcp-range"), optional=True),
    "dnszoneprefix": string(format="dns-name", optional=True),
    "gateway": string(format="ip", optional=True),
    "snat": _FLAG,
}
SUBNET_TYPE = SectionType.of("vnet", "dhcp-dns-server dhcp-range dnszoneprefix gateway snat")
CONTROLLER_OPTIONS: dict[str, Param] = {
    "asn": integer(minimum=0, maximum=4294967295, optional=True),
    "bgp-multipath-as-path-relax": _FLAG,
    "ebgp": _FLAG,
    "ebgp-multihop": _NUMBER,
    "fabric": string(format="pve-sdn-fabric-id", optional=True),
    "isis-domain": _TEXT,
    "isis-ifaces": string(format="pve-iface-list", optional=True),
    "isis-net": string(
        format="pve-sdn-isis-net",
        pattern=r"[a-fA-F0-9]{2}(\.[a-fA-F0-9]{4}){3,9}\.[a-fA-F0-9]{2}",
        min_length=20,
        max_length=50,
        optional=True,
    ),
    "loopback": _TEXT,
    "node": string(format="pve-node", optional=True),
    "peers": string(format="ip-list", optional=True),
}
CONTROLLER_TYPES = {
    "bgp": SectionType.of("asn node peers", "ebgp ebgp-multihop bgp-multipath-as-path-relax loopback", "node"),
    "evpn": SectionType.of("asn", "peers fabric"),
    "faucet": SectionType.of(),
    "isis": SectionType.of("isis-domain isis-ifaces isis-net node", "loopback", "node"),
}
IPAM_OPTIONS: dict[str, Param] = {
    "fingerprint": _FINGERPRINT,
    "section": _NUMBER,
    "token": _TEXT,
    "url": _TEXT,
}
IPAM_TYPES = {
    "netbox": SectionType.of("token url", "fingerprint"),
    "phpipam": SectionType.of("section token url", "fingerprint"),
    "pve": SectionType.of(),
}
DNS_OPTIONS: dict[str, Param] = {
    "fingerprint": _FINGERPRINT,
    "key": _TEXT,
    "reversemaskv6": _NUMBER,
    "ttl": _NUMBER,
    "url": _TEXT,
}
DNS_TYPES = {"powerdns": SectionType.of("key url", "fingerprint reversemaskv6 reversev6mask ttl")}
_INTERVAL = number(minimum=1, maximum=600, optional=True)
FABRIC_OPTIONS: dict[str, Param] = {
    "area": _TEXT,
    "csnp_interval": _INTERVAL,
    "hello_interval": _INTERVAL,
    "ip6_prefix": string(format="CIDR", optional=True),
    "ip_prefix": string(format="CIDR", optional=True),
}
FABRIC_TYPES = {
    "openfabric": SectionType.of(optional="csnp_interval hello_interval ip6_prefix ip_prefix"),
    "ospf": SectionType.of("area", "ip6_prefix ip_prefix"),
}
FABRIC_NODE_OPTIONS: dict[str, Param] = {
    "interfaces": array(string(), optional=True),
    "ip": string(format="ipv4", optional=True),
    "ip6": string(format="ipv6", optional=True),
}
_CIDR4 = string(format="CIDRv4", optional=True)
_IFACE = string(format="pve-iface")
FABRIC_INTERFACES = {
    "openfabric": PropertyString(
        {
            "hello_multiplier": integer(minimum=2, maximum=100, optional=True),
            "ip": _CIDR4,
            "ip6": string(format="CIDRv6", optional=True),
            "name": _IFACE,
        }
    ),
    "ospf": PropertyString({"ip": _CIDR4, "name": _IFACE}),
}
_NODE_TYPE = SectionType.of(optional="interfaces ip ip6")
FABRIC_NODE_TYPES = {"openfabric": _NODE_TYPE, "ospf": _NODE_TYPE}
DHCP_RANGE = PropertyString({"end-address": string(format="ip"), "start-address": string(format="ip")})


@named_format("pve-sdn-subnet-id")
def _subnet_id(value: str) -> None:
    """Check a network, or a subnet's id: zone, network and mask, with dashes between."""
    address, slash, mask = value.partition("/")
    if not slash:
        _, address, mask = [*value.split("-"), "", ""][:3]
    try:
        ipaddress.ip_interface(f"{address}/{mask}")
    except ValueError:
        raise ValueError("value does not look like a valid CIDR network") from None
    if not re.fullmatch(r"\d+", mask):
        raise ValueError("value does not look like a valid CIDR network")


@named_format("pve-sdn-fabric-id")
def _fabric_id(value: str) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,6}[a-zA-Z0-9]", value):
        raise ValueError(f"fabric ID '{value}' contains illegal characters")


@named_format("pve-sdn-isis-net")
def _isis_net(value: str) -> None:
    if not re.fullmatch(r"[a-fA-F0-9]{2}(\.[a-fA-F0-9]{4}){3,9}\.[a-fA-F0-9]{2}", value):
        raise ValueError("value does not look like a valid isis net")


@named_format("pve-sdn-bgp-rt")
def _route_target(value: str) -> None:
    if not re.fullmatch(r"\d+:\d+", value):
        raise ValueError("value does not look like a valid route target")


@named_format("pve-sdn-dhcp-range")
def _dhcp_range(value: str) -> None:
    DHCP_RANGE.parse(value)
