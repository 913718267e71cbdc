"""`pvesm`: storages and what is on them."""

from __future__ import annotations

from simulator.ssh import printing
from simulator.ssh.calling import FAILED
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.storage_cfg import parse
from simulator.ssh.tools import Entry, entry, make

_SCANS = {
    "cifs": "server", "iscsi": "portal", "lvm": "", "lvmthin": "vg", "nfs": "server", "pbs": "server username",
    "zfs": "",
}  # fmt: skip


async def _api_info(_shell: NodeShell, _args: list[str], streams: Streams) -> int:
    """Print the version of the interface that plugins for storages have."""
    streams.say("APIVER 13\nAPIAGE 4")
    return 0


def _refused(command: str) -> Program:
    """Make what sends or takes a volume as a stream: the simulated volumes have no content to send."""

    async def run(_shell: NodeShell, args: list[str], streams: Streams) -> int:
        if not args:
            streams.complain(f"400 not enough arguments\npvesm {command} <volume> <format> <filename> [OPTIONS]")
        else:
            streams.complain(f"cannot {command} volume '{args[0]}'")
        return FAILED

    return run


_PVESM: dict[str, Entry | Program] = {
    "status": entry("GET /nodes/{node}/storage", show=printing.storages),
    "list": entry("GET /nodes/{node}/storage/{storage}/content", "storage", printing.volumes),
    "add": entry("POST /storage", "type storage", quiet=True),
    "set": entry("PUT /storage/{storage}", "storage", quiet=True),
    "remove": entry("DELETE /storage/{storage}", "storage"),
    "alloc": entry(
        "POST /nodes/{node}/storage/{storage}/content", "storage vmid filename size", printing.created
    ),
    "free": entry("DELETE /nodes/{node}/storage/{storage}/content/{volume}", "volume"),
    "apiinfo": _api_info,
    "export": _refused("export"),
    "extractconfig": entry("GET /nodes/{node}/vzdump/extractconfig", "volume", printing.plain),
    "import": _refused("import"),
    "prune-backups": entry("DELETE /nodes/{node}/storage/{storage}/prunebackups", "storage"),
    "config": entry("GET /storage/{storage}", "storage", printing.formatted),
    **{
        f"scan {kind}": entry(f"GET /nodes/{{node}}/scan/{kind}", words, printing.formatted)
        for kind, words in _SCANS.items()
    },
    "path": entry("GET /nodes/{node}/storage/{storage}/content/{volume}", "volume", printing.path),
}  # fmt: skip
_PVESM |= {
    "cifsscan": _PVESM["scan cifs"], "iscsiscan": _PVESM["scan iscsi"], "lvmscan": _PVESM["scan lvm"],
    "lvmthinscan": _PVESM["scan lvmthin"], "nfsscan": _PVESM["scan nfs"], "zfsscan": _PVESM["scan zfs"],
}  # fmt: skip
_RUN = make("pvesm", _PVESM)


async def pvesm(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Run a command, after a warning about each line of the configuration that makes no sense."""
    parse(shell.tree.read("/etc/pve/storage.cfg").decode(), streams.complain)
    return await _RUN(shell, args, streams)


PROGRAMS: dict[str, Program] = {"pvesm": pvesm}
