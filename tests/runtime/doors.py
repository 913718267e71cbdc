"""Ways to a simulator for tests of the runtime: clients that are closed again, and what stands between."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from providers._runtime.api import Api
from providers._runtime.client import Client
from providers._runtime.connection import Connection
from providers._runtime.facts import Facts
from providers._runtime.ownership import Owner
from tests.conftest import Simulator

OWNER = Owner("labs/test", "0123456789ab")


def connection_to(simulator: Simulator, **changes: Any) -> Connection:
    """The first connection of a simulator, with some of its values changed; None takes one out."""
    simulated = next(iter(simulator.running.connections.values()))
    values: dict[str, Any] = {
        "endpoints": simulated.endpoints,
        "token_id": simulated.token_id,
        "token_secret": simulated.token_secret,
        "ca_file": simulated.ca_file,
        **changes,
    }
    return Connection.model_validate({name: value for name, value in values.items() if value is not None})


def access_to(simulator: Simulator, **changes: Any) -> dict[str, Any]:
    """How to log in to a simulator's nodes, with some of it changed; None takes one out."""
    simulated = next(iter(simulator.running.connections.values()))
    hosts = {
        node: {"address": host.address, "port": host.port, "host_key": host.public_key}
        for node, host in simulated.ssh.items()
    }
    values = {"private_key_file": simulated.ssh_key, "hosts": hosts, **changes}
    return {name: value for name, value in values.items() if value is not None}


def password_of(simulator: Simulator) -> str:
    """The password of the simulator's root@pam."""
    return str(json.loads((simulator.running.home / "credentials.json").read_text())["password"])


def login_to(simulator: Simulator, **changes: Any) -> Connection:
    """The same, with user name and password."""
    login = {"username": "root@pam", "password": password_of(simulator), "token_id": None, "token_secret": None}
    return connection_to(simulator, **{**login, **changes})


@contextmanager
def opened(connection: Connection, parallel: int = 4) -> Iterator[Client]:
    """A client whose sockets are closed at the end."""
    client = Client("lab", connection, parallel)
    try:
        yield client
    finally:
        client._session.close()


def soon(seconds: float = 20.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds


@dataclass
class Call(Api):
    """An API that keeps what was said."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)


def call_on(client: Client, seconds: float = 20.0, owner: Owner = OWNER) -> Call:
    """What a handler works with."""
    call = Call(client=client, facts=Facts(client), owner=owner, deadline=soon(seconds))
    call.say, call.warn = call.said.append, call.warned.append
    return call


def requests_on(simulator: Simulator, path: str, method: str = "GET") -> int:
    """How many such requests the simulator has seen."""
    return sum((row["method"], row["path"]) == (method, f"/api2/json{path}") for row in simulator.requests())


def at_once(count: int, work: Callable[[], object]) -> None:
    """Do the same in several threads; fails where one of them does."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def dead_endpoint() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"https://127.0.0.1:{server.getsockname()[1]}"


@dataclass
class Proxy:
    """Passes bytes on to a simulator and counts the connections."""

    endpoint: str
    connections: int = 0


@contextmanager
def counting(endpoint: str) -> Iterator[Proxy]:
    """A proxy before an endpoint."""
    target = ("127.0.0.1", int(endpoint.rpartition(":")[2]))
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        proxy = Proxy(f"https://127.0.0.1:{server.getsockname()[1]}")
        open_sockets: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def start(target: Any, *args: Any) -> None:
            threads.append(threading.Thread(target=target, args=args))
            threads[-1].start()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    proxy.connections += 1
                    upstream = socket.create_connection(target)
                    open_sockets.extend((client, upstream))
                    start(_pump, client, upstream)
                    start(_pump, upstream, client)

        start(accept)
        try:
            yield proxy
        finally:
            server.shutdown(socket.SHUT_RDWR)
            threads[0].join()
            for each in open_sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            for each in open_sockets:
                each.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on until one side ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def silent() -> Iterator[str]:
    """An endpoint that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
