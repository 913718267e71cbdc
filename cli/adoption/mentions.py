"""What a declaration names of others, and where: a guest its pool, a rule its IP set, a permission its path."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

from cli.adoption.reading import Declaration
from providers._firewall.scope import Scope

Path = tuple[str | int, ...]
Thing = tuple[str, Hashable]
"""A dict of `AdoptedLab`, or what its resources bring along, and the name on the host."""
Mention = Callable[[Declaration, Any], Iterable[Thing]]
GUESTS, BRIDGES, VNETS, RULES = "guests", "bridges", "vnets", "rules"
PLACES = {"pool": "pools", "storage": "storages", "vms": GUESTS}
"""First word of a permission's path -> the dict that has what comes behind it."""
_NAME = re.compile(r"(?P<set>\+?)(?:(?P<where>dc|guest)/)?(?P<name>[A-Za-z][\w-]*)")
"""How firewalls name aliases and IP sets."""


def mentions(it: Declaration) -> Iterator[tuple[Path, Any, Iterable[Thing]]]:
    """Each place in a declaration that names others, with the value there, and what it names."""
    for pattern, mention in FIELDS.get(it.kind, {}).items():
        yield from ((path, value, mention(it, value)) for path, value in _at(it.args, pattern))
    yield from ((("entries", name), None, _named_addresses(it, name)) for name in it.args.get("entries") or ())
    yield from (((), None, [(GUESTS, vmid)]) for vmid in sorted(it.clone_of))
    if it.kind == "firewall_options":  # a firewall is switched on when its rules are there
        yield (), None, [(RULES, Scope.of(it.args))]


def _by_name(attribute: str) -> Mention:
    return lambda _, value: [(attribute, value)]


def _bridge_or_vnet(it: Declaration, name: str) -> list[Thing]:
    return [(BRIDGES, (it.args["node"], name)), (VNETS, name)]


def _volume(_: Declaration, volid: str) -> list[Thing]:
    return [("storages", volid.partition(":")[0])]


def _parent(_: Declaration, poolid: str) -> list[Thing]:
    return [("pools", poolid.rpartition("/")[0])]


def _realm(_: Declaration, userid: str) -> list[Thing]:
    return [("realms", userid.rpartition("@")[2])]


def _managed(_: Declaration, sid: str) -> list[Thing]:
    return [("ha_resources", _number(sid.partition(":")[2]))]


def _copied(_: Declaration, job_id: str) -> list[Thing]:
    return [(GUESTS, _number(job_id.partition("-")[0]))]


def _permitted_on(_: Declaration, path: str) -> list[Thing]:
    """What is behind a permission's path; pools may be inside each other."""
    match path.split("/")[1:]:
        case ["sdn", "zones", zone, *_]:
            return [("zones", zone)]
        case ["mapping", _, mapping]:
            return [("mappings", mapping)]
        case [("pool" | "storage" | "vms") as first, *rest]:
            return [(PLACES[first], _number(rest[0]) if first == "vms" else "/".join(rest))] if rest else []
    return []


def _named_addresses(it: Declaration, text: str) -> Iterator[Thing]:
    """Aliases and IP sets, in a list; a guest's own have the first word."""
    for each in map(_NAME.fullmatch, re.split(r"[,\s]+", text)):
        if each:
            own = {"dc": [None], "guest": [it.args.get("vmid")]}.get(each["where"], [it.args.get("vmid"), None])
            collection = "ip_sets" if each["set"] else "aliases"
            yield from ((collection, (vmid, each["name"].lower())) for vmid in dict.fromkeys(own))


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


_ON_STORAGES = ("disks.*.storage", "efidisk0.storage", "tpmstate0.storage", "rootfs.storage", "mp.*.storage")
_MAPPED = ("hostpci.*.mapping", "usb.*.mapping", "virtiofs.*.dirid")
_GUEST: dict[str, Mention] = {
    "pool": _by_name("pools"),
    **dict.fromkeys([*_ON_STORAGES, "vmstatestorage"], _by_name("storages")),
    "disks.*.file": _volume,
    "net.*.bridge": _bridge_or_vnet,
    **dict.fromkeys(_MAPPED, _by_name("mappings")),
}
_OF_A_GUEST = {"vmid": _by_name(GUESTS)}
_LIST = {
    "rules.*.action": _by_name("security_groups"),
    "rules.*.source": _named_addresses,
    "rules.*.dest": _named_addresses,
}
_OF_A_SCOPE = {**_OF_A_GUEST, "vnet": _by_name(VNETS)}
FIELDS: dict[str, Mapping[str, Mention]] = {
    "user": {"userid": _realm, "groups.*": _by_name("groups")},
    "pool": {"poolid": _parent},
    "storage": {"base": _volume},
    "sdn_controller": {"fabric": _by_name("fabrics")},
    "sdn_zone": {
        "bridge": _by_name(BRIDGES),
        "ipam": _by_name("ipams"),
        "dns": _by_name("dns"),
        "reversedns": _by_name("dns"),
        "controller": _by_name("controllers"),
        "fabric": _by_name("fabrics"),
    },
    "ip_reservation": {"zone": _by_name("zones"), "vnet": _by_name(VNETS)},
    "vm": _GUEST,
    "container": _GUEST,
    "firewall_alias": _OF_A_GUEST,
    "ip_set": _OF_A_GUEST,
    "security_group": _LIST,
    "firewall_rules": {**_OF_A_SCOPE, **_LIST},
    "firewall_options": _OF_A_SCOPE,
    "ha_resource": _OF_A_GUEST,
    "ha_rule": {"resources.*": _managed},
    "replication": {"job_id": _copied},
    "backup_job": {
        "storage": _by_name("storages"),
        "fleecing.storage": _by_name("storages"),
        "pool": _by_name("pools"),
        "vmid.*": _by_name(GUESTS),
        "exclude.*": _by_name(GUESTS),
    },
    "acl": {
        "path": _permitted_on,
        "roleid": _by_name("roles"),
        "user": _by_name("users"),
        "group": _by_name("groups"),
    },
}
"""Type -> its fields that name other resources, and what a value of them names; `*` is each entry."""


def _at(value: Any, pattern: str) -> list[tuple[Path, Any]]:
    """The values at a place."""
    found: list[tuple[Path, Any]] = [((), value)]
    for word in pattern.split("."):
        inner = ((path, step, entry) for path, there in found for step, entry in _entries(there))
        found = [((*path, step), entry) for path, step, entry in inner if word in ("*", step)]
    return found


def _entries(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()
