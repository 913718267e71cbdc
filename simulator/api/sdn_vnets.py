"""`/cluster/sdn/vnets`: virtual networks, and the addresses that are given out in them."""

from __future__ import annotations

from functools import partial
from typing import Any

from simulator.errors import ApiError
from simulator.routing import Call, route
from simulator.schema import Param, integer, string
from simulator.sdn import addresses, editing
from simulator.sdn.checks import CREATE_LINE, UPDATE_LINE, check_vnet, check_vnet_unused
from simulator.sdn.config import PRIVILEGES, find, one, view
from simulator.sdn.options import CHANGE, LOCK_TOKEN, VIEWS, VNET_ID, VNET_OPTIONS, ZONE_ID
from simulator.sdn.records import SdnObject
from simulator.sections import given

_VNET: dict[str, Param] = {"vnet": VNET_ID}
_IN_ZONE = ["perm", "/sdn/zones/{zone}/{vnet}", ["SDN.Allocate"]]
_ENTRY: dict[str, Param] = {
    "ip": string(format="ip"),
    "mac": string(format="mac-addr", optional=True),
    "vnet": VNET_ID,
    "zone": ZONE_ID,
}


def require_vnet(call: Call, privileges: list[str]) -> None:
    """Refuse the call unless the virtual network exists and the caller has one of these privileges on it."""
    vnet = call.text("vnet")
    zone = find(call.datacenter, "vnets", vnet).options["zone"]
    call.access.require(f"/sdn/zones/{zone}/{vnet}", privileges, any_of=True)


@route("GET", "/cluster/sdn/vnets", params=VIEWS, user="all")
def vnets(call: Call) -> list[dict[str, Any]]:
    """List the virtual networks."""

    def path(row: dict[str, Any]) -> str:
        zone = row.get("zone") or row["pending"]["zone"]
        return f"/sdn/zones/{zone}/{row['vnet']}"

    return editing.visible(call, editing.VNETS, path)


@route("GET", "/cluster/sdn/vnets/{vnet}", params={**_VNET, **VIEWS}, user="all")
def read_vnet(call: Call) -> dict[str, Any]:
    """Return a virtual network."""
    if call.text("vnet") in view(call, "vnets"):
        _require_any_vnet(call)
    return one(call, "vnets", call.text("vnet"))


def _require_any_vnet(call: Call) -> None:
    """Check the privileges on a virtual network that may only be running any more."""
    key = f"vnets/{call.text('vnet')}"
    found = call.datacenter.sdn.get(key) or call.datacenter.sdn_running[key]
    call.access.require(f"/sdn/zones/{found.options['zone']}/{found.id}", PRIVILEGES, any_of=True)


@route(
    "POST",
    "/cluster/sdn/vnets",
    params={**_VNET, **VNET_OPTIONS, **LOCK_TOKEN, "zone": string(), "type": string(enum=("vnet",), optional=True)},
    check=["perm", "/sdn/zones/{zone}", ["SDN.Allocate"]],
    protected=True,
)
def create_vnet(call: Call) -> None:
    """Add a virtual network to a zone."""
    row = SdnObject(kind="vnets", id=call.text("vnet"), type="vnet", options=given(call, VNET_OPTIONS))
    editing.create(call, editing.VNETS, row, partial(check_vnet, line=CREATE_LINE))


@route(
    "PUT", "/cluster/sdn/vnets/{vnet}", params={**_VNET, **VNET_OPTIONS, **LOCK_TOKEN, **CHANGE},
    user="all", protected=True,
)  # fmt: skip
def update_vnet(call: Call) -> None:
    """Change a virtual network."""
    require_vnet(call, ["SDN.Allocate"])
    editing.update(call, editing.VNETS, call.text("vnet"), partial(check_vnet, line=UPDATE_LINE))


@route("DELETE", "/cluster/sdn/vnets/{vnet}", params={**_VNET, **LOCK_TOKEN}, user="all", protected=True)
def delete_vnet(call: Call) -> None:
    """Remove a virtual network."""
    require_vnet(call, ["SDN.Allocate"])
    editing.delete(call, editing.VNETS, call.text("vnet"), check_vnet_unused)


def _entry_place(call: Call) -> tuple[str, SdnObject]:
    """Return zone and subnet of the address in question."""
    vnet = find(call.datacenter, "vnets", call.text("vnet"))
    if vnet.options["zone"] != call.text("zone"):
        raise ApiError(f"vnet {vnet.id} is not in zone {call.text('zone')}")
    return call.text("zone"), addresses.subnet_for(call.datacenter, vnet.id, call.text("ip"))


@route("POST", "/cluster/sdn/vnets/{vnet}/ips", params=_ENTRY, check=_IN_ZONE, protected=True)
def add_address(call: Call) -> None:
    """Give out an address."""
    zone, subnet = _entry_place(call)
    addresses.add(call, zone, subnet, vmid="")


@route(
    "PUT",
    "/cluster/sdn/vnets/{vnet}/ips",
    params={**_ENTRY, "vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True)},
    check=_IN_ZONE,
    protected=True,
)
def change_address(call: Call) -> None:
    """Give a MAC address another address."""
    zone, subnet = _entry_place(call)
    addresses.change(call, zone, subnet)


@route("DELETE", "/cluster/sdn/vnets/{vnet}/ips", params=_ENTRY, check=_IN_ZONE, protected=True)
def delete_address(call: Call) -> None:
    """Take an address back."""
    zone, subnet = _entry_place(call)
    addresses.remove(call, zone, subnet)
