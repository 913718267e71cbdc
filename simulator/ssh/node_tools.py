"""The tools of a node itself: `pvenode`, `pvesr`, `pveversion` and `pve-firewall`."""

from __future__ import annotations

import ipaddress
from typing import Any

from simulator.firewall.files import load_cluster
from simulator.nodes import apt_sources
from simulator.nodes.packages import version_lines
from simulator.ssh import apt, printing
from simulator.ssh.calling import FAILED, Options
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.tools import Entry, entry, make

_TASK = "/nodes/{node}/tasks/{upid}"
_JOB = "/cluster/replication/{id}"
_NOT_FETCHED = 100


def _log(data: list[dict[str, Any]], _options: Options, streams: Streams) -> None:
    """Print the lines of a task's log."""
    for row in data:
        streams.say(str(row["t"]))


_PVENODE: dict[str, Entry | Program] = {
    "config get": entry("GET /nodes/{node}/config", show=printing.formatted),
    "config set": entry("PUT /nodes/{node}/config"),
    "task list": entry("GET /nodes/{node}/tasks", show=printing.formatted),
    "task log": entry(f"GET {_TASK}/log", "upid", _log),
    "task status": entry(f"GET {_TASK}/status", "upid", printing.formatted),
    "startall": entry("POST /nodes/{node}/startall"),
    "stopall": entry("POST /nodes/{node}/stopall"),
    "migrateall": entry("POST /nodes/{node}/migrateall", "target"),
    "wakeonlan": entry("POST /nodes/{node}/wakeonlan", "node"),
    "cert info": entry("GET /nodes/{node}/certificates/info", show=printing.formatted),
}
_PVESR: dict[str, Entry | Program] = {
    "list": entry("GET /cluster/replication", show=printing.formatted),
    "status": entry("GET /nodes/{node}/replication", show=printing.formatted),
    "read": entry(f"GET {_JOB}", "id", printing.formatted),
    "create-local-job": entry("POST /cluster/replication", "id target", fixed=(("type", "local"),)),
    "update": entry(f"PUT {_JOB}", "id"),
    "delete": entry(f"DELETE {_JOB}", "id"),
    "disable": entry(f"PUT {_JOB}", "id", fixed=(("disable", "1"),)),
    "enable": entry(f"PUT {_JOB}", "id", fixed=(("disable", "0"),)),
    "schedule-now": entry("POST /nodes/{node}/replication/{id}/schedule_now", "id"),
}


async def pveversion(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Print the version; with -v those of the packages."""
    release = shell.datacenter.nodes[shell.node].release
    if {"-v", "--verbose", "-verbose"} & set(args):
        streams.say("\n".join(version_lines(release)))
    else:
        streams.say(f"{release.manager} (running kernel: {release.kernel})")
    return 0


async def pve_firewall(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Tell whether the firewall is on, start and stop it, or tell from where the node is managed."""
    verb = args[0] if args else ""
    enabled = bool(load_cluster(shell.datacenter, shell.tree.now).options.get("enable"))
    if verb == "status":
        active = shell.datacenter.units.get(f"{shell.node}/pve-firewall.service")
        running = active is None or active.active != "inactive"
        streams.say(f"Status: {'enabled' if enabled else 'disabled'}/{'running' if running else 'stopped'}")
        return 0
    if verb in ("start", "stop", "restart"):
        return await shell.execute(["systemctl", verb, "pve-firewall"], streams)
    if verb == "localnet":
        return _local_network(shell, streams)
    if verb == "compile":
        streams.say("ipset cmdlist:\n\niptables cmdlist:\n\nip6tables cmdlist:\n\nebtables cmdlist:\n\nno changes")
        return 0
    what = f"unknown command 'pve-firewall {verb}'" if verb else "no command specified"
    streams.complain(f"ERROR: {what}\nUSAGE: pve-firewall <COMMAND> [ARGS] [OPTIONS]")
    return FAILED


async def apt_get(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Do what apt does everywhere, but read the lists from this node's own sources."""
    if "update" not in args:
        return await apt.apt(shell, args, streams)
    places = apt_sources.fetched(shell.datacenter, shell.node)
    for number, (place, locked) in enumerate(places, 1):
        streams.say(f"{'Err' if locked else 'Hit'}:{number} {place}")
    for place in [place for place, locked in places if locked]:
        streams.complain(f"E: Failed to fetch {place.replace(' ', '/dists/', 1).replace(' ', '/')}  401  Unauthorized")
    if any(locked for _, locked in places):
        return _NOT_FETCHED
    streams.say("Reading package lists... Done")
    return 0


def _local_network(shell: NodeShell, streams: Streams) -> int:
    node = shell.datacenter.nodes[shell.node]
    network = ipaddress.ip_interface(f"{node.ip}/24").network
    streams.say(f"local hostname: {node.name}\nlocal IP address: {node.ip}\nnetwork auto detect: {network}")
    alias = load_cluster(shell.datacenter, shell.tree.now).aliases.get("local_network")
    if alias is not None:
        streams.say(f"using user defined local_network: {alias['cidr']}")
    else:
        streams.say(f"using detected local_network: {network}")
    if shell.datacenter.clustered:
        streams.say("\naccepting corosync traffic from/to:")
        for other in shell.datacenter.nodes:
            if other.name != node.name:
                streams.say(f" - {other.name}: {other.ip} (link: 0)")
    return 0


PROGRAMS: dict[str, Program] = {
    **apt.PROGRAMS, "apt": apt_get, "apt-get": apt_get,
    "pve-firewall": pve_firewall, "pvenode": make("pvenode", _PVENODE), "pvesr": make("pvesr", _PVESR),
    "pveversion": pveversion,
}  # fmt: skip
