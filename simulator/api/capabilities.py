"""`/nodes/{node}/capabilities` and `/cluster/qemu`: processors (also of one's own), their flags, machine types."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError
from simulator.formats import check_format, named_format
from simulator.guests.cpu_models import (
    ARM_MODELS,
    ON_HOSTS,
    OTHER_FLAGS,
    PROFILES,
    REPORTED_MODELS,
    VENDORS,
    VM_FLAGS,
    machines,
)
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import Param, boolean, integer, string
from simulator.state import digest

_NODE = {"node": string(format="pve-node")}
_ARCH = {"arch": string(enum=("x86_64", "aarch64"), optional=True)}
_ACCEL = {**_ARCH, "accel": string(enum=("kvm", "tcg"), optional=True)}
_ANY = ("Mapping.Audit", "Mapping.Use", "Mapping.Modify")
_FLAG = r"(?u:([+-])([a-zA-Z0-9\-_\.]+))"
_NAME = {"cputype": string(format="pve-configid", max_length=40)}
_REPORTED = string(enum=REPORTED_MODELS)
_OPTIONS: dict[str, Param] = {
    "flags": string(pattern=rf"(?u:{_FLAG}(;{_FLAG})*)", optional=True),
    "guest-phys-bits": integer(minimum=32, maximum=64, optional=True),
    "hidden": boolean(optional=True),
    "hv-vendor-id": string(pattern=r"(?u:[a-zA-Z0-9]{1,12})", optional=True),
    "level": integer(minimum=0, maximum=4294967295, optional=True),
    "phys-bits": string(format="pve-phys-bits", optional=True),
}
_MODIFY = ["perm", "/mapping/cpu/{cputype}", ["Mapping.Modify"]]
_MOST_BITS, _LEAST_BITS = 64, 8


@named_format("pve-phys-bits")
def _phys_bits(value: str) -> None:
    if value != "host" and not (value.isdigit() and _LEAST_BITS <= int(value) <= _MOST_BITS):
        raise ValueError("value must be an integer between 8 and 64 or 'host'")


@route("GET", "/nodes/{node}/capabilities", params=_NODE, user="all", proxyto="node")
@route("GET", "/cluster/qemu", user="all")
@route("GET", "/nodes/{node}/capabilities/qemu", params=_NODE, user="all", proxyto="node")
def index(call: Call) -> list[dict[str, str]]:
    """List what there is to know."""
    if "node" not in call:
        return [{"name": "cpu-flags"}, {"name": "custom-cpu-models"}]
    return [{"name": name} for name in ("cpu", "cpu-flags", "machines", "migration")]


def _name(call: Call) -> str:
    return call.text("cputype").removeprefix("custom-")


def _visible(call: Call) -> list[Section]:
    """Return the models that the caller may see."""
    rows = sorted(call.datacenter.cpu_models, key=lambda row: row.id)
    return [row for row in rows if call.access.may(f"/mapping/cpu/{row.id}", list(_ANY), any_of=True)]


@route("GET", "/nodes/{node}/capabilities/qemu/cpu", params={**_NODE, **_ARCH}, user="all")
def processors(call: Call) -> list[dict[str, Any]]:
    """List the processors that a machine may have."""
    if call.text("arch") == "aarch64":
        return [{"name": name, "custom": 0, "vendor": "default"} for name in ARM_MODELS]
    rows: list[dict[str, Any]] = [{"name": name, "custom": 0, "vendor": of} for name, of in VENDORS.items()]
    rows += [{"name": name, "custom": 0, "vendor": "default", "abstract": 1} for name in PROFILES]
    own = list(call.datacenter.cpu_models) if call.access.may("/nodes", ["Sys.Audit"]) else _visible(call)
    for row in own:
        vendor = VENDORS.get(row.options.get("reported-model", "kvm64"), "default")
        rows.append({"name": f"custom-{row.id}", "custom": 1, "vendor": vendor})
    return rows


def _flags(call: Call, names: list[str]) -> list[dict[str, Any]]:
    if call.text("arch") == "aarch64":
        return []
    there = [node.name for node in call.datacenter.nodes] if call.text("accel", "kvm") == "kvm" else []
    rows: list[dict[str, Any]] = [
        {"name": name, "supported-on": sorted(there) if name in ON_HOSTS else []}
        | ({"description": VM_FLAGS[name]} if name in VM_FLAGS else {})
        for name in names
    ]
    return sorted(rows, key=lambda row: (row["name"] != "nested-virt", not row["supported-on"], row["name"]))


@route("GET", "/nodes/{node}/capabilities/qemu/cpu-flags", params={**_NODE, **_ACCEL}, user="all")
def machine_flags(call: Call) -> list[dict[str, Any]]:
    """List the flags that a machine may set."""
    return _flags(call, list(VM_FLAGS))


@route(
    "GET", "/cluster/qemu/cpu-flags", params=_ACCEL,
    check=["or", ["perm", "/nodes", ["Sys.Audit"]], ["perm", "/mapping/cpu", list(_ANY), "any", 1]],
)  # fmt: skip
def all_flags(call: Call) -> list[dict[str, Any]]:
    """List the flags that a processor model may set."""
    return _flags(call, [*VM_FLAGS, *OTHER_FLAGS])


@route(
    "GET", "/nodes/{node}/capabilities/qemu/machines", params={**_NODE, **_ARCH}, user="all", proxyto="node",
)  # fmt: skip
def machine_types(call: Call) -> list[dict[str, str]]:
    """List the machine types."""
    return [] if call.text("arch") == "aarch64" else list(machines())


@route(
    "GET", "/nodes/{node}/capabilities/qemu/migration", params=_NODE,
    check=["perm", "/nodes/{node}", ["Sys.Audit"]], proxyto="node",
)  # fmt: skip
def migration(call: Call) -> dict[str, int]:  # noqa: ARG001 - every handler takes the call
    """Tell what a node can do when machines migrate."""
    return {"has-dbus-vmstate": 1}


def _row(call: Call, row: Section) -> dict[str, Any]:
    """Return a model as clients get it."""
    numbers = {name for name, param in _OPTIONS.items() if param.type in ("integer", "boolean")}
    options = {name: int(value) if name in numbers else value for name, value in row.options.items()}
    return {"cputype": f"custom-{row.id}", **options, "digest": _digest(call)}


def _digest(call: Call) -> str:
    return digest(sorted((row.id, sorted(row.options.items())) for row in call.datacenter.cpu_models))


def _given(call: Call) -> dict[str, str]:
    names = [name for name in (*_OPTIONS, "reported-model") if name in call]
    return {name: str(int(call.params[name])) if _is_number(name) else call.text(name) for name in names}


def _is_number(name: str) -> bool:
    return name in _OPTIONS and _OPTIONS[name].type in ("integer", "boolean")


def _known(call: Call) -> Section:
    row = call.datacenter.cpu_models.get(_name(call))
    if row is None:
        raise ApiError(f"custom CPU model '{_name(call)}' does not exist")
    return row


@route("GET", "/cluster/qemu/custom-cpu-models", user="all")
def models(call: Call) -> list[dict[str, Any]]:
    """List the models of one's own that the caller may see."""
    return [_row(call, row) for row in _visible(call)]


@route(
    "POST", "/cluster/qemu/custom-cpu-models", params={**_NAME, **_OPTIONS, "reported-model": _REPORTED},
    check=["perm", "/mapping/cpu", ["Mapping.Modify"]], protected=True,
)  # fmt: skip
def add_model(call: Call) -> None:
    """Add a model; the `custom-` before its name may be left out."""
    call.cfs_lock("file-virtual-guest_cpu-models_conf")
    name = _name(call)
    check_format("pve-configid", name)
    if name in call.datacenter.cpu_models:
        raise ApiError(f"custom CPU model '{name}' already exists")
    call.datacenter.cpu_models.put(Section(id=name, type="cpu-model", options=_given(call)))


@route(
    "GET", "/cluster/qemu/custom-cpu-models/{cputype}", params={"cputype": string()},
    check=["or", *(["perm", "/mapping/cpu/{cputype}", [privilege]] for privilege in _ANY)],
)  # fmt: skip
def read_model(call: Call) -> dict[str, Any]:
    """Return a model."""
    row = call.datacenter.cpu_models.get(_name(call))
    if row is None:
        raise ApiError(f"Custom cputype '{_name(call)}' not found")
    return _row(call, row)


@route(
    "PUT",
    "/cluster/qemu/custom-cpu-models/{cputype}",
    params={
        **_NAME,
        **_OPTIONS,
        "delete": string(format="pve-configid-list", optional=True),
        "digest": string(max_length=64, optional=True),
        "reported-model": string(enum=REPORTED_MODELS, optional=True),
    },
    check=_MODIFY,
    protected=True,
)
def update_model(call: Call) -> None:
    """Change a model."""
    unwanted, options = call.listing("delete"), _given(call)
    if "cputype" in unwanted:
        raise ApiError("cannot delete 'cputype'")
    call.cfs_lock("file-virtual-guest_cpu-models_conf")
    call.check_digest(_digest(call))
    row = _known(call)
    for name in unwanted:
        if name not in (*_OPTIONS, "reported-model"):
            raise ApiError(f"no such option '{name}'")
        if name in options:
            raise ApiError(f"cannot set and delete property '{name}' at the same time!")
    kept = {name: value for name, value in row.options.items() if name not in unwanted}
    call.datacenter.cpu_models.put(Section(id=row.id, type=row.type, options=kept | options))


@route(
    "DELETE", "/cluster/qemu/custom-cpu-models/{cputype}", params={"cputype": string()}, check=_MODIFY, protected=True,
)  # fmt: skip
def delete_model(call: Call) -> None:
    """Delete a model."""
    call.cfs_lock("file-virtual-guest_cpu-models_conf")
    call.datacenter.cpu_models.delete(_known(call).id)
