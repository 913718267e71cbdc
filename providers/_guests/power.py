"""Starting, stopping and moving a guest."""

from __future__ import annotations

import time
from collections.abc import Callable

from providers._guests.place import Place
from providers._runtime.api import Api
from providers._runtime.errors import ApiRefused, ProxmoxError, TaskFailed, TookTooLong
from providers._runtime.model import Values
from providers._runtime.tasks import FIRST_LOOK, LONGEST_PAUSE, LOOKED_AT

SHUTDOWN_SECONDS = 60
"""Time that a guest has to shut itself down before it is stopped."""
LEAST_SECONDS = 5
LEAVE_TOGETHER = "guest/shutdown"
MOST_AT_ONCE = 64
"""What Proxmox takes at the most."""
HA_PAUSE = 1.0


def is_running(api: Api, place: Place) -> bool:
    """Whether it runs at this moment."""
    noted = api.facts.noted(place.vmid).get("started")
    if noted is not None:
        return bool(noted)
    states = api.facts.running(place.kind, place.node)
    if states is not None and place.vmid in states:
        return states[place.vmid]
    return _status(api, place) == "running"


def _status(api: Api, place: Place) -> str:
    status: Values = api.get(f"{place.path}/status/current")
    return str(status.get("status"))


def start(api: Api, place: Place) -> None:
    """Start it; one that somebody has started meanwhile is as good."""
    _unless(api, place, "start", {}, "already running")
    _settled(api, place, "starts", lambda: _status(api, place) == "running")
    api.facts.note(place.vmid, started=True)


def stop(api: Api, place: Place) -> None:
    """Let it shut itself down, and stop it if it does not in time."""
    seconds = min(SHUTDOWN_SECONDS, max(LEAST_SECONDS, int((api.deadline - time.monotonic()) / 2)))
    _unless(api, place, "shutdown", {"timeout": seconds, "forceStop": 1}, "not running")
    _settled(api, place, "stops", lambda: _status(api, place) == "stopped")
    api.facts.note(place.vmid, started=False)


def stop_with_others(api: Api, place: Place) -> None:
    """As `stop`; guests that are to stop at the same moment are told so in one request, where Proxmox has it (9.1)."""
    upid = api.facts.shutdowns.join(LEAVE_TOGETHER, place.vmid, lambda vmids: _shut_down_all(api, vmids))
    pause, runs = FIRST_LOOK, True
    while upid and runs and time.monotonic() + pause < api.deadline:
        time.sleep(pause)
        states = api.facts.running(place.kind, place.node, max(pause / 2, LOOKED_AT))
        runs = states is None or states.get(place.vmid, False)
        row = api.facts.tasks.row(upid, pause, api.deadline) if pause >= LONGEST_PAUSE else None
        upid = None if states is None or (row and "endtime" in row) else upid
        pause = min(pause * 1.5, LONGEST_PAUSE)
    if runs:
        stop(api, place)  # alone, or it would not: then this one says why
    else:
        api.facts.note(place.vmid, started=False)


def _shut_down_all(api: Api, vmids: list[int]) -> str | None:
    """The task; None where there is only one of them, or no such request."""
    if len(vmids) == 1:
        return None
    parameters = {"vms": vmids, "timeout": SHUTDOWN_SECONDS, "force-stop": 1, "max-workers": MOST_AT_ONCE}
    try:
        upid: str = api.post("/cluster/bulk-action/guest/shutdown", parameters)
    except ApiRefused:
        return None
    return upid


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


def migrate(api: Api, place: Place, target: str, *, running: bool, storages: dict[str, str]) -> Place:
    """Move it to another node, without stopping it where that is possible (a container restarts).

    `storages`: where volumes go that are to be on another storage there.
    """
    parameters: dict[str, str | int] = {"target": target}
    if place.kind == "qemu" and storages:
        parameters["targetstorage"] = ",".join(f"{old}:{new}" for old, new in sorted(storages.items()))
    if running and place.kind == "qemu":
        parameters |= {"online": 1, "with-local-disks": 1}
    elif running:
        parameters |= {"restart": 1}
    with api.client.heavy(node=place.node, deadline=api.deadline):
        api.run(f"migrating {place.id} to {target}", "POST", f"{place.path}/migrate", parameters)
    _settled(api, place, f"moves to {target}", lambda: api.facts.node_of(place.vmid, look_again=True) == target)
    api.facts.place(place.vmid, target)
    return Place(place.kind, place.vmid, target)


# ---------------------------------------------------------------- guests that are managed by HA


def is_managed(api: Api, place: Place) -> bool:
    """Whether the HA managers look after it: then starting, stopping and moving it are wishes that they carry out."""
    rows = (row for row in api.facts.of_type(place.kind) if row.get("vmid") == place.vmid)
    return any(row.get("hastate", "ignored") != "ignored" for row in rows)


def _settled(api: Api, place: Place, what: str, done: Callable[[], bool]) -> None:
    """Wait until the managers have done what they were asked for; without them it is done already."""
    if not is_managed(api, place):
        return
    while not done():
        api.say(f"waiting until HA {what.split(maxsplit=1)[0]} {place.id}")
        if time.monotonic() + HA_PAUSE > api.deadline:
            raise TookTooLong(
                f"HA was asked that {place.id} {what}, and has not done so yet; `ha-manager status` says why"
            )
        time.sleep(HA_PAUSE)
