"""Starting and stopping containers, and their status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from simulator.errors import ApiError, TaskError
from simulator.guests.draft import Draft, check_lock, is_running
from simulator.guests.facts import boot_disk_size, guest_name
from simulator.guests.lxc_mounts import is_volume, mounts
from simulator.guests.lxc_options import NET
from simulator.guests.lxc_update import apply_changes
from simulator.guests.qemu_hotplug import bridge_exists
from simulator.guests.qemu_power import address_from, view_for
from simulator.records import Guest
from simulator.state import Datacenter, World
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

MIB = 1 << 20
DEFAULT_TIMEOUT = 60
_START_SECONDS, _STOP_SECONDS, _SHUTDOWN_SECONDS = 1.0, 0.5, 2.0
_PRESSURES = ("cpu", "io", "memory")


def check_running(datacenter: Datacenter, vmid: int, node: str) -> Guest:
    """Return the container, or refuse because it does not run."""
    guest = datacenter.guests.get(vmid)
    if guest is None or guest.type != "lxc" or guest.node != node or not is_running(guest):
        raise ApiError(f"CT {vmid} not running")
    return guest


def start(run: TaskRun, vmid: int, *, skiplock: bool = False) -> Steps:
    """Start a container."""
    run.datacenter.guest(vmid, "lxc", run.node)
    yield Lock(guest_lock_path(vmid, "lxc"))
    yield from start_locked(run, vmid, skiplock=skiplock)


def start_locked(run: TaskRun, vmid: int, *, skiplock: bool = False) -> Steps:
    """Start a container whose lock file the task holds."""
    guest = run.datacenter.guest(vmid, "lxc", run.node)
    if guest.template:
        raise TaskError("you can't start a CT if it's a template")
    if not skiplock:
        check_lock(guest)
    if is_running(guest):
        raise TaskError(f"CT {vmid} already running")
    draft = Draft.of(guest)
    apply_changes(draft)
    guest = draft.put(run.datacenter)
    view = view_for(run)
    for _, mount in mounts(guest.config):
        if is_volume(mount):
            view.require(mount["volume"])
    for _, nic in nics(guest):
        if "bridge" in nic and not bridge_exists(view, str(nic["bridge"])):
            yield f"bridge '{nic['bridge']}' does not exist"
            raise TaskError(f"startup for container '{vmid}' failed")
    yield _START_SECONDS
    guest = run.datacenter.guest(vmid, "lxc", run.node)
    run.datacenter.guests.put(
        replace(guest, status="running", started=run.now, running=dict(guest.config), pid=30000 + vmid % 100000)
    )
    yield from run.world.boot(run, vmid)


def stop(run: TaskRun, vmid: int, seconds: float = _STOP_SECONDS, *, skiplock: bool = False) -> Steps:
    """Stop a container."""
    yield Lock(guest_lock_path(vmid, "lxc"))
    yield from stop_locked(run, vmid, seconds, skiplock=skiplock)


def stop_locked(run: TaskRun, vmid: int, seconds: float = _STOP_SECONDS, *, skiplock: bool = False) -> Steps:
    """Stop a container whose lock file the task holds."""
    guest = run.datacenter.guest(vmid, "lxc", run.node)
    if not skiplock:
        check_lock(guest)
    if not is_running(guest):
        raise TaskError(f"CT {vmid} not running")
    yield seconds
    halted(run.datacenter, vmid)


def shutdown(run: TaskRun, vmid: int, timeout: int, *, force: bool) -> Steps:
    """Ask a container's init to power off; it takes a moment."""
    yield Lock(guest_lock_path(vmid, "lxc"))
    if timeout >= _SHUTDOWN_SECONDS or force:
        yield from stop_locked(run, vmid, min(_SHUTDOWN_SECONDS, float(timeout)))
    else:
        yield float(timeout)
        raise TaskError(f"command 'lxc-stop -n {vmid} --nokill --timeout {timeout}' failed: exit code 1")


def reboot(run: TaskRun, vmid: int) -> Steps:
    """Shut a container down and start it again, so that pending changes take effect."""
    yield Lock(guest_lock_path(vmid, "lxc"))
    yield from stop_locked(run, vmid, _SHUTDOWN_SECONDS)
    yield from start_locked(run, vmid)


def halted(datacenter: Datacenter, vmid: int) -> None:
    """Note that a container no longer runs; what waited for that takes effect."""
    guest = datacenter.guests[vmid]
    stopped = datacenter.guests.put(replace(guest, status="stopped", started=None, running={}, pid=None))
    if not datacenter.quorate_on(guest.node):
        return
    draft = Draft.of(stopped)
    apply_changes(draft)
    draft.put(datacenter)


def nics(guest: Guest) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the network cards of a container with their numbers."""
    for index in range(32):
        value = guest.config.get(f"net{index}")
        if value is not None:
            yield index, NET.parse(value, f"net{index}")


def status_row(datacenter: Datacenter, guest: Guest, now: float) -> dict[str, Any]:
    """Return the row of a container."""
    config, up = guest.config, is_running(guest)
    memory, swap = int(config.get("memory", "512")) * MIB, int(config.get("swap", "512")) * MIB
    cpus = config.get("cores") or config.get("cpulimit") or datacenter.nodes[guest.node].cpus
    row: dict[str, Any] = {
        "vmid": guest.vmid, "name": guest_name(guest), "type": "lxc", "status": guest.status,
        "cpus": int(float(cpus)) or 1, "cpu": 0.01 if up else 0, "mem": memory // 8 if up else 0, "maxmem": memory,
        "swap": 0, "maxswap": swap, "disk": 0, "maxdisk": boot_disk_size(guest),
        "uptime": int(now - (guest.started or now)) if up else 0,
        "netin": 0, "netout": 0, "diskread": 0, "diskwrite": 0,
    }  # fmt: skip
    if up:
        row["pid"] = guest.pid
        row |= {f"pressure{name}{kind}": "0.00" for name in _PRESSURES for kind in ("some", "full")}
    row |= {key: config[key] for key in ("tags", "lock") if config.get(key)}
    return row | ({"template": 1} if guest.template else {})


def interface_rows(world: World, datacenter: Datacenter, guest: Guest) -> list[dict[str, Any]]:
    """Return the network interfaces that a running container has: what it says itself, or what its cards lead to."""
    devices = world.devices(datacenter, guest)
    if devices is not None:
        return [_interface(device["ifname"], device["address"], _addresses(device)) for device in devices]
    rows = [_interface("lo", "00:00:00:00:00:00", ["127.0.0.1/8"])]
    for _, nic in nics(guest):
        mac = str(nic.get("hwaddr", "")).lower()
        address = address_from(str(nic.get("ip", "manual")), mac)
        rows.append(_interface(str(nic["name"]), mac, [address] if address is not None else []))
    return rows


def _addresses(device: dict[str, Any]) -> list[str]:
    return [f"{found['local']}/{found['prefixlen']}" for found in device["addr_info"]]


def _interface(name: str, mac: str, addresses: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "hwaddr": mac, "hardware-address": mac, "ip-addresses": []}
    for address in addresses:
        host, _, prefix = address.partition("/")
        kind = "inet6" if ":" in host else "inet"
        row.setdefault(kind, address)
        row["ip-addresses"].append({"ip-address": host, "ip-address-type": kind, "prefix": int(prefix)})
    return row
