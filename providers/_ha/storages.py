"""Guests whose disks only one node has: HA can start such a guest nowhere else when that node is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from providers._runtime.facts import Facts
from providers._runtime.model import Values

DISK_OF = "disk of guest"
"""What a guest of the program announces for each storage that it has a disk on, as `100 local-lvm`."""
REPLICATED = "replicated guest"
"""What a replication job of the program announces: the guest that it copies."""
_VOLUME = re.compile(r"(?:file=|volume=)?([A-Za-z][A-Za-z0-9_.-]*):([^,]+)")
_VOLUME_KEY = re.compile(r"(scsi|virtio|sata|ide|efidisk|tpmstate|mp)\d+|rootfs")


def only_on_one_node(facts: Facts, vmid: int) -> list[str]:
    """The local storages that a guest has disks on and no job copies; none where it can be started elsewhere."""
    if len(facts.of_type("node")) == 1 or facts.announced(REPLICATED, str(vmid)):
        return []
    local = {str(row["storage"]) for row in facts.of_type("storage") if not row.get("shared")}
    used = {name for name in local if facts.announced(DISK_OF, f"{vmid} {name}")} | (local & _on_host(facts, vmid))
    if not used or any(row.get("guest") == vmid for row in facts.look("/cluster/replication") or ()):
        return []
    return sorted(used)


def _on_host(facts: Facts, vmid: int) -> set[str]:
    """The storages that a guest's configuration on the host names."""
    row: dict[str, Any] | None = next((row for row in facts.of_type("qemu", "lxc") if row.get("vmid") == vmid), None)
    config: Values = (row and facts.look(f"/nodes/{row['node']}/{row['type']}/{vmid}/config")) or {}
    return set(_storages(config))


def _storages(config: Values) -> Iterator[str]:
    """Of every volume but a cloud-init drive, which Proxmox makes anew wherever the guest is started."""
    for key, text in config.items():
        found = _VOLUME.match(str(text)) if _VOLUME_KEY.fullmatch(key) else None
        if found and "cloudinit" not in found[2]:
            yield found[1]
