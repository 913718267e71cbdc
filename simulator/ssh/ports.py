"""The SSH ports of the simulated nodes: open from the start, served from the first connection on.

What serves them is loaded only then: half a second that a simulator without SSH clients never spends.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.daemon import SshAddress
from simulator.router import Router
from simulator.ssh.keys import KeyPair
from simulator.ssh.tree import Tree

if TYPE_CHECKING:
    import asyncssh


@dataclass(slots=True)
class SshPorts:
    """All SSH ports of a simulator."""

    home: Path
    router: Router
    _listeners: list[socket.socket] = field(default_factory=list)
    _waking: set[asyncio.Task[None]] = field(default_factory=set)
    _serving: list[asyncssh.SSHAcceptor] = field(default_factory=list)

    @property
    def client_key(self) -> KeyPair:
        """Return the key pair that may log in on every node."""
        return KeyPair.at(self.home / "ssh" / "id_ed25519")

    def open(self, listener: socket.socket, tree: Tree) -> dict[str, Any]:
        """Serve a node on a socket, and return how to reach it."""
        key = KeyPair.at(self.home / "ssh" / f"{tree.host.replace('/', '.')}.host_key")
        listener.settimeout(0)
        self._listeners.append(listener)
        loop = asyncio.get_running_loop()
        loop.add_reader(listener, self._first_connection, listener, tree, key)
        address, port = listener.getsockname()
        public = key.public.read_text(encoding="utf-8").rpartition(" ")[0]
        found = SshAddress(address=address, port=port, host_key=key.fingerprint(), public_key=public)
        return asdict(found)

    def _first_connection(self, listener: socket.socket, tree: Tree, key: KeyPair) -> None:
        asyncio.get_running_loop().remove_reader(listener)
        task = asyncio.create_task(self._serve(listener, tree, key))
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    async def _serve(self, listener: socket.socket, tree: Tree, key: KeyPair) -> None:
        host = await asyncio.to_thread(_load)
        self._serving.append(await host(tree, self.router, key, self.client_key).listen(listener))

    async def stop(self) -> None:
        """Close all ports and end what they serve."""
        for task in list(self._waking):
            task.cancel()
        for server in self._serving:
            server.close()
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            if listener.fileno() >= 0:
                loop.remove_reader(listener)
                listener.close()


def _load() -> Callable[..., Any]:
    from simulator.ssh.server import Host  # noqa: PLC0415 - only when somebody comes, see above

    return Host
