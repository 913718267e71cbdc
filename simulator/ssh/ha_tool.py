"""`ha-manager`: the guests that the HA managers look after, the rules for them, and commands to the managers."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError
from simulator.ha.state import command, wake
from simulator.ssh import printing
from simulator.ssh.calling import FAILED, Options, refused
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.tools import Entry, entry, make

_RESOURCE = "/cluster/ha/resources/{sid}"
_RULE = "/cluster/ha/rules/{rule}"


def _status(data: list[dict[str, Any]], _options: Options, streams: Streams) -> None:
    """Print what everything does at the moment, a line each."""
    for row in data:
        if row["type"] != "fencing" or row.get("armed-state") == "disarmed":
            streams.say(f"{row['type']} {row['status']}")


def _sections(name: str) -> Any:
    """Make what prints objects with their options."""

    def show(data: list[dict[str, Any]], _options: Options, streams: Streams) -> None:
        for row in data:
            streams.say(str(row[name]) if name == "sid" else f"{row['type']}: {row[name]}")
            for key in sorted(row.keys() - {name, "type", "digest", "order"}):
                streams.say(f"\t{key} {row[key]}")
            streams.say("")

    return show


def _moved(data: dict[str, Any], _options: Options, streams: Streams) -> None:
    """Say what moves along, and what is in the way."""
    for sid in data.get("comigrated-resources", []):
        streams.say(f"also moving resource '{sid}' to '{data['requested-node']}' because of a resource affinity rule")
    for row in data.get("blocking-resources", []):
        streams.complain(f"resource '{row['sid']}' on target node '{data['requested-node']}' is in a negative affinity")


def _usage(streams: Streams, text: str) -> int:
    streams.complain(f"400 not enough arguments\nha-manager crm-command {text}")
    return FAILED


async def _stop(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Ask for a resource to be stopped within a time; with 0 at once."""
    if len(args) < 2 or not args[1].isdecimal():  # noqa: PLR2004 - resource and time
        return _usage(streams, "stop <sid> <timeout>")
    try:
        await shell.api("GET", f"/cluster/ha/resources/{args[0]}")
    except ApiError as refusal:
        return refused(shell, refusal, "", streams)
    with shell.tree.world.database.transaction():
        command(shell.datacenter, shell.tree.now, f"stop {args[0]} {args[1]}")
    shell.tree.tasks.run_due()
    return 0


async def _maintenance(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Begin or end the maintenance of a node: its resources go to other nodes, and come back."""
    if len(args) < 2 or args[0] not in ("enable", "disable"):  # noqa: PLR2004 - what and where
        return _usage(streams, "node-maintenance <enable|disable> <node>")
    if args[1] not in shell.datacenter.nodes:
        streams.complain(f"400 Parameter verification failed.\nnode: no such cluster node '{args[1]}'")
        return FAILED
    with shell.tree.world.database.transaction():
        command(shell.datacenter, shell.tree.now, f"{args[0]}-node-maintenance {args[1]}")
        wake(shell.datacenter, shell.tree.now)
    shell.tree.tasks.run_due()
    return 0


_MIGRATE = entry(f"POST {_RESOURCE}/migrate", "sid node", _moved)
_RELOCATE = entry(f"POST {_RESOURCE}/relocate", "sid node", _moved)
_HA: dict[str, Entry | Program] = {
    "add": entry("POST /cluster/ha/resources", "sid"),
    "config": entry("GET /cluster/ha/resources", show=_sections("sid")),
    "set": entry(f"PUT {_RESOURCE}", "sid"),
    "remove": entry(f"DELETE {_RESOURCE}", "sid"),
    "status": entry("GET /cluster/ha/status/current", show=_status),
    "migrate": _MIGRATE,
    "relocate": _RELOCATE,
    "crm-command migrate": _MIGRATE,
    "crm-command relocate": _RELOCATE,
    "crm-command stop": _stop,
    "crm-command node-maintenance": _maintenance,
    "crm-command arm-ha": entry("POST /cluster/ha/status/arm-ha"),
    "crm-command disarm-ha": entry("POST /cluster/ha/status/disarm-ha", "resource-mode"),
    "rules add": entry("POST /cluster/ha/rules", "type rule"),
    "rules set": entry(f"PUT {_RULE}", "type rule"),
    "rules remove": entry(f"DELETE {_RULE}", "rule"),
    "rules list": entry("GET /cluster/ha/rules", show=printing.formatted),
    "rules config": entry("GET /cluster/ha/rules", show=_sections("rule")),
    "groupconfig": entry("GET /cluster/ha/groups", show=_sections("group")),
    "groupadd": entry("POST /cluster/ha/groups", "group"),
    "groupset": entry("PUT /cluster/ha/groups/{group}", "group"),
    "groupremove": entry("DELETE /cluster/ha/groups/{group}", "group"),
}
PROGRAMS: dict[str, Program] = {"ha-manager": make("ha-manager", _HA)}
