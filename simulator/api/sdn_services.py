"""`/cluster/sdn/controllers`, `/ipams` and `/dns`: what zones use besides their own options."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from simulator.errors import ApiError
from simulator.routing import Call, route
from simulator.schema import Param, integer, string
from simulator.sdn import addresses, editing
from simulator.sdn.checks import check_controller, check_controller_unused, check_service_unused
from simulator.sdn.config import PRIVILEGES, one
from simulator.sdn.options import (
    CHANGE,
    CONTROLLER_ID,
    CONTROLLER_OPTIONS,
    CONTROLLER_TYPES,
    DNS_OPTIONS,
    DNS_TYPES,
    IPAM_OPTIONS,
    IPAM_TYPES,
    LOCK_TOKEN,
    SERVICE_ID,
    VIEWS,
)
from simulator.sdn.records import SdnObject
from simulator.sections import given
from simulator.state import Datacenter

_CONTROLLER: dict[str, Param] = {"controller": CONTROLLER_ID}
_IPAM: dict[str, Param] = {"ipam": SERVICE_ID}
_DNS: dict[str, Param] = {"dns": SERVICE_ID}
_CONTROLLERS = ["perm", "/sdn/controllers", ["SDN.Allocate"]]
_IPAMS = ["perm", "/sdn/ipams", ["SDN.Allocate"]]
_DNS_ALLOCATE = ["perm", "/sdn/dns", ["SDN.Allocate"]]


def _kinds(types: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(types))


def _reach(what: str, url: str, prefix: str) -> None:
    """Refuse a service on the node itself: nothing listens there. Anywhere else one is taken to answer."""
    place = urlsplit(url)
    if place.hostname in ("127.0.0.1", "localhost", "::1"):
        port = _port(place.netloc, place.scheme)
        where = f"Invalid response from server: 500 Can't connect to {place.hostname}:{port} (Connection refused)"
        raise ApiError(f"{prefix}{what}: {where}")


def _port(netloc: str, scheme: str) -> str:
    port = netloc.rpartition(":")[2]
    return port if port.isdigit() else {"https": "443"}.get(scheme, "80")


def _check_ipam(_datacenter: Datacenter, row: SdnObject, prefix: str) -> None:
    if row.type != "pve":
        _reach(f"Can't connect to {row.type} api", row.options["url"], prefix)


def _check_dns(_datacenter: Datacenter, row: SdnObject, prefix: str) -> None:
    _reach("dns api error", row.options["url"], prefix)


@route(
    "GET", "/cluster/sdn/controllers",
    params={**VIEWS, "type": string(enum=_kinds(CONTROLLER_TYPES), optional=True)}, user="all",
)  # fmt: skip
def controllers(call: Call) -> list[dict[str, Any]]:
    """List the controllers."""
    return editing.visible(call, editing.CONTROLLERS, lambda row: f"/sdn/controllers/{row['controller']}")


@route(
    "GET", "/cluster/sdn/controllers/{controller}", params={**_CONTROLLER, **VIEWS},
    check=["perm", "/sdn/controllers/{controller}", ["SDN.Allocate"]],
)  # fmt: skip
def read_controller(call: Call) -> dict[str, Any]:
    """Return a controller."""
    return one(call, "controllers", call.text("controller"))


@route(
    "POST",
    "/cluster/sdn/controllers",
    params={
        **_CONTROLLER, **CONTROLLER_OPTIONS, **LOCK_TOKEN,
        "type": string(enum=_kinds(CONTROLLER_TYPES), format="pve-configid"),
    },
    check=_CONTROLLERS,
    protected=True,
)  # fmt: skip
def create_controller(call: Call) -> None:
    """Add a controller."""
    options = given(call, CONTROLLER_OPTIONS)
    row = SdnObject(kind="controllers", id=call.text("controller"), type=call.text("type"), options=options)
    editing.create(call, editing.CONTROLLERS, row, check_controller)


@route(
    "PUT", "/cluster/sdn/controllers/{controller}",
    params={**_CONTROLLER, **CONTROLLER_OPTIONS, **LOCK_TOKEN, **CHANGE}, check=_CONTROLLERS, protected=True,
)  # fmt: skip
def update_controller(call: Call) -> None:
    """Change a controller."""
    editing.update(call, editing.CONTROLLERS, call.text("controller"), check_controller)


@route(
    "DELETE", "/cluster/sdn/controllers/{controller}", params={**_CONTROLLER, **LOCK_TOKEN},
    check=_CONTROLLERS, protected=True,
)  # fmt: skip
def delete_controller(call: Call) -> None:
    """Remove a controller."""
    editing.delete(call, editing.CONTROLLERS, call.text("controller"), check_controller_unused)


def _built_in() -> dict[str, Any]:
    """Return the address management that is always there."""
    return {"ipam": "pve", "type": "pve", "digest": hashlib.sha1(b"", usedforsecurity=False).hexdigest()}


@route("GET", "/cluster/sdn/ipams", params={"type": string(enum=_kinds(IPAM_TYPES), optional=True)}, user="all")
def ipams(call: Call) -> list[dict[str, Any]]:
    """List the address managements; the built-in one is always there."""
    rows = editing.visible(call, editing.IPAMS, lambda row: f"/sdn/ipams/{row['ipam']}")
    built_in = call.optional("type") in (None, "pve") and all(row["ipam"] != "pve" for row in rows)
    if built_in and call.access.may("/sdn/ipams/pve", PRIVILEGES, any_of=True):
        rows.append(_built_in())
    return rows


@route("GET", "/cluster/sdn/ipams/{ipam}", params=_IPAM, check=["perm", "/sdn/ipams/{ipam}", ["SDN.Allocate"]])
def read_ipam(call: Call) -> dict[str, Any]:
    """Return an address management."""
    if call.text("ipam") == "pve" and "ipams/pve" not in call.datacenter.sdn:
        return _built_in()
    return one(call, "ipams", call.text("ipam"))


@route("GET", "/cluster/sdn/ipams/{ipam}/status", params=_IPAM, user="all", protected=True)
def ipam_status(call: Call) -> list[dict[str, Any]]:
    """List the addresses that were given out."""
    read_ipam(call)
    return [
        row
        for row in addresses.rows(call.datacenter, call.text("ipam"))
        if call.access.may(f"/sdn/zones/{row['zone']}/{row.get('vnet', '')}", PRIVILEGES, any_of=True)
    ]


@route(
    "POST",
    "/cluster/sdn/ipams",
    params={**_IPAM, **IPAM_OPTIONS, **LOCK_TOKEN, "type": string(enum=_kinds(IPAM_TYPES), format="pve-configid")},
    check=_IPAMS,
    protected=True,
)
def create_ipam(call: Call) -> None:
    """Add an address management."""
    row = SdnObject(kind="ipams", id=call.text("ipam"), type=call.text("type"), options=given(call, IPAM_OPTIONS))
    editing.create(call, editing.IPAMS, row, _check_ipam)


@route(
    "PUT", "/cluster/sdn/ipams/{ipam}", params={**_IPAM, **IPAM_OPTIONS, **LOCK_TOKEN, **CHANGE},
    check=_IPAMS, protected=True,
)  # fmt: skip
def update_ipam(call: Call) -> None:
    """Change an address management."""
    editing.update(call, editing.IPAMS, call.text("ipam"), _check_ipam)


@route("DELETE", "/cluster/sdn/ipams/{ipam}", params={**_IPAM, **LOCK_TOKEN}, check=_IPAMS, protected=True)
def delete_ipam(call: Call) -> None:
    """Remove an address management; removing the built-in one does nothing."""
    if call.text("ipam") == "pve" and "ipams/pve" not in call.datacenter.sdn:
        return
    unused = partial(_unused, "ipams")
    editing.delete(call, editing.IPAMS, call.text("ipam"), unused)


def _unused(kind: str, datacenter: Datacenter, name: str, prefix: str) -> None:
    check_service_unused(datacenter, kind, name, prefix)


@route("GET", "/cluster/sdn/dns", params={"type": string(enum=_kinds(DNS_TYPES), optional=True)}, user="all")
def name_servers(call: Call) -> list[dict[str, Any]]:
    """List the name servers."""
    return editing.visible(call, editing.DNS, lambda row: f"/sdn/dns/{row['dns']}")


@route("GET", "/cluster/sdn/dns/{dns}", params=_DNS, check=["perm", "/sdn/dns/{dns}", ["SDN.Allocate"]])
def read_name_server(call: Call) -> dict[str, Any]:
    """Return a name server."""
    return one(call, "dns", call.text("dns"))


@route(
    "POST",
    "/cluster/sdn/dns",
    params={
        **_DNS, **DNS_OPTIONS, **LOCK_TOKEN, "key": string(), "url": string(),
        "reversev6mask": integer(optional=True), "type": string(enum=_kinds(DNS_TYPES), format="pve-configid"),
    },
    check=_DNS_ALLOCATE,
    protected=True,
)  # fmt: skip
def create_name_server(call: Call) -> None:
    """Add a name server."""
    row = SdnObject(kind="dns", id=call.text("dns"), type=call.text("type"), options=given(call, DNS_OPTIONS))
    editing.create(call, editing.DNS, row, _check_dns)


@route(
    "PUT", "/cluster/sdn/dns/{dns}", params={**_DNS, **DNS_OPTIONS, **LOCK_TOKEN, **CHANGE},
    check=_DNS_ALLOCATE, protected=True,
)  # fmt: skip
def update_name_server(call: Call) -> None:
    """Change a name server."""
    editing.update(call, editing.DNS, call.text("dns"), _check_dns)


@route("DELETE", "/cluster/sdn/dns/{dns}", params={**_DNS, **LOCK_TOKEN}, check=_DNS_ALLOCATE, protected=True)
def delete_name_server(call: Call) -> None:
    """Remove a name server."""
    editing.delete(call, editing.DNS, call.text("dns"), partial(_unused, "dns"))
