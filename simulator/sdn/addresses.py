"""The built-in address management: which addresses of a zone are given out. A zone without one keeps none."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError
from simulator.routing import Call
from simulator.sdn.checks import subnets_of
from simulator.sdn.config import in_network, subnet_cidr
from simulator.sdn.records import IpEntry, SdnObject
from simulator.state import Datacenter


def subnet_for(datacenter: Datacenter, vnet: str, address: str) -> SdnObject:
    """Return the subnet of a virtual network in which an address lies."""
    for subnet in sorted(subnets_of(datacenter, vnet), key=lambda row: row.id):
        if in_network(address, subnet_cidr(subnet.id)):
            return subnet
    raise ApiError(f"can't find any subnet for ip {address}")


def _managed(datacenter: Datacenter, zone: str) -> bool:
    return "ipam" in datacenter.sdn[f"zones/{zone}"].options


def add(call: Call, zone: str, subnet: SdnObject, *, vmid: str) -> None:
    """Give out the address that a call asks for."""
    address = call.text("ip")
    if not _managed(call.datacenter, zone):
        return
    if f"{zone}/{address}" in call.datacenter.ips:
        raise ApiError(f"IP '{address}' already exist")
    call.datacenter.ips.put(
        IpEntry(
            zone=zone, subnet=subnet_cidr(subnet.id), ip=address, vnet=call.text("vnet"),
            mac=call.text("mac"), vmid=vmid,
        )
    )  # fmt: skip


def change(call: Call, zone: str, subnet: SdnObject) -> None:
    """Give the MAC address of a call another address instead of the one that it has."""
    mac = call.text("mac").lower()
    for entry in [entry for entry in call.datacenter.ips if mac and _belongs(entry, zone, call, mac)]:
        call.datacenter.ips.delete(f"{zone}/{entry.ip}")
    add(call, zone, subnet, vmid=call.text("vmid"))


def _belongs(entry: IpEntry, zone: str, call: Call, mac: str) -> bool:
    return entry.zone == zone and entry.vnet == call.text("vnet") and entry.mac.lower() == mac


def remove(call: Call, zone: str, subnet: SdnObject) -> None:
    """Take an address back."""
    key = f"{zone}/{call.text('ip')}"
    if not _managed(call.datacenter, zone):
        return
    if key not in call.datacenter.ips:
        raise ApiError(f"IP '{call.text('ip')}' does not exist in IPAM DB for subnet {subnet.id}")
    call.datacenter.ips.delete(key)


def note_gateway(datacenter: Datacenter, subnet: SdnObject, old: str | None) -> None:
    """Keep a subnet's gateway among the addresses that are given out."""
    zone, cidr = subnet.id.partition("-")[0], subnet_cidr(subnet.id)
    if not _managed(datacenter, zone):
        return
    new = subnet.options.get("gateway")
    if old is not None and old != new:
        datacenter.ips.delete(f"{zone}/{old}")
    if new is not None:
        vnet = subnet.options["vnet"]
        datacenter.ips.put(IpEntry(zone=zone, subnet=cidr, ip=new, vnet=vnet, gateway=True))


def rows(datacenter: Datacenter, ipam: str) -> list[dict[str, Any]]:
    """Return all addresses that one address management has given out, as its status shows them."""
    zones = {row.id for row in datacenter.sdn.by("kind", "zones") if row.options.get("ipam") == ipam}
    return [_row(entry) for entry in datacenter.ips if entry.zone in zones]


def _row(entry: IpEntry) -> dict[str, Any]:
    row: dict[str, Any] = {"zone": entry.zone, "subnet": entry.subnet, "ip": entry.ip}
    texts = {"vnet": entry.vnet, "mac": entry.mac, "vmid": entry.vmid, "hostname": entry.hostname}
    row |= {key: value for key, value in texts.items() if value}
    return row | ({"gateway": 1} if entry.gateway else {})
