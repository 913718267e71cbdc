"""`qm`, `pct`, `pvesm`, `pveum`: thin front ends of the API, each a table of commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import ApiError
from simulator.ssh import printing
from simulator.ssh.calling import FAILED, Options, UsageError, finished, is_upid, params_of, read_options, refused
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.table import printed

Show = Callable[[Any, Options, Streams], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: the method of the API, the parameters that are given without their names, and how it is shown."""

    method: str
    path: str
    words: tuple[str, ...] = ()
    show: Show | None = None
    fixed: tuple[tuple[str, str], ...] = ()
    quiet: bool = False
    optional: int = 0
    """How many of the last words may be left out."""


def _entry(text: str, words: str = "", show: Show | None = None, **options: Any) -> Entry:
    method, path = text.split()
    return Entry(method, path, tuple(words.split()), show, **options)


def _guest(kind: str) -> dict[str, Entry]:
    """Return the commands that `qm` and `pct` share."""
    base = f"/nodes/{{node}}/{kind}"
    one = f"{base}/{{vmid}}"
    status = f"POST {one}/status"
    return {
        "list": _entry(f"GET {base}", show=printing.MACHINES if kind == "qemu" else printing.CONTAINERS),
        "config": _entry(f"GET {one}/config", "vmid", printing.config),
        "pending": _entry(f"GET {one}/pending", "vmid", printing.pending),
        "set": _entry(f"PUT {one}/config", "vmid"),
        "start": _entry(f"{status}/start", "vmid"),
        "stop": _entry(f"{status}/stop", "vmid"),
        "shutdown": _entry(f"{status}/shutdown", "vmid"),
        "reboot": _entry(f"{status}/reboot", "vmid"),
        "suspend": _entry(f"{status}/suspend", "vmid"),
        "resume": _entry(f"{status}/resume", "vmid"),
        "status": _entry(f"GET {one}/status/current", "vmid", printing.status),
        "destroy": _entry(f"DELETE {one}", "vmid"),
        "clone": _entry(f"POST {one}/clone", "vmid newid"),
        "template": _entry(f"POST {one}/template", "vmid"),
        "migrate": _entry(f"POST {one}/migrate", "vmid target"),
        "resize": _entry(f"PUT {one}/resize", "vmid disk size"),
        "snapshot": _entry(f"POST {one}/snapshot", "vmid snapname"),
        "delsnapshot": _entry(f"DELETE {one}/snapshot/{{snapname}}", "vmid snapname"),
        "rollback": _entry(f"POST {one}/snapshot/{{snapname}}/rollback", "vmid snapname"),
        "listsnapshot": _entry(f"GET {one}/snapshot", "vmid", printing.snapshots),
    }


_QM = {
    **_guest("qemu"),
    "create": _entry("POST /nodes/{node}/qemu", "vmid"),
    "reset": _entry("POST /nodes/{node}/qemu/{vmid}/status/reset", "vmid"),
    "unlink": _entry("PUT /nodes/{node}/qemu/{vmid}/unlink", "vmid"),
    "move-disk": _entry("POST /nodes/{node}/qemu/{vmid}/move_disk", "vmid disk storage", optional=1),
    "cloudinit dump": _entry("GET /nodes/{node}/qemu/{vmid}/cloudinit/dump", "vmid type", printing.plain),
    "cloudinit pending": _entry("GET /nodes/{node}/qemu/{vmid}/cloudinit", "vmid", printing.pending),
    "cloudinit update": _entry("PUT /nodes/{node}/qemu/{vmid}/cloudinit", "vmid"),
}
_QM |= {
    "disk resize": _QM["resize"], "disk move": _QM["move-disk"], "disk unlink": _QM["unlink"],
    "move_disk": _QM["move-disk"],
}  # fmt: skip
_PCT = {
    **_guest("lxc"),
    "create": _entry("POST /nodes/{node}/lxc", "vmid ostemplate"),
    "restore": _entry("POST /nodes/{node}/lxc", "vmid ostemplate", fixed=(("restore", "1"),)),
    "move-volume": _entry("POST /nodes/{node}/lxc/{vmid}/move_volume", "vmid volume storage", optional=1),
}
_PCT |= {"move_volume": _PCT["move-volume"]}
_PVESM = {
    "status": _entry("GET /nodes/{node}/storage", show=printing.storages),
    "list": _entry("GET /nodes/{node}/storage/{storage}/content", "storage", printing.volumes),
    "add": _entry("POST /storage", "type storage", quiet=True),
    "set": _entry("PUT /storage/{storage}", "storage", quiet=True),
    "remove": _entry("DELETE /storage/{storage}", "storage"),
    "alloc": _entry(
        "POST /nodes/{node}/storage/{storage}/content", "storage vmid filename size", printing.created
    ),
    "free": _entry("DELETE /nodes/{node}/storage/{storage}/content/{volume}", "volume"),
    "path": _entry("GET /nodes/{node}/storage/{storage}/content/{volume}", "volume", printing.path),
}  # fmt: skip
_PVEUM = {
    "user list": _entry("GET /access/users", show=printing.formatted),
    "user add": _entry("POST /access/users", "userid"),
    "user modify": _entry("PUT /access/users/{userid}", "userid"),
    "user delete": _entry("DELETE /access/users/{userid}", "userid"),
    "user permissions": _entry("GET /access/permissions", "userid", printing.formatted, optional=1),
    "user token list": _entry("GET /access/users/{userid}/token", "userid", printing.formatted),
    "user token add": _entry("POST /access/users/{userid}/token/{tokenid}", "userid tokenid", printing.formatted),
    "user token modify": _entry("PUT /access/users/{userid}/token/{tokenid}", "userid tokenid", printing.formatted),
    "user token remove": _entry("DELETE /access/users/{userid}/token/{tokenid}", "userid tokenid"),
    "group list": _entry("GET /access/groups", show=printing.formatted),
    "group add": _entry("POST /access/groups", "groupid"),
    "group modify": _entry("PUT /access/groups/{groupid}", "groupid"),
    "group delete": _entry("DELETE /access/groups/{groupid}", "groupid"),
    "role list": _entry("GET /access/roles", show=printing.formatted),
    "role add": _entry("POST /access/roles", "roleid"),
    "role modify": _entry("PUT /access/roles/{roleid}", "roleid"),
    "role delete": _entry("DELETE /access/roles/{roleid}", "roleid"),
    "acl list": _entry("GET /access/acl", show=printing.formatted),
    "acl modify": _entry("PUT /access/acl", "path"),
    "acl delete": _entry("PUT /access/acl", "path", fixed=(("delete", "1"),)),
    "realm list": _entry("GET /access/domains", show=printing.formatted),
    "realm add": _entry("POST /access/domains", "realm"),
    "realm modify": _entry("PUT /access/domains/{realm}", "realm"),
    "realm delete": _entry("DELETE /access/domains/{realm}", "realm"),
    "pool list": _entry("GET /pools", show=printing.formatted),
    "pool add": _entry("POST /pools", "poolid"),
    "pool modify": _entry("PUT /pools", "poolid"),
    "pool delete": _entry("DELETE /pools", "poolid"),
}
_PVEUM |= {
    "useradd": _PVEUM["user add"], "usermod": _PVEUM["user modify"], "userdel": _PVEUM["user delete"],
    "groupadd": _PVEUM["group add"], "groupmod": _PVEUM["group modify"], "groupdel": _PVEUM["group delete"],
    "roleadd": _PVEUM["role add"], "rolemod": _PVEUM["role modify"], "roledel": _PVEUM["role delete"],
    "aclmod": _PVEUM["acl modify"], "acldel": _PVEUM["acl delete"],
}  # fmt: skip


def _find(entries: Mapping[str, Entry], args: list[str]) -> tuple[str, Entry] | None:
    """Return the command that the first words name: up to three of them."""
    for count in (3, 2, 1):
        name = " ".join(args[:count])
        if len(args) >= count and name in entries:
            return name, entries[name]
    return None


def _usage(tool: str, name: str, entry: Entry) -> str:
    required = len(entry.words) - entry.optional
    words = [f"<{word}>" if number < required else f"[<{word}>]" for number, word in enumerate(entry.words)]
    return " ".join([tool, name, *words, "[OPTIONS]"])


def _read(entry: Entry, shell: NodeShell, args: list[str]) -> Options:
    """Return the options with the positional parameters among them."""
    sample = entry.path.replace("{node}", shell.node)
    known = dict(params_of(entry.method, sample))
    if entry.show is printing.status:
        known["verbose"] = printing.VERBOSE
    options = read_options(args, known)
    if len(options.words) > len(entry.words):
        raise UsageError("400 too many arguments")
    if len(options.words) < len(entry.words) - entry.optional:
        raise UsageError("400 not enough arguments")
    options.values |= dict(zip(entry.words, options.words, strict=False)) | dict(entry.fixed)
    if "{node}" in entry.path:
        options.values["node"] = shell.node
    if "{storage}" in entry.path and "storage" not in options.values:
        options.values["storage"] = str(options.values.get("volume", "")).partition(":")[0]
    if options.values.pop("verbose", "0") == "1":
        options.display["verbose"] = "1"
    return options


def _filled(path: str, values: dict[str, Any]) -> str:
    """Put values into the path and take them out of the parameters."""
    parts = []
    for part in path.split("/"):
        value = values.pop(part[1:-1], "") if part.startswith("{") else part
        parts.append(str(value))
    return "/".join(parts)


def make(tool: str, entries: Mapping[str, Entry]) -> Program:
    """Make a tool of its commands."""

    async def run(shell: NodeShell, args: list[str], streams: Streams) -> int:
        found = _find(entries, args)
        if found is None:
            what = f"unknown command '{tool} {args[0]}'" if args else "no command specified"
            streams.complain(f"ERROR: {what}\nUSAGE: {tool} <COMMAND> [ARGS] [OPTIONS]")
            return FAILED
        name, entry = found
        usage = _usage(tool, name, entry)
        try:
            options = _read(entry, shell, args[len(name.split()) :])
        except UsageError as error:
            streams.complain(f"{error}\n{usage}")
            return FAILED
        left = dict(options.values)
        path = _filled(entry.path, left)
        try:
            data = await shell.api(entry.method, path, left)
        except ApiError as refusal:
            return refused(shell, refusal, usage, streams)
        if name == "set" and entry.path.endswith("/config"):
            printing.changes(tool, options, streams)
        return await _show(shell, entry, data, options, streams)

    return run


async def _show(shell: NodeShell, entry: Entry, data: Any, options: Options, streams: Streams) -> int:
    if isinstance(data, str) and is_upid(data):
        return await finished(shell, data, streams)
    if "quiet" in options.display or data is None or entry.quiet:
        return 0
    if entry.show is not None and (options.form == "text" or entry.show is not printing.formatted):
        entry.show(data, options, streams)
    else:
        streams.out(printed(data, options.form).encode())
    return 0


PROGRAMS: dict[str, Program] = {
    "qm": make("qm", _QM), "pct": make("pct", _PCT), "pvesm": make("pvesm", _PVESM), "pveum": make("pveum", _PVEUM),
}  # fmt: skip
