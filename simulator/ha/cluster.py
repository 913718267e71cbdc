"""A round of the cluster's manager: take commands, follow the wanted states, decide where resources go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator.ha.records import HaService
from simulator.ha.rules import affine, choose, fails_back, select
from simulator.ha.state import STOPPED, commands, guest_of, new_uid, put_service, requested, set_requested, value
from simulator.records import Section, Setting
from simulator.state import Datacenter

_SETTLING = 4


def run(datacenter: Datacenter, due: float) -> None:
    """Do a round."""
    for words in commands(datacenter):
        _take(datacenter, due, words)
    _follow_resources(datacenter)
    for _ in range(_SETTLING):
        before = list(datacenter.ha_services)
        for service in before:
            _step(datacenter, datacenter.ha_services[service.sid])
        if list(datacenter.ha_services) == before:
            break


def set_all(datacenter: Datacenter, node: str, old: str | None, new: str) -> None:
    """Let all resources on a node that are in a state (None: in any) enter another."""
    for service in datacenter.ha_services:
        if service.node == node and old in (None, service.state):
            put_service(datacenter, service, new)


def available(datacenter: Datacenter) -> list[str]:
    """Return the nodes that can take resources."""
    return sorted(row.name for row in datacenter.ha_nodes if row.status == "online" and not row.maintenance)


def _take(datacenter: Datacenter, due: float, words: list[str]) -> None:
    """Take a command; one that makes no sense is dropped without a word."""
    name, *rest = words
    if name == "stop" and rest[0] in datacenter.ha_resources:
        set_requested(datacenter, due, rest[0], "stopped")
    elif name in ("migrate", "relocate"):
        _ask_to_move(datacenter, name, *rest)
    elif name in ("enable-node-maintenance", "disable-node-maintenance"):
        row = datacenter.ha_nodes.get(rest[0])
        if row is not None:
            datacenter.ha_nodes.put(replace(row, maintenance=name.startswith("enable")))
    elif name == "disarm":
        datacenter.ha_manager.put(Setting(name="disarmed", value=rest[0]))
    elif name == "arm":
        datacenter.ha_manager.delete("disarmed")


def _ask_to_move(datacenter: Datacenter, kind: str, sid: str, node: str) -> None:
    """Note that a resource is to move; those that belong to it move along."""
    for member in [sid, *affine(datacenter, sid, "positive")]:
        service = datacenter.ha_services.get(member)
        permitted = choose(datacenter, member, available(datacenter)).permitted if service is not None else []
        if service is not None and (node in permitted or affine(datacenter, member, "positive")):
            datacenter.ha_services.put(replace(service, command=(kind, node)))


def _follow_resources(datacenter: Datacenter) -> None:
    """Begin with new resources and forget those that are no longer managed."""
    for resource in datacenter.ha_resources:
        guest = guest_of(datacenter, resource.id)
        if requested(resource) == "ignored" or guest is None:
            datacenter.ha_services.delete(resource.id)
        elif resource.id not in datacenter.ha_services:
            state = "started" if requested(resource) == "started" else "request_stop"
            made = HaService(sid=resource.id, node=guest.node, state=state, uid=new_uid())
            datacenter.ha_services.put(made)
    for sid in datacenter.ha_services.keys():  # noqa: SIM118 - a table iterates over its records
        if sid not in datacenter.ha_resources:
            datacenter.ha_services.delete(sid)


def _step(datacenter: Datacenter, service: HaService) -> None:
    """Move a resource on from the state that it is in; on a lost node it waits for that to be fenced."""
    here = datacenter.ha_nodes.get(service.node)
    if here is not None and here.status not in ("online", "maintenance") and service.state != "recovery":
        return
    frozen = value(datacenter, "disarmed") == "freeze"
    if frozen and service.state not in ("freeze", "error", "fence", "recovery", "migrate", "relocate"):
        put_service(datacenter, service, "freeze")
    elif service.state in _STEPS and not value(datacenter, "disarmed"):
        _STEPS[service.state](datacenter, service, datacenter.ha_resources[service.sid])


def _begin(datacenter: Datacenter, service: HaService, resource: Section, **changes: object) -> None:
    """Let a resource enter the state in which it is wanted."""
    state = "request_stop" if requested(resource) in STOPPED else "started"
    put_service(datacenter, service, state, **changes)


def _moves_on_command(datacenter: Datacenter, service: HaService) -> bool:
    """Follow a command to move; a node that is not there, or the same, is no target."""
    if not service.command:
        return False
    kind, node = service.command
    done = replace(service, command=())
    if node not in available(datacenter) or node == service.node:
        datacenter.ha_services.put(done)
        return False
    put_service(datacenter, done, kind if service.state == "started" else "relocate", target=node)
    return True


def _started(datacenter: Datacenter, service: HaService, resource: Section) -> None:
    if requested(resource) in STOPPED:
        put_service(datacenter, service, "request_stop")
        return
    if _moves_on_command(datacenter, service):
        return
    service = datacenter.ha_services[service.sid]
    if service.failed_starts > int(resource.options.get("max_restart", "1")):
        _give_up_here(datacenter, service, resource)
        return
    if service.task:
        return
    nodes = available(datacenter)
    if service.home and service.home in choose(datacenter, service.sid, nodes).best:
        node: str | None = service.home
        service = datacenter.ha_services.put(replace(service, home=""))
    else:
        node = select(datacenter, service, nodes, failback=fails_back(datacenter, resource))
    if node is not None and node != service.node:
        here = datacenter.ha_nodes.get(service.node)
        home = service.node if here is not None and here.maintenance else service.home
        put_service(datacenter, service, _MOVED_BY[resource.type], target=node, home=home)


def _give_up_here(datacenter: Datacenter, service: HaService, resource: Section) -> None:
    """Try another node for a resource that does not start, as often as it may; then give up."""
    tried = service.tried | {service.node}
    others = [name for name in available(datacenter) if name not in tried]
    node = select(datacenter, service, others, stay=False)
    if service.relocations < int(resource.options.get("max_relocate", "1")) and node is not None:
        put_service(
            datacenter, service, "relocate", target=node, failed_starts=0, tried=tried,
            relocations=service.relocations + 1,
        )  # fmt: skip
    else:
        put_service(datacenter, service, "error")


def _request_stop(datacenter: Datacenter, service: HaService, _resource: Section) -> None:
    guest = guest_of(datacenter, service.sid)
    if guest is None or (service.task == "stopped" and guest.status != "running"):
        put_service(datacenter, service, "stopped", failed_starts=0, relocations=0, tried=frozenset())


def _stopped(datacenter: Datacenter, service: HaService, resource: Section) -> None:
    if not _moves_on_command(datacenter, service) and requested(resource) == "started":
        put_service(datacenter, datacenter.ha_services[service.sid], "started")


def _moving(datacenter: Datacenter, service: HaService, resource: Section) -> None:
    """Look whether the local manager is done; where the guest is now is where its node says."""
    task = datacenter.tasks.get(service.task)
    guest = guest_of(datacenter, service.sid)
    if guest is not None and guest.node == service.target:
        _begin(datacenter, service, resource, node=guest.node)
    elif service.task == "failed" or (task is not None and task.type in _MOVES and task.exitstatus is not None):
        _begin(datacenter, service, resource)


def _recovery(datacenter: Datacenter, service: HaService, resource: Section) -> None:
    """Take a guest away from a lost node: its configuration moves, whatever is left on that node's disks."""
    node = select(datacenter, service, available(datacenter))
    guest = guest_of(datacenter, service.sid)
    if node is None or guest is None:
        return
    config = {key: text for key, text in guest.config.items() if key != "lock"}
    datacenter.guests.put(
        replace(guest, node=node, config=config, status="stopped", started=None, paused=False, running={}, pid=None)
    )
    _begin(datacenter, service, resource, node=node, failed_starts=0)


def _error(datacenter: Datacenter, service: HaService, resource: Section) -> None:
    if requested(resource) in STOPPED:
        put_service(datacenter, service, "request_stop", failed_starts=0, relocations=0, tried=frozenset())


def _freeze(datacenter: Datacenter, service: HaService, resource: Section) -> None:
    _begin(datacenter, service, resource)


_MOVED_BY = {"vm": "migrate", "ct": "relocate"}
"""A machine is moved while it runs; a container has to be shut down."""
_MOVES = ("qmigrate", "vzmigrate")
_STEPS: dict[str, Callable[[Datacenter, HaService, Section], None]] = {
    "started": _started,
    "request_stop": _request_stop,
    "stopped": _stopped,
    "migrate": _moving,
    "relocate": _moving,
    "recovery": _recovery,
    "error": _error,
    "freeze": _freeze,
}
