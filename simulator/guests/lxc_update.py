"""Changing a container's configuration: checking a request, carrying it out, what takes effect while it runs."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping

from simulator.errors import ApiError, ParamError
from simulator.guests.draft import Draft, check_protection, check_storable, is_running, new_mac, normal_tags, owns
from simulator.guests.lxc_mounts import is_mount, is_volume, make_mount, parse_mount, print_mount
from simulator.guests.lxc_options import DEVICE, EXPANDED, NET
from simulator.guests.qemu_hotplug import free_volume
from simulator.guests.qemu_update import Change, option_text
from simulator.guests.storages import StorageView
from simulator.propstring import join
from simulator.routing import Call
from simulator.state import Datacenter
from simulator.tasks import Step

_DEVICE_PATH = re.compile(
    r"/dev/(?:null|zero|full|u?random|tty\w*|fuse|kvm|net/tun|dri/(?:card|renderD)\d+|kfd|rtc\d*|ppp|loop\d+)"
)
_READ_ONLY = frozenset(("unprivileged",))
_REQUIRED = frozenset(("memory", "rootfs"))
_AT_ONCE = frozenset(
    ("description", "onboot", "startup", "protection", "hostname", "hookscript", "cores", "tags", "lock", "cpulimit",
     "cpuunits", "memory", "swap", "template")
)  # fmt: skip


def given_options(call: Call) -> dict[str, str]:
    """Return the options of a request as text, before any normalisation."""
    undefined = next((key for key, value in call.params.items() if key in EXPANDED and value is None), None)
    if undefined is not None:
        raise ApiError(f"unable to parse value of '{undefined}' - got undefined value")
    values = {key: option_text(value) for key, value in call.params.items() if key in EXPANDED}
    check_storable(values)
    return values


def normalise(datacenter: Datacenter, values: Mapping[str, str]) -> dict[str, str]:
    """Write options in the form in which the configuration file keeps them."""
    return {key: _normal(datacenter, key, value) for key, value in values.items()}


def _normal(datacenter: Datacenter, key: str, value: str) -> str:
    if re.fullmatch(r"net\d+", key):
        return normal_nic(datacenter, key, value)
    if is_mount(key):
        return print_mount(parse_mount(key, value))
    if key == "tags":
        return normal_tags(value)
    if key == "description":
        return value.rstrip("\n") + "\n" if value else ""
    if re.fullmatch(r"dev\d+", key):
        _check_device(DEVICE.parse(value, key).get("path", ""))
    return value


def _check_device(path: str) -> None:
    if path and not _DEVICE_PATH.fullmatch(path):
        raise ApiError(f"Device {path} does not exist")


def normal_nic(datacenter: Datacenter, key: str, value: str, *, renew: bool = False) -> str:
    """Write a network card in its one form; one without a MAC address (or to be renewed) gets a new one."""
    nic = {name: option_text(item) for name, item in NET.parse(value, key).items()} | {"type": "veth"}
    if renew or "hwaddr" not in nic:
        nic["hwaddr"] = new_mac(datacenter)
    return join(nic, None, ["name"])


def requested_change(call: Call) -> Change:
    """Check what a request wants to set, delete and revert."""
    values, delete, revert = given_options(call), call.listing("delete"), call.listing("revert")
    if not (values or delete or revert):
        raise ApiError("no options specified")
    for name, keys in (("delete", delete), ("revert", revert)):
        for key in keys:
            if key in values:
                raise ParamError({name: f"you can't use '-{key}' and -{name} {key}' at the same time"})
            if key not in EXPANDED:
                raise ParamError({name: f"unknown option '{key}'"})
    for key in delete:
        if key in _REQUIRED:
            raise ApiError(f"unable to delete required option '{key}'")
    for key in (*delete, *values):
        if key in _READ_ONLY:
            raise ApiError(f"unable to modify read-only option: '{key}'")
    return Change(values, delete, revert)


def carry_out(view: StorageView, draft: Draft, change: Change) -> Generator[Step, None, None]:
    """Carry a checked change out: revert, delete, make volumes, apply what can be applied."""
    for key in change.revert:
        value = draft.pending.pop(key, None)
        draft.pending_delete.pop(key, None)
        if value is not None and is_mount(key):
            _release(draft, value, key)
    for key in change.delete:
        _delete(view, draft, key)
    for key, value in change.values.items():
        if is_mount(key):
            made = yield from make_mount(view, draft.guest.vmid, parse_mount(key, value))
            draft.stage(key, print_mount(made))
        else:
            draft.stage(key, value)
    apply_changes(draft)
    draft.put(view.datacenter)


def _delete(view: StorageView, draft: Draft, key: str) -> None:
    value = draft.value(key)
    if value is None:
        return
    if key.startswith("unused") or is_mount(key):
        check_protection(draft.guest, f"can't remove CT {draft.guest.vmid} drive '{key}'")
    if key.startswith("unused"):
        free_volume(view, draft, parse_mount(key, value)["volume"])
        draft.config.pop(key, None)
        return
    draft.stage_delete(key, force=False)


def apply_changes(draft: Draft) -> None:
    """Let the pending changes take effect as far as the container's state allows."""
    draft.forget_unchanged()
    running = is_running(draft.guest)
    for key in list(draft.pending_delete):
        if not running or key in _AT_ONCE or re.fullmatch(r"net\d+", key):
            del draft.pending_delete[key]
            value = draft.config.pop(key, None)
            if value is not None and is_mount(key):
                _release(draft, value, key)
    for key in list(draft.pending):
        if not running or _may_plug(draft, key):
            _set(draft, key)


def _may_plug(draft: Draft, key: str) -> bool:
    """New mount points and network cards can be plugged into a running container."""
    if re.fullmatch(r"mp\d+", key):
        return key not in draft.config
    return key in _AT_ONCE or re.fullmatch(r"net\d+", key) is not None


def _set(draft: Draft, key: str) -> None:
    value, old = draft.pending.pop(key), draft.config.get(key)
    draft.config[key] = value
    if old is None or not is_mount(key) or key == "rootfs":
        return
    if parse_mount(key, old)["volume"] != parse_mount(key, value)["volume"]:
        _release(draft, old, key)


def _release(draft: Draft, value: str, key: str) -> None:
    """List a mount point's volume as unused."""
    mount = parse_mount(key, value)
    if is_volume(mount) and owns(draft.guest.vmid, mount["volume"]):
        draft.add_unused(mount["volume"])
