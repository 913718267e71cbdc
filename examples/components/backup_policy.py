"""Who is backed up how often: databases every night, everything else on Saturdays, and one that need not be."""

import pulumi

from components.backup_policy import BackupClass, BackupPolicy, BackupPolicyArgs
from providers.vm import VirtualMachine

guests = {
    name: VirtualMachine(name, name=name, node="pve1", started=False).vmid for name in ("database", "wiki", "scratch")
}
policy = BackupPolicy(
    "backups",
    BackupPolicyArgs(
        classes={
            "daily": BackupClass(schedule="02:30", storage="nfs1", keep={"keep_daily": 7, "keep_weekly": 4}),
            "weekly": BackupClass(schedule="sat 03:30", storage="nfs1", keep={"keep_weekly": 2}),
        },
        guests=guests,
        members={"daily": ["database"]},
        others="weekly",
        without={"scratch": "made anew from its template"},
    ),
)
pulumi.export("covered", policy.covered)
