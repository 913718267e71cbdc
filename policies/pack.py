"""All policies, in the order in which the guide tells of them."""

from __future__ import annotations

from pulumi_policy import Policy

from policies.backups import BACKED_UP
from policies.connections import VERIFIED
from policies.containers import UNPRIVILEGED
from policies.firewalls import FILTERED
from policies.high_availability import MOVABLE
from policies.limits import DISK_LIMIT, MEMORY_LIMIT
from policies.naming import NAMES, POOLS, TAGS
from policies.production import PROTECTED
from policies.public_ssh import SHUT

NAME = "proxmox-labs"
POLICIES: list[Policy] = [
    BACKED_UP,
    UNPRIVILEGED,
    FILTERED,
    SHUT,
    VERIFIED,
    MOVABLE,
    PROTECTED,
    MEMORY_LIMIT,
    DISK_LIMIT,
    NAMES,
    TAGS,
    POOLS,
]
