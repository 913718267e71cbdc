"""What must hold between the objects of the network; each refusal is a text of Proxmox's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from simulator.errors import ApiError
from simulator.sdn.config import in_network, subnet_cidr
from simulator.sdn.options import DHCP_RANGE
from simulator.sdn.records import SdnObject
from simulator.state import Datacenter

_LOOKUP = "cannot lookup undefined type! at /usr/share/perl5/PVE/API2/Network/SDN/Vnets.pm line"
CREATE_LINE, UPDATE_LINE = 326, 402
_PLUGINS = "/usr/share/perl5/PVE/Network/SDN"
_MAX_VLAN, _MAX_VXLAN = 4096, 16777216


class CheckFailed(ApiError):
    """A check of one object against the others fails; Proxmox answers 500 with the text of a 400."""

    def __init__(self, prefix: str, errors: dict[str, str]) -> None:
        """Build the message from one text per parameter."""
        lines = "".join(f"{name}: {text}\n" for name, text in sorted(errors.items())).removesuffix("\n")
        super().__init__(f"{prefix}400 Parameter verification failed.\n{lines}")


def check_zone(datacenter: Datacenter, zone: SdnObject, prefix: str) -> None:
    """Refuse a zone that does not fit its controller, its peers or its address management."""
    options = zone.options
    if zone.type == "vxlan" and ("peers" in options) == ("fabric" in options):
        text = "must have exactly one of peers / fabric defined"
        raise CheckFailed(prefix, {"fabric": text, "peers": text})
    if zone.type == "evpn":
        _check_evpn(datacenter, zone, prefix)
    for key, kind in (("ipam", "ipams"), ("dns", "dns"), ("reversedns", "dns")):
        name = options.get(key)
        if name is not None and name != "pve" and f"{kind}/{name}" not in datacenter.sdn:
            raise ApiError(f"{prefix}sdn '{name}' does not exist")


def _check_evpn(datacenter: Datacenter, zone: SdnObject, prefix: str) -> None:
    name = zone.options["controller"]
    controller = datacenter.sdn.get(f"controllers/{name}")
    if controller is None:
        raise ApiError(f"{prefix}controller {name} don't exist")
    if controller.type not in ("evpn", "faucet"):
        raise ApiError(f"{prefix}{name} is not a evpn controller type")
    vrf = zone.options["vrf-vxlan"]
    for other in datacenter.sdn.by("kind", "zones"):
        if other.id != zone.id and other.options.get("vrf-vxlan") == vrf:
            raise ApiError(f"{prefix}vrf-vxlan {vrf} is already declared in {other.id}")


def check_vnet(datacenter: Datacenter, vnet: SdnObject, prefix: str, line: int) -> None:
    """Refuse a virtual network whose tag does not fit its zone."""
    zone = datacenter.sdn.get(f"zones/{vnet.options['zone']}")
    if zone is None:
        raise ApiError(f"{prefix}{_LOOKUP} {line}.")
    if vnet.options.get("vlanaware") == "1" and subnets_of(datacenter, vnet.id):
        raise CheckFailed(prefix, {"vlanaware": "vlanaware vnet is not compatible with subnets"})
    tag = vnet.options.get("tag")
    if tag is not None:
        for other in _others(datacenter.sdn.by("kind", "vnets"), vnet):
            if other.options["zone"] == zone.id and other.options.get("tag") == tag:
                raise CheckFailed(prefix, {"tag": f"tag {tag} already exist in vnet {other.id}"})
    _check_tag(zone.type, tag, prefix)


def _others(rows: Iterable[SdnObject], row: SdnObject) -> list[SdnObject]:
    return sorted((other for other in rows if other.id != row.id), key=lambda other: other.id)


def _check_tag(zone_type: str, tag: str | None, prefix: str) -> None:
    if zone_type == "simple":
        if tag is not None:
            raise CheckFailed(prefix, {"tag": "vlan tag is not allowed on simple zone"})
        return
    kind, highest = ("vlan", _MAX_VLAN) if zone_type in ("vlan", "qinq") else ("vxlan", _MAX_VXLAN)
    if tag is None:
        raise CheckFailed(prefix, {"tag": f"missing {kind} tag"})
    if int(tag) > highest:
        raise CheckFailed(prefix, {"tag": f"{kind} tag max value is {highest}"})


def subnets_of(datacenter: Datacenter, vnet: str) -> list[SdnObject]:
    """Return the configured subnets of a virtual network."""
    return [row for row in datacenter.sdn.by("kind", "subnets") if row.options["vnet"] == vnet]


def check_subnet(datacenter: Datacenter, subnet: SdnObject, prefix: str) -> None:
    """Refuse a subnet on the wrong network, or whose gateway or ranges lie outside of it."""
    vnet, options, cidr = subnet.options["vnet"], subnet.options, subnet_cidr(subnet.id)
    found = datacenter.sdn.get(f"vnets/{vnet}")
    if found is None:
        raise CheckFailed(prefix, {"vnet": f"{vnet} don't exist"})
    if found.options.get("vlanaware") == "1":
        raise CheckFailed(prefix, {"vnet": "you can't add a subnet on a vlanaware vnet"})
    gateway = options.get("gateway")
    single = ipaddress.ip_interface(cidr).network.num_addresses == 1
    if gateway is not None and not single and not in_network(gateway, cidr):
        raise CheckFailed(prefix, {"gateway": f"{gateway} is not in subnet {subnet.id}"})
    for text in options.get("dhcp-range", "").split("\n") if "dhcp-range" in options else ():
        _check_range(DHCP_RANGE.parse(text), cidr, prefix)


def _check_range(addresses: dict[str, str], cidr: str, prefix: str) -> None:
    start, end = addresses["start-address"], addresses["end-address"]
    for name, address in (("start-address", start), ("end-address", end)):
        if not in_network(address, cidr):
            raise CheckFailed(prefix, {"dhcp-range": f"{name} {address} is not in subnet {cidr}"})
    if int(ipaddress.ip_address(start)) > int(ipaddress.ip_address(end)):
        raise CheckFailed(
            prefix, {"dhcp-range": f"start-address {start} must be smaller than end-address {end}"}
        )  # fmt: skip


def check_zone_unused(datacenter: Datacenter, zone: str, prefix: str) -> None:
    """Refuse to delete a zone that has virtual networks."""
    for vnet in sorted(datacenter.sdn.by("kind", "vnets"), key=lambda row: row.id):
        if vnet.options["zone"] == zone:
            raise ApiError(f"{prefix}zone {zone} is used by vnet {vnet.id} at {_PLUGINS}/Zones/Plugin.pm line 149.")


def check_vnet_unused(datacenter: Datacenter, vnet: str, prefix: str) -> None:
    """Refuse to delete a virtual network that has subnets."""
    if subnets_of(datacenter, vnet):
        raise CheckFailed(prefix, {"vnet": "Can't delete vnet if subnets exists"})


def check_controller(datacenter: Datacenter, controller: SdnObject, prefix: str) -> None:
    """Refuse a second controller for the whole cluster, and one with no peers or two sorts of them."""
    if controller.type != "evpn":
        return
    for other in _others(datacenter.sdn.by("kind", "controllers"), controller):
        if other.type == "evpn":
            raise ApiError(f"{prefix}only 1 global evpn controller can be defined")
    if ("peers" in controller.options) == ("fabric" in controller.options):
        text = "must have exactly one of peers / fabric defined"
        raise CheckFailed(prefix, {"fabric": text, "peers": text})


def check_controller_unused(datacenter: Datacenter, controller: str, prefix: str) -> None:
    """Refuse to delete a controller that a zone uses."""
    for zone in sorted(datacenter.sdn.by("kind", "zones"), key=lambda row: row.id):
        if zone.options.get("controller") == controller:
            place = f"{_PLUGINS}/Controllers/EvpnPlugin.pm line 476."
            raise ApiError(f"{prefix}controller {controller} is used by {zone.id} at {place}")


def check_service_unused(datacenter: Datacenter, kind: str, name: str, prefix: str) -> None:
    """Refuse to delete an address management or a name server that a zone uses."""
    keys = ("ipam",) if kind == "ipams" else ("dns", "reversedns")
    for zone in sorted(datacenter.sdn.by("kind", "zones"), key=lambda row: row.id):
        if name in [zone.options.get(key) for key in keys]:
            raise ApiError(f"{prefix}{kind.removesuffix('s')} {name} is used by {zone.id}")
