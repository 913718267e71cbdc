"""A simulated host with something of every kind, which goes back to that state in no time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.app import Simulator
from simulator.dump import dump
from simulator.records import Task
from simulator.router import Answer, Request, Router
from simulator.routing import ROUTES, RouteTree
from simulator.topology import load

_TOPOLOGY = """
datacenters:
  pve:
    nodes:
      pve1: {cpus: 8, memory: 32G, ip: 192.0.2.10}
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso,vztmpl,backup,snippets,import"}
      local-lvm: {type: lvmthin, vgname: pve, thinpool: data, content: "images,rootdir"}
    guests:
      100: {type: qemu, node: pve1, config: {name: web, memory: "512"}, disks: {scsi0: "local-lvm:4G"}}
      101: {type: qemu, node: pve1, template: true, config: {name: base}, disks: {scsi0: "local-lvm:4G"}}
    files:
      - {volume: "local:iso/debian.iso", size: 1M}
      - {volume: "local:vztmpl/debian-13.tar.zst", size: 1M}
"""
_CALLS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/pools", {"poolid": "prod", "comment": "p"}),
    ("POST", "/access/groups", {"groupid": "staff"}),
    ("POST", "/access/users", {"userid": "ann@pve", "groups": "staff"}),
    ("POST", "/access/users/ann@pve/token/t1", {}),
    ("POST", "/access/roles", {"roleid": "reader", "privs": "VM.Audit"}),
    ("PUT", "/access/acl", {"path": "/vms/100", "roles": "reader", "users": "ann@pve"}),
    ("PUT", "/nodes/pve1/qemu/100/config", {"net0": "virtio,bridge=vmbr0", "ide2": "local-lvm:cloudinit"}),
    ("POST", "/nodes/pve1/qemu/100/snapshot", {"snapname": "before"}),
    (
        "POST",
        "/nodes/pve1/lxc",
        {
            "vmid": "200", "ostemplate": "local:vztmpl/debian-13.tar.zst", "rootfs": "local-lvm:1",
            "net0": "name=eth0,bridge=vmbr0,ip=dhcp",
        },
    ),
    ("POST", "/cluster/firewall/groups", {"group": "web"}),
    ("POST", "/cluster/firewall/groups/web", {"type": "in", "action": "ACCEPT"}),
    ("POST", "/cluster/firewall/rules", {"type": "in", "action": "ACCEPT"}),
    ("POST", "/cluster/firewall/ipset", {"name": "trusted"}),
    ("POST", "/cluster/firewall/ipset/trusted", {"cidr": "192.0.2.0/24"}),
    ("POST", "/cluster/firewall/aliases", {"name": "trusted", "cidr": "192.0.2.0/24"}),
    ("POST", "/nodes/pve1/qemu/100/firewall/rules", {"type": "in", "action": "ACCEPT"}),
    ("POST", "/cluster/sdn/zones", {"zone": "zone1", "type": "simple", "ipam": "pve"}),
    ("POST", "/cluster/sdn/vnets", {"vnet": "vnet1", "zone": "zone1"}),
    ("POST", "/cluster/sdn/vnets/vnet1/subnets", {"subnet": "10.1.0.0/24", "type": "subnet"}),
    ("PUT", "/cluster/sdn", {}),
    ("POST", "/cluster/ha/resources", {"sid": "vm:100", "state": "ignored"}),
    ("POST", "/cluster/backup", {"id": "job1", "schedule": "02:00", "storage": "local", "all": "1"}),
    ("POST", "/cluster/mapping/dir", {"id": "job1", "map": ["node=pve1,path=/mnt/x"]}),
)  # fmt: skip


@dataclass
class Populated:
    """A simulator that is asked through its router, without HTTP."""

    simulator: Simulator
    router: Router
    disk: sqlite3.Connection
    """A look at what is on disk, past the simulator."""
    kept: list[tuple[Any, dict[Any, Any]]] = field(default_factory=list)

    @classmethod
    def open(cls, place: Path) -> Populated:
        """Start one and fill it."""
        path = place / "populated.yaml"
        path.write_text(_TOPOLOGY, encoding="utf-8")
        simulator = Simulator(place, load(str(path)))
        router = Router(simulator.world, simulator.tasks, RouteTree(ROUTES))
        made = cls(simulator, router, sqlite3.connect(place / "state.sqlite"))
        for method, at, values in _CALLS:
            made.call(method, at, values)
        made.kept = [(table, {key: table[key] for key in table.keys()}) for table in simulator.world.tables()]  # noqa: SIM118 - a table iterates over its records
        return made

    def close(self) -> None:
        """Stop it."""
        self.disk.close()
        asyncio.run(self.simulator.stop())

    def call(self, method: str, path: str, values: dict[str, Any]) -> Any:
        """Call a method as root himself would."""
        world = self.simulator.world
        datacenter = world.datacenters["pve"]
        request = Request(
            method=method, path=path, values=values, datacenter=datacenter, node="pve1",
            token=f"root@pam!labs={self.simulator.credentials.tokens['pve']}",
        )  # fmt: skip
        return _at_once(self.router.answer(request)).data

    def tasks(self) -> list[Task]:
        """Return all tasks since the last restoring."""
        return list(self.simulator.world.datacenters["pve"].tasks)

    def changes(self) -> int:
        """Return a number that changes with each change of what is on disk."""
        return int(self.disk.execute("PRAGMA data_version").fetchone()[0])

    def picture(self) -> dict[str, Any]:
        """Return all that is configured."""
        return dump(self.simulator.world)

    def restore(self) -> None:
        """Go back to the state after the filling."""
        self.simulator.tasks.drop_all()
        with self.simulator.world.database.transaction():
            for table, rows in self.kept:
                for key in table.keys():  # noqa: SIM118 - a table iterates over its records
                    if key not in rows:
                        table.delete(key)
                for key, record in rows.items():
                    if table.get(key) is not record:
                        table.put(record)


def _at_once(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what a coroutine returns that has nothing to wait for, without the cost of a loop of events."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        answer: Answer = finished.value
        return answer
    coroutine.close()
    raise AssertionError("the call waits for something")
