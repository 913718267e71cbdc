"""The configuration of keepalived: one address that moves between several hosts (VRRP)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FIRST, NEXT, STEP = 100, 50, 10
"""Priority of the first host, of the one after it, and how far apart the others are, as long as there is room."""
AGAIN = 1
"""Seconds after which who has the address says so once more: Linux does not listen twice within a second."""
PASSWORD_LENGTH = 8
"""Characters of a password that version 2 sends; more are cut off."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LONGEST = {2: 255, 3: 40}
"""The longest interval between adverts of each version, in seconds."""


@dataclass(frozen=True, kw_only=True)
class TrackScript:
    """A program that says, by its exit code, whether a host may have the address."""

    name: str
    command: str
    """With its full path, and its arguments."""
    interval: int = 1
    """Seconds from one run to the next."""
    fall: int = 2
    """So many failures in a row count."""
    rise: int = 1
    weight: int = 0
    """What a success adds to the priority, or with a minus a failure takes off; with 0 it gives up the address."""


@dataclass(frozen=True, kw_only=True)
class Vrrp:
    """What all hosts of one address have in common."""

    name: str
    virtual_router_id: int
    address: str
    """With the prefix length."""
    vrrp_version: Literal[2, 3] = 3
    advert_int: float | None = None
    """Seconds between two adverts: 0.2 where not set, and with version 2, which knows whole seconds only, 1."""
    track: Sequence[TrackScript] = ()
    notify: str | None = None
    """Path of a program that is told of each change."""

    def __post_init__(self) -> None:
        for name in (self.name, *(script.name for script in self.track)):
            if not _WORD.fullmatch(name):
                raise ValueError(f"{name!r} is no name: letters, digits, and _ . - after the first")
        if len({script.name for script in self.track}) < len(self.track):
            raise ValueError(f"{self.name}: two track scripts are called the same")
        if not 1 <= self.virtual_router_id <= 255:  # noqa: PLR2004 - a byte
            raise ValueError(f"virtual_router_id {self.virtual_router_id}: it is 1 to 255")
        ipaddress.ip_interface(self.address)
        whole = self.vrrp_version == 3 or float(self.interval).is_integer()  # noqa: PLR2004 - the version
        if not (whole and 0.01 <= self.interval <= _LONGEST[self.vrrp_version]):  # noqa: PLR2004 - a hundredth
            raise ValueError(f"advert_int {self.interval:g}: version {self.vrrp_version} can't have that")

    @property
    def interval(self) -> float:
        """Seconds between two adverts."""
        return self.advert_int if self.advert_int is not None else 1.0 if self.vrrp_version == 2 else 0.2  # noqa: PLR2004


def priorities(count: int) -> list[int]:
    """A priority for each of so many hosts, in their order: 100, 50, 40, 30, and closer where they are many."""
    if not 1 <= count <= NEXT + 1:
        raise ValueError(f"{count} hosts can't have an address together: 1 to {NEXT + 1} can")
    step = min(STEP, NEXT // max(count - 1, 1))
    return [FIRST, *(NEXT - step * place for place in range(count - 1))]


def config(vrrp: Vrrp, place: int, interface: str, hosts: Sequence[str], auth_pass: str | None = None) -> str:
    """What one of the hosts is told; `hosts` are the addresses of all of them, in the order of their priorities."""
    if (auth_pass is not None) != (vrrp.vrrp_version == 2):  # noqa: PLR2004 - the version
        raise ValueError("version 2 has a password, and version 3 has none")
    lines = [
        "global_defs {",
        f"    router_id {vrrp.name}-{place + 1}",
        f"    vrrp_version {vrrp.vrrp_version}",
        "    script_user root",
        "    enable_script_security",
        "}",
        *(line for script in vrrp.track for line in _script(script)),
        f"vrrp_instance {vrrp.name} {{",
        f"    state {'BACKUP' if place else 'MASTER'}",
        f"    interface {interface}",
        f"    virtual_router_id {vrrp.virtual_router_id}",
        f"    priority {priorities(len(hosts))[place]}",
        f"    advert_int {vrrp.interval:g}",
        f"    garp_master_delay {AGAIN}",
        f"    unicast_src_ip {hosts[place]}",
        *_block("unicast_peer", [host for other, host in enumerate(hosts) if other != place]),
        *(_block("authentication", ["auth_type PASS", f"auth_pass {auth_pass}"]) if auth_pass else []),
        *_block("virtual_ipaddress", [f"{vrrp.address}{_broadcast(vrrp.address)} dev {interface}"]),
        *_block("track_script", [script.name for script in vrrp.track]),
        *([f'    notify "{vrrp.notify}"'] if vrrp.notify else []),
        "}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _block(name: str, lines: Sequence[str]) -> list[str]:
    """A part of an instance; an empty one is left out."""
    return [f"    {name} {{", *(f"        {line}" for line in lines), "    }"] if lines else []


def _script(script: TrackScript) -> list[str]:
    weight = [f"    weight {script.weight}"] if script.weight else []
    return [
        f"vrrp_script {script.name} {{",
        f'    script "{script.command}"',
        f"    interval {script.interval}",
        f"    fall {script.fall}",
        f"    rise {script.rise}",
        *weight,
        "}",
    ]


def _broadcast(address: str) -> str:
    """An address that is the only one of its network has no broadcast, and IPv6 knows none."""
    interface = ipaddress.ip_interface(address)
    if interface.version == 6 or interface.network.num_addresses < 4:  # noqa: PLR2004 - the protocol; a /31 has two
        return ""
    return f" brd {interface.network.broadcast_address}"
