"""`/cluster/ha/resources`: the guests that the HA managers look after."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from simulator.api.ha import AUDIT, CHANGE
from simulator.errors import ApiError, ParamError
from simulator.formats import named_format
from simulator.ha.requests import blocking
from simulator.ha.rules import affine, forget
from simulator.ha.state import TYPES, WORDS, command, wake
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import Param, boolean, integer, string
from simulator.sections import SectionType, given, typed
from simulator.state import digest
from simulator.versions import at_least

_SID: dict[str, Param] = {"sid": string(format="pve-ha-resource-or-vm-id")}
_KIND = string(enum=("ct", "vm"), optional=True)
_OPTIONS: dict[str, Param] = {
    "comment": string(max_length=4096, optional=True),
    "failback": boolean(optional=True),
    "group": string(format="pve-configid", optional=True),
    "max_relocate": integer(minimum=0, optional=True),
    "max_restart": integer(minimum=0, optional=True),
    "state": string(enum=("started", "stopped", "enabled", "disabled", "ignored"), optional=True),
}
_TYPE = SectionType.of(optional=" ".join(_OPTIONS))
_NOUNS = {"vm": "a VM", "ct": "a container"}
_UPDATE = "update resources config failed: "


@named_format("pve-ha-resource-id")
def _resource_id(value: str) -> None:
    if not re.fullmatch(r"[a-z]+:\S+", value):
        raise ValueError(f"value '{value}' does not look like a valid HA resource ID")


@named_format("pve-ha-resource-or-vm-id")
def _resource_or_vm_id(value: str) -> None:
    if not re.fullmatch(r"[a-z]+:\S+|[1-9][0-9]{2,8}", value):
        raise ValueError(f"value '{value}' does not look like a valid HA resource or VM/CT ID")


def resource_id(call: Call) -> str:
    """Return the id that a call names; a bare VMID is completed with the guest's type."""
    text = call.text("sid")
    if ":" in text:
        kind, _, name = text.partition(":")
        if kind not in TYPES:
            raise ApiError(f"unknown section type '{kind}'")
        if not re.fullmatch(r"[1-9][0-9]{2,8}", name):
            raise ApiError(f"invalid VMID '{name}'")
        return text
    guest = call.datacenter.guests.get(int(text))
    if guest is None:
        raise ApiError(f"unable do add resource - VM/CT {text} does not exist")
    return f"{WORDS[guest.type]}:{text}"


def _digest(call: Call) -> str:
    return digest([(row.id, sorted(row.options.items())) for row in call.datacenter.ha_resources])


def _row(call: Call, resource: Section) -> dict[str, Any]:
    row = {"sid": resource.id, "type": resource.type, "digest": _digest(call)}
    return row | typed({"state": "started", **resource.options}, _OPTIONS)


def _existing(call: Call, prefix: str = "") -> Section:
    sid = resource_id(call)
    resource = call.datacenter.ha_resources.get(sid)
    if resource is None:
        raise ApiError(f"{prefix}no such resource '{sid}'")
    return resource


@route("GET", "/cluster/ha/resources", params={"type": _KIND}, check=AUDIT)
def resources(call: Call) -> list[dict[str, Any]]:
    """List the resources."""
    return [_row(call, row) for row in call.datacenter.ha_resources if call.optional("type") in (None, row.type)]


@route("GET", "/cluster/ha/resources/{sid}", params=_SID, check=AUDIT)
def read_resource(call: Call) -> dict[str, Any]:
    """Return a resource."""
    return _row(call, _existing(call))


def _check_group(call: Call) -> None:
    """Refuse a group that does not exist, and any where rules have taken the place of groups."""
    group = call.optional("group")
    if group is not None and at_least(call.this_node.version, "9.0"):
        raise ParamError({"group": "invalid parameter 'group': ha groups have been migrated to rules\n"})
    if group is not None and group not in call.datacenter.ha_groups:
        raise ApiError(f"HA group '{group}' does not exist")


def _check_guest(call: Call, sid: str) -> None:
    """Refuse a guest that does not exist, or is of the other type."""
    kind, _, vmid = sid.partition(":")
    guest = call.datacenter.guests.get(int(vmid))
    if guest is None:
        raise ApiError(f"resource '{sid}' does not exist in cluster")
    if WORDS[guest.type] != kind:
        raise ApiError(f"resource '{sid}' - guest with ID {vmid} is not {_NOUNS[kind]}")
    if guest.template:
        raise ApiError(f"unable to add resource '{sid}' - guest with ID {vmid} is a template")


def _check_not_in_error(call: Call, sid: str) -> None:
    service = call.datacenter.ha_services.get(sid)
    if service is not None and service.state == "error" and call.optional("state") != "disabled":
        raise ApiError(f"service '{sid}' in error state, must be disabled and fixed first")


@route(
    "POST", "/cluster/ha/resources", params={**_SID, **_OPTIONS, "type": _KIND}, check=CHANGE, protected=True,
)  # fmt: skip
def create_resource(call: Call) -> None:
    """Let the managers look after a guest."""
    call.need_quorum()
    sid = resource_id(call)
    kind = sid.partition(":")[0]
    if call.text("type", kind) != kind:
        raise ParamError({"type": "types does not match"})
    _check_group(call)
    _check_guest(call, sid)
    if sid in call.datacenter.ha_resources:
        raise ApiError(f"create resource failed: resource ID '{sid}' already defined")
    options = {"state": "started", **given(call, _OPTIONS)}
    call.datacenter.ha_resources.put(Section(id=sid, type=kind, options=options))
    wake(call.datacenter, call.now)


@route(
    "PUT", "/cluster/ha/resources/{sid}",
    params={
        **_SID, **_OPTIONS,
        "delete": string(format="pve-configid-list", max_length=4096, optional=True),
        "digest": string(max_length=64, optional=True),
    },
    check=CHANGE, protected=True,
)  # fmt: skip
def update_resource(call: Call) -> None:
    """Change a resource."""
    call.need_quorum()
    _check_group(call)
    _check_not_in_error(call, resource_id(call))
    text = "detected modified configuration - file changed by other user? Try again."
    call.check_digest(_digest(call), f"{_UPDATE}{text}")
    resource = _existing(call, _UPDATE)
    try:
        options = _TYPE.changed(resource.options, given(call, _OPTIONS), call.listing("delete"))
    except ApiError as error:
        raise ApiError(f"{_UPDATE}{error.message}") from None
    call.datacenter.ha_resources.put(replace(resource, options=options))
    wake(call.datacenter, call.now)


@route(
    "DELETE", "/cluster/ha/resources/{sid}", params={**_SID, "purge": boolean(optional=True)},
    check=CHANGE, protected=True,
)  # fmt: skip
def delete_resource(call: Call) -> None:
    """Let the managers no longer look after a guest; it stays as it is. Rules forget it unless told otherwise."""
    call.need_quorum()
    sid = resource_id(call)
    if sid not in call.datacenter.ha_resources:
        raise ApiError(f"cannot delete service '{sid}', not HA managed!")
    call.datacenter.ha_resources.delete(sid)
    if call.flag("purge", default=True):
        forget(call.datacenter, sid)
    wake(call.datacenter, call.now)


_MOVE: dict[str, Param] = {**_SID, "node": string(format="pve-node")}


def _move(call: Call, kind: str) -> dict[str, Any]:
    """Queue a move; whether it makes sense is seen by the manager, but for what must not be together."""
    call.need_quorum()
    sid, node = resource_id(call), call.text("node")
    if sid not in call.datacenter.ha_resources:
        raise ApiError(f"resource '{sid}' is not HA managed")
    _check_not_in_error(call, sid)
    answer: dict[str, Any] = {"sid": sid, "requested-node": node}
    in_the_way = blocking(call.datacenter, sid, node)
    if in_the_way:
        return answer | {"blocking-resources": [{"sid": other, "cause": "resource-affinity"} for other in in_the_way]}
    along = affine(call.datacenter, sid, "positive")
    command(call.datacenter, call.now, f"{kind} {sid} {node}")
    return answer | ({"comigrated-resources": along} if along else {})


@route("POST", "/cluster/ha/resources/{sid}/migrate", params=_MOVE, check=CHANGE, protected=True)
def migrate(call: Call) -> dict[str, Any]:
    """Ask for a guest to be moved while it runs."""
    return _move(call, "migrate")


@route("POST", "/cluster/ha/resources/{sid}/relocate", params=_MOVE, check=CHANGE, protected=True)
def relocate(call: Call) -> dict[str, Any]:
    """Ask for a guest to be stopped, moved and started."""
    return _move(call, "relocate")
