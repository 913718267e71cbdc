"""A stack's settings of the policies: `stacks/Policies.<stack>.json`, in the words in which Pulumi takes them.

    {"all": "advisory",
     "no-public-ssh": "mandatory",
     "ram-limit": {"enforcementLevel": "mandatory", "stack_gib": 64}}

Where a stack has such a file, `up` and `preview` keep to it. Pulumi passes over names that no policy has; here such a
slip is an error, since it would switch a policy off in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_policy import Policy

ALL, LEVEL = "all", "enforcementLevel"
LEVELS = ("mandatory", "advisory", "disabled")
"""Those of Pulumi's that mean something here: no policy remedies anything by itself."""
EXPRESSION = "Regular expression"
"""How the descriptions of settings begin whose values are such."""
PACK = "policies"
"""The folder with the pack in a checkout."""


class SettingsProblem(Exception):
    """The file can't be used; the text names it, the key and what to do."""


@dataclass(frozen=True)
class Rule:
    """One policy as a stack has it."""

    name: str
    asks: str
    level: str
    settings: Mapping[str, Any]


def file_of(root: Path, stack: str) -> Path:
    """Where a stack's settings are, if it has any."""
    return root / "stacks" / f"Policies.{stack}.json"


def flags(root: Path, stack: str) -> list[str]:
    """What makes Pulumi keep to the policies; nothing where the stack has no settings of them."""
    file = file_of(root, stack)
    if not file.exists():
        return []
    load(file)
    return ["--policy-pack", PACK, "--policy-pack-config", str(file.relative_to(root))]


def load(file: Path) -> dict[str, Any]:
    """The settings in a file, once they are known to name policies and settings that there are."""
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as wrong:
        raise SettingsProblem(f"{file.name} is not JSON: {wrong}") from None
    if not isinstance(settings, dict):
        raise SettingsProblem(f"{file.name} has to be a map of policies")
    for problem in problems(settings):
        raise SettingsProblem(f"{file.name}: {problem}")
    return settings


def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with settings; whether values fit their types is for Pulumi to say."""
    known = {policy.name: _schema(policy) for policy in _policies()}
    for name, value in settings.items():
        if name not in known and name != ALL:
            yield f"there is no policy {name}; there are: {', '.join(known)}"
        given = {LEVEL: value} if isinstance(value, str) else value
        if not isinstance(given, Mapping):
            yield f"{name}: {value!r} is neither a level nor a map"
            continue
        if (level := given.get(LEVEL)) not in (None, *LEVELS):
            yield f"{name}: {level!r} is no level; there are: {', '.join(LEVELS)}"
        for each in sorted(given.keys() - {LEVEL, *known.get(name, ())}):
            yield f"{name}: there is no setting {each}; there are: {', '.join(known.get(name, ())) or 'none'}"
        for each, spec in known.get(name, {}).items():
            if str(spec["description"]).startswith(EXPRESSION):
                yield from (f"{name}: {each}: {wrong}" for wrong in _no_expressions(given.get(each)))


def _no_expressions(value: Any) -> Iterator[str]:
    for text in value if isinstance(value, list) else [value]:
        try:
            re.compile(text if isinstance(text, str) else "")
        except re.error as wrong:
            yield f"{text!r} is no regular expression: {wrong}"


def rules(settings: Mapping[str, Any]) -> list[Rule]:
    """All policies with the levels and the values that hold under some settings."""
    return [_rule(policy, settings) for policy in _policies()]


def _policies() -> list[Policy]:
    from policies.pack import POLICIES  # noqa: PLC0415 - slow to load, and most stacks have no policies

    return POLICIES


def _rule(policy: Policy, settings: Mapping[str, Any]) -> Rule:
    own = settings.get(policy.name, {})
    given = {LEVEL: own} if isinstance(own, str) else dict(own)
    usual = policy.enforcement_level.value if policy.enforcement_level else "advisory"
    level = given.pop(LEVEL, None) or _level_of_all(settings.get(ALL)) or usual
    values = {name: spec["default"] for name, spec in _schema(policy).items()} | given
    return Rule(policy.name, policy.description, level, values)


def _level_of_all(value: Any) -> str | None:
    level = value.get(LEVEL) if isinstance(value, Mapping) else value
    return str(level) if level else None


def _schema(policy: Policy) -> dict[str, dict[str, Any]]:
    return policy.config_schema.properties if policy.config_schema else {}
