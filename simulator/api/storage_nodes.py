"""`/nodes/{node}/storage`: storages as a node sees them, and their room."""

from __future__ import annotations

import uuid
from typing import Any

from simulator.api.storage import SEE, STORAGE
from simulator.formats import split_list
from simulator.guests.facts import is_shared, storage_usage, storage_visible
from simulator.guests.storage_types import TYPES
from simulator.guests.storages import StorageView
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import boolean, string

NODE = string(format="pve-node")
SEE_CHECK = ["perm", "/storage/{storage}", SEE, "any", 1]
_SUBDIRS = (
    "content", "download-url", "file-restore", "identity", "import-metadata", "oci-registry-pull", "prunebackups",
    "rrd", "rrddata", "status", "upload",
)  # fmt: skip


def view_of(call: Call) -> StorageView:
    """Return the storages as the answering node sees them."""
    return StorageView(call.datacenter, call.node, int(call.now))


def _is_enabled(section: Section, node: str) -> bool:
    return section.options.get("disable") != "1" and storage_visible(section, node)


def _status(call: Call, section: Section) -> dict[str, Any]:
    """Return what a node says of a storage: nothing but zeros where it has it not."""
    enabled = _is_enabled(section, call.node)
    total, used = storage_usage(call.datacenter, section, call.node) if enabled else (0, 0)
    return {
        "type": section.type, "content": section.options.get("content", ""), "shared": int(is_shared(section)),
        "enabled": int(enabled), "active": int(enabled), "total": total, "used": used, "avail": total - used,
    }  # fmt: skip


@route(
    "GET",
    "/nodes/{node}/storage",
    params={
        "node": NODE,
        "content": string(format="pve-storage-content-list", optional=True),
        "enabled": boolean(optional=True),
        "format": boolean(optional=True),
        "storage": string(format="pve-storage-id", optional=True),
        "target": string(format="pve-node", optional=True),
    },
    user="all",
    protected=True,
    proxyto="node",
)
def node_storages(call: Call) -> list[dict[str, Any]]:
    """List the storages of a node that the caller may see."""
    view, target = view_of(call), call.optional("target")
    if "storage" in call:
        view.section(call.text("storage"))
    return [
        _row(call, section)
        for section in call.datacenter.storages
        if call.optional("storage") in (None, section.id)
        and call.access.may(f"/storage/{section.id}", SEE, any_of=True)
        and _holds_any(section, call.listing("content"))
        and (_is_enabled(section, call.node) or not (call.flag("enabled") or target or "content" in call))
        and (target is None or storage_visible(section, target))
    ]


def _holds_any(section: Section, wanted: list[str]) -> bool:
    held = split_list(section.options.get("content", ""))
    return not wanted or any(content in held for content in wanted)


def _row(call: Call, section: Section) -> dict[str, Any]:
    row = {"storage": section.id} | _status(call, section)
    if row["total"]:
        row["used_fraction"] = row["used"] / row["total"]
    if call.flag("format"):
        default = section.options.get("format", "raw")
        row["formats"] = {"default": default, "supported": list(TYPES[section.type].formats)}
        row["select_existing"] = int(section.type in ("iscsi", "iscsidirect"))
    return row


@route("GET", "/nodes/{node}/storage/{storage}", params={"node": NODE, "storage": STORAGE}, check=SEE_CHECK)
def storage_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List what is below a storage."""
    return [{"subdir": name} for name in _SUBDIRS]


@route(
    "GET", "/nodes/{node}/storage/{storage}/identity", params={"node": NODE, "storage": STORAGE},
    check=SEE_CHECK, protected=True, proxyto="node",
)  # fmt: skip
def storage_identity(call: Call) -> dict[str, str]:
    """Return what tells a storage from any other: the same for whoever looks at the same place."""
    view = view_of(call)
    section = view.available(call.text("storage"))
    place = [section.options.get(key, "") for key in sorted(TYPES[section.type].required)]
    where = "" if is_shared(section) else f"{call.datacenter.name}/{call.node}"
    return {"type": section.type, "id": str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join([section.type, where, *place])))}


@route(
    "GET", "/nodes/{node}/storage/{storage}/status", params={"node": NODE, "storage": STORAGE},
    check=SEE_CHECK, protected=True, proxyto="node",
)  # fmt: skip
def storage_status(call: Call) -> dict[str, Any]:
    """Return the room of a storage."""
    return _status(call, view_of(call).section(call.text("storage")))
