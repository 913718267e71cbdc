"""Containers whose root is also root on the host."""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from policies.resources import read
from policies.settings import texts


def _check(args: ResourceValidationArgs, report: ReportViolation) -> None:
    container = read(args)
    if container is None or container.kind != "Container" or container.get("unprivileged") is not False:
        return
    if not container.may_be_of(args.get_config()["allowed"]):
        report(
            f"{container.title} has unprivileged=False. Take that out (a container that exists is made anew for it: "
            f"move its data first), or name {container.label} in `allowed`.",
            None,
        )


UNPRIVILEGED = ResourceValidationPolicy(
    name="no-privileged-container",
    description="No container is privileged: whoever breaks out of one is root on the host.",
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema(
        {"allowed": texts("Host names of containers that may be privileged; `*` stands for anything.")}
    ),
    validate=_check,
)
