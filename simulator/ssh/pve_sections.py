"""The files of sections below `/etc/pve`: which table of the state each one holds, and what may stand in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from simulator.ha.state import wake
from simulator.records import Section
from simulator.routing import ROUTES
from simulator.schema import Param, string
from simulator.sdn.config import OPTIONS
from simulator.sdn.options import (
    CONTROLLER_TYPES,
    DNS_TYPES,
    FABRIC_NODE_TYPES,
    FABRIC_TYPES,
    IPAM_TYPES,
    SUBNET_TYPE,
    VNET_TYPE,
    ZONE_TYPES,
)
from simulator.sdn.records import SdnObject
from simulator.sections import SectionType
from simulator.ssh.section_file import SectionForm
from simulator.state import Datacenter
from simulator.store import Table

ROOT = "/etc/pve"


@dataclass(frozen=True, slots=True)
class SectionFile:
    """A file, and how its sections come from the state and go into it."""

    form: SectionForm
    read: Callable[[Datacenter], list[Section]]
    write: Callable[[Datacenter, list[Section], float], None]

    def render(self, datacenter: Datacenter) -> str:
        """Return the text of the file."""
        return self.form.render(self.read(datacenter))

    def put(self, datacenter: Datacenter, text: str, now: float) -> None:
        """Let the file be the state."""
        self.write(datacenter, self.form.parse(text), now)


@functools.cache
def _params(path: str) -> Mapping[str, Param]:
    """Return the parameters with which the API makes or changes an object."""
    found: dict[str, Param] = {}
    for route in ROUTES:
        if route.path == path and route.method in ("POST", "PUT"):
            for part in (route.params, *(route.variants or {}).values()):
                found |= part
    return found


_NEVER = frozenset(("delete", "digest", "type", "password", "check-connection"))


def _api_form(name: str, path: str, types: Mapping[str, str]) -> SectionForm:
    """Make the form of objects that have the options that a method of the API takes; `types` says what they need."""
    params = _params(path)
    return SectionForm(
        path=f"{ROOT}/{name}", params=params, knows=lambda _, option: option in params and option not in _NEVER,
        required={kind: frozenset(needed.split()) for kind, needed in types.items()},
    )  # fmt: skip


def replace_rows(table: Table[str, Section], rows: Iterable[Section], keys: Iterable[str]) -> None:
    """Put rows into a table, and remove those of these keys that are not among them."""
    wanted = {row.id: row for row in rows}
    for key in set(keys) - wanted.keys():
        table.delete(key)
    for row in wanted.values():
        table.put(row)


def _whole_table(form: SectionForm, table: Callable[[Datacenter], Table[str, Section]]) -> SectionFile:
    def write(datacenter: Datacenter, rows: list[Section], _now: float) -> None:
        replace_rows(table(datacenter), rows, table(datacenter).keys())

    return SectionFile(form, lambda datacenter: list(table(datacenter)), write)


def _ha(form: SectionForm, table: Callable[[Datacenter], Table[str, Section]], *, typed_ids: bool) -> SectionFile:
    """Make a file of the HA managers, which look at it when it changes; a resource's id begins with its type."""

    def read(datacenter: Datacenter) -> list[Section]:
        return [replace(row, id=row.id.partition(":")[2]) if typed_ids else row for row in table(datacenter)]

    def write(datacenter: Datacenter, rows: list[Section], now: float) -> None:
        named = [replace(row, id=f"{row.type}:{row.id}") if typed_ids else row for row in rows]
        replace_rows(table(datacenter), named, table(datacenter).keys())
        wake(datacenter, now)

    return SectionFile(form, read, write)


def _mapping(name: str, kind: str) -> SectionFile:
    """Make the file of one kind of mapping: the head of a section is its id alone."""
    form = replace(_api_form(f"mapping/{name}.cfg", f"/cluster/mapping/{kind}", {kind: "map"}), heads={kind: ""})

    def rows(datacenter: Datacenter) -> list[Section]:
        return [row for row in datacenter.mappings if row.type == kind]

    def read(datacenter: Datacenter) -> list[Section]:
        return [replace(row, id=row.id.partition("/")[2]) for row in rows(datacenter)]

    def write(datacenter: Datacenter, new: list[Section], _now: float) -> None:
        named = [replace(row, id=f"{kind}/{row.id}") for row in new]
        replace_rows(datacenter.mappings, named, [row.id for row in rows(datacenter)])

    return SectionFile(form, read, write)


def _sdn(name: str, kinds: Mapping[str, Mapping[str, SectionType]], suffixes: Mapping[str, str]) -> SectionFile:
    """Make a file of the software-defined network; one file may hold several kinds, told apart by their suffix."""
    types = {
        f"{kind}{suffixes[group]}": (group, kind, of) for group, all_ in kinds.items() for kind, of in all_.items()
    }
    params = {option: param for group in kinds for option, param in OPTIONS[group].items()}
    params |= {"vnet": string()} if "subnets" in kinds else {}
    form = SectionForm(
        path=f"{ROOT}/sdn/{name}.cfg", params=params,
        required={kind: found[2].required for kind, found in types.items()},
        knows=lambda kind, option: option in types[kind][2].required | types[kind][2].optional,
    )  # fmt: skip

    def read(datacenter: Datacenter) -> list[Section]:
        rows = [row for group in kinds for row in datacenter.sdn.by("kind", group)]
        return [Section(id=row.id, type=f"{row.type}{suffixes[row.kind]}", options=row.options) for row in rows]

    def write(datacenter: Datacenter, rows: list[Section], _now: float) -> None:
        new = [SdnObject(kind=types[r.type][0], id=r.id, type=types[r.type][1], options=r.options) for r in rows]
        kept = {(row.kind, row.id) for row in new}
        for group in kinds:
            for row in datacenter.sdn.by("kind", group):
                if (row.kind, row.id) not in kept:
                    datacenter.sdn.delete(f"{row.kind}/{row.id}")
        for row in new:
            datacenter.sdn.put(row)

    return SectionFile(form, read, write)


def _sdn_kind(name: str, types: Mapping[str, SectionType]) -> SectionFile:
    return _sdn(name, {name: types}, {name: ""})


@functools.cache
def section_files() -> Mapping[str, SectionFile]:
    """Return the files by path; made at their first use, when all methods of the API are known."""
    realms = {
        "pam": "", "pve": "", "ad": "server1 domain", "ldap": "server1 base_dn user_attr",
        "openid": "issuer-url client-id",
    }  # fmt: skip
    servers = dict.fromkeys(("graphite", "influxdb", "opentelemetry"), "port server")
    rules = {"node-affinity": "nodes resources", "resource-affinity": "affinity resources"}
    found = [
        _whole_table(_api_form("domains.cfg", "/access/domains", realms), lambda dc: dc.domains),
        _whole_table(_api_form("jobs.cfg", "/cluster/backup", {"vzdump": "schedule"}), lambda dc: dc.backup_jobs),
        _whole_table(
            _api_form("replication.cfg", "/cluster/replication", {"local": "target"}), lambda dc: dc.replication_jobs
        ),
        _whole_table(
            _api_form("status.cfg", "/cluster/metrics/server/{id}", servers), lambda dc: dc.metric_servers
        ),
        _ha(
            _api_form("ha/resources.cfg", "/cluster/ha/resources", {"vm": "", "ct": ""}),
            lambda dc: dc.ha_resources, typed_ids=True,
        ),
        _ha(_api_form("ha/rules.cfg", "/cluster/ha/rules", rules), lambda dc: dc.ha_rules, typed_ids=False),
        _sdn_kind("zones", ZONE_TYPES), _sdn_kind("vnets", {"vnet": VNET_TYPE}),
        _sdn_kind("subnets", {"subnet": SUBNET_TYPE}), _sdn_kind("controllers", CONTROLLER_TYPES),
        _sdn_kind("ipams", IPAM_TYPES), _sdn_kind("dns", DNS_TYPES),
        _sdn(
            "fabrics", {"fabrics": FABRIC_TYPES, "fabric_nodes": FABRIC_NODE_TYPES},
            {"fabrics": "_fabric", "fabric_nodes": "_node"},
        ),
        _mapping("pci", "pci"), _mapping("usb", "usb"), _mapping("directory", "dir"),
    ]  # fmt: skip
    return {file.form.path: file for file in found}
