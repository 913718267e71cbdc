"""What an environment that was taken over tells of its hosts, networks and guests: by what its resources say."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from lab_outputs import Host, Network, Ssh

BRIDGES = ("bridge", "OVSBridge")
TAGGED = ("vlan", "qinq")
"""Types of zones whose VNets have a tag that is a VLAN."""
Values = Mapping[str, Any]
Nics = dict[str, tuple[str | None, str | None]]
"""Slot -> network and fixed address."""


class GuestFacts(TypedDict):
    """What `guest_output` takes besides the guest."""

    host: str
    nics: Nics
    groups: tuple[str, ...]
    ssh: Ssh | None


def called(connection: str | None, name: str) -> str:
    """What a node or a network is called: another connection may have one of the same name."""
    return name if connection in (None, name) else f"{connection}-{name}"


def hosts_of(guests: Iterable[Values], nodes: Iterable[Values]) -> dict[str, Host]:
    """The nodes that have guests or a network; each is reached by its address in the network with the gateway."""
    found = {called(of["connection"], of["node"]): Host(node=of["node"], connection=of["connection"]) for of in guests}
    for of in nodes:
        own = (item.get("cidr") for item in of["interfaces"].values() if item.get("gateway"))
        found[called(of["connection"], of["node"])] = Host(
            node=of["node"], connection=of["connection"], address=fixed(next(own, None))
        )
    return dict(sorted(found.items()))


def networks_of(guests: Iterable[Values], nodes: Iterable[Values], zones: Iterable[Values]) -> dict[str, Network]:
    """Bridges, VNets, and the VLANs that guests are in."""
    bridges: dict[str, list[Network]] = {}
    for of in nodes:
        for name, item in of["interfaces"].items():
            if item["type"] in BRIDGES:
                bridges.setdefault(called(of["connection"], name), []).append(_bridge(name, item))
    found = {name: _what_all_say(each) for name, each in bridges.items()}
    for of in zones:
        found |= {called(of["connection"], name): _vnet(name, vnet, of) for name, vnet in (of["vnets"] or {}).items()}
    for of in guests:
        for nic in (of["net"] or {}).values():
            if name := _network_of(of, nic):
                found.setdefault(name, Network(bridge=nic["bridge"], vlan=nic.get("tag")))
    return dict(sorted(found.items()))


def guest_facts(of: Values) -> GuestFacts:
    """What a guest says of its place, its networks, and what it is part of."""
    nics = {slot: (_network_of(of, nic), _address(of, slot, nic)) for slot, nic in sorted((of["net"] or {}).items())}
    address = next((address for _, address in nics.values() if address), None)
    groups = dict.fromkeys([*([of["pool"]] if of["pool"] else []), *(of["tags"] or ())])
    return {
        "host": called(of["connection"], of["node"]),
        "nics": nics,
        "groups": tuple(groups),
        "ssh": Ssh(user=of["ciuser"], address=address) if of["ciuser"] and address else None,
    }


def fixed(address: str | None) -> str | None:
    """An address without its prefix; none where it is given by DHCP or by nobody."""
    return address.partition("/")[0] if address and "/" in address else None


def _bridge(name: str, item: Values) -> Network:
    cidr = ipaddress.ip_interface(item["cidr"]).network if item.get("cidr") else None
    return Network(bridge=name, cidr=str(cidr) if cidr else None, gateway=item.get("gateway"), mtu=item.get("mtu"))


def _what_all_say(bridges: list[Network]) -> Network:
    """A bridge of several nodes: what is different on one of them is said of none."""
    first, *others = bridges
    unlike = [
        name for name in Network.model_fields if any(getattr(each, name) != getattr(first, name) for each in others)
    ]
    return first.model_copy(update=dict.fromkeys(unlike))


def _vnet(name: str, vnet: Values, zone: Values) -> Network:
    subnets: Mapping[str, Values] = vnet.get("subnets") or {}
    cidr = next(iter(subnets), None)
    subnet = subnets[cidr] if cidr else {}
    dhcp = next(iter(subnet.get("dhcp_range") or ()), None)
    return Network(
        bridge=name,
        vnet=True,
        vlan=vnet.get("tag") if zone["type"] in TAGGED else None,
        cidr=cidr,
        gateway=subnet.get("gateway"),
        mtu=zone["mtu"],
        dhcp=(dhcp["start_address"], dhcp["end_address"]) if dhcp else None,
        domain=zone["dnszone"],
    )


def _network_of(of: Values, nic: Values) -> str | None:
    tag = f".{nic['tag']:.0f}" if nic.get("tag") else ""  # Pulumi's numbers are floats
    return called(of["connection"], f"{nic['bridge']}{tag}") if nic.get("bridge") else None


def _address(of: Values, slot: str, nic: Values) -> str | None:
    """The fixed address of a NIC: a container's stands at it, and that of a machine is cloud-init's."""
    cloud_init: Mapping[str, Values] = of["ipconfig"] or {}
    says = {**nic, **cloud_init.get(slot.replace("net", "ipconfig"), {})}
    return fixed(says.get("ip")) or fixed(says.get("ip6"))
