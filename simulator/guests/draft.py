"""Changing a guest's configuration: a draft of it, its digest, and what clients get to see of it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from simulator.errors import ApiError, TaskError, unwritable
from simulator.formats import split_list
from simulator.guests.volume_names import own_name
from simulator.propstring import split
from simulator.records import Guest
from simulator.schema import Param
from simulator.state import Datacenter, digest, guest_path
from simulator.tasks import Body, Step, Steps, TaskRun

MAC_PREFIX = "BC:24:11"
MAX_UNUSED = 256
T = TypeVar("T")


@dataclass(slots=True)
class Draft:
    """A guest's configuration while it is being changed; `put` writes it back."""

    guest: Guest
    config: dict[str, str]
    pending: dict[str, str]
    pending_delete: dict[str, bool]

    @classmethod
    def of(cls, guest: Guest) -> Draft:
        """Begin with what the guest has now."""
        return cls(guest, dict(guest.config), dict(guest.pending), dict(guest.pending_delete))

    def put(self, datacenter: Datacenter, **changes: Any) -> Guest:
        """Write the draft and other changes of the guest; volumes in use are no longer listed as unused."""
        used = {volume_of(value) for key, value in self.config.items() if not key.startswith("unused")}
        config = {key: value for key, value in self.config.items() if not _is_stale(key, value, used)}
        if not config.get("description", "-"):
            del config["description"]
        guest = replace(
            self.guest, config=config, pending=dict(self.pending), pending_delete=dict(self.pending_delete), **changes
        )
        guest = replace(guest, running=dict(config) if guest.status == "running" else {})
        check_writable(datacenter, guest)
        self.guest = datacenter.guests.put(guest)
        return guest

    def add_unused(self, volid: str) -> None:
        """List a volume as unused, under the first free number."""
        taken = {key: volume_of(value) for key, value in self.config.items() if key.startswith("unused")}
        if volid in taken.values():
            return
        free = next((f"unused{n}" for n in range(MAX_UNUSED) if f"unused{n}" not in taken), None)
        if free is None:
            raise ApiError("too many unused volumes - please delete them first")
        self.config[free] = volid

    def value(self, key: str) -> str | None:
        """Return what an option is set to, or will be."""
        return self.config.get(key, self.pending.get(key))

    def stage(self, key: str, value: str) -> None:
        """Note a new value; it takes effect when the pending changes are applied."""
        self.pending_delete.pop(key, None)
        self.pending[key] = value

    def stage_delete(self, key: str, *, force: bool) -> None:
        """Note that an option is to be removed."""
        self.pending.pop(key, None)
        self.pending_delete[key] = force

    def forget_unchanged(self) -> None:
        """Drop pending changes that change nothing."""
        for key in [key for key, value in self.pending.items() if self.config.get(key) == value]:
            del self.pending[key]
        for key in [key for key in self.pending_delete if key not in self.config]:
            del self.pending_delete[key]


def _is_stale(key: str, value: str, used: set[str]) -> bool:
    return key.startswith("unused") and volume_of(value) in used


def volume_of(value: str) -> str:
    """Return the first part of a property string, which names the volume of a disk."""
    return value.partition(",")[0].removeprefix("file=").removeprefix("volume=")


def config_digest(guest: Guest) -> str:
    """Return the digest of a guest's configuration file."""
    snapshots = {name: snapshot.config for name, snapshot in guest.snapshots.items()}
    return digest(
        dict(guest.config), dict(guest.pending), dict(guest.pending_delete), {k: dict(v) for k, v in snapshots.items()}
    )


def check_writable(datacenter: Datacenter, guest: Guest) -> None:
    """Refuse to write a configuration file while the cluster is not quorate: `/etc/pve` is read-only then."""
    if not datacenter.quorate_on(guest.node):
        path = guest_path(guest.vmid, guest.type, guest.node)
        raise ApiError(unwritable(f"/etc/pve/{path}"))


def check_storable(values: Mapping[str, str]) -> None:
    """Refuse values that would be more than a line of a guest's file, where only the description is encoded."""
    for key, value in values.items():
        if key != "description" and re.search(r"[\r\n]", value):
            raise ApiError(f"unable to parse value of '{key}' - property contains a line feed")


def check_lock(guest: Guest) -> None:
    """Refuse to touch a guest that something holds."""
    if guest.lock is not None:
        raise ApiError(f"{'VM' if guest.type == 'qemu' else 'CT'} is locked ({guest.lock})")


def check_protection(guest: Guest, text: str) -> None:
    """Refuse to destroy what is protected."""
    if guest.config.get("protection") == "1":
        raise ApiError(f"{text} - protection mode enabled")


def is_running(guest: Guest) -> bool:
    """Tell whether a guest runs."""
    return guest.status == "running"


def set_lock(datacenter: Datacenter, vmid: int, lock: str | None) -> None:
    """Set or remove what holds a guest; one that has been destroyed meanwhile holds nothing any more."""
    guest = datacenter.guests.get(vmid)
    if guest is not None:
        config = {key: value for key, value in guest.config.items() if key != "lock"}
        datacenter.guests.put(replace(guest, config=config | ({"lock": lock} if lock else {})))


def typed(options: Mapping[str, Param], key: str, value: str) -> str | int:
    """Return a configuration value as clients get it: whole numbers and booleans as numbers."""
    param = options.get(key)
    if param is not None and param.type in ("integer", "boolean") and value.lstrip("-").isdigit():
        return int(value)
    if key == "snaptime":
        return int(value)
    return "**********" if key == "cipassword" else value


def shown_config(options: Mapping[str, Param], guest: Guest, config: Mapping[str, str]) -> dict[str, Any]:
    """Return a configuration as clients get it, with the digest of the whole file."""
    rows: dict[str, Any] = {key: typed(options, key, value) for key, value in config.items()}
    if "lxc" in config:
        rows["lxc"] = [line.split(": ", 1) for line in config["lxc"].splitlines()]
    return rows | {"digest": config_digest(guest)}


def current_config(guest: Guest, *, current: bool) -> dict[str, str]:
    """Return the configuration that is in force, or the one that will be once the pending changes are applied."""
    if current:
        return dict(guest.config)
    kept = {key: value for key, value in guest.config.items() if key not in guest.pending_delete}
    return kept | dict(guest.pending)


def snapshot_config(guest: Guest, name: str) -> dict[str, str]:
    """Return the configuration of a snapshot, or refuse."""
    snapshot = guest.snapshots.get(name)
    if snapshot is None:
        raise ApiError(f"snapshot '{name}' does not exist")
    return dict(snapshot.config)


def pending_rows(options: Mapping[str, Param], guest: Guest) -> list[dict[str, Any]]:
    """Return one row an option: its value, the pending one, whether it is to be deleted."""
    rows: list[dict[str, Any]] = []
    for key in dict.fromkeys([*guest.config, *guest.pending, *guest.pending_delete]):
        if key == "lxc":
            continue
        row: dict[str, Any] = {"key": key}
        if key in guest.config:
            row["value"] = typed(options, key, guest.config[key])
        if key in guest.pending:
            row["pending"] = typed(options, key, guest.pending[key])
        if key in guest.pending_delete:
            row["delete"] = 2 if guest.pending_delete[key] else 1
        rows.append(row)
    return [*rows, {"key": "digest", "value": config_digest(guest)}]


def normal_tags(text: str) -> str:
    """Write tags in their one form; none at all are a blank."""
    return ";".join(sorted({tag.lower() for tag in split_list(text)})) or " "


def new_mac(datacenter: Datacenter) -> str:
    """Return a new MAC address with Proxmox's prefix."""
    setting = datacenter.options.get("mac_prefix")
    prefix = (setting.value.upper() if setting else MAC_PREFIX).rstrip(":")
    tail = uuid.uuid4().hex[:6].upper()
    return f"{prefix}:{tail[:2]}:{tail[2:4]}:{tail[4:]}"


def format_size(size: int) -> str:
    """Write a number of bytes with the biggest unit that leaves no rest."""
    for unit in ("", "K", "M", "G"):
        if size % 1024:
            return f"{size}{unit}"
        size //= 1024
    return f"{size}T"


def human_size(size: float) -> str:
    """Write a number of bytes as task logs do."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:  # noqa: PLR2004 - the step between two units
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def drain(steps: Generator[Step, None, T]) -> T:
    """Run the steps of a task at once, in a call that has no task, and return their result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result


def worker(body: Callable[[TaskRun], Steps], prefix: str = "") -> Body:
    """Make a task's body of steps that may refuse as calls do: the refusal becomes the task's exit status."""

    def run_body(run: TaskRun) -> Steps:
        try:
            yield from body(run)
        except ApiError as error:
            raise TaskError(prefix + error.message) from None

    return run_body


def drop_keys(config: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """Return a configuration without some options."""
    dropped = set(keys)
    return {key: value for key, value in config.items() if key not in dropped}


def disk_size(value: str) -> str:
    """Return the size that a disk's property string names."""
    return split(value, "file").get("size", "")


def owns(vmid: int, volid: str) -> bool:
    """Tell whether a volume's name says that it belongs to a guest."""
    name = own_name(volid.partition(":")[2])
    return name.split("-")[1:2] == [str(vmid)] or volid.partition(":")[2].startswith(f"{vmid}/")
