"""How a node can be in a network: by a bridge, a bond, a VLAN or a card, as `NodeNetwork` takes its interfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Interfaces = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Bond:
    """Cards that are bundled to one link."""

    slaves: Sequence[str]
    name: str = "bond0"
    mode: str = "active-backup"
    primary: str | None = None
    """The card that `active-backup` prefers; the first where not set."""
    xmit_hash_policy: str | None = None

    def interfaces(self, settings: Mapping[str, Any]) -> Interfaces:
        """The bond; its size is that of what lies on it."""
        primary = (self.primary or self.slaves[0]) if self.mode == "active-backup" else None
        own = {
            "type": "bond",
            "slaves": list(self.slaves),
            "bond_mode": self.mode,
            "bond-primary": primary,
            "bond_xmit_hash_policy": self.xmit_hash_policy,
        }
        return {self.name: {**known(own), **settings}}


@dataclass(frozen=True, kw_only=True)
class Bridge:
    """A bridge, to which guests can be attached; over a card, over a bond, or by itself."""

    name: str
    over: str | Bond | None = None
    vlan_aware: bool = False

    def interfaces(self, settings: Mapping[str, Any]) -> Interfaces:
        """The bridge, and the bond below it."""
        size = {name: settings[name] for name in ("mtu",) if name in settings}
        below = self.over.interfaces(size) if isinstance(self.over, Bond) else {}
        ports = [*below] or ([self.over] if isinstance(self.over, str) else [])
        own = {"type": "bridge", "bridge_ports": ports, "bridge_vlan_aware": self.vlan_aware or None}
        return {**below, self.name: {**known(own), **settings}}


@dataclass(frozen=True, kw_only=True)
class Vlan:
    """A VLAN of a bridge, a bond or a card: `vmbr0.10`."""

    on: str
    tag: int

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.on}.{self.tag}"

    def interfaces(self, settings: Mapping[str, Any]) -> Interfaces:
        """The VLAN alone; what it is on is declared for itself."""
        return {self.name: {"type": "vlan", **settings}}


@dataclass(frozen=True, kw_only=True)
class Card:
    """A network card by itself."""

    name: str

    def interfaces(self, settings: Mapping[str, Any]) -> Interfaces:
        """The card, started with the node."""
        return {self.name: {"type": "eth", "autostart": True, **settings}}


Link = Bond | Bridge | Vlan | Card


def known(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not set."""
    return {name: value for name, value in settings.items() if value is not None}
