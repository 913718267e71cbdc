"""`/nodes/{node}/subscription`: the node's subscription key. Every key of the right form counts as a good one."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import replace
from typing import Any

from simulator.nodes.records import Subscription
from simulator.routing import Call, route
from simulator.schema import boolean, string

_NODE = {"node": string(format="pve-node")}
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_URL = "https://www.proxmox.com/en/proxmox-virtual-environment/pricing"
_SOCKETS = 1
_LEVELS = {"c": "Community", "b": "Basic", "s": "Standard", "p": "Premium"}
_SHOWN_TO_ALL = ("status", "message", "level", "productname", "url")


def _server_id(call: Call) -> str:
    """Return what a key is bound to: a mark of the node's own."""
    text = f"{call.datacenter.name}/{call.node}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _date(time: float) -> str:
    return f"{datetime.datetime.fromtimestamp(time, datetime.UTC):%Y-%m-%d}"


@route("GET", "/nodes/{node}/subscription", params=_NODE, user="all", proxyto="node")
def read_subscription(call: Call) -> dict[str, Any]:
    """Tell whether the node has a subscription; the key itself is for those who may look into the node."""
    found = call.datacenter.subscriptions.get(call.node)
    info: dict[str, Any] = {"url": _URL, "serverid": _server_id(call)}
    if found is None:
        info |= {"status": "notfound", "message": "There is no subscription key"}
    else:
        info |= _active(found)
    if not call.access.may(f"/nodes/{call.node}", ["Sys.Audit"]):
        return {name: value for name, value in info.items() if name in _SHOWN_TO_ALL}
    return info


def _active(found: Subscription) -> dict[str, Any]:
    """Return what a key means."""
    key, since, level = found.key, found.checked, found.key[4]
    return {
        "status": "active", "key": key, "level": level, "sockets": _SOCKETS, "checktime": int(since),
        "productname": f"Proxmox VE {_LEVELS[level]} Subscription {key[3]} CPU{'s' * (key[3] != '1')}/year",
        "regdate": f"{_date(since)} 00:00:00", "nextduedate": _date(since + 365 * 86400),
    }  # fmt: skip


@route(
    "PUT",
    "/nodes/{node}/subscription",
    params=_NODE | {"key": string(pattern=r"\s*pve([1248])([cbsp])-(arm-)?[0-9a-f]{10}\s*", max_length=32)},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def set_key(call: Call) -> None:
    """Set the key."""
    key = call.text("key").strip()
    call.datacenter.subscriptions.put(Subscription(node=call.node, key=key, checked=call.now))


@route(
    "POST",
    "/nodes/{node}/subscription",
    params=_NODE | {"force": boolean(optional=True)},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def check_again(call: Call) -> None:
    """Ask whether the key is still good; without a key, or when it was asked lately, nothing is done."""
    found = call.datacenter.subscriptions.get(call.node)
    if found is not None and call.flag("force"):
        call.datacenter.subscriptions.put(replace(found, checked=call.now))


@route("DELETE", "/nodes/{node}/subscription", params=_NODE, check=_MODIFY, protected=True, proxyto="node")
def delete_key(call: Call) -> None:
    """Remove the key."""
    call.datacenter.subscriptions.delete(call.node)
