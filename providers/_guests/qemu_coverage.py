"""Where the parameters of Proxmox's methods for virtual machines are, besides the fields of their own names."""

from __future__ import annotations

from providers._runtime.coverage import Coverage

COVERAGE = Coverage(
    methods=(
        "POST /nodes/{node}/qemu",
        "POST /nodes/{node}/qemu/{vmid}/config",
        "PUT /nodes/{node}/qemu/{vmid}/config",
    ),
    carried={
        "archive": "archive.volume",
        "storage": "archive.storage",
        "unique": "archive.unique",
        "live-restore": "archive.live_restore",
        "bwlimit": "archive.bwlimit",
        "node": "node",
        "pool": "pool",
        "start": "started",
        "template": "template",
        "delete": "any field, by declaring it no longer",
        "force": "`on_disk_removed`, where it is `delete`",
        "cdrom": "disks.ide2",
        "smp": "sockets",
        "bootdisk": "boot.order",
    },
    left_out={
        "autostart": "Proxmox ignores it",
        "background_delay": "a change is waited for anyway",
        "digest": "sent with every change, so that a neighbour's is not overwritten",
        "ha-managed": "high availability is a resource of its own",
        "import-working-storage": "only for images packed in an OVA",
        "lock": "belongs to Proxmox's tasks",
        "revert": "a pending change is overwritten by the declared value",
        "skiplock": "would work on a guest that a task is changing",
        "unused[n]": "Proxmox's list of detached volumes; `disks` attaches one by its `file`",
    },
)
