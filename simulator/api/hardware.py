"""`/nodes/{node}/hardware`: the PCI and USB devices of a node."""

from __future__ import annotations

import re
from typing import Any

from simulator.nodes.records import Device
from simulator.propstring import split
from simulator.routing import Call, route
from simulator.schema import boolean, string

_NODE = {"node": string(format="pve-node")}
_ID = r"(?:(?:[0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-9a-fA-F])|([a-zA-Z][a-zA-Z0-9_-]+)"
_ONE = _NODE | {"pci-id-or-mapping": string(pattern=_ID)}
_SEE = ["perm", "/", ["Sys.Audit", "Sys.Modify"], "any", 1]
_BORING = "05;06;0b"
"""Classes that are left out unless somebody asks: memory, bridges, processors."""
_WORDY = re.compile(r".*_name|subsystem_.*")


@route("GET", "/nodes/{node}/hardware", params=_NODE, user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List the kinds of devices."""
    return [{"type": "pci"}, {"type": "usb"}]


def _devices(call: Call, kind: str) -> list[Device]:
    return sorted(call.datacenter.devices.by("place", (call.node, kind)), key=lambda device: device.id)


@route(
    "GET",
    "/nodes/{node}/hardware/pci",
    params=_NODE
    | {"pci-class-blacklist": string(format="string-list", optional=True), "verbose": boolean(optional=True)},
    check=_SEE,
    protected=True,
    proxyto="node",
)
def pci_devices(call: Call) -> list[dict[str, Any]]:
    """List the PCI devices, without those of the classes that nobody would pass through."""
    left_out = call.listing("pci-class-blacklist") if "pci-class-blacklist" in call else _BORING.split(";")
    prefixes = tuple(f"0x{item}" for item in left_out)
    rows = []
    for device in _devices(call, "pci"):
        if str(device.shown["class"]).startswith(prefixes):
            continue
        row: dict[str, Any] = dict(device.shown)
        if not call.flag("verbose", default=True):
            row = {name: value for name, value in row.items() if not _WORDY.fullmatch(name)}
        rows.append(row | ({"mdev": 1} if device.mdev else {}))
    return rows


@route("GET", "/nodes/{node}/hardware/pci/{pci-id-or-mapping}", params=_ONE, user="all")
def pci_index(_call: Call) -> list[dict[str, str]]:
    """List what can be asked of a PCI device."""
    return [{"method": "mdev"}]


@route(
    "GET",
    "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/mdev",
    params=_ONE,
    check=_SEE,
    protected=True,
    proxyto="node",
)
def mediated_devices(call: Call) -> list[dict[str, Any]]:
    """List the types of mediated devices that a device can be divided into, or all devices of a mapping."""
    wanted = _ids(call, call.text("pci-id-or-mapping"))
    found: dict[str, dict[str, Any]] = {}
    for device in _devices(call, "pci"):
        if device.id in wanted:
            found |= {kind: {"type": kind, **shown} for kind, shown in device.mdev.items()}
    return list(found.values())


def _ids(call: Call, name: str) -> set[str]:
    """Return the PCI ids that are meant: by one, with or without its domain, or by a mapping of this node."""
    if ":" in name:
        return {name if name.count(":") > 1 else f"0000:{name}"}
    mapping = call.datacenter.mappings.get(f"pci/{name}")
    lines = mapping.options["map"].split("\n") if mapping is not None else []
    entries = (split(line, None) for line in lines)
    return {path for entry in entries if entry.get("node") == call.node for path in entry["path"].split(";")}


@route(
    "GET",
    "/nodes/{node}/hardware/usb",
    params=_NODE,
    check=["perm", "/", ["Sys.Modify"]],
    protected=True,
    proxyto="node",
)
def usb_devices(call: Call) -> list[dict[str, Any]]:
    """List the USB devices."""
    return [dict(device.shown) for device in _devices(call, "usb")]
