"""`systemctl` and `systemd-run`: the units of a node, and timers that run a command when the clock gets there.

A unit that nobody has touched is as it was installed. Timers are part of the state: they run also after the
simulator was started again, unless their node was started again meanwhile, as what systemd-run makes is not kept.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import replace

from simulator.guests.inside import Programs
from simulator.network.files import reload
from simulator.nodes import services
from simulator.records import Unit
from simulator.ssh.apt import UNITS, unit_file
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.streams import forget, holding

_ACTIVE = (
    "pve-cluster", "pvedaemon", "pveproxy", "pvestatd", "pvescheduler", "pve-firewall", "proxmox-firewall",
    "pve-ha-crm", "pve-ha-lrm", "pve-lxc-syscalld", "spiceproxy", "qmeventd", "watchdog-mux", "corosync", "networking",
    "ssh", "sshd", "chrony", "cron", "rsyslog", "postfix", "ksmtuned", "systemd-journald", "dbus", "lxcfs", "rrdcached",
    "zfs-zed", "smartmontools", "pve-guests", "openvswitch-switch", "frr",
)  # fmt: skip
_OWN = "/etc/systemd/system"
_INACTIVE = ("dnsmasq", "systemd-timesyncd")
_ASKING = frozenset(("is-active", "is-enabled", "is-failed", "show", "status"))
_NO_UNIT = services.Unit("", enablement="not-found")
_NOT_LOADED = 5
_NOT_ACTIVE, _NO_SUCH = 3, 4
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|sec|s|seconds?|min|m|minutes?|hours?|hr|h|days?|d)?")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _full(name: str) -> str:
    return name if re.search(r"\.(service|timer|socket|target|mount|path)$", name) else f"{name}.service"


def _unit(shell: NodeShell, name: str) -> Unit | None:
    """Return a unit; whether a daemon of Proxmox VE runs is the node's business, which the API changes as well."""
    unit, stem = _kept_unit(shell, name), _full(name).removesuffix(".service")
    if unit is None or not services.UNITS.get(stem, _NO_UNIT).installed:
        return unit
    running = services.is_running(shell.datacenter, shell.node, stem)
    return replace(unit, active="active" if running else "inactive")


def _kept_unit(shell: NodeShell, name: str) -> Unit | None:
    """Return a unit as somebody left it, or as it was installed."""
    full = _full(name)
    known, installed = shell.datacenter.units.get(f"{shell.node}/{full}"), _installed_unit(shell, full)
    is_old = known is not None and known.since < _started(shell)
    if known is None or (installed is None and known.due is None) or (is_old and known.due is not None):
        return installed
    enabled = known.enabled or "enabled"
    if is_old:
        return replace(known, active="active" if enabled == "enabled" else "inactive", enabled=enabled)
    return replace(known, active=known.active or "active", enabled=enabled)


def _installed_unit(shell: NodeShell, full: str) -> Unit | None:
    """Return a unit as it was installed; `tinc@lab` may be one of the template `tinc@`."""
    stem = full.removesuffix(".service")
    if stem == "corosync" and not shell.datacenter.clustered:
        return Unit(node=shell.node, name=full, active="inactive", enabled="enabled")
    if stem in _ACTIVE:
        return Unit(node=shell.node, name=full, active="active", enabled="enabled", since=_started(shell))
    there = any(shell.tree.exists(f"{folder}/{file}") for file in (full, unit_file(full)) for folder in (_OWN, UNITS))
    if stem in _INACTIVE or there:
        return Unit(node=shell.node, name=full, active="inactive", enabled="disabled")
    return None


def _started(shell: NodeShell) -> float:
    return shell.datacenter.nodes[shell.node].started


def _put(shell: NodeShell, unit: Unit) -> None:
    stem = unit.name.removesuffix(".service")
    with shell.tree.world.database.transaction():
        shell.datacenter.units.put(unit)
        if services.UNITS.get(stem, _NO_UNIT).installed:
            services.set_running(shell.datacenter, shell.node, stem, running=unit.active == "active")


async def systemctl(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Start, stop and look at units."""
    options = {word for word in args if word.startswith("-")}
    words = [word for word in args if not word.startswith("-")]
    verb, names = (words[0], words[1:]) if words else ("list-units", [])
    if verb in ("daemon-reload", "daemon-reexec", "reset-failed"):
        return 0
    if verb in ("reboot", "poweroff"):
        command = {"reboot": "reboot", "poweroff": "shutdown"}[verb]
        await shell.api("POST", f"/nodes/{shell.node}/status", {"command": command})
        return 0
    if verb in ("list-units", "list-timers", "list-unit-files"):
        return _list(shell, verb, streams)
    if verb not in _VERBS:
        streams.complain(f"Unknown command verb '{verb}'.")
        return 1
    if not names:
        streams.complain("Too few arguments.")
        return 1
    codes = [await _act(shell, verb, name, streams, options) for name in names]
    return next((code for code in codes if code), 0)


async def _act(shell: NodeShell, verb: str, name: str, streams: Streams, options: set[str]) -> int:
    """Do something to a unit, or ask for it: the real one where a package has brought one, and then the model."""
    full, real = _full(name), shell.real
    is_real = real is not None and shell.tree.exists(f"{UNITS}/{unit_file(full)}")
    if real is None or not is_real or not real.has(f"{UNITS}/{unit_file(full)}"):
        return _VERBS[verb](shell, name, streams, options)
    if verb in _ASKING:
        await _look(shell, full, real)
        return _VERBS[verb](shell, name, streams, options)
    done = await real.run(["systemctl", verb, *sorted(options), full])
    if done.code != 0 or verb == "kill":  # what a signal has done is seen when somebody asks
        return streams.end(done)
    code = _VERBS[verb](shell, name, streams, options)
    await _look(shell, full, real)
    return code


async def _look(shell: NodeShell, full: str, real: Programs) -> None:
    """Note whether a unit really runs, which may have ended by itself."""
    code = (await real.run(["systemctl", "is-active", "--quiet", full])).code
    unit, active = _unit(shell, full), "active" if code == 0 else "inactive"
    if unit is not None and unit.active != active:
        _put(shell, replace(unit, active=active, since=shell.tree.now))


def _list(shell: NodeShell, verb: str, streams: Streams) -> int:
    touched = [unit.name for unit in shell.datacenter.units.by("node", shell.node)]
    names = sorted({f"{name}.service" for name in (*_ACTIVE, *_INACTIVE)} | set(touched))
    for name in names:
        unit = _unit(shell, name)
        if unit is None or name.endswith(".timer") != (verb == "list-timers"):
            continue
        shown = f"{name:<40} {unit.enabled}" if verb == "list-unit-files" else f"{name:<40} loaded {unit.active}"
        streams.say(shown)
    return 0


def _missing(name: str, streams: Streams, *, verb: str) -> int:
    if verb in ("enable", "disable"):
        streams.complain(f"Failed to {verb} unit: Unit {_full(name)} does not exist")
        return 1
    streams.complain(
        f"Failed to {verb} {_full(name)}: Unit {_full(name)} not {'loaded' if verb == 'stop' else 'found'}."
    )
    return _NOT_LOADED


def _changer(verb: str, active: str) -> Callable[..., int]:
    """Make what starts or stops a unit."""

    def act(shell: NodeShell, name: str, streams: Streams, _options: set[str]) -> int:
        unit = _unit(shell, name)
        if unit is None:
            return _missing(name, streams, verb=verb)
        if unit.name.endswith(".timer") and active == "inactive":
            with shell.tree.world.database.transaction():
                shell.datacenter.units.delete(f"{shell.node}/{unit.name}")
            return 0
        if verb == "reload" and unit.active != "active":
            streams.complain(f"{unit.name} is not active, cannot reload.")
            return 1
        if unit.name == "networking.service" and active == "active":
            with shell.tree.world.database.transaction():
                reload(shell.datacenter, shell.node)
        since = shell.tree.now if verb != "reload" and unit.active != active else unit.since
        _put(shell, replace(unit, active=active, since=since))
        return 0

    return act


def _enabler(verb: str, enabled: str) -> Callable[..., int]:
    def act(shell: NodeShell, name: str, streams: Streams, options: set[str]) -> int:
        unit = _unit(shell, name)
        if unit is None:
            return _missing(name, streams, verb=verb)
        now = {"enable": "active", "disable": "inactive"}.get(verb, unit.active) if "--now" in options else unit.active
        _put(shell, replace(unit, enabled=enabled, active=now, since=shell.tree.now))
        return 0

    return act


def _kill(shell: NodeShell, name: str, streams: Streams, _options: set[str]) -> int:
    """Send a signal to a unit's processes, which end by it."""
    unit = _unit(shell, name)
    if unit is None:
        streams.complain(f"Failed to kill unit {_full(name)}: Unit {_full(name)} not loaded.")
        return 1
    _put(shell, replace(unit, active="inactive", since=shell.tree.now))
    return 0


def _is_active(shell: NodeShell, name: str, streams: Streams, options: set[str]) -> int:
    unit = _unit(shell, name)
    if not options & {"-q", "--quiet"}:
        streams.say(unit.active if unit is not None else "inactive")
    return 0 if unit is not None and unit.active == "active" else _NOT_ACTIVE if unit is not None else _NO_SUCH


def _is_enabled(shell: NodeShell, name: str, streams: Streams, options: set[str]) -> int:
    unit = _unit(shell, name)
    if not options & {"-q", "--quiet"}:
        streams.say(unit.enabled if unit is not None else "not-found")
    return 0 if unit is not None and unit.enabled == "enabled" else 1 if unit is not None else _NO_SUCH


def _is_failed(shell: NodeShell, name: str, streams: Streams, _options: set[str]) -> int:
    unit = _unit(shell, name)
    streams.say(unit.active if unit is not None else "inactive")
    return 1


def _status(shell: NodeShell, name: str, streams: Streams, _options: set[str]) -> int:
    unit = _unit(shell, name)
    if unit is None:
        streams.complain(f"Unit {_full(name)} could not be found.")
        return _NO_SUCH
    running = unit.active == "active"
    streams.say(f"{'●' if running else '○'} {unit.name}")
    streams.say(f"     Loaded: loaded (/usr/lib/systemd/system/{unit.name}; {unit.enabled}; preset: enabled)")
    streams.say(f"     Active: {'active (running)' if running else 'inactive (dead)'}")
    return 0 if running else _NOT_ACTIVE


def _show(shell: NodeShell, name: str, streams: Streams, _options: set[str]) -> int:
    unit = _unit(shell, name)
    active = unit.active if unit is not None else "inactive"
    streams.say(f"Id={_full(name)}\nLoadState={'loaded' if unit is not None else 'not-found'}")
    streams.say(f"ActiveState={active}\nSubState={'running' if active == 'active' else 'dead'}")
    return 0


_VERBS: dict[str, Callable[..., int]] = {
    "start": _changer("start", "active"), "stop": _changer("stop", "inactive"),
    "restart": _changer("restart", "active"),
    "reload": _changer("reload", "active"), "reload-or-restart": _changer("restart", "active"),
    "try-restart": _changer("restart", "active"), "enable": _enabler("enable", "enabled"),
    "disable": _enabler("disable", "disabled"), "mask": _enabler("mask", "masked"),
    "unmask": _enabler("unmask", "enabled"), "kill": _kill, "is-active": _is_active, "is-enabled": _is_enabled,
    "is-failed": _is_failed, "status": _status, "show": _show,
}  # fmt: skip


def span(text: str) -> float | None:
    """Return the seconds of a time span such as `90`, `2min` or `1h 30min`."""
    parts = _SPAN.findall(text)
    if not parts or _SPAN.sub("", text).strip():
        return None
    units = {"us": "us", "ms": "ms"}
    return sum(float(number) * _SECONDS[units.get(unit, unit[:1] or "s")] for number, unit in parts)


async def systemd_run(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Run a command as a unit: at once, or with `--on-active` when that time has passed."""
    left, given = list(args), dict[str, str]()
    while left and left[0].startswith("-"):
        name, equals, value = left.pop(0).partition("=")
        if not equals and name in ("--unit", "-u", "--on-active", "-p", "--property", "--description") and left:
            value = left.pop(0)
        given[{"-u": "--unit"}.get(name, name)] = value
    if not left:
        streams.complain("Command line to execute required.")
        return 1
    stem = given.get("--unit", f"run-r{secrets.token_hex(16)}").removesuffix(".service").removesuffix(".timer")
    if "--on-active" not in given:
        if not given.keys() & {"--wait", "--pipe", "-P", "--quiet", "-q"}:
            streams.complain(f"Running as unit: {stem}.service")
        pipe = given.keys() & {"--pipe", "-P"}
        await shell.child().execute(left, streams if pipe else Streams(holding(b""), forget, forget))
        return 0
    seconds = span(given["--on-active"])
    if seconds is None:
        streams.complain(f"Failed to parse timer value: {given['--on-active']}")
        return 1
    if _unit(shell, f"{stem}.timer") is not None:
        streams.complain(
            f"Failed to start transient timer unit: Unit {stem}.timer was already loaded or has a fragment file."
        )
        return 1
    now = shell.tree.now
    _put(
        shell,
        Unit(
            node=shell.node, name=f"{stem}.timer", active="active", enabled="transient", since=now, due=now + seconds,
            command=tuple(left),
        ),
    )  # fmt: skip
    shell.tree.tasks.run_due()
    streams.complain(f"Running timer as unit: {stem}.timer\nWill run service as unit: {stem}.service")
    return 0


def _power(verb: str) -> Program:
    """Make `reboot` or `poweroff`."""

    async def run(shell: NodeShell, _args: list[str], streams: Streams) -> int:
        return await systemctl(shell, [verb], streams)

    return run


PROGRAMS: dict[str, Program] = {
    "poweroff": _power("poweroff"), "reboot": _power("reboot"), "systemctl": systemctl, "systemd-run": systemd_run,
}  # fmt: skip
