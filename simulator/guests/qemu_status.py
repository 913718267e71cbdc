"""The status of virtual machines, as lists and `status/current` show it."""

from __future__ import annotations

from typing import Any

from simulator.guests.draft import is_running
from simulator.guests.facts import boot_disk_size, guest_name, guest_numbers
from simulator.guests.qemu_power import agent_enabled, nics
from simulator.records import Guest

MIB = 1 << 20
_PRESSURES = ("cpu", "io", "memory")


def status_row(guest: Guest, now: float, *, full: bool) -> dict[str, Any]:
    """Return the row of a machine; `full` adds what takes a question to the machine itself."""
    cpus, memory = guest_numbers(guest)
    up = is_running(guest)
    used = memory // 4 if up else 0
    row: dict[str, Any] = {
        "vmid": guest.vmid, "name": guest_name(guest), "status": guest.status, "cpus": cpus,
        "cpu": 0.01 if up else 0, "mem": used, "maxmem": memory, "memhost": used, "disk": 0,
        "maxdisk": boot_disk_size(guest), "uptime": int(now - (guest.started or now)) if up else 0,
        "netin": 0, "netout": 0,
    }  # fmt: skip
    if up:
        row |= {"pid": guest.pid}
        row |= {f"pressure{name}{kind}": 0 for name in _PRESSURES for kind in ("some", "full")}
    row |= _settings(guest)
    if full:
        row["qmpstatus"] = ("paused" if guest.paused else "running") if up else "stopped"
        if up:
            taps = [f"tap{guest.vmid}i{index}" for index, _ in nics(guest)]
            row |= {"nics": {tap: {"netin": 0, "netout": 0} for tap in taps}} if taps else {}
    return row


def _settings(guest: Guest) -> dict[str, Any]:
    """Return what rows show of the configuration, where it is set."""
    row: dict[str, Any] = {}
    config = guest.config
    if config.get("balloon", "0") != "0":
        row |= {"balloon_min": int(config["balloon"]) * MIB, "shares": int(config.get("shares", "1000"))}
    for key in ("tags", "lock"):
        if config.get(key):
            row[key] = config[key]
    if guest.template:
        row["template"] = 1
    if "serial0" in config:
        row["serial"] = 1
    return row


def current_row(guest: Guest, now: float) -> dict[str, Any]:
    """Return what `status/current` says of a machine."""
    row = status_row(guest, now, full=True) | {"ha": {"managed": 0}}
    if "vga" in guest.config:
        row["clipboard"] = "vnc" if "clipboard=vnc" in guest.config["vga"] else None
        if guest.config["vga"].startswith(("qxl", "type=qxl")):
            row["spice"] = 1
    if agent_enabled(guest):
        row["agent"] = 1
    return row
