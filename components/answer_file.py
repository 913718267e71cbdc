"""An answer file for the automated installer of Proxmox VE, which so needs nobody at the keyboard.

`proxmox-auto-install-assistant validate-answer` checks such a file, and `prepare-iso` makes an installer that fetches
it. The names are those of Proxmox VE 9; 8.4 knows them too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

Raid = Literal["raid0", "raid1", "raid10", "raidz-1", "raidz-2", "raidz-3"]


@dataclass(frozen=True, kw_only=True)
class Install:
    """How a host is installed."""

    fqdn: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$")]
    """Its full name; the first part is the name of the node."""
    mailto: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    timezone: str
    country: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    keyboard: str
    disks: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the disks that are erased and installed on, such as `sda`."""
    filesystem: Literal["ext4", "xfs", "zfs", "btrfs"] = "ext4"
    raid: Raid | None = None
    """For `zfs` and `btrfs`."""
    cidr: str | None = None
    """Its address with prefix length; from DHCP where this is not set."""
    gateway: str | None = None
    dns: str | None = None
    mac: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$")] | None = None
    """MAC address of the card that gets the address."""
    ssh_keys: tuple[str, ...] = ()
    """Public keys with which root can log in."""


def install_problems(install: Install) -> list[tuple[str, str]]:
    """What does not fit together, as field and reason."""
    fixed = {name: getattr(install, name) for name in ("cidr", "gateway", "dns", "mac")}
    missing = [name for name, value in fixed.items() if value is None]
    found = []
    if missing and len(missing) < len(fixed):
        found.append((missing[0], f"a fixed address needs {', '.join(fixed)}; give them all, or none for DHCP"))
    if (install.raid is None) == (install.filesystem in ("zfs", "btrfs")):
        found.append(("raid", "zfs and btrfs need it, ext4 and xfs have none"))
    if install.filesystem == "btrfs" and str(install.raid).startswith("raidz"):
        found.append(("raid", "btrfs has raid0, raid1 and raid10"))
    if install.filesystem in ("ext4", "xfs") and len(install.disks) > 1:
        found.append(("disks", f"{install.filesystem} is on one disk; take zfs or btrfs for more"))
    return found


def answer_file(install: Install, root_password_hash: str) -> str:
    """The text of the file. It holds the hash of the password, so it is a secret."""
    tables: dict[str, Mapping[str, Any]] = {
        "global": {
            "keyboard": install.keyboard,
            "country": install.country,
            "fqdn": install.fqdn,
            "mailto": install.mailto,
            "timezone": install.timezone,
            "root-password-hashed": root_password_hash,
            "root-ssh-keys": install.ssh_keys,
        },
        "network": _network(install),
        "disk-setup": {
            "filesystem": install.filesystem,
            "disk-list": install.disks,
            **({f"{install.filesystem}.raid": install.raid} if install.raid else {}),
        },
    }
    return "\n".join(_table(name, values) for name, values in tables.items())


def _network(install: Install) -> dict[str, Any]:
    """The card is known by its MAC address, which does not change with the slot that it is in."""
    if install.cidr is None:
        return {"source": "from-dhcp"}
    digits = str(install.mac).replace(":", "").lower()
    return {
        "source": "from-answer",
        "cidr": install.cidr,
        "gateway": install.gateway,
        "dns": install.dns,
        "filter.ID_NET_NAME_MAC": f"*{digits}",
    }


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in values.items() if value not in (None, ())]
    return "\n".join([f"[{name}]", *lines, ""])


def _toml(value: str | tuple[str, ...]) -> str:
    """A text or a list of texts; JSON's and TOML's are alike but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
