"""A round of the nodes' local managers: they start, stop and move the guests, with the tasks that users see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.access import Access
from simulator.api import lxc_migrate, lxc_status, qemu_migrate, qemu_status
from simulator.errors import ApiError, LockBusy
from simulator.ha.records import HaNode, HaService
from simulator.ha.state import guest_of, value
from simulator.records import Guest
from simulator.routing import Call, Handler
from simulator.state import Datacenter, World
from simulator.tasks import TaskRunner

CLIENT = {"type": "ha"}
"""Marks the managers' own calls, so that they are not turned into requests to the managers."""
_HANDLERS: dict[tuple[str, str], Handler] = {
    ("qemu", "start"): qemu_status.start_machine,
    ("qemu", "shutdown"): qemu_status.shutdown_machine,
    ("qemu", "migrate"): qemu_migrate.migrate,
    ("lxc", "start"): lxc_status.start_container,
    ("lxc", "shutdown"): lxc_status.shutdown_container,
    ("lxc", "migrate"): lxc_migrate.migrate,
}
_SHUTDOWN = {"timeout": 60, "forceStop": True}
_ALONG: dict[str, dict[str, bool]] = {
    "qemu": {"online": True, "force": True, "with-local-disks": True},
    "lxc": {"online": False},
}
"""What a move asks for: a machine goes along with its local disks, whatever devices tie it to its node."""


def run(world: World, datacenter: Datacenter, tasks: TaskRunner) -> None:
    """Do a round on every node that is up."""
    busy = {service.node for service in datacenter.ha_services}
    there = {node.name for node in datacenter.quorate_side()}
    for row in datacenter.ha_nodes:
        if row.name in there and row.status in ("online", "maintenance"):
            _move_manager_on(datacenter, row, busy=row.name in busy)
    for service in datacenter.ha_services:
        found = datacenter.ha_nodes.get(service.node)
        if found is not None and found.lrm in ("active", "maintenance") and found.name in there:
            _Worker(world, datacenter, tasks, service).work()


def _move_manager_on(datacenter: Datacenter, row: HaNode, *, busy: bool) -> None:
    """Move a local manager on: it gets its lock as soon as it has something to do."""
    lrm = row.lrm
    if row.maintenance:
        lrm = "maintenance"
    elif lrm == "maintenance" or busy:
        lrm = "active"
    if lrm != row.lrm or row.seen:
        datacenter.ha_nodes.put(replace(row, lrm=lrm, seen=0.0))


class _Worker:
    """Works on one resource."""

    def __init__(self, world: World, datacenter: Datacenter, tasks: TaskRunner, service: HaService) -> None:
        self._world, self._datacenter, self._tasks, self._service = world, datacenter, tasks, service

    def work(self) -> None:
        """Do what the state of the resource asks for, unless an earlier task for it still runs."""
        guest = guest_of(self._datacenter, self._service.sid)
        task = self._datacenter.tasks.get(self._service.task)
        if guest is None or value(self._datacenter, "disarmed") or (task is not None and task.exitstatus is None):
            return
        failed = self._service.task == "failed" or (task is not None and task.exitstatus != "OK")
        if self._service.state == "started":
            self._keep_running(guest, failed=failed)
        elif self._service.state == "request_stop":
            self._keep_stopped(guest)
        elif self._service.state in ("migrate", "relocate") and guest.node == self._service.node:
            self._move(guest, task.type if task is not None else "")

    def _put(self, **changes: Any) -> None:
        self._service = self._datacenter.ha_services.put(replace(self._service, **changes))

    def _keep_running(self, guest: Guest, *, failed: bool) -> None:
        if guest.status == "running":
            if not self._service.running or self._service.task:
                self._put(running=True, task="", failed_starts=0, relocations=0, tried=frozenset())
            return
        if failed:
            self._put(failed_starts=self._service.failed_starts + 1, task="", running=False)
        resource = self._datacenter.ha_resources[self._service.sid]
        if self._service.failed_starts <= int(resource.options.get("max_restart", "1")):
            self._begin(guest, "start", {})

    def _keep_stopped(self, guest: Guest) -> None:
        if guest.status == "running":
            self._begin(guest, "shutdown", _SHUTDOWN)
        else:
            self._put(task="stopped", running=False)

    def _move(self, guest: Guest, last: str) -> None:
        """Move a guest: while it runs, or for a relocation after it was shut down."""
        if last in ("qmigrate", "vzmigrate") or self._service.task == "failed":
            return
        running = guest.status == "running"
        if running and (self._service.state == "relocate" or guest.type == "lxc"):
            self._begin(guest, "shutdown", _SHUTDOWN)
        else:
            self._begin(guest, "migrate", {"target": self._service.target, **_ALONG[guest.type]})

    def _begin(self, guest: Guest, what: str, params: Mapping[str, Any]) -> None:
        """Start a task for the guest; one that is refused at once counts as failed."""
        values = {"node": guest.node, "vmid": guest.vmid, **params}
        call = Call(
            world=self._world, datacenter=self._datacenter, tasks=self._tasks, node=guest.node, authid="root@pam",
            params=values, raw=values, access=Access(self._datacenter, "root@pam"), asked_node=guest.node,
            client=CLIENT,
        )  # fmt: skip
        try:
            upid = str(_HANDLERS[guest.type, what](call))
        except (ApiError, LockBusy):
            upid = "failed"
        self._put(task=upid)
