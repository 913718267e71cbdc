"""Whether a host keeps rules for HA, or groups of nodes as releases before 9.0 did."""

from __future__ import annotations

from typing import Any

from providers._runtime.facts import Facts

FIRST_WITH_RULES = 9


def has_rules(facts: Facts) -> bool:
    """Whether there are rules; a host that does not say its release is taken for a new one."""
    version: dict[str, Any] = facts.look("/version") or {}
    major = str(version.get("release", "")).partition(".")[0]
    return not major.isdigit() or int(major) >= FIRST_WITH_RULES
