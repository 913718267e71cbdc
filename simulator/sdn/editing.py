"""Creating, changing and deleting an object of the network: the same way for every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator.errors import ApiError
from simulator.routing import Call
from simulator.sdn.config import OPTIONS, PRIVILEGES, change_lock, find, kind_digest, put_options, view
from simulator.sdn.options import (
    CONTROLLER_TYPES,
    DNS_TYPES,
    IPAM_TYPES,
    SUBNET_TYPE,
    VNET_TYPE,
    ZONE_TYPES,
)
from simulator.sdn.records import SdnObject
from simulator.sections import SectionType, given
from simulator.state import Datacenter

Check = Callable[[Datacenter, SdnObject, str], None]
DeleteCheck = Callable[[Datacenter, str, str], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects: its name in the state and in paths, its word in messages, and its types."""

    name: str
    word: str
    types: Mapping[str, SectionType]


ZONES = Kind("zones", "zone", ZONE_TYPES)
VNETS = Kind("vnets", "vnet", {"vnet": VNET_TYPE})
SUBNETS = Kind("subnets", "subnet", {"subnet": SUBNET_TYPE})
CONTROLLERS = Kind("controllers", "controller", CONTROLLER_TYPES)
IPAMS = Kind("ipams", "ipam", IPAM_TYPES)
DNS = Kind("dns", "dns", DNS_TYPES)


def create(call: Call, kind: Kind, row: SdnObject, check: Check) -> None:
    """Add an object; its type decides what it may have."""
    prefix = f"create sdn {kind.word} object failed: "
    kind.types[row.type].check_new(row.options)
    change_lock(call, prefix)
    if f"{kind.name}/{row.id}" in call.datacenter.sdn:
        raise ApiError(f"{prefix}sdn {kind.word} object ID '{row.id}' already defined")
    check(call.datacenter, row, prefix)
    put_options(call.datacenter, row, dict(row.options))


def update(call: Call, kind: Kind, id_: str, check: Check) -> None:
    """Change an object."""
    prefix = f"update sdn {kind.word} object failed: "
    change_lock(call, prefix)
    text = "detected modified configuration - file changed by other user? Try again."
    call.check_digest(kind_digest(call.datacenter, kind.name), f"{prefix}{text}")
    row = find(call.datacenter, kind.name, id_, prefix)
    try:
        options = kind.types[row.type].changed(row.options, given(call, OPTIONS[kind.name]), call.listing("delete"))
    except ApiError as error:
        raise ApiError(f"{prefix}{error.message}") from None
    changed = replace(row, options=options)
    check(call.datacenter, changed, prefix)
    put_options(call.datacenter, changed, options)


def delete(call: Call, kind: Kind, id_: str, check: DeleteCheck) -> None:
    """Remove an object that nothing else needs."""
    prefix = f"delete sdn {kind.word} object failed: "
    change_lock(call, prefix)
    find(call.datacenter, kind.name, id_, prefix)
    check(call.datacenter, id_, prefix)
    call.datacenter.sdn.delete(f"{kind.name}/{id_}")


def visible(call: Call, kind: Kind, path: Callable[[dict[str, Any]], str]) -> list[dict[str, Any]]:
    """List the objects of a kind, and if it is asked for of a type, that the caller may see."""
    wanted = call.optional("type")
    return [
        row
        for row in view(call, kind.name).values()
        if wanted in (None, row["type"]) and call.access.may(path(row), PRIVILEGES, any_of=True)
    ]
