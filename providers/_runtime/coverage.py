"""Which parameters of Proxmox's methods a resource type carries, for the table in the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Coverage:
    """What a type's fields do not say by their own names."""

    methods: tuple[str, ...]
    """The methods that make and change its objects, such as `POST /pools`."""
    carried: Mapping[str, str] = field(default_factory=dict)
    """Parameter -> the field that carries it under another name."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Parameter -> why there is no field for it."""
