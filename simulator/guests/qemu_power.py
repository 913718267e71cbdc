"""Starting and stopping virtual machines, and the simple model of what runs inside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from simulator.errors import ApiError, TaskError
from simulator.guests.draft import Draft, check_lock, is_running
from simulator.guests.facts import guest_numbers
from simulator.guests.qemu_drives import drives, is_cdrom, remake_cloudinit
from simulator.guests.qemu_hotplug import apply_all, bridge_exists
from simulator.guests.qemu_options import AGENT, IPCONFIG, NET
from simulator.guests.storages import StorageView
from simulator.records import Guest
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

START_SECONDS, STOP_SECONDS, SHUTDOWN_SECONDS, BOOT_SECONDS = 1.5, 0.5, 4.0, 10.0
DEFAULT_TIMEOUT = 180


def view_for(run: TaskRun) -> StorageView:
    """Return the storages as the node of a task sees them."""
    return StorageView(run.datacenter, run.node, int(run.now))


def start(run: TaskRun, vmid: int, *, skiplock: bool = False) -> Steps:
    """Start a machine."""
    run.datacenter.guest(vmid, "qemu", run.node)
    yield Lock(guest_lock_path(vmid, "qemu"))
    yield from start_locked(run, vmid, skiplock=skiplock)


def start_locked(run: TaskRun, vmid: int, *, skiplock: bool = False) -> Steps:
    """Start a machine whose lock file the task holds."""
    guest = run.datacenter.guest(vmid, "qemu", run.node)
    if guest.template:
        raise TaskError("you can't start a vm if it's a template")
    if guest.lock == "suspended":
        draft = Draft.of(guest)
        draft.config.pop("lock")
        guest = draft.put(run.datacenter)
    if not skiplock:
        check_lock(guest)
    if is_running(guest):
        raise TaskError(f"VM {vmid} already running")
    view = view_for(run)
    draft = Draft.of(guest)
    apply_all(view, draft)
    guest = draft.put(run.datacenter)
    remake_cloudinit(view, guest)
    check_startable(view, guest)
    yield START_SECONDS
    guest = run.datacenter.guest(vmid, "qemu", run.node)
    run.datacenter.guests.put(
        replace(guest, status="running", started=run.now, paused=False, running=dict(guest.config), pid=_pid(guest))
    )


def _pid(guest: Guest) -> int:
    return 20000 + guest.vmid % 100000


def check_startable(view: StorageView, guest: Guest) -> None:
    """Refuse to start what lacks a volume or a bridge, or wants more processors than the node has."""
    cpus, _ = guest_numbers(guest)
    available = view.datacenter.nodes[view.node].cpus
    if cpus > available:
        raise ApiError(f"MAX {available} vcpus allowed per VM on this node")
    for _, drive in drives(guest.config):
        if drive["file"] not in ("none", "cdrom"):
            view.require(drive["file"])
    for _, nic in nics(guest):
        bridge = nic.get("bridge")
        if bridge is not None and not bridge_exists(view, str(bridge)):
            raise ApiError(f"bridge '{bridge}' does not exist")


def stop(run: TaskRun, vmid: int, *, skiplock: bool = False) -> Steps:
    """Stop a machine at once; one that does not run is no error."""
    known(run, vmid)
    yield Lock(guest_lock_path(vmid, "qemu"))
    guest = known(run, vmid)
    if is_running(guest):
        if not skiplock:
            check_lock(guest)
        yield STOP_SECONDS
    halted(view_for(run), vmid)


def known(run: TaskRun, vmid: int) -> Guest:
    """Return the machine, or refuse as power operations do."""
    guest = run.datacenter.guests.get(vmid)
    if guest is None or guest.type != "qemu" or guest.node != run.node:
        raise TaskError(f"unable to find configuration file for VM {vmid} on node '{run.node}'")
    return guest


def halted(view: StorageView, vmid: int) -> None:
    """Note that a machine no longer runs; what waited for that takes effect."""
    guest = view.datacenter.guests[vmid]
    stopped = replace(guest, status="stopped", started=None, paused=False, running={}, pid=None)
    view.datacenter.guests.put(stopped)
    if not view.datacenter.quorate_on(guest.node):
        return
    draft = Draft.of(stopped)
    apply_all(view, draft)
    draft.put(view.datacenter)


def shutdown(run: TaskRun, vmid: int, timeout: int, *, force: bool, skiplock: bool = False) -> Steps:
    """Ask the system in a machine to power off; force it when it does not."""
    known(run, vmid)
    yield Lock(guest_lock_path(vmid, "qemu"))
    guest = known(run, vmid)
    if not is_running(guest):
        return
    if not skiplock:
        check_lock(guest)
    yield from power_down(run, guest, timeout, force=force)
    halted(view_for(run), vmid)


def power_down(run: TaskRun, guest: Guest, timeout: int, *, force: bool) -> Steps:
    """Wait for the system in a machine; one that has none never listens."""
    listens = has_system(view_for(run), guest) and not guest.paused
    if agent_enabled(guest) and not listens:
        yield (
            f"QEMU Guest Agent is not running - VM {guest.vmid} qga command 'guest-ping' failed - got timeout"
        )  # fmt: skip
    if listens and timeout >= SHUTDOWN_SECONDS:
        yield SHUTDOWN_SECONDS
    else:
        yield float(timeout)
        if not force:
            raise TaskError("VM quit/powerdown failed - got timeout")
        yield "VM quit/powerdown failed - terminating now with SIGTERM"


def reboot(run: TaskRun, vmid: int, timeout: int) -> Steps:
    """Shut a machine down and start it again, so that pending changes take effect."""
    yield Lock(guest_lock_path(vmid, "qemu"))
    guest = known(run, vmid)
    check_lock(guest)
    if not is_running(guest):
        raise TaskError(f"VM {vmid} not running")
    yield from power_down(run, guest, timeout, force=False)
    halted(view_for(run), vmid)
    yield from start_locked(run, vmid)


def has_system(view: StorageView, guest: Guest) -> bool:
    """Tell whether an operating system is on one of a machine's disks: any disk with data on it counts."""
    for slot, drive in drives(guest.config):
        volume = view.find(drive["file"])
        if slot in ("efidisk0", "tpmstate0") or is_cdrom(drive) or volume is None:
            continue
        if volume.used > 0 or volume.parent is not None:
            return True
    return False


def agent_enabled(guest: Guest) -> bool:
    """Tell whether the guest agent is switched on."""
    value = guest.config.get("agent")
    return bool(value) and bool(AGENT.parse(str(value), "agent").get("enabled"))


def agent_answers(view: StorageView, guest: Guest, now: float, *, at_once: bool) -> bool:
    """Tell whether the agent in a machine answers: it needs a system that has come up."""
    up = now - (guest.started or now)
    return has_system(view, guest) and not guest.paused and (at_once or up >= BOOT_SECONDS)


def nics(guest: Guest) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the network cards of a machine with their numbers."""
    for index in range(32):
        value = guest.config.get(f"net{index}")
        if value is not None:
            yield index, NET.parse(value, f"net{index}")


def address_of(guest: Guest, index: int, mac: str) -> str | None:
    """Return the IPv4 address (with prefix) that the system has on a card, as cloud-init or a DHCP server gave it."""
    return address_from(str(IPCONFIG.parse(guest.config.get(f"ipconfig{index}", ""), "").get("ip", "dhcp")), mac)


def address_from(wanted: str, mac: str) -> str | None:
    """Return the address that a setting (an address, dhcp, manual) leads to; DHCP always gives a MAC the same."""
    if wanted == "manual":
        return None
    if wanted != "dhcp":
        return wanted
    number = hashlib.sha256(mac.lower().encode()).digest()
    return f"198.18.{number[0]}.{number[1] % 254 + 1}/16"
