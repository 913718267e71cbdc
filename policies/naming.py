"""Guests and pools whose names, tags and places don't follow the house's rules."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from policies.resources import GUESTS, UNKNOWN, Object, read
from policies.settings import Setting, switch, text, texts


def _guest(args: ResourceValidationArgs) -> Object | None:
    guest = read(args)
    return guest if guest is not None and guest.kind in GUESTS else None


def _check_name(args: ResourceValidationArgs, report: ReportViolation) -> None:
    guest, pattern = _guest(args), args.get_config()["pattern"]
    if guest is None:
        return
    field, name = guest.name_field, guest.get(guest.name_field)
    if name is not UNKNOWN and not re.fullmatch(pattern, str(name or "")):
        said = f"has {field}={name!r}" if name else f"has no {field}"
        report(f"{guest.title} {said}, which has to match {pattern}. Set {field} so that it does.", None)


def _check_tags(args: ResourceValidationArgs, report: ReportViolation) -> None:
    guest, settings = _guest(args), args.get_config()
    if guest is None or guest.get("tags") is UNKNOWN or UNKNOWN in (guest.get("tags") or ()):
        return
    tags = [str(tag) for tag in guest.get("tags") or ()]
    for pattern in settings["required"]:
        if not any(re.fullmatch(pattern, tag) for tag in tags):
            report(f"{guest.title} has no tag that matches {pattern} (it has {tags}). Add one to `tags`.", None)
    for tag in tags:
        if settings["allowed"] and not any(re.fullmatch(pattern, tag) for pattern in settings["allowed"]):
            allowed = ", ".join(settings["allowed"])
            report(f"{guest.title} has the tag {tag}, which matches none of {allowed}. Take it out.", None)


def _check_pool(args: ResourceValidationArgs, report: ReportViolation) -> None:
    thing, settings = read(args), args.get_config()
    if thing is None or thing.kind not in {*GUESTS, "Pool"}:
        return
    pool = thing.get("poolid" if thing.kind == "Pool" else "pool")
    if pool is None and settings["required"]:
        report(f"{thing.title} is in no pool. Set `pool`.", None)
    if isinstance(pool, str) and not re.fullmatch(settings["pattern"], pool):
        where = "is named" if thing.kind == "Pool" else "is in the pool"
        report(f"{thing.title} {where} {pool}, which has to match {settings['pattern']}. Use one that does.", None)


def _policy(
    name: str, description: str, check: ResourceValidation, settings: Mapping[str, Setting]
) -> ResourceValidationPolicy:
    return ResourceValidationPolicy(
        name=name,
        description=description,
        enforcement_level=EnforcementLevel.ADVISORY,
        config_schema=PolicyConfigSchema(dict(settings)),
        validate=check,
    )


NAMES = _policy(
    "guest-names",
    "The names of guests follow one pattern, so that people and tools tell what they are.",
    _check_name,
    {"pattern": text("Regular expression for the whole name.", "[a-z][a-z0-9-]{0,62}")},
)
TAGS = _policy(
    "guest-tags",
    "The tags of guests follow one pattern, so that people and tools find them.",
    _check_tags,
    {
        "required": texts("Regular expressions; each guest has a tag for each of them."),
        "allowed": texts("Regular expressions; each tag matches one of them. Empty: all do."),
    },
)
POOLS = _policy(
    "pool-names",
    "Guests are in pools that follow one pattern, so that permissions reach the right ones.",
    _check_pool,
    {
        "pattern": text("Regular expression for the whole name of a pool.", ".*"),
        "required": switch("Whether each guest has to be in a pool."),
    },
)
