"""What a running virtual machine takes at once, and what ties it to its node."""

from __future__ import annotations

from providers._guests.qemu_system import HOTPLUG
from providers._runtime.markers import Impact
from providers._runtime.model import Values

PLUGGED_DISKS = ("scsi", "virtio")
FEATURES = {"net": "network", "usb": "usb", "tablet": "usb", "vcpus": "cpu"}
"""Field, or kind of slot -> what has to be in `hotplug` for it."""


def features(there: Values) -> list[str]:
    """What may be plugged into it while it runs."""
    found: list[str] = there.get("hotplug", HOTPLUG)
    return found


def plugged(name: str, there: Values, wanted: Values, takes: Impact) -> Impact:
    """What changing a field, or a slot of one, takes: `takes` unless it can be plugged or has to be unplugged."""
    kind = name.rstrip("0123456789")
    if kind in FEATURES:
        return "live" if FEATURES[kind] in features(there) else "reboot"
    if name == "memory":
        grows = int(wanted.get("memory") or 0) > int(there.get("memory") or 0)
        return "live" if grows and "memory" in features(there) and there.get("numa") else takes
    if name == "balloon" and "balloon" in wanted:
        return "live" if (wanted["balloon"] == 0) == (there.get("balloon") == 0) else takes
    return takes


def takes_disks(slot: str, there: Values) -> bool:
    """Whether a disk comes and goes in that slot while it runs."""
    return slot.startswith(PLUGGED_DISKS) and "disk" in features(there)


def stops_for(before: Values, wanted: Values, there: Values) -> dict[str, str]:
    """What a machine has to be stopped for: field or slot -> the reason."""
    found: dict[str, str] = {}
    devices = _of_its_node(there)
    if devices and before.get("node") != wanted.get("node"):
        found["node"] = f"it has devices of its node ({', '.join(devices)})"
    removed = set(before.get("disks") or {}) - set(wanted.get("disks") or {})
    first = (there.get("boot") or {}).get("order", [])[:1]
    if wanted.get("on_disk_removed") != "keep":
        found |= dict.fromkeys(removed & set(first), "it boots from there")
    return found


def _of_its_node(values: Values) -> list[str]:
    """Devices of its host, with which it can't move while it runs."""
    usb = values.get("usb") or {}
    found = [*(values.get("hostpci") or {}), *(values.get("virtiofs") or {})]
    found += [slot for slot, device in usb.items() if device.get("host") != "spice"]
    found += [f"serial{n}" for n in range(4) if values.get(f"serial{n}", "socket") != "socket"]
    found += [f"parallel{n}" for n in range(3) if values.get(f"parallel{n}")]
    return sorted(found + (["ivshmem"] if values.get("ivshmem") else []))
