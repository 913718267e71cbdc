"""Guests of a production stack that can be removed by a slip."""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.resources import guests, off
from policies.settings import switch, texts

TAG, MARK = "environment", "production"
"""The tag of a stack by which it is marked, where the backend keeps tags."""


def _check(args: StackValidationArgs, report: ReportViolation) -> None:
    settings = args.get_config()
    if not settings["production"] and args.stack_tags.get(TAG) != MARK:
        return
    for guest in guests(args.resources):
        if off(guest.get("protection")) and not guest.may_be_of(settings["without"]):
            report(
                f"{guest.title} has no protection=True in a stack that is marked production. Set it, or name "
                f"{guest.label} in `without`.",
                guest.urn,
            )


PROTECTED = StackValidationPolicy(
    name="production-guests-are-protected",
    description="Guests in production are protected: neither a run nor a click removes one with its disks.",
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema(
        {
            "production": switch(f"Marks the stack; so does its tag `{TAG}: {MARK}`."),
            "without": texts("Names of guests that need no protection; `*` stands for anything."),
        }
    ),
    validate=_check,
)
