"""`systemctl` inside a guest: services run nothing, but which are there, enabled and active is remembered.

A unit is there when its file is, enabled when it is wanted by the usual target, and active when it was started since
the guest was, or was enabled when the guest was started.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.inside.shell import GuestShell
from simulator.inside.system import WANTED
from simulator.ssh.apt import UNITS
from simulator.ssh.shell import Program, Streams

_OWN = "/etc/systemd/system"
_STATES = "/run/systemd/units"
_NOT_ACTIVE, _NO_UNIT, _NOT_LOADED = 3, 4, 5


def find(shell: GuestShell, name: str) -> str | None:
    """Return the path of a service's unit file, or None; `tinc@lab` may be one of the template `tinc@`."""
    names = [name, f"{name.partition('@')[0]}@"] if "@" in name else [name]
    paths = [f"{folder}/{each}.service" for each in names for folder in (_OWN, UNITS)]
    return next((path for path in paths if shell.tree.exists(path)), None)


def is_enabled(shell: GuestShell, name: str) -> bool:
    """Tell whether a service starts by itself."""
    return shell.tree.exists(f"{WANTED}/{name}.service")


def is_active(shell: GuestShell, name: str) -> bool:
    """Tell whether a service runs."""
    if shell.tree.exists(f"{_STATES}/{name}"):
        return shell.tree.read(f"{_STATES}/{name}") == b"active\n"
    booted = shell.guest.started or 0.0
    return is_enabled(shell, name) and shell.tree.stat(f"{WANTED}/{name}.service").changed <= booted


def start(shell: GuestShell, name: str) -> None:
    """Start a service."""
    shell.tree.write(f"{_STATES}/{name}", b"active\n")


def _stop(shell: GuestShell, name: str) -> None:
    shell.tree.write(f"{_STATES}/{name}", b"inactive\n")


def _if_active(shell: GuestShell, name: str) -> None:
    if is_active(shell, name):
        start(shell, name)


_CHANGES: dict[str, Callable[[GuestShell, str], None]] = {
    "start": start, "stop": _stop, "restart": start, "reload": _if_active, "try-restart": _if_active,
    "reload-or-restart": start, "condrestart": _if_active,
}  # fmt: skip


async def systemctl(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Start, stop, enable and ask for services."""
    options = {word for word in args if word.startswith("-")}
    action, *units = [word for word in args if not word.startswith("-")] or ["list-units"]
    names = [unit.removesuffix(".service") for unit in units]
    if action in ("poweroff", "halt", "reboot"):
        shell.session.power = "reboot" if action == "reboot" else "poweroff"
        return 0
    if action == "daemon-reload":
        return 0
    if action == "list-units":
        return _list(shell, streams)
    answer = _ANSWERS.get(action)
    if answer is None and action not in _CHANGES and action not in ("enable", "disable"):
        streams.complain(f"Unknown command verb '{action}'.")
        return 1
    if answer is not None:
        return max([0, *(answer(shell, name, streams, quiet=bool(options & {"-q", "--quiet"})) for name in names)])
    return max([0, *(_changed(shell, action, name, streams, now="--now" in options) for name in names)])


def _changed(shell: GuestShell, action: str, name: str, streams: Streams, *, now: bool) -> int:
    path = find(shell, name)
    if path is None:
        text = f"Failed to {action} unit: Unit {name}.service does not exist"
        changing = f"Failed to {action} {name}.service: Unit {name}.service not found."
        streams.complain(changing if action in _CHANGES else text)
        return _NOT_LOADED if action in _CHANGES else 1
    if action in _CHANGES:
        _CHANGES[action](shell, name)
        return 0
    link = f"{WANTED}/{name}.service"
    if action == "enable" and not is_enabled(shell, name):
        streams.complain(f"Created symlink '{link}' \u2192 '{path}'.")
        active = is_active(shell, name)
        shell.tree.write(link, shell.tree.read(path))
        (start if active or now else _stop)(shell, name)
    elif action == "disable" and is_enabled(shell, name):
        streams.complain(f"Removed '{link}'.")
        active = is_active(shell, name)
        shell.tree.remove(link)
        (start if active and not now else _stop)(shell, name)
    elif now:
        (start if action == "enable" else _stop)(shell, name)
    return 0


def _active(shell: GuestShell, name: str, streams: Streams, *, quiet: bool) -> int:
    active = is_active(shell, name)
    if not quiet:
        streams.say("active" if active else "inactive")
    return 0 if active else _NOT_ACTIVE if find(shell, name) is not None else _NO_UNIT


def _enabled(shell: GuestShell, name: str, streams: Streams, *, quiet: bool) -> int:
    if find(shell, name) is None:
        if not quiet:
            streams.say("not-found")
        return _NO_UNIT
    if not quiet:
        streams.say("enabled" if is_enabled(shell, name) else "disabled")
    return 0 if is_enabled(shell, name) else 1


def _status(shell: GuestShell, name: str, streams: Streams, *, quiet: bool) -> int:
    path, active = find(shell, name), is_active(shell, name)
    if path is None:
        streams.complain(f"Unit {name}.service could not be found.")
        return _NO_UNIT
    if not quiet:
        state = "active (running)" if active else "inactive (dead)"
        enabled = "enabled" if is_enabled(shell, name) else "disabled"
        dot = "\u25cf" if active else "\u25cb"
        streams.say(f"{dot} {name}.service - {name}\n     Loaded: loaded ({path}; {enabled}; preset: enabled)")
        streams.say(f"     Active: {state}")
    return 0 if active else _NOT_ACTIVE


_ANSWERS = {"is-active": _active, "is-enabled": _enabled, "status": _status}


def _names(shell: GuestShell) -> list[str]:
    files = {name for folder in (_OWN, UNITS) for name in shell.tree.list(folder)}
    return sorted(name.removesuffix(".service") for name in files if name.endswith(".service"))


def _list(shell: GuestShell, streams: Streams) -> int:
    running = [name for name in _names(shell) if is_active(shell, name)]
    streams.say("UNIT LOAD ACTIVE SUB DESCRIPTION")
    for name in running:
        streams.say(f"{name}.service loaded active running {name}")
    streams.say(f"\n{len(running)} loaded units listed.")
    return 0


async def service(shell: GuestShell, args: list[str], streams: Streams) -> int:
    """Do what `systemctl` does, with the words the other way round (`service nginx restart`)."""
    if len(args) < 2:  # noqa: PLR2004 - name and action
        streams.complain("Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]")
        return 1
    return await systemctl(shell, [args[1], args[0]], streams)


PROGRAMS: dict[str, Program] = {"service": service, "systemctl": systemctl}
