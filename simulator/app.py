"""Puts the simulator together: world, tasks, router, one HTTPS port per node, and the files in its home."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import secrets
import signal
import socket
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator import api, code  # noqa: F401 - `api` declares the routes
from simulator.backup.scheduler import BackupScheduler
from simulator.certificates import Certificates, write_private
from simulator.control import Control
from simulator.faults import Faults
from simulator.ha.manager import HaManager
from simulator.inside.plain import PlainInside
from simulator.live.guests import Guests
from simulator.nodes.power import PowerSwitch
from simulator.realm_sync import SyncScheduler
from simulator.replication import Replicator
from simulator.router import Router
from simulator.routing import ROUTES, RouteTree
from simulator.seeding import seed
from simulator.server import ApiServer, Handler, RequestLog
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.ports import SshPorts
from simulator.ssh.timers import Timers
from simulator.ssh.tree import Tree
from simulator.state import Datacenter, World
from simulator.store import STATE
from simulator.tasks import TaskRunner
from simulator.topology import Topology, host_of

_PORTS = range(20000, 32000)
_LOG = logging.getLogger(__name__)


class StartError(Exception):
    """The simulator cannot start; the text is one line."""


@dataclass(slots=True)
class Credentials:
    """Secrets made at the first start and kept in the home directory, readable for its owner only."""

    password: str
    control_key: str
    tokens: dict[str, str] = field(default_factory=dict)


def load_credentials(home: Path, topology: Topology) -> Credentials:
    """Read the secrets; make those that are not there yet."""
    path = home / "credentials.json"
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    tokens = {name: str(entry["secret"]) for name, entry in data.get("tokens", {}).items()}
    password = topology.password or data.get("password") or secrets.token_urlsafe(12)
    result = Credentials(str(password), str(data.get("control_key") or secrets.token_urlsafe(24)), tokens)
    for datacenter in topology.datacenters:
        result.tokens.setdefault(datacenter.name, str(uuid.uuid4()))
    written = {
        "user": "root@pam",
        "password": result.password,
        "control_key": result.control_key,
        "tokens": {name: {"id": "root@pam!labs", "secret": value} for name, value in result.tokens.items()},
    }
    if written != data:
        write_private(path, json.dumps(written, indent=2) + "\n")
    return result


class Simulator:
    """A running simulator."""

    def __init__(self, home: Path, topology: Topology) -> None:
        """Load the world from the home directory; a new one is filled from the topology."""
        self.home = home
        self.topology = topology
        self._code = code.version()
        self.credentials = load_credentials(home, topology)
        self.certificates = Certificates(home / "tls")
        self._context = self.certificates.server_context()
        self.world = World(home / STATE)
        self.world.inside = PlainInside
        self.world.fingerprint = self.certificates.fingerprint()
        for spec in topology.datacenters:
            self.world.add(spec.name)
            for node in spec.nodes:
                self.world.add(host_of(spec, node))
        seed(self.world, topology, self.credentials.password, self.credentials.tokens)
        self.world.check_has(host_of(spec, node) for spec in topology.datacenters for node in spec.nodes)
        self.tasks = TaskRunner(self.world)
        for datacenter in self.world.datacenters.values():
            self.tasks.actors += [
                PowerSwitch(self.world, datacenter, self.tasks),
                HaManager(self.world, datacenter, self.tasks),
                BackupScheduler(self.world, datacenter, self.tasks),
                Replicator(self.world, datacenter),
                SyncScheduler(self.world, datacenter, self.tasks),
            ]
        self.faults = Faults()
        self.log = RequestLog(home / "requests.jsonl")
        uploads = home / "uploads"
        uploads.mkdir(exist_ok=True)
        router = Router(self.world, self.tasks, RouteTree(ROUTES))
        self._server = ApiServer(router, self.faults, self.log, uploads, self.world.fingerprint)
        self._control = Control(self)
        self._ssh = SshPorts(home, router)
        self._guests = Guests(home, self.world, live=topology.live)
        self.tasks.actors += [self._timers(datacenter, router) for datacenter in self.world.datacenters.values()]
        self._runners: list[web.ServerRunner] = []

    def _timers(self, datacenter: Datacenter, router: Router) -> Timers:
        """Make what runs the timers of a datacenter's nodes."""

        def shell(node: str) -> NodeShell:
            from simulator.ssh.programs import PROGRAMS  # noqa: PLC0415 - a start without timers need not wait for it

            tree = Tree(self.world, datacenter.nodes[node].host, self.tasks)
            return NodeShell(tree=tree, router=router, programs=PROGRAMS, host=node)

        return Timers(self.world, datacenter, self.tasks, shell)

    def reset(self) -> None:
        """Begin again with what the topology says; addresses and secrets stay."""
        self.tasks.drop_all()
        self.faults.reset()
        self.world.clock.reset()
        with self.world.database.transaction():
            for table in self.world.tables():
                for key in table.keys():  # noqa: SIM118 - a table iterates over its records
                    table.delete(key)
        seed(self.world, self.topology, self.credentials.password, self.credentials.tokens)
        self._guests.reset()

    async def start(self) -> None:
        """Listen on every node's port and write down where."""
        await self._guests.start()
        ports = self._ports()
        connections: dict[str, Any] = {}
        for spec in self.topology.datacenters:
            urls: list[str] = []
            ssh: dict[str, Any] = {}
            for node in spec.nodes:
                key = host_of(spec, node)
                ports[key] = await self._listen(self._server.handler(key), key, ports.get(key))
                self.world.endpoints[f"127.0.0.1:{ports[key]}"] = key
                urls.append(f"https://127.0.0.1:{ports[key]}")
                listener = self._listener(f"{key} (SSH)", ports.get(f"{key}/ssh"))
                ports[f"{key}/ssh"] = listener.getsockname()[1]
                ssh[node.name] = self._ssh.open(listener, Tree(self.world, key, self.tasks))
            connections[spec.name] = {"endpoints": urls, "ssh": ssh}
        (self.home / "ports.json").write_text(json.dumps(ports, indent=2) + "\n", encoding="utf-8")
        first = next(iter(connections.values()))["endpoints"][0]
        written = {
            "pid": os.getpid(),
            "topology": self.topology.name,
            "code": self._code,
            "control": f"{first}/_sim",
            "ca_file": str(self.certificates.ca_file),
            "ssh_key": str(self._ssh.client_key.private),
            "guests": self._guests.kind,
            "login": self.topology.login,
            "connections": connections,
        }
        write_private(self.home / "simulator.json", json.dumps(written, indent=2) + "\n")
        self.tasks.run_due()

    def _ports(self) -> dict[str, int]:
        path = self.home / "ports.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    async def _listen(self, handler: Handler, key: str, port: int | None) -> int:
        """Serve a node's API on its port."""
        runner = web.ServerRunner(web.Server(self._control.wrap(handler), access_log=None, keepalive_timeout=5.0))
        await runner.setup()
        self._runners.append(runner)
        listener = self._listener(key, port)
        await web.SockSite(runner, listener, ssl_context=self._context).start()
        return int(listener.getsockname()[1])

    def _listener(self, key: str, port: int | None) -> socket.socket:
        """Open a port; at the first start choose one that is free."""
        for candidate in [port] if port is not None else random.sample(_PORTS, 50):
            try:
                return socket.create_server(("127.0.0.1", candidate), backlog=512)
            except OSError:
                continue
        place = self.home / "ports.json"
        raise StartError(f"port {port} of {key} is in use by another program; free it, or delete {place} for new ports")

    async def stop(self) -> None:
        """Close everything."""
        await self._guests.stop()
        await self._ssh.stop()
        for runner in self._runners:
            await runner.cleanup()
        self.log.close()
        self.world.database.close()
        (self.home / "simulator.json").unlink(missing_ok=True)


async def serve(home: Path, topology: Topology) -> None:
    """Run a simulator until it is told to stop by a signal."""
    simulator = Simulator(home, topology)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await simulator.start()
        _LOG.info("simulator of %s is ready", topology.name)
        await stopped.wait()
    finally:
        await simulator.stop()
