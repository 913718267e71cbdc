"""Starting, stopping and moving a guest."""

from __future__ import annotations

import time

from providers._guests.place import Place
from providers._runtime.api import Api
from providers._runtime.errors import ApiRefused, ProxmoxError, TaskFailed
from providers._runtime.model import Values

SHUTDOWN_SECONDS = 60
"""Time that a guest has to shut itself down before it is stopped."""
LEAST_SECONDS = 5


def is_running(api: Api, place: Place) -> bool:
    """Whether it runs at this moment."""
    noted = api.facts.noted(place.vmid).get("started")
    if noted is not None:
        return bool(noted)
    states = api.facts.running(place.kind, place.node)
    if states is not None and place.vmid in states:
        return states[place.vmid]
    status: Values = api.get(f"{place.path}/status/current")
    return status.get("status") == "running"


def start(api: Api, place: Place) -> None:
    """Start it; one that somebody has started meanwhile is as good."""
    _unless(api, place, "start", {}, "already running")
    api.facts.note(place.vmid, started=True)


def stop(api: Api, place: Place) -> None:
    """Let it shut itself down, and stop it if it does not in time."""
    seconds = min(SHUTDOWN_SECONDS, max(LEAST_SECONDS, int((api.deadline - time.monotonic()) / 2)))
    _unless(api, place, "shutdown", {"timeout": seconds, "forceStop": 1}, "not running")
    api.facts.note(place.vmid, started=False)


def reboot(api: Api, place: Place) -> None:
    """Off and on, so that its pending changes take effect; unlike Proxmox's own reboot, also if it does not listen."""
    stop(api, place)
    start(api, place)


def _unless(api: Api, place: Place, action: str, parameters: dict[str, int], done: str) -> None:
    """Run a power action; QEMU says in the task that it was not needed, LXC in the answer."""
    try:
        api.run(f"{action} of {place.id}", "POST", f"{place.path}/status/{action}", parameters)
    except (ApiRefused, TaskFailed) as error:
        if done not in _words(error):
            raise


def _words(error: ProxmoxError) -> str:
    return error.reason if isinstance(error, ApiRefused) else str(error)


def migrate(api: Api, place: Place, target: str, *, running: bool) -> Place:
    """Move it to another node, without stopping it where that is possible (a container restarts)."""
    parameters: dict[str, str | int] = {"target": target}
    if running and place.kind == "qemu":
        parameters |= {"online": 1, "with-local-disks": 1}
    elif running:
        parameters |= {"restart": 1}
    with api.client.heavy(node=place.node, deadline=api.deadline):
        api.run(f"migrating {place.id} to {target}", "POST", f"{place.path}/migrate", parameters)
    api.facts.place(place.vmid, target)
    return Place(place.kind, place.vmid, target)
