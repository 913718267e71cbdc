"""The files below `/etc/pve` that are the state itself: reading one renders it, writing one changes it.

What was written is read back as it was, comments and all, until the state it stands for is changed by other means.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from simulator.records import Guest, Written
from simulator.ssh import datacenter_cfg, guest_conf, pve_status, storage_cfg, user_cfg
from simulator.ssh.pve_sections import section_files
from simulator.ssh.text import lines_of
from simulator.state import Datacenter, World, digest

ROOT = "/etc/pve"
_GUEST = re.compile(r"/etc/pve/nodes/([^/]+)/(qemu-server|lxc)/([1-9][0-9]{2,8})\.conf")
_CONFIG = re.compile(r"/etc/pve/nodes/([^/]+)/config")
_OF_NODE = re.compile(r"/etc/pve/nodes/([^/]+)/([^/]+)")
_KINDS = {"qemu-server": "qemu", "lxc": "lxc"}
_FOLDERS = {kind: folder for folder, kind in _KINDS.items()}
_BELOW = ("ha", "sdn", "sdn/firewall", "mapping", "firewall", "priv", "priv/storage", "priv/lock", "nodes",
          "virtual-guest")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Whole:
    """A file that holds tables of the datacenter, and is there also when they are empty."""

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
    return [ROOT, *(f"{ROOT}/{name}" for name in _BELOW), *nodes, *inner]


def links(node: str) -> dict[str, str]:
    """Return the links that lead to a node's own folder."""
    inner = {name: f"nodes/{node}/{name}" for name in ("qemu-server", "lxc", "openvz")}
    return {f"{ROOT}/{name}": target for name, target in {"local": f"nodes/{node}", **inner}.items()}


def owns(path: str) -> bool:
    """Tell whether a path is that of a file which is the state itself, whether or not it is there now."""
    return (
        path in _WHOLE
        or path in section_files()
        or _GUEST.fullmatch(path) is not None
        or _CONFIG.fullmatch(path) is not None
    )


def is_shown(path: str) -> bool:
    """Tell whether a path is that of a file that only tells something and cannot be written."""
    match = _OF_NODE.fullmatch(path)
    return path in pve_status.CLUSTER or (match is not None and match[2] in pve_status.NODE)


def paths(world: World, datacenter: Datacenter, node: str) -> Iterator[str]:
    """Yield the paths of all such files that are there, but for those of guests."""
    yield from _WHOLE
    yield from (path for path in section_files() if read(datacenter, path) is not None)
    for name in datacenter.nodes.keys():  # noqa: SIM118 - a table iterates over its records
        yield from (path for path in (f"{ROOT}/nodes/{name}/config",) if read(datacenter, path) is not None)
    for path in shown_paths(datacenter):
        if shown(world, datacenter, node, path) is not None:
            yield path


def shown_paths(datacenter: Datacenter) -> list[str]:
    """Return the paths of the files that only tell something."""
    of_nodes = [f"{ROOT}/nodes/{node.name}/{name}" for node in datacenter.nodes for name in pve_status.NODE]
    return [*pve_status.CLUSTER, *pve_status.DEFAULTS, *of_nodes]


def shown(world: World, datacenter: Datacenter, node: str, path: str) -> str | None:
    """Return the text of a file that only tells something, or None."""
    match = _OF_NODE.fullmatch(path)
    if match is not None and match[1] in datacenter.nodes and match[2] in pve_status.NODE:
        return pve_status.NODE[match[2]](world, datacenter, match[1])
    render = pve_status.CLUSTER.get(path) or pve_status.DEFAULTS.get(path)
    return render(world, datacenter, node) if render is not None else None


def guests_in(datacenter: Datacenter, folder: str) -> list[str]:
    """Return the names of the guests' files in a folder."""
    match = re.fullmatch(r"/etc/pve/nodes/([^/]+)/(qemu-server|lxc)", folder)
    if match is None:
        return []
    return [f"{guest.vmid}.conf" for guest in datacenter.guests.by("place", (_KINDS[match[2]], match[1]))]


def _guest_at(datacenter: Datacenter, path: str) -> Guest | None:
    match = _GUEST.fullmatch(path)
    guest = datacenter.guests.get(int(match[3])) if match is not None else None
    return guest if guest is not None and guest_file(guest) == path else None


def guest_file(guest: Guest) -> str:
    """Return the path of a guest's file."""
    return f"{ROOT}/nodes/{guest.node}/{_FOLDERS[guest.type]}/{guest.vmid}.conf"


def _rendered(datacenter: Datacenter, path: str) -> str | None:
    """Return what the state says of a file; None when it is not there, nothing when the state is empty."""
    if path in _WHOLE:
        return _WHOLE[path].render(datacenter)
    if path in section_files():
        return section_files()[path].render(datacenter)
    config = _CONFIG.fullmatch(path)
    if config is not None:
        return datacenter_cfg.render_node(datacenter, config[1]) if config[1] in datacenter.nodes else None
    guest = _guest_at(datacenter, path)
    return guest_conf.render(guest.type, guest_conf.of_guest(guest)) if guest is not None else None


def read(datacenter: Datacenter, path: str) -> str | None:
    """Return the text of a file, or None when it is not there."""
    text = _rendered(datacenter, path)
    if text is None:
        return None
    written = datacenter.written.get(path)
    if written is not None and written.state == digest(text):
        return written.text
    return text if text or path in _WHOLE or _GUEST.fullmatch(path) else None


def changed(datacenter: Datacenter, path: str) -> float | None:
    """Return when a file was last written as a file."""
    written = datacenter.written.get(path)
    return written.changed if written is not None else None


def write(datacenter: Datacenter, path: str, text: str, now: float) -> None:
    """Make a file the state: what it says that makes no sense is left out there, but stays in the file."""
    lines_of(text)
    config = _CONFIG.fullmatch(path)
    if path in _WHOLE:
        _WHOLE[path].write(datacenter, text)
    elif path in section_files():
        section_files()[path].put(datacenter, text, now)
    elif config is not None and config[1] in datacenter.nodes:
        datacenter_cfg.write_node(datacenter, config[1], text)
    else:
        _write_guest(datacenter, path, text)
    state = digest(_rendered(datacenter, path) or "")
    datacenter.written.put(Written(path=path, text=text, changed=now, state=state))


def _write_guest(datacenter: Datacenter, path: str, text: str) -> None:
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
            snapshots=conf.snapshots,
        )
    )  # fmt: skip


def remove(datacenter: Datacenter, path: str, now: float) -> None:
    """Remove a file. Of a guest nothing is left but its disks; the files of the datacenter are then empty."""
    guest = _guest_at(datacenter, path)
    if guest is not None:
        datacenter.guests.delete(guest.vmid)
    elif read(datacenter, path) is not None:
        write(datacenter, path, "", now)
    else:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
    datacenter.written.delete(path)


def move_guest(datacenter: Datacenter, source: str, target: str) -> bool:
    """Move a guest by moving its file, as one does from a node that is dead; tell whether that is what was asked."""
    guest, match = _guest_at(datacenter, source), _GUEST.fullmatch(target)
    if guest is None or match is None or _KINDS[match[2]] != guest.type or match[1] not in datacenter.nodes:
        return False
    vmid = int(match[3])
    if vmid in datacenter.guests and vmid != guest.vmid:
        raise FileExistsError(errno.EEXIST, "File exists", target)
    written = datacenter.written.get(source)
    datacenter.written.delete(source)
    datacenter.guests.delete(guest.vmid)
    moved = replace(guest, vmid=vmid, node=match[1])
    if (moved.node, moved.vmid) != (guest.node, guest.vmid):
        moved = replace(moved, status="stopped", started=None, paused=False, running={}, pid=None)
    datacenter.guests.put(moved)
    if written is not None:
        datacenter.written.put(replace(written, path=target))
    return True
