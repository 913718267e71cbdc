"""`/nodes/{node}/qemu/{vmid}/agent`: running programs, reading and writing files, and passwords inside a machine."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from simulator.api.qemu import GUEST
from simulator.api.qemu_agent import ANY, ready
from simulator.errors import ApiError
from simulator.inside.agent import Machine, disabled
from simulator.inside.plain import execute, knows, power, shell_of, tree_of
from simulator.inside.programs import set_password
from simulator.records import AgentProcess
from simulator.routing import Call, route
from simulator.schema import array, boolean, integer, string

_MAX_OUTPUT = _MAX_READ = 16 << 20
_BASE = "/nodes/{node}/qemu/{vmid}/agent"
_ONLY_ANY = ["perm", "/vms/{vmid}", [ANY]]


def _agent(call: Call, command: str) -> Machine:
    """Return a machine whose agent takes a command, or refuse."""
    machine = ready(call)
    refusal = disabled(machine, command)
    if refusal is not None:
        raise _refused(refusal)
    return machine


def _refused(text: str) -> ApiError:
    return ApiError(f"Agent error: {text}")


def _bytes(text: str) -> bytes:
    """Return the bytes of a text as Perl takes them: one a character, so there is none beyond ÿ."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        place = "/usr/share/perl5/PVE/API2/Qemu/Agent.pm"
        raise ApiError(f"Wide character in subroutine entry at {place} line 553.") from None


@route(
    "POST",
    f"{_BASE}/exec",
    params={**GUEST, "command": array(string()), "input-data": string(max_length=65536, optional=True)},
    check=_ONLY_ANY,
    protected=True,
    proxyto="node",
)
def run_program(call: Call) -> dict[str, int]:
    """Start a program and return its process id; what it prints waits for `exec-status`."""
    argv = call.listing("command") or [""]
    machine = _agent(call, "exec")
    shell = shell_of(call.datacenter, machine.guest, call.now)
    if not knows(shell, argv[0]):
        reason = f"Failed to execute child process \u201c{argv[0]}\u201d (No such file or directory)"
        raise _refused(f"Guest agent command failed, error was '{reason}'")
    finished = execute(shell, argv, _bytes(call.text("input-data")))
    agent = machine.agent
    process = AgentProcess(
        ends=call.now + (0.0 if call.world.clock.mode == "immediate" else shell.session.seconds), code=finished.code,
        out=base64.b64encode(finished.out).decode(), error=base64.b64encode(finished.error).decode(),
    )  # fmt: skip
    pid = agent.last_pid + 1
    call.datacenter.agents.put(replace(agent, last_pid=pid, processes={**agent.processes, str(pid): process}))
    power(call.datacenter, machine.guest, shell.session.power, call.now)
    return {"pid": pid}


@route(
    "GET", f"{_BASE}/exec-status", params={**GUEST, "pid": integer()}, check=_ONLY_ANY, protected=True, proxyto="node",
)  # fmt: skip
def program_status(call: Call) -> dict[str, Any]:
    """Tell whether a program has ended; its output is given out once."""
    machine = _agent(call, "exec-status")
    agent, pid = machine.agent, str(call.integer("pid"))
    process = agent.processes.get(pid)
    if process is None:
        raise _refused("Invalid parameter 'pid'")
    if process.ends > call.now:
        return {"exited": 0}
    left = {key: other for key, other in agent.processes.items() if key != pid}
    call.datacenter.agents.put(replace(agent, processes=left))
    result: dict[str, Any] = {"exited": 1, "exitcode": process.code}
    for name, text in (("out", process.out), ("err", process.error)):
        data = base64.b64decode(text)
        if data:
            result[f"{name}-data"] = data[:_MAX_OUTPUT].decode("latin-1")
        if len(data) > _MAX_OUTPUT:
            result[f"{name}-truncated"] = 1
    return result


@route(
    "GET",
    f"{_BASE}/file-read",
    params={
        **GUEST,
        "count": integer(minimum=1, maximum=_MAX_READ, optional=True),
        "decode": boolean(optional=True),
        "file": string(),
        "offset": integer(minimum=0, optional=True),
    },
    check=["perm", "/vms/{vmid}", ["VM.GuestAgent.FileRead", ANY], "any", 1],
    protected=True,
    proxyto="node",
)
def read_file(call: Call) -> dict[str, Any]:
    """Read a file."""
    machine = _agent(call, "file-open")
    path, offset, count = call.text("file"), call.integer("offset"), call.integer("count", _MAX_READ)
    try:
        data = tree_of(call.datacenter, machine.guest, call.now).read(path)
    except OSError as error:
        raise _refused(f"failed to open file '{path}' (mode: 'r'): {error.strerror}") from None
    part = data[offset : offset + count]
    content = part.decode("latin-1") if call.flag("decode", default=True) else base64.b64encode(part).decode()
    result: dict[str, Any] = {"content": content, "bytes-read": len(part)}
    return result | ({"truncated": 1} if offset + count < len(data) else {})


@route(
    "POST",
    f"{_BASE}/file-write",
    params={
        **GUEST,
        "content": string(max_length=61440),
        "encode": boolean(optional=True),
        "file": string(),
    },
    check=["perm", "/vms/{vmid}", ["VM.GuestAgent.FileWrite", ANY], "any", 1],
    protected=True,
    proxyto="node",
)
def write_file(call: Call) -> None:
    """Write a file, given as it is or (with `encode=0`) as base64."""
    machine = _agent(call, "file-open")
    path, content = call.text("file"), call.text("content")
    try:
        data = _bytes(content) if call.flag("encode", default=True) else base64.b64decode(content, validate=True)
    except binascii.Error:
        raise _refused(f"Base64 data '{content}' is not valid") from None
    try:
        tree_of(call.datacenter, machine.guest, call.now).write(path, data)
    except OSError as error:
        raise _refused(f"failed to open file '{path}' (mode: 'wb'): {error.strerror}") from None


@route(
    "POST",
    f"{_BASE}/set-user-password",
    params={
        **GUEST,
        "crypted": boolean(optional=True),
        "password": string(min_length=5, max_length=1024),
        "username": string(),
    },
    check=_ONLY_ANY,
    protected=True,
    proxyto="node",
)
def set_user_password(call: Call) -> dict[str, Any]:
    """Set the password of one of the machine's own users."""
    machine = _agent(call, "set-user-password")
    shell = shell_of(call.datacenter, machine.guest, call.now)
    if not set_password(shell, call.text("username"), call.text("password"), crypted=call.flag("crypted")):
        raise _refused("child process has failed to set user password")
    return {"result": {}}
