"""Stacks and guests that take more RAM or disk than they were given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.resources import Object, guests
from policies.settings import gibs

USUAL_MEMORY = 512
"""MiB of a guest that says nothing and is no copy of another."""
GIB = {"K": 1 / 2**20, "M": 1 / 2**10, "G": 1.0, "T": 2.0**10}


def _memory(guest: Object) -> float:
    """GiB of RAM that a guest takes, as far as is declared."""
    memory = guest.get("memory")
    if isinstance(memory, int):
        return memory / 1024
    copied = guest.get("clone") is not None or guest.get("archive") is not None
    return 0 if memory is not None or copied else USUAL_MEMORY / 1024


def _disk(guest: Object) -> float:
    """GiB of disk that a guest takes, as far as is declared."""
    parts = [*guest.within("disks").values(), *guest.within("mp").values(), guest.within("rootfs")]
    return sum(_gib(part.get("size")) for part in parts if isinstance(part, Mapping))


def _gib(size: Any) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT])?", str(size))
    return float(match[1]) * GIB[match[2] or "G"] if match else 0


def _limit(what: str, of: Callable[[Object], float], field: str) -> StackValidationPolicy:
    """The policy of one resource that a stack and each of its guests take a share of."""

    def check(args: StackValidationArgs, report: ReportViolation) -> None:
        settings = args.get_config()
        sizes = [(guest, of(guest)) for guest in guests(args.resources)]
        for guest, size in sizes:
            if 0 < settings["guest_gib"] < size:
                report(
                    f"{guest.title} takes {size:g} GiB of {what}, and {settings['guest_gib']:g} GiB are the most. "
                    f"Lower its {field}, or raise `guest_gib`.",
                    guest.urn,
                )
        total = sum(size for _, size in sizes)
        if 0 < settings["stack_gib"] < total:
            most = ", ".join(f"{guest.name} {size:g}" for guest, size in sorted(sizes, key=lambda s: -s[1])[:3])
            report(
                f"The stack's {len(sizes)} guests take {total:g} GiB of {what}, and {settings['stack_gib']:g} GiB are "
                f"the most; the biggest: {most}. Make them smaller or fewer, or raise `stack_gib`.",
                None,
            )

    return StackValidationPolicy(
        name=f"{what.lower()}-limit",
        description=f"A stack takes the {what} that it was given, so that others find theirs.",
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(
            {
                "stack_gib": gibs(f"The most {what} of all guests of the stack, in GiB; 0 for no limit."),
                "guest_gib": gibs(f"The most {what} of one guest, in GiB; 0 for no limit."),
            }
        ),
        validate=check,
    )


MEMORY_LIMIT = _limit("RAM", _memory, "`memory`")
DISK_LIMIT = _limit("disk", _disk, "`size`")
