"""Three virtual machines that are alike, as linked clones of a template."""

import pulumi

from components.guest_group import GuestGroup, GuestGroupArgs

web = GuestGroup(
    "web",
    GuestGroupArgs(
        count=3,
        node="pve1",
        template=9001,
        cores=2,
        memory=1024,
        disk="16G",
        storage="local-lvm",
        bridge="vmbr0",
        tags=("web",),
    ),
)
pulumi.export("guests", web.guests)
