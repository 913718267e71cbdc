"""The one door to the nodes over SSH, for what the API can't do: commands, and files by SFTP.

One connection a node, shared by all threads, opened when it is first needed; the node's host key is pinned. A secret
goes in by a command's input, never on its command line, which every user of the node can read.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shlex
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import paramiko

from providers._runtime.command import Finished
from providers._runtime.connection import Connection, SshAccess, SshHost
from providers._runtime.errors import (
    CommandFailed,
    ConfigProblem,
    LoginRefused,
    NotTrusted,
    TookTooLong,
    Unanswered,
    Unreachable,
)

SESSIONS = 8
"""Commands and transfers at once on one connection; sshd allows ten."""
CONNECT_TIMEOUT = 15.0
KEEPALIVE = 15
CHUNK = 256 << 10
NO_STATUS = -1
"""What paramiko says of a command that ended without a word: killed, or the connection was."""
MOMENT = 1.0
NO_INPUT = " </dev/null"
"""Instead of telling the node that there is no more input: a command that is through by then has closed the channel,
and paramiko may tell it all the same, for which sshd ends the whole connection."""

Result = TypeVar("Result")


class _Pinned(paramiko.MissingHostKeyPolicy):
    """Takes the pinned key and no other."""

    def __init__(self, node: str, host: SshHost) -> None:
        self._node, self._host = node, host

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """No key is known beforehand, so that paramiko asks for each."""
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        pinned = self._host.host_key
        if pinned.rstrip("=") != f"SHA256:{digest}" and pinned.split()[1:2] != [key.get_base64()]:
            raise NotTrusted(
                f"SSH on {self._node} ({hostname}) shows a host key that is not the pinned one: SHA256:{digest}; if "
                f"the node was installed anew, set ssh.hosts.{self._node}.host_key"
            )


class Ssh:
    """All SSH of this process to the nodes of one connection."""

    def __init__(self, name: str, connection: Connection) -> None:
        self._name, self._access = name, connection.ssh
        self._guard = threading.Lock()
        self._nodes: dict[str, _Node] = {}

    @property
    def available(self) -> bool:
        """Whether the connection says how to log in."""
        return self._access is not None

    def reaches(self, node: str) -> bool:
        """Whether the connection says how to log in to that node."""
        return self._access is not None and node in self._access.hosts

    def run(self, node: str, command: Sequence[str], stdin: bytes = b"", *, deadline: float) -> Finished:
        """A command, whatever its end; the words are quoted."""
        with self._node(node).session(deadline) as client:
            channel = _transport(client).open_session(timeout=_left(deadline))
            with channel:
                channel.settimeout(_left(deadline))
                channel.exec_command(shlex.join(command) + ("" if stdin else NO_INPUT))
                return _communicate(channel, stdin, deadline)

    def check(self, node: str, command: Sequence[str], stdin: bytes = b"", *, deadline: float) -> bytes:
        """What a command prints; raises CommandFailed where it does not succeed."""
        done = self.run(node, command, stdin, deadline=deadline)
        if done.code:
            raise CommandFailed(f"`{command[0]}` on {node}", done.code, done.error or done.out)
        return done.out

    def read(self, node: str, path: str, *, deadline: float) -> bytes | None:
        """A file, or None if there is none."""

        def get(sftp: paramiko.SFTPClient) -> bytes | None:
            try:
                with sftp.open(path, "rb") as file:
                    file.prefetch()
                    return file.read()
            except FileNotFoundError:
                return None

        return self._by_sftp(node, get, deadline)

    def write(self, node: str, path: str, data: bytes, mode: int = 0o644, *, deadline: float) -> None:
        """A file, whole or not at all: written beside its place and then moved there."""
        folder, _, name = path.rpartition("/")
        beside = f"{folder}/.{name}.{uuid.uuid4().hex[:8]}"

        def put(sftp: paramiko.SFTPClient) -> None:
            try:
                with sftp.open(beside, "wb") as file:
                    file.chmod(mode)
                    file.set_pipelined(pipelined=True)
                    for start in range(0, len(data), CHUNK):
                        file.write(data[start : start + CHUNK])
                sftp.posix_rename(beside, path)
            except OSError:
                _remove(sftp, beside)
                raise

        self._by_sftp(node, put, deadline)

    def remove(self, node: str, path: str, *, deadline: float) -> None:
        """Remove a file; one that is gone already is no error."""
        self._by_sftp(node, lambda sftp: _remove(sftp, path), deadline)

    def close(self) -> None:
        """Close all connections; the next use makes new ones."""
        for node in list(self._nodes):
            self.drop(node)

    def drop(self, node: str) -> None:
        """Close the connection to a node, which may be dead without anybody having noticed."""
        with self._guard:
            known = self._nodes.pop(node, None)
        if known is not None:
            known.close()

    def _by_sftp(self, node: str, work: Callable[[paramiko.SFTPClient], Result], deadline: float) -> Result:
        with self._node(node).session(deadline) as client, client.open_sftp() as sftp:
            channel = sftp.get_channel()
            if channel is not None:
                channel.settimeout(_left(deadline))
            try:
                return work(sftp)
            except (FileNotFoundError, PermissionError) as error:
                raise CommandFailed(f"SFTP on {node}", 1, str(error).encode()) from None

    def _node(self, node: str) -> _Node:
        if self._access is None:
            raise ConfigProblem(
                f"connection {self._name!r} has no `ssh`, and this needs it: the API has no way to do it on {node}"
            )
        host = self._access.hosts.get(node)
        if host is None:
            known = ", ".join(sorted(self._access.hosts))
            raise ConfigProblem(f"connection {self._name!r}: ssh.hosts has no {node!r}; it has {known}")
        with self._guard:
            return self._nodes.setdefault(node, _Node(node, self._access, host))


class _Node:
    """The connection to one node."""

    def __init__(self, name: str, access: SshAccess, host: SshHost) -> None:
        self._name, self._access, self._host = name, access, host
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(SESSIONS)
        self._client: paramiko.SSHClient | None = None

    @contextmanager
    def session(self, deadline: float) -> Iterator[paramiko.SSHClient]:
        """The connection, with room for one more session; its errors in our words."""
        if not self._room.acquire(timeout=_left(deadline)):
            raise TookTooLong(f"the time for this operation is over, waiting for others on {self._name} (SSH)")
        try:
            yield self._connected()
        except TimeoutError:
            raise TookTooLong(f"the time for this operation is over, waiting for {self._name} (SSH)") from None
        except (paramiko.SSHException, EOFError, ConnectionError) as error:
            raise Unanswered(f"SSH to {self._name} broke off: {error or 'the connection was closed'}") from None
        finally:
            self._room.release()

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _connected(self) -> paramiko.SSHClient:
        with self._lock:
            transport = self._client.get_transport() if self._client else None
            if self._client is None or transport is None or not transport.is_active():
                self._client = self._connect()
            return self._client

    def _connect(self) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Pinned(self._name, self._host))
        password = self._access.password
        try:
            client.connect(
                self._host.address, self._host.port, self._access.username,
                password=password.get_secret_value() if password else None, pkey=self._key(),
                allow_agent=False, look_for_keys=False, timeout=CONNECT_TIMEOUT, banner_timeout=CONNECT_TIMEOUT,
                auth_timeout=CONNECT_TIMEOUT,
            )  # fmt: skip
        except paramiko.AuthenticationException:
            client.close()
            raise LoginRefused(f"SSH on {self._name} refused the login of {self._access.username}") from None
        except NotTrusted:
            client.close()
            raise
        except (OSError, EOFError, paramiko.SSHException) as error:
            client.close()
            where = f"{self._host.address}:{self._host.port}"
            raise Unreachable(f"SSH on {self._name} ({where}) can't be reached: {error}") from None
        _transport(client).set_keepalive(KEEPALIVE)
        return client

    def _key(self) -> paramiko.PKey | None:
        file, text = self._access.private_key_file, self._access.private_key
        try:
            if file is not None:
                return paramiko.PKey.from_path(file)
            return _key_of(text.get_secret_value()) if text else None
        except (paramiko.SSHException, ValueError) as error:
            raise ConfigProblem(f"ssh.private_key can't be used: {error}") from None


def _key_of(text: str) -> paramiko.PKey:
    """A private key from its text; paramiko wants to know its kind beforehand."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text.strip() + "\n"))
        except paramiko.PasswordRequiredException:
            raise
        except (paramiko.SSHException, ValueError):
            continue
    raise paramiko.SSHException("it is no Ed25519, ECDSA or RSA key")


def _communicate(channel: paramiko.Channel, stdin: bytes, deadline: float) -> Finished:
    """Send the input and read both outputs at once, so that neither side waits for the other."""
    parts: dict[str, bytes] = {}

    def read(name: str, receive: Callable[[int], bytes]) -> None:
        chunks = []
        try:
            while chunk := receive(CHUNK):
                chunks.append(chunk)
        except TimeoutError:
            return
        parts[name] = b"".join(chunks)

    readers = [
        threading.Thread(target=read, args=args, daemon=True)
        for args in (("out", channel.recv), ("error", channel.recv_stderr))
    ]
    for reader in readers:
        reader.start()
    if stdin:
        channel.sendall(stdin)
        channel.shutdown_write()
    for reader in readers:
        reader.join()
    if len(parts) < len(readers) or not channel.status_event.wait(_left(deadline)):
        raise TimeoutError
    code = channel.recv_exit_status()
    if code == NO_STATUS and _has_ended(channel.get_transport()):
        raise EOFError
    return Finished(code, parts["out"], parts["error"])


def _has_ended(transport: paramiko.Transport) -> bool:
    """Whether the connection is over; it says so a moment after its channels are closed."""
    transport.join(MOMENT)
    return not transport.is_active()


def _remove(sftp: paramiko.SFTPClient, path: str) -> None:
    try:
        sftp.remove(path)
    except FileNotFoundError:
        return


def _transport(client: paramiko.SSHClient) -> paramiko.Transport:
    transport = client.get_transport()
    if transport is None:
        raise EOFError
    return transport


def _left(deadline: float) -> float:
    """Seconds that are left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TookTooLong("the time for this operation is over, before SSH")
    return left
