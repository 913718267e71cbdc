"""`sysctl`: the settings of a node's kernel, set at once or from the files of `/etc/sysctl.d`."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.records import File
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams

_DEFAULTS = {
    "net.ipv4.ip_forward": "0", "net.ipv6.conf.all.forwarding": "0", "net.ipv4.conf.all.rp_filter": "2",
    "vm.swappiness": "60", "kernel.panic": "0", "fs.inotify.max_user_instances": "128",
}  # fmt: skip
"""What a kernel begins with; the settings that it has here."""
_FOLDER, _FILE = "/etc/sysctl.d", "/etc/sysctl.conf"
_SAYS_NOTHING = {"-q", "--quiet"}


def _path(key: str) -> str:
    return f"/proc/sys/{key.replace('.', '/')}"


def _get(shell: NodeShell, key: str) -> str:
    found = shell.datacenter.files.get(f"{shell.node}:{_path(key)}")
    return found.text if found is not None else _DEFAULTS[key]


def _set(shell: NodeShell, key: str, value: str) -> None:
    record = f"{shell.node}:{_path(key)}"
    with shell.tree.world.database.transaction():
        if value == _DEFAULTS[key]:
            shell.datacenter.files.delete(record)
        else:
            shell.datacenter.files.put(File(node=shell.node, path=_path(key), text=value, changed=shell.tree.now))


def _assignments(shell: NodeShell, path: str) -> Iterator[str]:
    """Yield the settings of a file."""
    for line in shell.tree.read(path).decode(errors="replace").splitlines():
        if line.strip() and line.strip()[0] not in "#;":
            yield line


async def sysctl(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Show settings, set some (`-w`), or those of a file (`-p`) or of all files (`--system`)."""
    options, words = {word for word in args if word.startswith("-")}, [word for word in args if word[:1] != "-"]
    if "--system" in options:
        folder = sorted(f"{_FOLDER}/{name}" for name in shell.tree.list(_FOLDER) if name.endswith(".conf"))
        words = [line for path in [*folder, _FILE] if shell.tree.exists(path) for line in _assignments(shell, path)]
    elif options & {"-p", "--load"}:
        missing = next((path for path in words or [_FILE] if not shell.tree.exists(path)), None)
        if missing is not None:
            streams.complain(f'sysctl: cannot open "{missing}": No such file or directory')
            return 1
        words = [line for path in words or [_FILE] for line in _assignments(shell, path)]
    code = 0
    for word in words:
        key, separator, value = (part.strip() for part in word.partition("="))
        if key not in _DEFAULTS:
            streams.complain(f"sysctl: cannot stat {_path(key)}: No such file or directory")
            code = 1
            continue
        if separator:
            _set(shell, key, value)
        if not options & _SAYS_NOTHING:
            streams.say(_get(shell, key) if "-n" in options else f"{key} = {_get(shell, key)}")
    return code


PROGRAMS: dict[str, Program] = {"sysctl": sysctl}
