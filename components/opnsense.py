"""What an OPNsense router in front of the hosts has to know: its VLANs, DHCP reservations and rules, as import files.

OPNsense is no part of Proxmox, so nothing here is done to it. `config_xml` has sections of its configuration (VLANs,
interfaces, Kea's DHCP, aliases, rules) with the names of OPNsense 24.7 and later. Restoring an area of a backup
replaces all that the router has in it: on one that is in use, merge the sections into its own backup first.
`reservations_csv` is what the page of Kea's reservations imports, and changes only the entries that it names.

Each network may ask its router for names and reach the Internet, and no other private network.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
ALIAS = "labs_closed"
SPACE = uuid.UUID("6a5ed0f0-5d55-4f0c-9b0a-2d6f7b1d3a10")
"""Identifiers of what is imported follow from its name, so that importing twice is importing once."""


@dataclass(frozen=True, kw_only=True)
class Vlan:
    """A network behind the router, in which it is the gateway."""

    name: str
    tag: int
    subnet: str
    gateway: str
    pool: str
    """Addresses that DHCP gives out: first and last, with a hyphen."""

    @property
    def interface(self) -> str:
        """OPNsense's own name of the interface; it follows from the tag, so that it stays when others come and go."""
        return f"opt{self.tag}"


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """An address that a guest always gets."""

    hostname: str
    mac: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule for what comes in at an interface; the first one that fits decides."""

    interface: str
    action: str
    protocol: str
    source: str
    destination: str
    description: str
    port: str = ""


def closed_networks(subnets: Sequence[str]) -> list[str]:
    """What no network may reach: all private networks, and those of `subnets` that are none."""
    return [str(each) for each in ipaddress.collapse_addresses(map(ipaddress.IPv4Network, (*PRIVATE, *subnets)))]


def rules(vlans: Sequence[Vlan]) -> list[Rule]:
    """The rules of all networks."""
    return [rule for vlan in vlans for rule in _rules(vlan)]


def _rules(vlan: Vlan) -> Iterator[Rule]:
    for action, protocol, destination, port, what in (
        ("pass", "TCP/UDP", vlan.gateway, "53", "asks its router for names"),
        ("block", "any", ALIAS, "", "reaches no other private network"),
        ("pass", "any", "any", "", "reaches the Internet"),
    ):
        yield Rule(
            interface=vlan.interface,
            action=action,
            protocol=protocol,
            source=vlan.subnet,
            destination=destination,
            port=port,
            description=f"{vlan.name} {what}",
        )


def reservations_csv(reservations: Sequence[Reservation]) -> str:
    """What Kea's page imports; it finds the subnet by the address."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["ip_address", "hw_address", "hostname", "description"])
    writer.writerows([each.address, each.mac.lower(), each.hostname, "labs"] for each in reservations)
    return text.getvalue()


def config_xml(
    vlans: Sequence[Vlan], reservations: Sequence[Reservation], device: str, closed: Sequence[str] = ()
) -> str:
    """Sections of the configuration; `device` is the router's card that carries the VLANs, such as `igb1`.

    `closed` are networks that are no VLANs of the router, and that none of its VLANs may reach either.
    """
    root = Xml.Element("opnsense")
    section = Xml.SubElement(root, "vlans", version="1.0.0")
    interfaces = Xml.SubElement(root, "interfaces")
    for vlan in vlans:
        card = f"vlan0.{vlan.tag}"
        _add(
            section,
            "vlan",
            vlan.name,
            {"if": device, "tag": str(vlan.tag), "pcp": "0", "descr": vlan.name, "vlanif": card},
        )
        length = str(ipaddress.ip_network(vlan.subnet).prefixlen)
        address = {"if": card, "descr": vlan.name, "enable": "1", "ipaddr": vlan.gateway, "subnet": length}
        _fill(Xml.SubElement(interfaces, vlan.interface), address)
    models = Xml.SubElement(root, "OPNsense")
    _kea(models, vlans, reservations)
    _firewall(models, vlans, closed_networks([*closed, *(vlan.subnet for vlan in vlans)]))
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _kea(models: Xml.Element, vlans: Sequence[Vlan], reservations: Sequence[Reservation]) -> None:
    dhcp4 = Xml.SubElement(Xml.SubElement(models, "Kea"), "dhcp4", version="1.0.0")
    listening = ",".join(vlan.interface for vlan in vlans)
    _fill(Xml.SubElement(dhcp4, "general"), {"enabled": "1", "interfaces": listening, "fwrules": "1"})
    subnets, reserved = Xml.SubElement(dhcp4, "subnets"), Xml.SubElement(dhcp4, "reservations")
    for vlan in vlans:
        values = {"subnet": vlan.subnet, "option_data_autocollect": "0", "pools": vlan.pool, "description": vlan.name}
        entry = _add(subnets, "subnet4", vlan.subnet, values)
        router = {"routers": vlan.gateway, "domain_name_servers": vlan.gateway}
        _fill(Xml.SubElement(entry, "option_data"), router)
    for each in reservations:
        subnet = _subnet_of(each, vlans)
        if subnet is not None:
            values = {"subnet": _id("subnet4", subnet), "ip_address": each.address, "hw_address": each.mac.lower()}
            _add(reserved, "reservation", each.address, {**values, "hostname": each.hostname, "description": "labs"})


def _subnet_of(reservation: Reservation, vlans: Sequence[Vlan]) -> str | None:
    """The VLAN's subnet that an address is in; none for a network that is not the router's VLAN."""
    address = ipaddress.ip_address(reservation.address)
    return next((vlan.subnet for vlan in vlans if address in ipaddress.ip_network(vlan.subnet)), None)


def _firewall(models: Xml.Element, vlans: Sequence[Vlan], closed: Sequence[str]) -> None:
    firewall = Xml.SubElement(models, "Firewall")
    aliases = Xml.SubElement(Xml.SubElement(firewall, "Alias"), "aliases")
    values = {"enabled": "1", "name": ALIAS, "type": "network", "content": "\n".join(closed)}
    _add(aliases, "alias", ALIAS, values)
    section = Xml.SubElement(Xml.SubElement(firewall, "Filter"), "rules")
    for number, rule in enumerate(rules(vlans), 1):
        values = {
            "enabled": "1",
            "sequence": str(number),
            "action": rule.action,
            "quick": "1",
            "interface": rule.interface,
            "direction": "in",
            "ipprotocol": "inet",
            "protocol": rule.protocol,
            "source_net": rule.source,
            "destination_net": rule.destination,
            "destination_port": rule.port,
            "description": rule.description,
        }
        _add(section, "rule", rule.description, values)


def _add(section: Xml.Element, tag: str, name: str, values: dict[str, str]) -> Xml.Element:
    """An entry of a list, with an identifier of its own."""
    return _fill(Xml.SubElement(section, tag, uuid=_id(tag, name)), values)


def _id(tag: str, name: str) -> str:
    return str(uuid.uuid5(SPACE, f"{tag} {name}"))


def _fill(element: Xml.Element, values: dict[str, str]) -> Xml.Element:
    for name, value in values.items():
        Xml.SubElement(element, name).text = value
    return element
