"""The files below `/etc/pve` that are the state itself: reading one renders it, writing one changes it."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from simulator.records import Guest
from simulator.ssh import datacenter_cfg, guest_conf, storage_cfg, user_cfg
from simulator.state import Datacenter

ROOT = "/etc/pve"
_GUEST = re.compile(r"/etc/pve/nodes/([^/]+)/(qemu-server|lxc)/([1-9][0-9]{2,8})\.conf")
_KINDS = {"qemu-server": "qemu", "lxc": "lxc"}
_FOLDERS = {kind: folder for folder, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class _Whole:
    """A file that holds tables of the datacenter."""

    render: Callable[[Datacenter], str]
    write: Callable[[Datacenter, str], None]


_WHOLE = {
    f"{ROOT}/storage.cfg": _Whole(lambda datacenter: storage_cfg.render(datacenter.storages), storage_cfg.write),
    f"{ROOT}/user.cfg": _Whole(
        lambda datacenter: user_cfg.render(user_cfg.of_datacenter(datacenter)), user_cfg.write
    ),
    f"{ROOT}/datacenter.cfg": _Whole(
        lambda datacenter: datacenter_cfg.render({row.name: row.value for row in datacenter.options}),
        datacenter_cfg.write,
    ),
}  # fmt: skip


def folders(datacenter: Datacenter) -> list[str]:
    """Return the folders that are always there."""
    nodes = [f"{ROOT}/nodes/{node.name}" for node in datacenter.nodes]
    inner = [f"{node}/{name}" for node in nodes for name in ("qemu-server", "lxc", "openvz", "priv")]
    return [ROOT, f"{ROOT}/nodes", f"{ROOT}/priv", f"{ROOT}/firewall", f"{ROOT}/ha", f"{ROOT}/sdn", *nodes, *inner]


def owns(path: str) -> bool:
    """Tell whether a path is that of a file which is the state itself, whether or not it is there now."""
    return path in _WHOLE or _GUEST.fullmatch(path) is not None


def names_in(datacenter: Datacenter, folder: str) -> list[str]:
    """Return the names of such files in a folder."""
    match = re.fullmatch(r"/etc/pve/nodes/([^/]+)/(qemu-server|lxc)", folder)
    if match is not None:
        return [f"{guest.vmid}.conf" for guest in datacenter.guests.by("place", (_KINDS[match[2]], match[1]))]
    return [path.rpartition("/")[2] for path in _WHOLE if path.rpartition("/")[0] == folder]


def _guest_at(datacenter: Datacenter, path: str) -> Guest | None:
    match = _GUEST.fullmatch(path)
    guest = datacenter.guests.get(int(match[3])) if match is not None else None
    return guest if guest is not None and guest_file(guest) == path else None


def guest_file(guest: Guest) -> str:
    """Return the path of a guest's file."""
    return f"{ROOT}/nodes/{guest.node}/{_FOLDERS[guest.type]}/{guest.vmid}.conf"


def read(datacenter: Datacenter, path: str) -> str | None:
    """Return the text of a file, or None when it is not there."""
    if path in _WHOLE:
        return _WHOLE[path].render(datacenter)
    guest = _guest_at(datacenter, path)
    return guest_conf.render(guest.type, guest_conf.of_guest(guest)) if guest is not None else None


def write(datacenter: Datacenter, path: str, text: str) -> None:
    """Make a file the state, or refuse it."""
    if path in _WHOLE:
        _WHOLE[path].write(datacenter, text)
        return
    match = _GUEST.fullmatch(path)
    if match is None or match[1] not in datacenter.nodes:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
    kind, vmid = _KINDS[match[2]], int(match[3])
    old = datacenter.guests.get(vmid)
    if old is not None and guest_file(old) != path:
        raise FileExistsError(errno.EEXIST, "File exists", path)
    conf = guest_conf.parse(kind, text)
    guest = old if old is not None else Guest(vmid=vmid, type=kind, node=match[1])
    datacenter.guests.put(
        replace(
            guest, config=conf.config, pending=conf.pending, pending_delete=conf.pending_delete,
            snapshots=conf.snapshots, running=dict(conf.config) if guest.status == "running" else {},
        )
    )  # fmt: skip


def remove(datacenter: Datacenter, path: str) -> None:
    """Remove a file. Of a guest nothing is left but its disks; the files of the datacenter are then empty."""
    guest = _guest_at(datacenter, path)
    if guest is not None:
        datacenter.guests.delete(guest.vmid)
    elif path in _WHOLE:
        _WHOLE[path].write(datacenter, "")
    else:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)


def move_guest(datacenter: Datacenter, source: str, target: str) -> bool:
    """Move a guest by moving its file, as one does from a node that is dead; tell whether that is what was asked."""
    guest, match = _guest_at(datacenter, source), _GUEST.fullmatch(target)
    if guest is None or match is None or _KINDS[match[2]] != guest.type or match[1] not in datacenter.nodes:
        return False
    vmid = int(match[3])
    if vmid in datacenter.guests and vmid != guest.vmid:
        raise FileExistsError(errno.EEXIST, "File exists", target)
    datacenter.guests.delete(guest.vmid)
    moved = replace(guest, vmid=vmid, node=match[1])
    if (moved.node, moved.vmid) != (guest.node, guest.vmid):
        moved = replace(moved, status="stopped", started=None, paused=False, running={}, pid=None)
    datacenter.guests.put(moved)
    return True
