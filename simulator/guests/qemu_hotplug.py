"""Applying a virtual machine's pending changes: all of them while it is stopped, what can be plugged while it runs."""

from __future__ import annotations

import re
from collections.abc import Callable

from simulator.errors import ApiError, ParamError
from simulator.formats import split_list
from simulator.guests.draft import Draft, check_protection, is_running, owns
from simulator.guests.qemu_drives import Drive, is_cdrom, is_cloudinit, is_drive, parse_drive
from simulator.guests.qemu_options import AGENT, CLOUDINIT_KEYS, NET
from simulator.guests.storages import StorageView
from simulator.sdn.config import vnet_on_node

DEFAULT_HOTPLUG = "network,disk,usb"
_AT_ONCE = CLOUDINIT_KEYS | {
    "description", "hookscript", "lock", "migrate_downtime", "migrate_speed", "name", "onboot", "protection", "shares",
    "startup", "tags", "vmstatestorage",
}  # fmt: skip
_LIVE_LIMITS = frozenset(("cpulimit", "cpuunits", "affinity"))
_DRIVE_OPTIONS_AT_RESTART = (
    "aio", "cache", "discard", "detect_zeroes", "iothread", "media", "product", "queues", "ro", "scsiblock", "serial",
    "snapshot", "ssd", "vendor", "wwn", "werror", "rerror",
)  # fmt: skip
_NIC_OPTIONS_AT_RESTART = ("model", "macaddr", "queues", "mtu")


def hotplug_features(draft: Draft) -> set[str]:
    """Return what may be plugged into a running machine."""
    setting = draft.config.get("hotplug", DEFAULT_HOTPLUG)
    return set(split_list({"0": "", "1": DEFAULT_HOTPLUG}.get(setting, setting)))


def apply_changes(view: StorageView, draft: Draft) -> None:
    """Let the pending changes take effect as far as the machine's state allows."""
    draft.forget_unchanged()
    if is_running(draft.guest):
        _plug(view, draft)
    else:
        apply_all(view, draft)


def apply_all(view: StorageView, draft: Draft) -> None:
    """Let all pending changes take effect."""
    for key, force in list(draft.pending_delete.items()):
        _remove(view, draft, key, force=force)
    for key in list(draft.pending):
        _set(view, draft, key)


def _set(view: StorageView, draft: Draft, key: str) -> None:
    value, old = draft.pending.pop(key), draft.config.get(key)
    draft.config[key] = value
    if is_drive(key) and old is not None:
        drive = parse_drive(key, old)
        if drive["file"] != parse_drive(key, value)["file"]:
            release(view, draft, drive)


def _remove(view: StorageView, draft: Draft, key: str, *, force: bool) -> None:
    del draft.pending_delete[key]
    value = draft.config.pop(key, None)
    if value is not None and is_drive(key):
        release(view, draft, parse_drive(key, value), force=force)


def release(view: StorageView, draft: Draft, drive: Drive, *, force: bool = False) -> None:
    """Let go of a drive's volume: list it as unused, or free it; cloud-init data is always freed."""
    volid = drive["file"]
    if is_cloudinit(drive):
        view.free(volid)
    elif not is_cdrom(drive) and owns(draft.guest.vmid, volid):
        if force:
            free_volume(view, draft, volid)
        else:
            draft.add_unused(volid)


def free_volume(view: StorageView, draft: Draft, volid: str) -> None:
    """Free a guest's volume unless a snapshot still needs it."""
    snapshots = draft.guest.snapshots.values()
    if any(volid in value for snapshot in snapshots for value in snapshot.config.values()):
        raise ApiError(f"unable to delete '{volid}' - volume is still in use (snapshot?)")
    if owns(draft.guest.vmid, volid):
        view.free(volid)


def _plug(view: StorageView, draft: Draft) -> None:
    """Let what can be plugged take effect; the rest waits for a restart."""
    features, problems = hotplug_features(draft), dict[str, str]()
    for key, force in list(draft.pending_delete.items()):
        if _may_unplug(draft, key, features, problems):
            _remove(view, draft, key, force=force)
    for key, value in list(draft.pending.items()):
        if _may_plug(view, draft, key, value, features):
            _set(view, draft, key)
    if problems:
        draft.put(view.datacenter)
        raise ParamError(problems)


def _may_unplug(draft: Draft, key: str, features: set[str], problems: dict[str, str]) -> bool:
    if key in _AT_ONCE or key in _LIVE_LIMITS or key.startswith("unused"):
        return True
    if re.fullmatch(r"net\d+", key):
        return "network" in features
    if re.fullmatch(r"usb\d+", key) or key == "tablet":
        return "usb" in features
    if re.fullmatch(r"(?:scsi|virtio)\d+", key) and "disk" in features:
        check_protection(draft.guest, f"can't unplug drive '{key}'")
        if key in split_list(draft.config.get("boot", "").removeprefix("order="))[:1]:
            problems[key] = f"hotplug problem - can't unplug bootdisk '{key}'\n"
            return False
        return True
    settings = {
        "memory": "memory" in features, "vcpus": "cpu" in features, "balloon": draft.config.get("balloon") != "0",
        "hotplug": "memory" not in draft.config.get("hotplug", ""),
    }  # fmt: skip
    return settings.get(key, False)


def _may_plug(view: StorageView, draft: Draft, key: str, value: str, features: set[str]) -> bool:
    if key in _AT_ONCE or key in _LIVE_LIMITS:
        return True
    if re.fullmatch(r"net\d+", key):
        return _may_plug_nic(draft, key, value, features) and _check_bridge(view, key, value)
    if is_drive(key):
        return _may_plug_drive(draft, key, parse_drive(key, value), features)
    if key in ("tablet",) or re.fullmatch(r"usb\d+", key):
        return "usb" in features
    if key in _SETTINGS:
        return _SETTINGS[key](draft, value)
    return key in ("memory", "vcpus") and _grows(draft, key, value, features)


def _may_plug_nic(draft: Draft, key: str, value: str, features: set[str]) -> bool:
    """A card that stays the same card moves to another bridge, or gets another limit, whatever may be plugged."""
    old_value = draft.config.get(key)
    if old_value is None or "network" in features:
        return "network" in features
    old, new = NET.parse(old_value, key), NET.parse(value, key)
    same = all(old.get(option) == new.get(option) for option in _NIC_OPTIONS_AT_RESTART)
    return same and "bridge" in old and "bridge" in new


def _agent_device(value: str) -> tuple[object, object]:
    """Return what of the agent's setting is a device of the machine."""
    agent = AGENT.parse(value, "agent")
    return agent.get("enabled", False), agent.get("type", "virtio")


_SETTINGS: dict[str, Callable[[Draft, str], bool]] = {
    "agent": lambda draft, value: (
        "agent" in draft.config and _agent_device(value) == _agent_device(draft.config["agent"])
    ),
    "balloon": lambda draft, value: (value == "0") == (draft.config.get("balloon") == "0"),
    "hotplug": lambda draft, value: "memory" not in value + draft.config.get("hotplug", ""),
}
"""Settings of which some changes need no new device."""


def _grows(draft: Draft, key: str, value: str, features: set[str]) -> bool:
    """Memory and processors can be added where the machine was set up for it."""
    if key == "vcpus":
        most = int(draft.config.get("sockets", "1")) * int(draft.config.get("cores", "1"))
        if "cpu" in features and int(value) > most:
            raise ParamError({key: "hotplug problem - you can't add more vcpus than maxcpus\n"})
        return "cpu" in features
    return "memory" in features and draft.config.get("numa") == "1" and value.rpartition("=")[2].isdigit()


def _may_plug_drive(draft: Draft, key: str, drive: Drive, features: set[str]) -> bool:
    old_value = draft.config.get(key)
    if old_value is None:
        return "disk" in features and key.startswith(("scsi", "virtio"))
    old = parse_drive(key, old_value)
    if is_cdrom(old) and is_cdrom(drive):
        return True
    if old["file"] != drive["file"]:
        return "disk" in features and key.startswith(("scsi", "virtio"))
    return all(old.get(option) == drive.get(option) for option in _DRIVE_OPTIONS_AT_RESTART)


def _check_bridge(view: StorageView, key: str, value: str) -> bool:
    bridge = NET.parse(value, key).get("bridge")
    if bridge is not None and not bridge_exists(view, str(bridge)):
        raise ParamError({key: f"hotplug problem - bridge '{bridge}' does not exist\n"})
    return True


def bridge_exists(view: StorageView, bridge: str) -> bool:
    """Tell whether a node has a bridge: one of its own, or that of a virtual network."""
    if vnet_on_node(view.datacenter, view.node, bridge):
        return True
    interface = view.datacenter.interfaces.get(f"{view.node}/{bridge}")
    return interface is not None and interface.type in ("bridge", "OVSBridge")
