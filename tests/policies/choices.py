"""The fields that the policies read, with values that make a difference to them."""

from __future__ import annotations

from typing import Any

VOLUMES = [
    {"storage": storage, "size": "16G", **more}
    for storage in ("local-lvm", "tank", "ceph")
    for more in ({}, {"shared": True}, {"replicate": False}, {"media": "cdrom"})
]
NICS = [{"bridge": bridge, "firewall": on} for bridge in ("vmbr0", "lan") for on in (True, False)]
GUEST: dict[str, list[Any]] = {
    "vmid": [100, 101],
    "pool": [None, "prod", "test"],
    "tags": [None, ["env-prod"], ["blue"]],
    "protection": [None, True, False],
    "template": [None, True, False],
    "memory": [None, 512, 4096],
    "clone": [None, {"vmid": 9000}],
    "net": [{"net0": nic} for nic in NICS],
}
NAMES = ["web", "Web", "scratch-1", "nfs"]
RULES = [
    {"type": "in", "action": action, "macro": "SSH", **more}
    for action in ("ACCEPT", "DROP")
    for more in ({}, {"source": "10.0.0.0/8"}, {"source": "+world"}, {"source": "office"}, {"enable": False})
]
FIELDS: dict[str, dict[str, list[Any]]] = {
    "VirtualMachine": {**GUEST, "name": NAMES, "disks": [{"scsi0": volume} for volume in VOLUMES]},
    "Container": {**GUEST, "hostname": NAMES, "rootfs": VOLUMES, "unprivileged": [None, True, False]},
    "BackupJob": {
        "vmid": [None, [100], [100, 101]],
        "pool": [None, "prod"],
        "all": [None, True],
        "exclude": [None, [100]],
        "enabled": [None, False],
        "node": [None, "pve1", "pve2"],
    },
    "HaResource": {"vmid": [100, 101], "state": [None, "started", "ignored"]},
    "Replication": {"job_id": ["100-0", "101-1"], "disable": [None, True]},
    "Storage": {"storage": ["tank", "local-lvm"], "type": ["zfspool", "rbd"], "shared": [None, True]},
    "FirewallOptions": {"vmid": [None, 100, 101], "enable": [None, True, False], "policy_in": [None, "ACCEPT"]},
    "FirewallRules": {"rules": [[one, other] for one in RULES for other in RULES]},
    "IpSet": {"name": ["world"], "entries": [{"2.0.0.0/8": {"nomatch": True}}, {"3.0.0.0/8": {}}]},
    "FirewallAlias": {"name": ["office"], "cidr": ["1.0.0.0/8", "10.0.0.0/8"]},
    "MetricsServer": {"verify_certificate": [None, True, False]},
    "Pool": {"poolid": ["prod", "test"], "insecure": [None, True]},
}
"""Class -> the values that each of its fields may have; None: it isn't set."""
