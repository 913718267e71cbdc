"""`/cluster/sdn/zones`: the kinds of network that the virtual networks are made of."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from simulator.routing import Call, route
from simulator.schema import Param, string
from simulator.sdn import editing
from simulator.sdn.checks import check_zone, check_zone_unused
from simulator.sdn.config import one
from simulator.sdn.options import CHANGE, LOCK_TOKEN, VIEWS, ZONE_ID, ZONE_OPTIONS, ZONE_TYPES
from simulator.sdn.records import SdnObject
from simulator.sections import given

_NAMES = tuple(sorted(ZONE_TYPES))
_ZONE: dict[str, Param] = {"zone": ZONE_ID}
_ONE = ["perm", "/sdn/zones/{zone}", ["SDN.Allocate"]]


@route(
    "GET", "/cluster/sdn/zones", params={**VIEWS, "type": string(enum=_NAMES, optional=True)}, user="all",
)  # fmt: skip
def zones(call: Call) -> list[dict[str, Any]]:
    """List the zones."""
    return editing.visible(call, editing.ZONES, lambda row: f"/sdn/zones/{row['zone']}")


@route("GET", "/cluster/sdn/zones/{zone}", params={**_ZONE, **VIEWS}, check=_ONE)
def read_zone(call: Call) -> dict[str, Any]:
    """Return a zone."""
    return one(call, "zones", call.text("zone"))


@route(
    "POST",
    "/cluster/sdn/zones",
    params={**_ZONE, **ZONE_OPTIONS, **LOCK_TOKEN, "type": string(enum=_NAMES, format="pve-configid")},
    check=["perm", "/sdn/zones", ["SDN.Allocate"]],
    protected=True,
)
def create_zone(call: Call) -> None:
    """Add a zone; an EVPN zone gets the MAC address of its gateways."""
    row = SdnObject(kind="zones", id=call.text("zone"), type=call.text("type"), options=given(call, ZONE_OPTIONS))
    if row.type == "evpn" and "mac" not in row.options:
        row = replace(row, options={**row.options, "mac": _mac(call)})
    editing.create(call, editing.ZONES, row, check_zone)


def _mac(call: Call) -> str:
    prefix = call.datacenter.options.get("mac_prefix")
    first = prefix.value.rstrip(":") if prefix is not None else "BC:24:11"
    return ":".join([first, *(f"{byte:02X}" for byte in secrets.token_bytes(3))])


@route(
    "PUT", "/cluster/sdn/zones/{zone}", params={**_ZONE, **ZONE_OPTIONS, **LOCK_TOKEN, **CHANGE},
    check=_ONE, protected=True,
)  # fmt: skip
def update_zone(call: Call) -> None:
    """Change a zone."""
    editing.update(call, editing.ZONES, call.text("zone"), check_zone)


@route("DELETE", "/cluster/sdn/zones/{zone}", params={**_ZONE, **LOCK_TOKEN}, check=_ONE, protected=True)
def delete_zone(call: Call) -> None:
    """Remove a zone."""
    editing.delete(call, editing.ZONES, call.text("zone"), check_zone_unused)
