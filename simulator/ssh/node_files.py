"""The files of a node outside `/etc/pve` that follow from the state, and those that its installation came with."""

from __future__ import annotations

import re
import uuid
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from simulator.api.node_hosts import PATH as HOSTS
from simulator.api.node_hosts import hosts_text
from simulator.network.files import PATH as INTERFACES
from simulator.network.files import current
from simulator.nodes.packages import packages_of
from simulator.records import Task
from simulator.sdn.config import node_zones, version
from simulator.sdn.files import interfaces_file
from simulator.ssh.apt import STATUS, package_entry
from simulator.ssh.text import MalformedFileError
from simulator.state import Datacenter, World
from simulator.versions import Release

TASKS = "/var/log/pve/tasks"
RESOLV, TIMEZONE = "/etc/resolv.conf", "/etc/timezone"
_SDN = "/etc/network/interfaces.d/sdn"
_TASK = re.compile(rf"{TASKS}/([0-9A-F])/(UPID:[^/]+)")
Render = Callable[[World, Datacenter, str], str | None]


def _kernel(release: Release) -> str:
    return f"Linux version {release.kernel} (build@proxmox) {release.build}\n"


def _resolv(_world: World, datacenter: Datacenter, node: str) -> str:
    dns = datacenter.nodes[node].dns
    lines = [f"search {dns['search']}"] if dns.get("search") else []
    lines += [f"nameserver {dns[key]}" for key in ("dns1", "dns2", "dns3") if dns.get(key)]
    return "".join(f"{line}\n" for line in lines)


def _sdn_text(_world: World, datacenter: Datacenter, node: str) -> str | None:
    loaded = version(datacenter, f"node/{node}")
    if not loaded:
        return None
    return (
        "\n".join([f"#version:{loaded}", *interfaces_file(datacenter.sdn_running, node_zones(datacenter, node))]) + "\n"
    )


def _active_tasks(_world: World, datacenter: Datacenter, node: str) -> str:
    return "".join(f"{task.upid} 0\n" for task in datacenter.tasks.by("node", node) if task.exitstatus is None)


def _task_index(_world: World, datacenter: Datacenter, node: str) -> str:
    ended = [task for task in datacenter.tasks.by("node", node) if task.exitstatus is not None]
    return "".join(f"{task.upid} {task.endtime or 0:08X} {task.exitstatus}\n" for task in ended)


def _uptime(world: World, datacenter: Datacenter, node: str) -> str:
    seconds = world.clock.now() - datacenter.nodes[node].started
    return f"{seconds:.2f} {seconds * datacenter.nodes[node].cpus:.2f}\n"


def _memory(_world: World, datacenter: Datacenter, node: str) -> str:
    total = datacenter.nodes[node].memory >> 10
    free = total - total // 10
    return f"MemTotal:       {total:>8} kB\nMemFree:        {free:>8} kB\nMemAvailable:   {free:>8} kB\n"


def _processors(_world: World, datacenter: Datacenter, node: str) -> str:
    one = "processor\t: {}\nvendor_id\t: GenuineIntel\nmodel name\t: Simulated CPU\nflags\t\t: fpu vmx sse sse2\n\n"
    return "".join(one.format(number) for number in range(datacenter.nodes[node].cpus))


def _packages(_world: World, datacenter: Datacenter, node: str) -> str:
    rows = packages_of(datacenter.nodes[node].release)
    return "".join(package_entry(row.name, row.version) for row in sorted(rows, key=lambda row: row.name))


def _fixed(text: str) -> Render:
    return lambda _world, _datacenter, _node: text


_MADE: Mapping[str, Render] = {
    INTERFACES: lambda _world, datacenter, node: current(datacenter, node).text,
    RESOLV: _resolv,
    TIMEZONE: lambda _world, datacenter, node: f"{datacenter.nodes[node].timezone}\n",
    _SDN: _sdn_text,
    f"{TASKS}/active": _active_tasks,
    f"{TASKS}/index": _task_index,
    "/proc/uptime": _uptime,
    "/proc/meminfo": _memory,
    "/proc/cpuinfo": _processors,
    "/proc/loadavg": _fixed("0.10 0.15 0.12 1/512 1000\n"),
    "/proc/version": lambda _world, datacenter, node: _kernel(datacenter.nodes[node].release),
}
_FIRST: Mapping[str, Render] = {
    HOSTS: lambda _world, datacenter, node: _hosts(datacenter, node),
    "/etc/hostname": lambda _world, _datacenter, node: f"{node}\n",
    "/etc/mailname": lambda _world, _datacenter, node: f"{node}\n",
    "/etc/machine-id": lambda _world, datacenter, node: (
        uuid.uuid5(uuid.NAMESPACE_DNS, f"{node}.{datacenter.name}").hex + "\n"
    ),
    "/etc/debian_version": _fixed("13.1\n"),
    "/etc/os-release": _fixed(
        'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\n'
        'VERSION="13 (trixie)"\nVERSION_CODENAME=trixie\nDEBIAN_VERSION_FULL=13.1\nID=debian\n'
        'HOME_URL="https://www.debian.org/"\nSUPPORT_URL="https://www.debian.org/support"\n'
        'BUG_REPORT_URL="https://bugs.debian.org/"\n'
    ),
    "/etc/fstab": _fixed(
        "# <file system> <mount point> <type> <options> <dump> <pass>\n/dev/pve/root / ext4 errors=remount-ro 0 1\n"
    ),
    "/etc/passwd": _fixed(
        "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
        "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ),
    "/etc/shells": _fixed("/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n"),
    "/etc/modules": _fixed("# Modules that are loaded at boot time, one a line.\n"),
    "/etc/sysctl.conf": _fixed(""),
    "/etc/vzdump.conf": _fixed("# vzdump default settings\n\n#tmpdir: DIR\n#dumpdir: DIR\n#storage: STORAGE_ID\n"
        "#mode: snapshot|suspend|stop\n"),
    "/etc/ssh/sshd_config": _fixed("PermitRootLogin yes\nSubsystem sftp /usr/lib/openssh/sftp-server\n"),
    "/root/.bashrc": _fixed("export PS1='\\u@\\h:\\w\\$ '\n"),
    "/etc/issue": lambda _world, datacenter, node: (
        "Welcome to the Proxmox Virtual Environment. Please use your web browser to\n"
        f"configure this server - connect to:\n\n  https://{datacenter.nodes[node].ip}:8006/\n\n"
    ),
    STATUS: _packages,
    "/usr/share/doc/pve-manager/version": lambda _world, datacenter, node: (
        f"{datacenter.nodes[node].release.manager}\n"
    ),
}  # fmt: skip
"""What is there until somebody writes something else."""


def _hosts(datacenter: Datacenter, node: str) -> str:
    return hosts_text(datacenter, node)


def is_made(path: str) -> bool:
    """Tell whether a file always follows from the state."""
    return path in _MADE or _TASK.fullmatch(path) is not None


def text(world: World, datacenter: Datacenter, node: str, path: str) -> str | None:
    """Return the text of a file that follows from the state, or with which the installation came."""
    task = _TASK.fullmatch(path)
    if task is not None:
        found = datacenter.tasks.get(task[2])
        return None if found is None or _task_path(found) != path or found.node != node else _log(found)
    render = _MADE.get(path) or _FIRST.get(path)
    return render(world, datacenter, node) if render is not None else None


def _log(task: Task) -> str:
    return "".join(f"{line}\n" for line in task.log)


def _task_path(task: Task) -> str:
    return f"{TASKS}/{task.starttime & 0xF:X}/{task.upid}"


def paths(world: World, datacenter: Datacenter, node: str, prefix: str) -> Iterator[str]:
    """Yield the paths below a folder."""
    yield from (path for path in (*_FIRST, *_MADE) if path.startswith(prefix) and path != _SDN)
    if _SDN.startswith(prefix) and _sdn_text(world, datacenter, node) is not None:
        yield _SDN
    if TASKS.startswith(prefix.rstrip("/")) or prefix.startswith(TASKS):
        yield from (path for task in datacenter.tasks.by("node", node) if (path := _task_path(task)).startswith(prefix))


def write(datacenter: Datacenter, node: str, path: str, data: str) -> bool:
    """Let a file be the state; tell whether it is one that can."""
    row = datacenter.nodes[node]
    if path == TIMEZONE:
        if data.strip() not in zoneinfo.available_timezones():
            raise MalformedFileError(f"there is no time zone '{data.strip()}'")
        datacenter.nodes.put(replace(row, timezone=data.strip()))
    elif path == RESOLV:
        search = re.search(r"^\s*(?:search|domain)\s+(\S+)", data, re.MULTILINE)
        servers = re.findall(r"^\s*nameserver\s+(\S+)", data, re.MULTILINE)
        dns = {"search": search[1]} if search else {}
        datacenter.nodes.put(replace(row, dns=dns | {f"dns{n}": server for n, server in enumerate(servers[:3], 1)}))
    else:
        return False
    return True
