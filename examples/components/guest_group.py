"""Three virtual machines that are alike, on a node each, as linked clones of a template on a storage that all see."""

import pulumi

from components.guest_group import GuestGroup, GuestGroupArgs
from components.placement import Room

web = GuestGroup(
    "web",
    GuestGroupArgs(
        count=3,
        nodes={node: Room(memory=64 << 10, disk=1 << 20) for node in ("pve1", "pve2", "pve3")},
        template=9000,
        cores=2,
        memory=1024,
        disk="16G",
        storage="nfs1",
        bridge="vmbr0",
        tags=("web",),
    ),
)
pulumi.export("guests", web.guests)
