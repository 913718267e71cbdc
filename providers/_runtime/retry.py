"""When a request is sent again: the table. What is not in it is not repeated.

`always`: Proxmox did nothing, so anything may be repeated. `idempotent`: it may have been carried out, so only GET,
PUT and DELETE are, which do the same the second time.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal

from providers._runtime.errors import ApiRefused

IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
ATTEMPTS = 6


@dataclass(frozen=True)
class Rule:
    """One kind of refusal that passes."""

    why: str
    statuses: frozenset[int]
    words: str
    safe: Literal["always", "idempotent"]


LOCK_BUSY = r"can't lock file .*got timeout|got lock (request )?timeout|unable to acquire lock"

RULES = (
    Rule("a lock is busy", frozenset({500}), LOCK_BUSY, "always"),
    Rule("the node's proxy could not connect", frozenset({595}), "", "always"),
    Rule("the node's proxy lost the connection", frozenset({596, 599}), "", "idempotent"),
    Rule("a gateway is overloaded", frozenset({502, 503, 504}), "", "idempotent"),
)


def passing(refused: ApiRefused) -> Rule | None:
    """The rule by which a refused request is worth another try."""
    for rule in RULES:
        if refused.status in rule.statuses and re.search(rule.words, refused.reason):
            return rule if rule.safe == "always" or refused.method in IDEMPOTENT else None
    return None


def lock_busy(words: str) -> bool:
    """Whether a task ended because somebody else held a lock, so that it did nothing."""
    return re.search(LOCK_BUSY, words) is not None


def pause(attempt: int) -> float:
    """Seconds before try number `attempt` + 1: doubling, with jitter, so that neighbours don't meet again."""
    return min(0.1 * 2.0**attempt, 3.0) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
