"""What is made of disks, directories, volume groups, thin pools and ZFS pools: its room, and its storages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulator.errors import ApiError, TaskError
from simulator.guests.facts import storage_nodes, storage_visible
from simulator.nodes.records import DiskGroup
from simulator.records import Capacity, Section
from simulator.state import Datacenter, volume_key

EXTENT = 4 << 20
_SAME_EVERYWHERE = ("path", "vgname", "thinpool", "pool")
_STORAGE_TYPES = {"directory": "dir", "lvm": "lvm", "lvmthin": "lvmthin", "zfs": "zfspool"}


def of_kind(datacenter: Datacenter, node: str, kind: str) -> list[DiskGroup]:
    """Return all of one kind on a node, by name."""
    found = [group for group in datacenter.disk_groups.by("node", node) if group.kind == kind]
    return sorted(found, key=lambda group: group.name)


def volume_group(datacenter: Datacenter, node: str, name: str) -> DiskGroup | None:
    """Return a volume group of a node."""
    return datacenter.disk_groups.get(f"{node}/lvm/{name}")


def stands_on(section: Section, group: DiskGroup) -> bool:
    """Tell whether a storage is what a directory, volume group or pool offers."""
    if section.type != _STORAGE_TYPES[group.kind]:
        return False
    options = section.options
    if group.kind == "directory":
        return options.get("path") == f"/mnt/pve/{group.name}"
    if group.kind == "lvmthin":
        return f"{options.get('vgname')}/{options.get('thinpool')}" == group.name
    if group.kind == "lvm":
        return options.get("vgname") == group.name
    return options.get("pool", "").partition("/")[0] == group.name


def storages_on(datacenter: Datacenter, group: DiskGroup) -> list[Section]:
    """Return the storages that a node has on a group."""
    return [row for row in datacenter.storages if stands_on(row, group) and storage_visible(row, group.node)]


def used_bytes(datacenter: Datacenter, group: DiskGroup) -> int:
    """Return the bytes that volumes occupy on a group."""
    return sum(
        volume.used
        for storage in storages_on(datacenter, group)
        for volume in datacenter.volumes.by("place", (storage.id, group.node))
    )


def pools_of(datacenter: Datacenter, group: DiskGroup) -> list[DiskGroup]:
    """Return the thin pools of a volume group."""
    return [pool for pool in of_kind(datacenter, group.node, "lvmthin") if pool.options["vg"] == group.name]


def allocated_bytes(datacenter: Datacenter, group: DiskGroup) -> int:
    """Return what of a volume group is given to thin pools, to the system and to guests."""
    pools = pools_of(datacenter, group)
    system = int(group.options.get("system", 0))
    thin = sum(pool.size + 2 * int(pool.options["metadata"]) for pool in pools)
    return min(group.size, system + thin + used_bytes(datacenter, group))


def held_devices(datacenter: Datacenter, node: str) -> set[str]:
    """Return the names of the devices on which a volume group has logical volumes."""
    groups = (group for group in of_kind(datacenter, node, "lvm") if allocated_bytes(datacenter, group))
    return {name for group in groups for name in group.devices}


def capacity(datacenter: Datacenter, node: str, section: Section) -> int | None:
    """Return the room that the disks of a node give to a storage, or None when it stands on none of them."""
    groups = datacenter.disk_groups.by("node", node)
    return next((_usable(group) for group in groups if stands_on(section, group)), None)


def _usable(group: DiskGroup) -> int:
    return int(group.options.get("usable", group.size))


def check_can_add(datacenter: Datacenter, node: str, wanted: Section) -> None:
    """Refuse a storage that the node has already, or that is something else on other nodes."""
    found = datacenter.storages.get(wanted.id)
    if found is None:
        return
    if not storage_nodes(found) or node in storage_nodes(found):
        raise ApiError(f"Storage ID '{wanted.id}' already exists on node {node}")
    if found.type != wanted.type:
        raise ApiError(f"Option 'type' ({wanted.type}) does not match existing storage configuration '{found.type}'")
    for key in (key for key in _SAME_EVERYWHERE if key in wanted.options):
        expected, there = wanted.options[key], found.options.get(key)
        if there != expected:
            raise ApiError(f"Option '{key}' ({expected}) does not match existing storage configuration '{there}'")


def add_storage(datacenter: Datacenter, node: str, wanted: Section) -> Iterator[str]:
    """Add a storage, or this node to the nodes of the one there is, and yield what is said about it."""
    if not datacenter.quorate_on(node):
        raise TaskError("create storage failed: cfs-lock 'file-storage_cfg' error: no quorum!")
    found = datacenter.storages.get(wanted.id)
    if found is None:
        datacenter.storages.put(wanted)
        return
    nodes = ",".join(sorted({*storage_nodes(found), node}))
    datacenter.storages.put(replace(found, options={**found.options, "nodes": nodes}))
    yield f"Added '{node}' to nodes for storage '{wanted.id}'"


def set_capacities(datacenter: Datacenter, group: DiskGroup) -> None:
    """Give the storages on a group the room that it has."""
    for storage in storages_on(datacenter, group):
        datacenter.capacities.put(Capacity(storage=storage.id, node=group.node, total=_usable(group)))


def empty_storages(datacenter: Datacenter, group: DiskGroup) -> None:
    """Drop the volumes that were on a group."""
    for storage in storages_on(datacenter, group):
        for volume in datacenter.volumes.by("place", (storage.id, group.node)):
            datacenter.volumes.delete(volume_key(volume.node, volume.volid))
        datacenter.capacities.delete(f"{storage.id}/{group.node}")


def take_storages_away(datacenter: Datacenter, group: DiskGroup) -> None:
    """Take the node from the storages on a group; a storage that is left with no node goes altogether."""
    for storage in storages_on(datacenter, group):
        nodes = storage_nodes(storage) or [node.name for node in datacenter.nodes]
        rest = sorted(name for name in nodes if name != group.node)
        if rest:
            datacenter.storages.put(replace(storage, options={**storage.options, "nodes": ",".join(rest)}))
        else:
            datacenter.storages.delete(storage.id)
            datacenter.acl.delete(f"/storage/{storage.id}")
