"""Whether an answer is what the schema of Proxmox VE says that its method returns."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from simulator import api
from simulator.routing import ROUTES, RouteTree
from tests.simulator.oracles import find_api_schema

assert api.__all__

_TREE = RouteTree(ROUTES)
_JSON = {
    "string": (str, int, float), "integer": (int,), "number": (int, float), "boolean": (int, str), "array": (list,),
    "object": (dict,), "null": (type(None),),
}  # fmt: skip
"""What Perl may make of a type: texts that look like numbers, and booleans as texts."""


@functools.cache
def _schema() -> dict[tuple[str, str], dict[str, Any]]:
    return find_api_schema() or {}


def disagreements(method: str, path: str, data: Any) -> dict[str, str]:
    """Return in what the data of an answer differs from the schema: in words, by method and place."""
    found = _TREE.find(method, path)
    schema = _schema().get((method, found[0].path)) if found is not None else None
    if found is None or schema is None or "returns" not in schema:
        return {}
    what = f"{method} {found[0].path}"
    return {f"{what} {place}": text for place, text in _differences(schema["returns"], data, "data")}


def unexplained(method: str, path: str, data: Any) -> dict[str, str]:
    """Return in what an answer differs from the schema where the real ones do not."""
    return {name: text for name, text in disagreements(method, path, data).items() if name not in CONTRADICTED | ALIKE}


def _differences(returns: dict[str, Any], data: Any, place: str) -> Iterator[tuple[str, str]]:
    kinds = returns.get("type", "any")
    if kinds == "any" or (data is None and returns.get("optional")):
        return
    names = kinds if isinstance(kinds, list) else [kinds]
    if not any(isinstance(data, _JSON[name]) for name in names):
        yield place, f"is {data!r}, and should be {' or '.join(names)}"
    elif returns.get("enum") and str(data) not in returns["enum"]:
        yield place, f"is {data!r}, and should be one of {returns['enum']}"
    elif isinstance(data, list) and "items" in returns:
        for item in data:
            yield from _differences(returns["items"], item, f"{place}[]")
    elif isinstance(data, dict):
        for name, inner in returns.get("properties", {}).items():
            if name in data:
                yield from _differences(inner, data[name], f"{place}.{name}")
            elif not inner.get("optional"):
                yield f"{place}.{name}", "is missing"


CONTRADICTED: dict[str, str] = {
    "PUT /access/users/{userid}/token/{tokenid} data.expire": "auth.token-update",
    "GET /cluster/nextid data": "base.nextid",
    "POST /access/users/{userid}/token/{tokenid} data.info.expire": "access.token-create-alice",
    "GET /cluster/firewall/rules/{pos} data.pos": "fwc.rule-get",
    "GET /cluster/firewall/groups/{group}/{pos} data.pos": "fwc.group-rule-get",
    "GET /nodes/{node}/firewall/rules/{pos} data.pos": "fwn.rule-get",
    "GET /nodes/{node}/qemu/{vmid}/firewall/rules/{pos} data.pos": "fwv.rule-get",
    "GET /nodes/{node}/lxc/{vmid}/config data.cpulimit": "lc.full-config",
    "GET /nodes/{node}/lxc/{vmid}/status/current data.pressurecpusome": "lce.start-status",
    "GET /nodes/{node}/lxc/{vmid}/status/current data.pressureiofull": "lce.start-status",
    "GET /nodes/{node}/lxc/{vmid}/status/current data.pressureiosome": "lce.start-status",
    "GET /nodes/{node}/lxc/{vmid}/status/current data.pressurememoryfull": "lce.start-status",
    "GET /nodes/{node}/lxc/{vmid}/status/current data.pressurememorysome": "lce.start-status",
    "GET /nodes/{node}/network data[].vlan-id": "nw.list-all",
    "GET /nodes/{node}/network data[].mtu": "nw.list-all",
    "GET /cluster/backup/{id} data.prune-backups.keep-last": "bj.update-get",
    "GET /cluster/mapping/pci data[].description": "mp.pci-list",
    "GET /cluster/mapping/usb data[].error": "mp.usb-list",
    "GET /cluster/options data.migration": "misc.options-get",
    "GET /cluster/mapping/dir data[].description": "misc.mapping-check",
    "GET /cluster/config/apiversion data": "a.pre.config-apiversion",
    "GET /cluster/config/join data.nodelist[].nodeid": "a.create.join-info-node",
    "GET /cluster/config/join data.nodelist[].quorum_votes": "a.create.join-info-node",
}
"""Where real answers contradict the schema, and the record that shows it."""

ALIKE: dict[str, str] = {
    "GET /access/users/{userid}/tfa data.user": "it is a list when several kinds are asked for",
    "GET /cluster/options data.user-tag-access": "property strings come taken apart, as that of migration",
    "GET /cluster/config/totem data": "a host that is in no cluster has none of these settings",
    "GET /nodes/{node}/lxc/{vmid}/firewall/rules/{pos} data.pos": "as that of a machine",
    "GET /cluster/sdn/vnets/{vnet}/firewall/rules/{pos} data.pos": "as that of a machine",
    "GET /cluster/sdn/fabrics/all data.nodes[].interfaces": "what is pending stands below `pending`",
    "GET /nodes/{node}/disks/list data[].mounted": "only what is mounted says so",
    "GET /nodes/{node}/disks/list data[].osdid-list": "it is null where there is no OSD",
    "GET /nodes/{node}/storage/{storage}/import-metadata data.source": "an appliance names its volume",
    "POST /nodes/{node}/replication/{id}/schedule_now data": "it only notes when the job is due, and starts no task",
}
"""Where the same holds and there is no record of it."""
