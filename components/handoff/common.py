"""How a lab's outputs are looked into by what is handed over to other tools."""

from __future__ import annotations

import ipaddress

from components.handoff import NothingForItError
from lab_outputs.models import Guest, Lab, Network


def guests_in(lab: Lab, group: str) -> list[Guest]:
    """The guests of a group, in the order of the lab; there is at least one."""
    found = [guest for guest in lab.guests.values() if group in guest.groups]
    if not found:
        raise NothingForItError(f"it has no guests of the group {group}")
    return found


def network(lab: Lab, role: str) -> tuple[str, Network]:
    """The network that is for something, with its name."""
    for name, found in lab.networks.items():
        if role in found.roles:
            return name, found
    raise NothingForItError(f"it has no network for {role}")


def interface(guest: Guest, network_name: str) -> str:
    """What a guest with cloud-init calls its card in a network: `eth2` is `net2`."""
    for slot, nic in guest.nics.items():
        if nic.network == network_name:
            return slot.replace("net", "eth")
    raise NothingForItError(f"{guest.name} has no card in {network_name}")


def address(guest: Guest, network_name: str) -> str:
    """The fixed address of a guest in a network."""
    for nic in guest.nics.values():
        if nic.network == network_name and nic.address:
            return nic.address
    raise NothingForItError(f"{guest.name} has no fixed address in {network_name}")


def vip(lab: Lab, name: str) -> str:
    """An address that is kept for the load balancer."""
    if name not in lab.vips:
        raise NothingForItError(f"it keeps no address {name} for a load balancer")
    return lab.vips[name].address


def pool(found: Network) -> tuple[str, str]:
    """The addresses of a network that are given out."""
    if found.dhcp is None:
        raise NothingForItError(f"nothing is known of addresses to give out in {found.cidr}")
    return found.dhcp


def cidr(found: Network) -> str:
    """The addresses of a network."""
    if found.cidr is None:
        raise NothingForItError(f"nothing is known of the addresses of the network on {found.bridge}")
    return found.cidr


def kept(found: Network) -> list[str]:
    """The addresses that are not given out, as two ranges: `10.7.0.1,10.7.0.99`."""
    subnet = ipaddress.ip_network(cidr(found))
    first, last = (ipaddress.ip_address(each) for each in pool(found))
    return [f"{subnet[1]},{first - 1}", f"{last + 1},{subnet[-2]}"]
