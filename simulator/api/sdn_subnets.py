"""`/cluster/sdn/vnets/{vnet}/subnets`: the networks of addresses on a virtual network."""

from __future__ import annotations

from typing import Any

from simulator.api.sdn_vnets import require_vnet
from simulator.errors import ApiError
from simulator.routing import Call, route
from simulator.schema import Param, string
from simulator.sdn import editing
from simulator.sdn.addresses import note_gateway
from simulator.sdn.checks import check_subnet
from simulator.sdn.config import PRIVILEGES, change_lock, find, one, view
from simulator.sdn.options import CHANGE, LOCK_TOKEN, SUBNET_ID, SUBNET_OPTIONS, VIEWS, VNET_ID
from simulator.sdn.records import SdnObject
from simulator.sections import given

_VNET: dict[str, Param] = {"vnet": VNET_ID}
_SUBNET: dict[str, Param] = {"vnet": VNET_ID, "subnet": SUBNET_ID}
_PATH = "/cluster/sdn/vnets/{vnet}/subnets"


def _id(call: Call) -> str:
    """Return the id of the subnet in the path; a network stands for the subnet of this zone."""
    text = call.text("subnet")
    if "/" not in text:
        return text
    zone = find(call.datacenter, "vnets", call.text("vnet")).options["zone"]
    return f"{zone}-{text.replace('/', '-')}"


@route("GET", _PATH, params={**_VNET, **VIEWS}, user="all")
def subnets(call: Call) -> list[dict[str, Any]]:
    """List the subnets of a virtual network."""
    require_vnet(call, PRIVILEGES)
    return [row for row in view(call, "subnets").values() if row["vnet"] == call.text("vnet")]


@route("GET", _PATH + "/{subnet}", params={**_SUBNET, **VIEWS}, user="all")
def read_subnet(call: Call) -> dict[str, Any]:
    """Return a subnet."""
    require_vnet(call, PRIVILEGES)
    return one(call, "subnets", _id(call))


@route(
    "POST",
    _PATH,
    params={
        **SUBNET_OPTIONS, **LOCK_TOKEN, "subnet": SUBNET_ID, "type": string(enum=("subnet",)), "vnet": string(),
    },
    user="all",
    protected=True,
)  # fmt: skip
def create_subnet(call: Call) -> None:
    """Add a subnet; its id is zone, network and mask."""
    require_vnet(call, ["SDN.Allocate"])
    if "/" not in call.text("subnet"):
        raise ApiError("create sdn subnet object failed: value does not look like a valid CIDR network")
    options = {"vnet": call.text("vnet"), **given(call, SUBNET_OPTIONS)}
    row = SdnObject(kind="subnets", id=_id(call), type="subnet", options=options)
    editing.create(call, editing.SUBNETS, row, check_subnet)
    note_gateway(call.datacenter, row, None)


@route(
    "PUT",
    _PATH + "/{subnet}",
    params={**SUBNET_OPTIONS, **LOCK_TOKEN, **CHANGE, "subnet": SUBNET_ID, "vnet": string(optional=True)},
    user="all",
    protected=True,
)
def update_subnet(call: Call) -> None:
    """Change a subnet."""
    require_vnet(call, ["SDN.Allocate"])
    old = call.datacenter.sdn.get(f"subnets/{_id(call)}")
    editing.update(call, editing.SUBNETS, _id(call), check_subnet)
    if old is not None:
        note_gateway(call.datacenter, call.datacenter.sdn[f"subnets/{old.id}"], old.options.get("gateway"))


@route("DELETE", _PATH + "/{subnet}", params={**_SUBNET, **LOCK_TOKEN}, user="all", protected=True)
def delete_subnet(call: Call) -> None:
    """Remove a subnet; one that is not there is no error."""
    prefix = "delete sdn subnet object failed: "
    require_vnet(call, ["SDN.Allocate"])
    change_lock(call, prefix)
    subnet = call.datacenter.sdn.get(f"subnets/{_id(call)}")
    if subnet is None:
        return
    zone, gateway = subnet.id.partition("-")[0], subnet.options.get("gateway")
    used = [entry for entry in call.datacenter.ips if entry.zone == zone and not entry.gateway]
    if any(entry.subnet == "/".join(subnet.id.split("-")[1:]) for entry in used):
        raise ApiError(f"{prefix}cannot delete subnet '{subnet.id}', not empty")
    if gateway is not None:
        call.datacenter.ips.delete(f"{zone}/{gateway}")
    call.datacenter.sdn.delete(f"subnets/{subnet.id}")
