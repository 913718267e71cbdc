"""Where the parameters of Proxmox's methods for containers are, besides the fields of their own names."""

from __future__ import annotations

from providers._runtime.coverage import Coverage

COVERAGE = Coverage(
    methods=("POST /nodes/{node}/lxc", "PUT /nodes/{node}/lxc/{vmid}/config"),
    carried={
        "node": "node",
        "ostemplate": "ostemplate",
        "pool": "pool",
        "template": "template",
        "restore": "archive.volume",
        "storage": "archive.storage",
        "unique": "archive.unique",
        "bwlimit": "archive.bwlimit",
        "ssh-public-keys": "ssh_public_keys",
        "start": "started",
        "delete": "any field, by declaring it no longer",
    },
    left_out={
        "digest": "sent with every change, so that a neighbour's is not overwritten",
        "force": "would overwrite another container",
        "ha-managed": "high availability is a resource of its own",
        "ignore-unpack-errors": "a container that is only half unpacked is none",
        "lock": "belongs to Proxmox's tasks",
        "revert": "a pending change is overwritten by the declared value",
        "unused[n]": "Proxmox's list of detached volumes; `mp` attaches one by its `volume`",
    },
)
