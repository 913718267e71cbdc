"""Changing a virtual machine's configuration: checking a request, and carrying it out."""

from __future__ import annotations

import hashlib
import re
import urllib.parse
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.errors import ApiError, ParamError
from simulator.formats import split_list
from simulator.guests.draft import Draft, check_protection, check_storable, new_mac, normal_tags
from simulator.guests.qemu_drives import check_names, is_drive, make_volume, parse_drive, print_boot_order, print_drive
from simulator.guests.qemu_hotplug import apply_changes, free_volume, release
from simulator.guests.qemu_options import EXPANDED, MEMORY, NET
from simulator.guests.storages import StorageView
from simulator.propstring import join
from simulator.routing import Call
from simulator.state import Datacenter
from simulator.tasks import Step

_PUBLIC_KEY = re.compile(r"(?:[^\s#]+\s+)*?(?:ssh-\S+|ecdsa-sha2-\S+|sk-\S+)\s+[A-Za-z0-9+/]+={0,2}(?:\s.*)?")


@dataclass(frozen=True, slots=True)
class Change:
    """What a request wants to change."""

    values: dict[str, str] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)
    revert: list[str] = field(default_factory=list)
    force: bool = False

    @property
    def keys(self) -> list[str]:
        """Return every option that is touched."""
        return [*self.values, *self.delete, *self.revert]


def option_text(value: Any) -> str:
    """Write a typed value as a configuration file does."""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def given_options(call: Call) -> dict[str, str]:
    """Return the options of a request as text, before any normalisation."""
    values = {
        key: option_text(value)
        for key, value in call.params.items()
        if key in EXPANDED and value is not None
    }  # fmt: skip
    undefined = next((key for key, value in call.params.items() if key in EXPANDED and value is None), None)
    if undefined is not None:
        raise ApiError(f"unable to parse value of '{undefined}' - got undefined value")
    check_storable(values)
    if "cdrom" in call:
        values["ide2"] = f"{call.text('cdrom')},media=cdrom"
    return values


def requested_change(call: Call) -> Change:
    """Check what a request wants to set, delete and revert."""
    values = given_options(call)
    delete = [_real_name(key) for key in call.listing("delete")]
    revert = [_real_name(key) for key in call.listing("revert")]
    for key in delete:
        if key in values:
            raise ParamError({"delete": f"you can't use '-{key}' and -delete {key}' at the same time"})
        if key not in EXPANDED:
            raise ParamError({"delete": f"unknown option '{key}'"})
    for key in revert:
        if key in values:
            raise ParamError({"delete": f"you can't use '-{key}' and -revert {key}' at the same time"})
        if key not in EXPANDED:
            raise ParamError({"revert": f"unknown option '{key}'"})
    return Change(values, delete, revert, call.flag("force"))


def _real_name(key: str) -> str:
    return "ide2" if key == "cdrom" else key


def normalise(datacenter: Datacenter, view: StorageView, values: Mapping[str, str]) -> dict[str, str]:
    """Write options in the form in which the configuration file keeps them."""
    return {key: _normal(datacenter, view, key, value) for key, value in values.items()}


def _normal(datacenter: Datacenter, view: StorageView, key: str, value: str) -> str:
    if is_drive(key):
        drive = parse_drive(key, value)
        check_names(view, drive)
        return print_drive(drive)
    if re.fullmatch(r"net\d+", key):
        return normal_nic(datacenter, key, value)
    if key == "hookscript" and view.find(value) is None:
        raise ParamError({key: f"script '{value}' does not exist\n"})
    if key == "sshkeys":
        check_public_keys(urllib.parse.unquote(value))
    plain = {"tags": normal_tags, "description": lambda text: text.rstrip("\n"), "cipassword": _hashed}
    if key == "vmgenid" and value == "1":
        return str(uuid.uuid4())
    return plain[key](value) if key in plain else value


def normal_nic(datacenter: Datacenter, key: str, value: str) -> str:
    """Write a network card in its one form; one without a MAC address gets a new one."""
    nic = {name: option_text(item) for name, item in NET.parse(value, key).items()}
    nic.setdefault("macaddr", new_mac(datacenter))
    return _print_nic(nic)


def with_new_mac(datacenter: Datacenter, key: str, value: str) -> str:
    """Give a network card another MAC address."""
    nic = {name: option_text(item) for name, item in NET.parse(value, key).items()}
    return _print_nic(nic | {"macaddr": new_mac(datacenter)})


def _print_nic(nic: dict[str, str]) -> str:
    rest = join({key: value for key, value in nic.items() if key not in ("model", "macaddr")}, None)
    return f"{nic['model']}={nic['macaddr']}" + (f",{rest}" if rest else "")


def _hashed(password: str) -> str:
    """Keep no password in clear; one that is a hash already stays as it is."""
    if re.fullmatch(r"\$[a-z0-9]+\$.+", password):
        return password
    return f"$5$simulated${hashlib.sha256(password.encode()).hexdigest()}"


def check_public_keys(text: str) -> None:
    """Refuse what are no SSH public keys."""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#") and not _PUBLIC_KEY.fullmatch(line.strip()):
            raise ApiError("SSH public key validation error")


def check_against(draft: Draft, change: Change) -> None:
    """Refuse values that do not go with the machine as it is."""
    _check_balloon(draft, change)
    if "boot" in change.values and "order=" in change.values["boot"]:
        for device in split_list(change.values["boot"].partition("order=")[2]):
            exists = draft.value(device) is not None or device in change.values
            if not exists or device in change.delete:
                raise ApiError(f"invalid bootorder: device '{device}' does not exist'")


def _check_balloon(draft: Draft, change: Change) -> None:
    if not {"memory", "balloon"} & set(change.values):
        return

    def wanted(key: str) -> str:
        return change.values.get(key) or draft.pending.get(key) or draft.config.get(key, "")

    balloon = wanted("balloon")
    if "balloon" not in change.delete and balloon and int(balloon) > memory_of(wanted("memory")):
        raise ApiError("balloon value too large (must be smaller than assigned memory)")


def memory_of(value: str) -> int:
    """Return the MiB of a memory option; an empty one means the default."""
    return int(MEMORY.parse(value, "memory")["current"]) if value else 512


def carry_out(
    view: StorageView, draft: Draft, change: Change, default_storage: str | None = None
) -> Generator[Step, None, None]:
    """Carry a checked change out: delete, revert, make volumes, apply what can be applied."""
    for key in change.revert:
        _revert(view, draft, key)
    for key in change.delete:
        _delete(view, draft, key, force=change.force)
    for key, value in change.values.items():
        if is_drive(key):
            if key in draft.pending:
                release(view, draft, parse_drive(key, draft.pending[key]))
            made = yield from make_volume(view, draft.guest.vmid, key, parse_drive(key, value), default_storage)
            draft.stage(key, print_drive(made))
        else:
            draft.stage(key, value)
    apply_changes(view, draft)
    draft.put(view.datacenter)


def _revert(view: StorageView, draft: Draft, key: str) -> None:
    value = draft.pending.pop(key, None)
    draft.pending_delete.pop(key, None)
    if value is not None and is_drive(key):
        release(view, draft, parse_drive(key, value))


def _delete(view: StorageView, draft: Draft, key: str, *, force: bool) -> None:
    value, was_pending = draft.value(key), key in draft.pending
    if value is None:
        return
    _drop_from_boot(draft, key, was_pending=was_pending)
    if key.startswith("unused"):
        volid = parse_drive(key, value)["file"]
        check_protection(draft.guest, f"can't remove unused disk '{volid}'")
        free_volume(view, draft, volid)
        draft.config.pop(key, None)
        return
    if is_drive(key):
        check_protection(draft.guest, f"can't remove drive '{key}'")
        if was_pending:
            release(view, draft, parse_drive(key, draft.pending[key]))
    draft.stage_delete(key, force=force)


def _drop_from_boot(draft: Draft, key: str, *, was_pending: bool) -> None:
    """Take a removed device out of the boot order."""
    boot = draft.value("boot") or ""
    devices = split_list(boot.partition("order=")[2])
    if not was_pending and key in devices:
        draft.stage("boot", print_boot_order([device for device in devices if device != key]))


def log_lines(vmid: int, change: Change) -> list[str]:
    """Return what a task's log says of a change."""
    words = [f"-{key} {'<hidden>' if key == 'cipassword' else value}" for key, value in sorted(change.values.items())]
    words += [f"-delete {','.join(change.delete)}"] if change.delete else []
    words += [f"-revert {','.join(change.revert)}"] if change.revert else []
    return f"update VM {vmid}: {' '.join(words)}".split("\n")
