"""The SSH server of a simulated node: who may log in, and what a session runs."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NoReturn

import asyncssh

from simulator.router import Router
from simulator.ssh.keys import KeyPair
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.programs import PROGRAMS
from simulator.ssh.sftp import SftpFiles
from simulator.ssh.shell import Exit, Streams
from simulator.ssh.streams import Input
from simulator.ssh.syntax import is_complete
from simulator.ssh.tree import Tree
from simulator.tickets import verify_password

_LOG = logging.getLogger(__name__)
_AUTHORIZED = "/root/.ssh/authorized_keys"
_USER, _REALM_USER = "root", "root@pam"
_LOGIN_SECONDS = 30
_PART = 1 << 16


@dataclass(frozen=True, slots=True)
class Host:
    """A node as its SSH server needs it."""

    tree: Tree
    router: Router
    host_key: KeyPair
    client_key: KeyPair
    connections: dict[asyncssh.SSHServerConnection, float] = field(default_factory=dict)
    """The connections, with when the node had been started as they were made."""

    @property
    def online(self) -> bool:
        """Tell whether the node answers."""
        return self.tree.datacenter.nodes[self.tree.node].reachable

    async def watch(self) -> None:
        """End all connections when the node goes down, is cut off or started again; runs as long as there are any."""
        while self.connections:
            node = self.tree.datacenter.nodes.get(self.tree.node)
            for connection, started in list(self.connections.items()):
                if node is None or not node.reachable or node.started != started:
                    self.connections.pop(connection, None)
                    connection.abort()
            await self.tree.changed()

    async def listen(self, listener: socket.socket) -> asyncssh.SSHAcceptor:
        """Serve the connections of a socket that listens."""
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
        return await asyncssh.listen(
            sock=listener, server_factory=lambda: _Login(self), process_factory=self._session,
            sftp_factory=lambda channel: SftpFiles(channel, self.tree, lambda: self.online),
            server_host_keys=[str(self.host_key.private)], encoding=None, allow_scp=True, line_editor=False,
            login_timeout=_LOGIN_SECONDS, x11_forwarding=False, agent_forwarding=False, gss_host=None,
            server_version="OpenSSH_10.0p2 Debian-7",
        )  # fmt: skip

    async def _session(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Run a command, or a shell; one whose client goes away ends as well."""
        work = asyncio.create_task(self._run(process))
        closed = asyncio.create_task(process.wait_closed())
        await asyncio.wait({work, closed}, return_when=asyncio.FIRST_COMPLETED)
        closed.cancel()
        if not work.done():
            work.cancel()
            return
        if work.exception() is not None:
            _LOG.error("%s failed inside the simulator", process.command, exc_info=work.exception())
        process.exit(1 if work.exception() is not None else work.result())

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> int:
        if not self.online:
            process.channel.get_connection().abort()
            return 1
        given = {name: value for name, value in _environment(process).items() if re.fullmatch(r"LANG|LC_\w+", name)}
        given |= _connection(process)
        shell = NodeShell(
            tree=self.tree, router=self.router, programs=PROGRAMS, host=self.tree.node, variables=given,
            exported=set(given),
        )  # fmt: skip
        streams = Streams(Input(_source(process)), process.stdout.write, process.stderr.write)
        try:
            if process.command is not None:
                return await shell.run(process.command, streams)
            return await self._interactive(process, shell, streams)
        except Exit as ended:
            return ended.code

    async def _interactive(
        self, process: asyncssh.SSHServerProcess[bytes], shell: NodeShell, streams: Streams
    ) -> int:  # fmt: skip
        """Run command after command as they come in; on a terminal with a prompt."""
        terminal = process.term_type is not None
        while self.online:
            process.stdout.write(f"root@{shell.node}:~# ".encode() if terminal else b"")
            text = (await streams.input.line()).decode(errors="replace")
            if not text:
                break
            while not is_complete(text) and (more := await streams.input.line()):
                text += more.decode(errors="replace")
            await shell.run(text, streams)
        return shell.status


def _connection(process: asyncssh.SSHServerProcess[bytes]) -> dict[str, str]:
    """Return what sshd tells of the connection: the addresses and ports of client and server."""
    (client, port), (server, own) = (process.get_extra_info(name)[:2] for name in ("peername", "sockname"))
    return {"SSH_CLIENT": f"{client} {port} {own}", "SSH_CONNECTION": f"{client} {port} {server} {own}"}


def _environment(process: asyncssh.SSHServerProcess[bytes]) -> dict[str, str]:
    """Return the variables that a client has sent."""
    pairs = process.channel.get_environment_bytes().items()
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in pairs}


def _source(process: asyncssh.SSHServerProcess[bytes]) -> Callable[[], Awaitable[bytes]]:
    """Return what reads the next part of what a client sends; a key that interrupts ends it."""

    async def read() -> bytes:
        while True:
            try:
                return await process.stdin.read(_PART)
            except asyncssh.TerminalSizeChanged:
                continue
            except (asyncssh.BreakReceived, asyncssh.SignalReceived):
                return b""

    return read


class _Login(asyncssh.SSHServer):
    """Lets root in, with the password of root@pam or with a key."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None
        self._watching: asyncio.Task[None] | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Answer nobody while the node is down or cut off."""
        if not self._host.online:
            conn.abort()
            return
        self._connection = conn
        self._host.connections[conn] = self._host.tree.datacenter.nodes[self._host.tree.node].started
        if len(self._host.connections) == 1:
            self._watching = asyncio.get_running_loop().create_task(self._host.watch())

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget a connection that has ended."""
        if self._connection is not None:
            self._host.connections.pop(self._connection, None)

    def connection_requested(self, _host: str, _port: int, _orig_host: str, _orig_port: int) -> NoReturn:
        """Refuse to forward a port: nothing is behind it."""
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")

    def begin_auth(self, username: str) -> bool:
        """Ask everybody to prove who they are."""
        return username is not None

    def password_auth_supported(self) -> bool:
        """Allow passwords."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Check the password of root@pam."""
        user = self._host.tree.datacenter.users.get(_REALM_USER)
        return username == _USER and user is not None and verify_password(password, user.password)

    def public_key_auth_supported(self) -> bool:
        """Allow keys."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Check a key against the client's own, and against root's authorized keys on the node."""
        known = self._host.client_key.public.read_text(encoding="utf-8")
        if self._host.tree.exists(_AUTHORIZED):
            known += "\n" + self._host.tree.read(_AUTHORIZED).decode(errors="replace")
        data = key.export_public_key("openssh").split()[1].decode()
        return username == _USER and any(data in line.split() for line in known.splitlines() if line[:1] != "#")
