"""`/nodes/{node}/apt`: the packages of a node, newer versions of them, and where they come from."""

from __future__ import annotations

import hashlib
from typing import Any

from simulator.errors import TaskError
from simulator.nodes import apt_sources
from simulator.nodes.packages import Package, packages_of
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Steps, TaskRun

_NODE = {"node": string(format="pve-node")}
_AUDIT = ["perm", "/nodes/{node}", ["Sys.Audit"]]
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_FLAG = boolean(optional=True)
_DIGEST = string(max_length=80, optional=True)
_SECONDS = 3.0


@route("GET", "/nodes/{node}/apt", params=_NODE, user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `apt`."""
    return [{"id": name} for name in ("changelog", "repositories", "update", "versions")]


def _row(package: Package) -> dict[str, Any]:
    return {
        "Package": package.name, "Title": package.title, "Description": f"{package.title}\n", "Arch": "amd64",
        "Section": package.section, "Priority": "optional", "Origin": package.origin, "OldVersion": package.version,
        "Version": package.newer or package.version,
    }  # fmt: skip


@route("GET", "/nodes/{node}/apt/update", params=_NODE, check=_MODIFY, protected=True, proxyto="node")
def updates(call: Call) -> list[dict[str, Any]]:
    """List the packages of which there is a newer version."""
    return [_row(package) for package in packages_of(call.this_node.release) if package.newer]


@route(
    "POST",
    "/nodes/{node}/apt/update",
    params=_NODE | {"notify": _FLAG, "quiet": _FLAG},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def refresh(call: Call) -> str:
    """Read the package lists again; those for subscribers only are refused without a key."""
    quiet = call.flag("quiet")

    def body(run: TaskRun) -> Steps:
        yield "starting apt-get update"
        places = apt_sources.fetched(run.datacenter, run.node)
        for number, (place, locked) in enumerate(places, 1):
            if not quiet or locked:
                yield f"{'Err' if locked else 'Hit'}:{number} {place}"
            if locked:
                yield "  401  Unauthorized [IP: 198.51.100.1 443]"
        yield _SECONDS
        if any(locked for _, locked in places):
            raise TaskError("command 'apt-get update' failed: exit code 100")
        if not quiet:
            yield "Reading package lists..."

    return call.start_task("aptupdate", "", body)


@route("GET", "/nodes/{node}/apt/versions", params=_NODE, check=_AUDIT, proxyto="node")
def versions(call: Call) -> list[dict[str, Any]]:
    """List the packages that matter, with the versions that are installed."""
    release = call.this_node.release
    more = {"proxmox-ve": {"RunningKernel": release.kernel}, "pve-manager": {"ManagerVersion": release.version}}
    return [
        _row(package) | {"CurrentState": "Installed"} | more.get(package.name, {}) for package in packages_of(release)
    ]


@route(
    "GET",
    "/nodes/{node}/apt/changelog",
    params=_NODE | {"name": string(pattern=r"(?:[a-z0-9][-+.a-z0-9:]+)"), "version": string(optional=True)},
    check=_MODIFY,
    proxyto="node",
)
def changelog(call: Call) -> str:
    """Return what `apt-get changelog` prints."""
    name = call.text("name")
    package = next((row for row in packages_of(call.this_node.release) if row.name == name), None)
    if package is None:
        return f"E: Unable to locate package {name}\nRC: 100"
    version = call.text("version", package.newer or package.version)
    if version not in (package.version, package.newer):
        return f"E: Version '{version}' for '{name}' was not found\nRC: 100"
    return (
        f"{name} ({version}) trixie; urgency=medium\n\n  * update of the {package.title}\n\n"
        " -- Proxmox Support Team <support@proxmox.com>  Thu, 01 Jan 2026 12:00:00 +0100\n"
    )


@route("GET", "/nodes/{node}/apt/repositories", params=_NODE, check=_AUDIT, proxyto="node")
def repositories(call: Call) -> dict[str, Any]:
    """Return the package sources by file, and which of Proxmox's own are among them."""
    shown, infos = [], []
    for path, text in apt_sources.files(call.datacenter, call.node).items():
        found = apt_sources.parse(text)
        shown.append(
            {
                "path": path, "file-type": "sources", "digest": list(hashlib.sha256(text.encode()).digest()),
                "repositories": [entry.shown() for entry in found],
            }
        )  # fmt: skip
        infos += [
            {"path": path, "index": str(number), "kind": "origin", "message": _origin(entry.fields["URIs"])}
            for number, entry in enumerate(found)
        ]
    standard = []
    for entry in apt_sources.STANDARD:
        row: dict[str, Any] = {"handle": entry.handle, "name": entry.name}
        status = apt_sources.status(call.datacenter, call.node, entry)
        standard.append(row if status is None else row | {"status": int(status)})
    digest = apt_sources.digest(call.datacenter, call.node)
    return {"files": shown, "errors": [], "digest": digest, "infos": infos, "standard-repos": standard}


def _origin(uri: str) -> str:
    return next((name for name in ("Proxmox", "Debian") if f"{name.lower()}." in uri), "Other")


@route(
    "POST",
    "/nodes/{node}/apt/repositories",
    params=_NODE | {"digest": _DIGEST, "enabled": _FLAG, "index": integer(), "path": string()},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def change_repository(call: Call) -> None:
    """Enable or disable a package source."""
    call.check_digest(apt_sources.digest(call.datacenter, call.node))
    if "enabled" in call:
        apt_sources.change(
            call.datacenter, call.node, call.text("path"), call.integer("index"), call.now,
            enabled=call.flag("enabled"),
        )  # fmt: skip


@route(
    "PUT",
    "/nodes/{node}/apt/repositories",
    params=_NODE | {"digest": _DIGEST, "handle": string()},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def add_repository(call: Call) -> None:
    """Add one of Proxmox's own package sources by its handle."""
    call.check_digest(apt_sources.digest(call.datacenter, call.node))
    apt_sources.add(call.datacenter, call.node, call.text("handle"), call.now)
