"""A token that may look at everything and work on one pool, for a program that does no more than that.

For a stack that is written, `proxmox-labs privileges --format json` prints what belongs into `privileges`.
"""

import pulumi

from components.least_privilege import LeastPrivilege, LeastPrivilegeArgs
from providers.pool import Pool

pool = Pool("students", poolid="students", comment="What the students' program may work on")
access = LeastPrivilege(
    "students",
    LeastPrivilegeArgs(
        userid="students@pve",
        privileges={
            "/*": ["Sys.Audit", "VM.Audit"],
            "/pool/students/*": ["VM.Allocate", "VM.Config.CPU", "VM.Config.Memory", "VM.PowerMgmt"],
        },
    ),
    pulumi.ResourceOptions(depends_on=[pool]),
)
pulumi.export("token_id", access.token_id)
pulumi.export("token_secret", access.token_secret)
