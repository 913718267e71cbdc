"""What OPNsense imports: all that is declared once, and tenants that can't see each other by the rules in the file."""

from __future__ import annotations

import csv
import io
import ipaddress
from xml.etree import ElementTree as Xml

from hypothesis import given
from hypothesis import strategies as st

from components.opnsense import Reservation, Vlan, config_xml, reservations_csv


@st.composite
def tenants(draw: st.DrawFn) -> list[Vlan]:
    """Networks that don't overlap, private and public ones."""
    tags = draw(st.lists(st.integers(1, 4094), unique=True, min_size=2, max_size=6))
    numbers = draw(st.lists(st.integers(0, 255), unique=True, min_size=len(tags), max_size=len(tags)))
    found = []
    for tag, number in zip(tags, numbers, strict=True):
        net = f"{draw(st.sampled_from(['10.1', '172.16', '192.168', '203.0']))}.{number}"
        pool = f"{net}.100-{net}.199"
        found.append(Vlan(name=f"t{tag}", tag=tag, subnet=f"{net}.0/24", gateway=f"{net}.1", pool=pool))
    return found


def parsed(
    vlans: list[Vlan], reservations: list[Reservation] | None = None, closed: tuple[str, ...] = ()
) -> Xml.Element:
    """The file as OPNsense reads it."""
    return Xml.fromstring(config_xml(vlans, reservations or [], "igb1", closed))  # noqa: S314 - our own text


def decision(config: Xml.Element, interface: str, source: str, destination: str, port: str) -> str:
    """What the first rule that fits says; what none fits is blocked."""
    aliases = {alias.findtext("name"): str(alias.findtext("content")).split() for alias in config.iter("alias")}
    for rule in config.iter("rule"):
        at, to = str(rule.findtext("source_net")), str(rule.findtext("destination_net"))
        networks = ["0.0.0.0/0"] if to == "any" else aliases.get(to, [to])
        fits = (
            rule.findtext("interface") == interface
            and ipaddress.ip_address(source) in ipaddress.ip_network(at)
            and any(ipaddress.ip_address(destination) in ipaddress.ip_network(network) for network in networks)
            and rule.findtext("destination_port") in ("", port)
        )
        if fits:
            return str(rule.findtext("action"))
    return "block"


@given(tenants(), st.sampled_from(["22", "53", "443"]))
def test_no_tenant_reaches_another_one_and_each_the_internet(vlans: list[Vlan], port: str) -> None:
    config = parsed(vlans, closed=("198.51.100.0/24",))

    for vlan in vlans:
        source = str(ipaddress.ip_network(vlan.subnet)[50])
        others = [str(ipaddress.ip_network(other.subnet)[50]) for other in vlans if other is not vlan]
        routers = [other.gateway for other in vlans if other is not vlan]
        for destination in (*others, *routers, "198.51.100.7"):
            assert decision(config, f"opt{vlan.tag}", source, destination, port) == "block"
        assert decision(config, f"opt{vlan.tag}", source, "192.0.2.80", port) == "pass"
        assert decision(config, f"opt{vlan.tag}", source, vlan.gateway, port) == ("pass" if port == "53" else "block")


@given(tenants())
def test_every_network_is_in_the_file_once(vlans: list[Vlan]) -> None:
    config = parsed(vlans)

    assert [int(str(each.findtext("tag"))) for each in config.iter("vlan")] == [vlan.tag for vlan in vlans]
    subnets = [(each.findtext("subnet"), each.findtext("pools")) for each in config.iter("subnet4")]
    assert subnets == [(vlan.subnet, vlan.pool) for vlan in vlans]
    interfaces = config.find("interfaces")
    assert interfaces is not None
    assert [(each.tag, each.findtext("ipaddr")) for each in interfaces] == [
        (f"opt{vlan.tag}", vlan.gateway) for vlan in vlans
    ]
    ids = [each.get("uuid") for each in config.iter() if each.get("uuid")]
    assert len(ids) == len(set(ids))


@given(tenants())
def test_what_is_imported_twice_is_the_same_entry(vlans: list[Vlan]) -> None:
    def ids(some: list[Vlan]) -> set[str | None]:
        return {each.get("uuid") for each in parsed(some).iter()}

    assert ids(vlans[:1]) <= ids(vlans)


@given(tenants())
def test_a_reservation_belongs_to_the_subnet_that_it_is_in(vlans: list[Vlan]) -> None:
    wanted = [
        Reservation(hostname=vlan.name, mac="BC:24:11:00:00:01", address=str(ipaddress.ip_network(vlan.subnet)[11]))
        for vlan in vlans
    ]

    config = parsed(vlans, [*wanted, Reservation(hostname="x", mac="BC:24:11:00:00:02", address="198.51.100.7")])

    subnets = {each.get("uuid"): each.findtext("subnet") for each in config.iter("subnet4")}
    found = {each.findtext("ip_address"): subnets[each.findtext("subnet")] for each in config.iter("reservation")}
    assert found == {each.address: vlan.subnet for each, vlan in zip(wanted, vlans, strict=True)}
    rows = list(csv.DictReader(io.StringIO(reservations_csv(wanted))))
    assert [(row["hostname"], row["ip_address"], row["hw_address"]) for row in rows] == [
        (each.hostname, each.address, "bc:24:11:00:00:01") for each in wanted
    ]
