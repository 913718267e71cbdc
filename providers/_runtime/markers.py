"""Lifecycle as metadata on a field: what a resource module says instead of writing code.

poolid: Annotated[str, Immutable()]
password: Annotated[str | None, WriteOnly()] = None
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Impact = Literal["live", "pending", "reboot", "stop-start", "replace", "data loss"]


@dataclass(frozen=True)
class Immutable:
    """Proxmox can't change it: a change replaces the resource (refused where the resource holds data)."""

    names: bool = False
    """Whether it says which object is meant even by being absent, so that declaring it or not makes a difference."""


@dataclass(frozen=True)
class Sensitive:
    """A secret that Proxmox does give back; it is in the state only as a Pulumi secret."""


@dataclass(frozen=True)
class WriteOnly:
    """A secret that Proxmox never gives back: what was last applied is kept, as a Pulumi secret."""


@dataclass(frozen=True)
class Local:
    """An instruction to this program, not a parameter of Proxmox: neither sent nor read back."""


@dataclass(frozen=True)
class Action:
    """Part of the object, but no parameter of its configuration: the handler reads it and carries it out."""


@dataclass(frozen=True)
class ServerDefault:
    """Proxmox may leave the field out when it has this value, so a missing one reads as this."""

    value: Any


@dataclass(frozen=True)
class Wire:
    """Proxmox's name of the parameter, where it is not the field's own (`prune-backups`)."""

    name: str


@dataclass(frozen=True)
class Separated:
    """A list that travels as one string; `ordered` says whether its order means anything."""

    by: str = ","
    ordered: bool = True


@dataclass(frozen=True)
class Repeated:
    """A list that travels as one parameter for each item, all of the same name."""


@dataclass(frozen=True)
class Carrier:
    """The free text of the object: it carries the mark by which a resource knows its own."""


@dataclass(frozen=True)
class Slots:
    """A map whose keys are parameters of their own: `{"net0": …}` travels as `net0=…`."""

    pattern: str


@dataclass(frozen=True)
class Takes:
    """What a change of the field takes on a running guest; without it a change is live."""

    impact: Impact


@dataclass(frozen=True)
class Needs:
    """The privilege on the object that setting the field takes; `A|B` where either will do."""

    privilege: str


@dataclass(frozen=True)
class RootOnly:
    """Proxmox lets nobody but root@pam set it, logged in with its password: no token, whatever its privileges."""
