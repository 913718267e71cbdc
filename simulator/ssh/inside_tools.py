"""What `pct` and `qm` do inside a guest: `pct exec|enter|push|pull`, `qm guest ...`, `qm terminal`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from simulator.errors import ApiError
from simulator.guests.inside import Inside
from simulator.schema import Param, boolean, integer, string
from simulator.ssh import guest_tools
from simulator.ssh.calling import FAILED, Options, UsageError, read_options, refused
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.table import printed

_PATIENCE = 0.3
"""Seconds for which an input that stays open is waited for."""
_TIMEOUT, _POLL = 30, 0.2
_MAX_MODE = 0o7777
Run = Callable[[NodeShell, Options, list[str], Streams], Awaitable[int]]


async def _given(streams: Streams) -> bytes:
    """Return what comes in; nothing of an input that stays open without anything, as that of a terminal does."""
    with contextlib.suppress(TimeoutError):
        streams.input.left += await asyncio.wait_for(streams.input.source(), _PATIENCE)
        return await streams.read() if streams.input.left else b""
    return streams.input.left


def _inside(shell: NodeShell, vmid: str, refusal: str) -> Inside:
    """Open a running container."""
    guest = shell.datacenter.guest(int(vmid) if vmid.isdigit() else 0, "lxc", shell.node)
    if guest.status != "running":
        raise ApiError(refusal)
    world = shell.tree.world
    return world.inside(world, shell.datacenter, guest)


async def _exec(shell: NodeShell, options: Options, rest: list[str], streams: Streams) -> int:
    """Run a command in a container."""
    vmid, *more = options.words
    argv = more + rest
    inside = _inside(shell, vmid, f"container '{vmid}' not running!")
    if not argv:
        raise ApiError("missing command")
    return streams.end(await inside.run(argv, await _given(streams)))


async def _enter(shell: NodeShell, options: Options, _rest: list[str], streams: Streams) -> int:
    """Run a shell in a container on the lines that come in."""
    vmid = options.words[0]
    inside = _inside(shell, vmid, f"container '{vmid}' not running!")
    return streams.end(await inside.run(["bash"], await streams.read()))


async def _push(shell: NodeShell, options: Options, _rest: list[str], streams: Streams) -> int:  # noqa: ARG001 - as all
    """Copy a file of the node into a container."""
    vmid, source, target = options.words
    inside = _inside(shell, vmid, "can only push files to a running CT")
    try:
        data = shell.tree.read(shell.place(source))
    except OSError:
        raise ApiError(f"failed to open {source} for reading") from None
    mode = _mode(options, 0o644)
    uid = await _number(inside, options, "user", "/etc/passwd", "uid")
    gid = await _number(inside, options, "group", "/etc/group", "gid")
    try:
        await inside.write(target, data, mode, uid, gid)
    except OSError as error:
        raise ApiError(f"failed to create file: {target}: {error.strerror}") from None
    return 0


async def _pull(shell: NodeShell, options: Options, _rest: list[str], streams: Streams) -> int:  # noqa: ARG001 - as all
    """Copy a file out of a container."""
    vmid, source, target = options.words
    inside = _inside(shell, vmid, "can only pull files from a running VM")
    mode = _mode(options, 0o644)
    try:
        data = await inside.read(source)
    except OSError as error:
        raise ApiError(f"failed to open {source}: {error.strerror}") from None
    try:
        shell.tree.write(shell.place(target), data, mode)
    except OSError as error:
        raise ApiError(f"failed to create file: {target}: {error.strerror}") from None
    return 0


def _mode(options: Options, default: int) -> int:
    """Return the permissions that are asked for: octal, or hexadecimal after `0x`."""
    text = options.values.get("perms")
    if text is None:
        return default
    try:
        mode = int(text, 16 if text.startswith("0x") else 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= _MAX_MODE:
        raise ApiError(f"invalid mode: '0{text.removeprefix('0')}'")
    return mode


async def _number(inside: Inside, options: Options, name: str, file: str, what: str) -> int:
    """Return the number of a user or group, which may be given by a name that the container knows."""
    wanted = str(options.values.get(name, "0"))
    if wanted.isdigit():
        return int(wanted)
    rows = [line.split(":") for line in (await inside.read(file)).decode(errors="replace").splitlines()]
    number = next((row[2] for row in rows if row[0] == wanted and len(row) > 2), None)  # noqa: PLR2004 - name, x, number
    if number is None:
        raise ApiError(f"failed to get {what} for: {wanted}")
    return int(number)


def _agent(shell: NodeShell, vmid: str) -> str:
    return f"/nodes/{shell.node}/qemu/{vmid}/agent"


def _show(data: Any, streams: Streams) -> int:
    streams.out(printed(data, "json-pretty").encode())
    return 0


async def _guest_exec(shell: NodeShell, options: Options, rest: list[str], streams: Streams) -> int:
    """Run a command in a machine by its agent, and wait for its end."""
    vmid, *more = options.words
    synchronous = options.values.get("synchronous", "1") == "1"
    if "timeout" in options.values and not synchronous:
        streams.complain("400 Parameter verification failed.\nsynchronous: needs to be set for 'timeout'")
        return FAILED
    values: dict[str, object] = {"command": more + rest}
    if options.values.get("pass-stdin") == "1":
        values["input-data"] = (await streams.read()).decode("latin-1")
    started = await shell.api("POST", f"{_agent(shell, vmid)}/exec", values)
    if not synchronous:
        return _show(started, streams)
    timeout = int(options.values.get("timeout", _TIMEOUT))
    end = shell.tree.now + timeout
    while True:
        status = await shell.api("GET", f"{_agent(shell, vmid)}/exec-status", {"pid": started["pid"]})
        if status["exited"]:
            return _show(status, streams)
        if timeout and shell.tree.now >= end:
            streams.complain("timeout reached, returning pid")
            return _show(started, streams)
        await asyncio.sleep(_POLL)


async def _guest_status(shell: NodeShell, options: Options, _rest: list[str], streams: Streams) -> int:
    """Tell whether a command has ended that was started by the agent."""
    vmid, pid = options.words
    return _show(await shell.api("GET", f"{_agent(shell, vmid)}/exec-status", {"pid": pid}), streams)


async def _guest_cmd(shell: NodeShell, options: Options, _rest: list[str], streams: Streams) -> int:
    """Give the agent a command."""
    vmid, command = options.words
    answer = await shell.api("POST", _agent(shell, vmid), {"command": command})
    return _show(answer["result"], streams)


async def _guest_passwd(shell: NodeShell, options: Options, _rest: list[str], streams: Streams) -> int:
    """Set a user's password, which comes in twice."""
    vmid, user = options.words
    lines = (await streams.read()).decode(errors="replace").splitlines()
    password, again = [*lines, "", ""][:2]
    streams.say("Enter new password: \nRetype new password: ")
    if password != again:
        raise ApiError("Passwords do not match.")
    values = {"username": user, "password": password, "crypted": options.values.get("crypted", "0")}
    await shell.api("POST", f"{_agent(shell, vmid)}/set-user-password", values)
    return 0


async def _terminal(shell: NodeShell, options: Options, _rest: list[str], streams: Streams) -> int:
    """Connect to a machine's serial port, which needs a terminal on this side as well."""
    vmid = options.words[0]
    guest = shell.datacenter.guest(int(vmid) if vmid.isdigit() else 0, "qemu", shell.node)
    wanted = options.values.get("iface")
    ports = [wanted] if wanted else [f"serial{number}" for number in range(4)]
    port = next((name for name in ports if guest.config.get(name) == "socket"), None)
    if wanted and wanted not in guest.config:
        raise ApiError(f"serial interface '{wanted}' is not configured")
    if port is None:
        raise ApiError(f"wrong serial type on interface '{wanted}'" if wanted else "unable to find a serial interface")
    if guest.status != "running":
        raise ApiError(f"VM {vmid} not running")
    streams.say(f"starting serial terminal on interface {port} (press Ctrl+O to exit)")
    streams.complain("socat[1] E tcgetattr(0, ...): Inappropriate ioctl for device")
    return 0


_FILE = {"user": string(optional=True), "group": string(optional=True), "perms": string(optional=True)}
_KEEP = {"keep-env": boolean(optional=True)}
_EXEC = {"synchronous": boolean(optional=True), "timeout": integer(optional=True), "pass-stdin": boolean(optional=True)}
_SERIAL = {"iface": string(optional=True), "escape": string(optional=True)}
_PCT: dict[str, tuple[Run, int, int | None, Mapping[str, Param]]] = {
    "exec": (_exec, 1, None, _KEEP), "enter": (_enter, 1, 1, _KEEP), "push": (_push, 3, 3, _FILE),
    "pull": (_pull, 3, 3, _FILE),
}  # fmt: skip
"""Command -> what it does, how many words it needs, how many it takes, and its options."""
_QM: dict[str, tuple[Run, int, int | None, Mapping[str, Param]]] = {
    "guest exec": (_guest_exec, 1, None, _EXEC), "guest exec-status": (_guest_status, 2, 2, {}),
    "guest cmd": (_guest_cmd, 2, 2, {}), "guest passwd": (_guest_passwd, 2, 2, {"crypted": boolean(optional=True)}),
    "terminal": (_terminal, 1, 1, _SERIAL),
}  # fmt: skip
_QM |= {"agent": _QM["guest cmd"]}


def _with_inside(tool: str, commands: Mapping[str, tuple[Run, int, int | None, Mapping[str, Param]]]) -> Program:
    """Add commands to a tool."""
    others = guest_tools.PROGRAMS[tool]

    async def run(shell: NodeShell, args: list[str], streams: Streams) -> int:
        name = next((" ".join(args[:count]) for count in (2, 1) if " ".join(args[:count]) in commands), None)
        if name is None:
            return await others(shell, args, streams)
        work, least, most, params = commands[name]
        try:
            options, rest = _read(args[len(name.split()) :], params, least, most)
            return await work(shell, options, rest, streams)
        except UsageError as error:
            streams.complain(f"{error}\n{tool} {name} [OPTIONS]")
            return FAILED
        except ApiError as refusal:
            return refused(shell, refusal, f"{tool} {name} [OPTIONS]", streams)

    return run


def _read(args: list[str], params: Mapping[str, Param], least: int, most: int | None) -> tuple[Options, list[str]]:
    """Return the options, and the words that stand after a lone `--`."""
    place = args.index("--") if "--" in args else len(args)
    options, rest = read_options(args[:place], params), args[place + 1 :]
    if len(options.words) < least:
        raise UsageError("400 not enough arguments")
    if most is not None and len(options.words) + len(rest) > most:
        raise UsageError("400 too many arguments")
    return options, rest


PROGRAMS: dict[str, Program] = {"pct": _with_inside("pct", _PCT), "qm": _with_inside("qm", _QM)}
