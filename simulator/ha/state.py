"""What the managers are asked to do: the wanted states, and commands that wait for their next round."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

from simulator.ha.records import HaService
from simulator.records import Guest, Section, Setting
from simulator.state import Datacenter

WORDS = {"qemu": "vm", "lxc": "ct"}
TYPES = {"vm": "qemu", "ct": "lxc"}
STOPPED = ("stopped", "disabled")
WOKEN = "0"
"""How many rounds the managers have done since they were told that there is something to do: none."""


def wake(datacenter: Datacenter, now: float) -> None:
    """Tell the managers that there is something to do."""
    if "dirty" not in datacenter.ha_manager:
        datacenter.ha_manager.put(Setting(name="dirty", value=WOKEN))
        datacenter.ha_manager.put(Setting(name="tick", value=repr(now)))
    else:
        datacenter.ha_manager.put(Setting(name="dirty", value=WOKEN))


def command(datacenter: Datacenter, now: float, text: str) -> None:
    """Queue a command for the cluster's manager; nothing of it is checked before its next round."""
    number = 1 + max((int(name.partition("/")[2]) for name in _queued(datacenter)), default=0)
    datacenter.ha_manager.put(Setting(name=f"command/{number}", value=text))
    wake(datacenter, now)


def _queued(datacenter: Datacenter) -> list[str]:
    return [setting.name for setting in datacenter.ha_manager if setting.name.startswith("command/")]


def commands(datacenter: Datacenter) -> Iterator[list[str]]:
    """Yield the queued commands in their order, and forget them."""
    for name in sorted(_queued(datacenter), key=lambda name: int(name.partition("/")[2])):
        text = datacenter.ha_manager[name].value
        datacenter.ha_manager.delete(name)
        yield text.split()


def value(datacenter: Datacenter, name: str) -> str:
    """Return a value of the manager's own state, or an empty text."""
    setting = datacenter.ha_manager.get(name)
    return setting.value if setting is not None else ""


def requested(resource: Section) -> str:
    """Return the state in which a resource is wanted; `enabled` is an old word for started."""
    state = resource.options.get("state", "started")
    return "started" if state == "enabled" else state


def set_requested(datacenter: Datacenter, now: float, sid: str, state: str) -> None:
    """Write down the state in which a resource is wanted."""
    resource = datacenter.ha_resources[sid]
    datacenter.ha_resources.put(replace(resource, options={**resource.options, "state": state}))
    wake(datacenter, now)


def sid_of(guest: Guest) -> str:
    """Return the id that a guest has as a resource."""
    return f"{WORDS[guest.type]}:{guest.vmid}"


def guest_of(datacenter: Datacenter, sid: str) -> Guest | None:
    """Return the guest that a resource is."""
    kind, _, vmid = sid.partition(":")
    guest = datacenter.guests.get(int(vmid)) if vmid.isdigit() else None
    return guest if guest is not None and guest.type == TYPES.get(kind) else None


def new_uid() -> str:
    """Return a new mark of a round of work on a resource."""
    return secrets.token_urlsafe(16)[:22]


def put_service(datacenter: Datacenter, service: HaService, state: str, **changes: object) -> HaService:
    """Let a resource enter a state; what the local manager had begun no longer counts."""
    fresh: dict[str, object] = {"task": "", "running": False, "target": "", "uid": new_uid(), **changes}
    return datacenter.ha_services.put(replace(service, state=state, **fresh))  # type: ignore[arg-type]


def shown_state(datacenter: Datacenter, sid: str) -> str | None:
    """Return the state that lists show beside a managed guest; None while the manager has not seen it."""
    service = datacenter.ha_services.get(sid)
    resource = datacenter.ha_resources.get(sid)
    if resource is not None and requested(resource) == "ignored":
        return "ignored"
    return service.state if service is not None else None
