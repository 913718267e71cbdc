"""What is kept of software-defined networks: their objects, and addresses that are given out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SdnObject:
    """An object of the software-defined network: kind `zones`, `vnets`, `subnets`, `controllers`, ..."""

    kind: str
    id: str
    type: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IpEntry:
    """An address that the built-in IP address management has given out."""

    zone: str
    subnet: str
    ip: str
    vnet: str = ""
    mac: str = ""
    vmid: str = ""
    hostname: str = ""
    gateway: bool = False
