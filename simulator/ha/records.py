"""What is kept of high availability: services and nodes as the manager sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HaService:
    """What the HA manager knows of a resource; `task` is what the local manager has begun for it."""

    sid: str
    node: str
    state: str
    uid: str
    target: str = ""
    task: str = ""
    running: bool = False
    command: tuple[str, ...] = ()
    failed_starts: int = 0
    relocations: int = 0
    tried: frozenset[str] = frozenset()
    home: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaNode:
    """What the HA manager knows of a node, and in which state that node's local manager is."""

    name: str
    status: str = "online"
    lrm: str = "wait_for_agent_lock"
    maintenance: bool = False
    since: float = 0.0
    seen: float = 0.0
