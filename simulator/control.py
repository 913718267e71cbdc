"""The control plane, `/_sim/...`: what no Proxmox has, for tests and demonstrations.

Every call needs the header `X-Sim-Key`. Bodies and answers are JSON. It is served on every node's port, also
while that node is down.

    GET    /_sim/state                 canonical dump without tasks, times and counters
    POST   /_sim/reset                 begin again with what the topology says
    POST   /_sim/seed                  {"datacenter", "table", "records": [...]}: put records as they are
    GET    /_sim/clock                 POST {"mode": "immediate|timed|held", "speed": 1.0, "advance": seconds,
                                "task_seconds": 0.2}
    GET    /_sim/faults                DELETE; POST {"action": "fail|delay|drop", "method", "path", "node",
                                       "nth", "count", "status", "reason", "seconds"} (patterns match in full)
    POST   /_sim/task-faults           {"type", "text", "count", "id"}
    POST   /_sim/release               {"upid"}: run one held task to its end
    POST   /_sim/nodes                 {"datacenter", "node", "online"}
    POST   /_sim/partition             {"datacenter", "groups": [["pve1"], ["pve2", "pve3"]]}: nodes hear their own
                                       group only, the unnamed ones each other; no groups: all hear all
    POST   /_sim/maintenance           {"datacenter", "node", "maintenance": true or false}
    POST   /_sim/storages              {"datacenter", "storage", "node", "free": bytes}
    POST   /_sim/guests                {"datacenter", "vmid", "lock": "backup" or null}
    POST   /_sim/locks                 {"path", "held": true or false}: hold a lock file
    GET    /_sim/requests              DELETE
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.clock import MODES
from simulator.dump import dump
from simulator.guests.facts import is_shared, storage_usage
from simulator.ha.state import command
from simulator.nodes.power import switch_off, switch_on
from simulator.records import Capacity
from simulator.state import Datacenter
from simulator.store import decode
from simulator.tasks import TaskFault

if TYPE_CHECKING:
    from simulator.app import Simulator
    from simulator.server import Handler

Command = Callable[[dict[str, Any]], Any]


class Control:
    """Answers the control plane's calls."""

    def __init__(self, simulator: Simulator) -> None:
        """Control this simulator."""
        self._simulator = simulator
        self._commands: dict[tuple[str, str], Command] = {
            ("GET", "ping"): lambda _: {"pid": os.getpid(), "topology": simulator.topology.name},
            ("GET", "state"): lambda _: dump(simulator.world),
            ("POST", "reset"): lambda _: simulator.reset(),
            ("POST", "seed"): self._seed,
            ("GET", "clock"): lambda _: self._clock_state(),
            ("POST", "clock"): self._set_clock,
            ("GET", "faults"): lambda _: simulator.faults.listing(),
            ("POST", "faults"): lambda body: {"id": simulator.faults.order(**body).id},
            ("DELETE", "faults"): lambda _: self._clear_faults(),
            ("POST", "task-faults"): lambda body: simulator.tasks.faults.append(TaskFault(**body)),
            ("POST", "release"): lambda body: {"released": simulator.tasks.finish(str(body["upid"]))},
            ("POST", "nodes"): self._set_node,
            ("POST", "partition"): self._set_partition,
            ("POST", "maintenance"): self._set_maintenance,
            ("POST", "storages"): self._set_storage,
            ("POST", "guests"): self._set_guest,
            ("POST", "locks"): self._set_lock,
            ("GET", "requests"): lambda _: simulator.log.entries(),
            ("DELETE", "requests"): lambda _: simulator.log.clear(),
        }

    def wrap(self, handler: Handler) -> Handler:
        """Return a handler that answers `/_sim/...` itself and hands everything else on."""

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            if request.path.startswith("/_sim/"):
                return await self._answer(request)
            return await handler(request)

        return handle

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        key = request.headers.get("X-Sim-Key", "")
        if not hmac.compare_digest(key.encode(), self._simulator.credentials.control_key.encode()):
            return web.json_response({"error": "the header X-Sim-Key is missing or wrong"}, status=403)
        command = self._commands.get((request.method, request.path.removeprefix("/_sim/")))
        if command is None:
            known = sorted(f"{method} /_sim/{name}" for method, name in self._commands)
            return web.json_response({"error": f"no such command; known are {', '.join(known)}"}, status=404)
        try:
            body = json.loads(await request.read() or "{}")
            return web.json_response({"data": command(body)})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    def _datacenter(self, body: dict[str, Any]) -> Datacenter:
        datacenters = self._simulator.world.datacenters
        inhabited = [datacenter for datacenter in datacenters.values() if datacenter.nodes]
        if "datacenter" not in body and len(inhabited) == 1:
            return inhabited[0]
        return datacenters[body["datacenter"]]

    def _seed(self, body: dict[str, Any]) -> None:
        table = getattr(self._datacenter(body), body["table"])
        with self._simulator.world.database.transaction():
            for record in body["records"]:
                table.put(decode(table.record_type, json.dumps(record)))

    def _clock_state(self) -> dict[str, Any]:
        clock = self._simulator.world.clock
        return {"mode": clock.mode, "speed": clock.speed, "now": clock.now(), "task_seconds": clock.task_seconds}

    def _set_clock(self, body: dict[str, Any]) -> dict[str, Any]:
        clock = self._simulator.world.clock
        if "mode" in body or "speed" in body:
            mode, speed = str(body.get("mode", clock.mode)), float(body.get("speed", clock.speed))
            if mode not in MODES or speed <= 0:
                raise ValueError(f"mode must be one of {', '.join(MODES)}, speed positive")
            clock.set_mode(mode, speed)
        if "task_seconds" in body:
            clock.task_seconds = None if body["task_seconds"] is None else float(body["task_seconds"])
        if "advance" in body:
            clock.advance(float(body["advance"]))
        self._simulator.tasks.run_due(released="advance" in body)
        return self._clock_state()

    def _clear_faults(self) -> None:
        self._simulator.faults.ordered.clear()
        self._simulator.tasks.faults.clear()

    def _set_node(self, body: dict[str, Any]) -> None:
        """Cut a node's power, or switch it on."""
        datacenter, world = self._datacenter(body), self._simulator.world
        node, online = datacenter.nodes[body["node"]], bool(body["online"])
        if node.online == online:
            return
        with world.database.transaction():
            if online:
                switch_on(datacenter, node.name, world.clock.now())
            else:
                switch_off(datacenter, self._simulator.tasks, node.name, world.clock.now())
        self._simulator.tasks.run_due()

    def _set_partition(self, body: dict[str, Any]) -> None:
        """Cut the network between nodes into parts, or mend it."""
        datacenter, world = self._datacenter(body), self._simulator.world
        sides = {str(name): number for number, group in enumerate(body["groups"], 1) for name in group}
        unknown = [name for name in sides if name not in datacenter.nodes]
        if unknown:
            raise KeyError(unknown[0])
        with world.database.transaction():
            for node in datacenter.nodes:
                side = sides.get(node.name, 0)
                if side != node.side:
                    datacenter.nodes.put(replace(node, side=side, moved=world.clock.now()))
        self._simulator.tasks.run_due()

    def _set_maintenance(self, body: dict[str, Any]) -> None:
        """Ask the HA manager to take a node out of service or back, as `ha-manager crm-command` does."""
        datacenter = self._datacenter(body)
        node, word = datacenter.nodes[body["node"]], "enable" if body["maintenance"] else "disable"
        with self._simulator.world.database.transaction():
            command(datacenter, self._simulator.world.clock.now(), f"{word}-node-maintenance {node.name}")
        self._simulator.tasks.run_due()

    def _set_storage(self, body: dict[str, Any]) -> None:
        """Leave a storage only so many free bytes, by filling it with something that is no volume."""
        datacenter = self._datacenter(body)
        storage = datacenter.storages[body["storage"]]
        node = body.get("node") or next(iter(datacenter.nodes)).name
        place = "" if is_shared(storage) else node
        total, used = storage_usage(datacenter, storage, node)
        old = datacenter.capacities.get(f"{storage.id}/{place}") or Capacity(
            storage=storage.id, node=place, total=total
        )
        other = max(0, total - int(body["free"]) - (used - old.other))
        with self._simulator.world.database.transaction():
            datacenter.capacities.put(replace(old, other=other))

    def _set_guest(self, body: dict[str, Any]) -> None:
        """Lock a guest, as a backup or another host's task would, or unlock it."""
        datacenter = self._datacenter(body)
        guest = datacenter.guests[int(body["vmid"])]
        config = {key: value for key, value in guest.config.items() if key != "lock"}
        if body["lock"] is not None:
            config["lock"] = str(body["lock"])
        with self._simulator.world.database.transaction():
            datacenter.guests.put(replace(guest, config=config))

    def _set_lock(self, body: dict[str, Any]) -> None:
        holders = self._simulator.tasks.lock_holders
        if body["held"]:
            holders[str(body["path"])] = None
        else:
            holders.pop(str(body["path"]), None)
            self._simulator.tasks.notify()
