"""A snapshot of several guests under one name: the database first, and then what writes to it."""

import pulumi

from components.snapshot_set import SnapshotSet, SnapshotSetArgs
from providers.vm import VirtualMachine

database, app, worker = (
    VirtualMachine(name, name=name, node="pve1", disks={"scsi0": {"storage": "local-lvm", "size": "8G"}})
    for name in ("database", "app", "worker")
)
before = SnapshotSet(
    "before",
    SnapshotSetArgs(
        snapname="before-upgrade",
        stages=[{"database": database.vmid}, {"app": app.vmid, "worker": worker.vmid}],
        description="Before the upgrade",
        rollback=pulumi.Config().get("rollback"),  # another word than before takes all of them back
    ),
)
pulumi.export("vmids", before.vmids)
