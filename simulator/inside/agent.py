"""The QEMU guest agent: what it answers to each of its commands that needs no arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from simulator.guests.facts import guest_name, guest_numbers
from simulator.inside.plain import power
from simulator.inside.system import KERNEL, RELEASE, nics
from simulator.inside.tree import mounted
from simulator.records import Agent, Guest
from simulator.state import Datacenter

BLOCK = 128 << 20
_NANOSECONDS = 1_000_000_000
_WHILE_FROZEN = ("ping", "info", "fsfreeze-status", "fsfreeze-thaw")
_COUNTERS = ("rx-bytes", "rx-dropped", "rx-errs", "rx-packets", "tx-bytes", "tx-dropped", "tx-errs", "tx-packets")
_SYSTEM = {
    "id": "debian", "name": "Debian GNU/Linux", "pretty-name": f"Debian GNU/Linux {RELEASE}", "version": RELEASE,
    "version-id": "13", "machine": "x86_64", "kernel-release": KERNEL,
    "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine whose agent is asked."""

    datacenter: Datacenter
    guest: Guest
    now: float

    @property
    def agent(self) -> Agent:
        """Return what the agent remembers since the machine was started."""
        started = self.guest.started or 0.0
        known = self.datacenter.agents.get(self.guest.vmid)
        fresh = Agent(vmid=self.guest.vmid, started=started)
        return known if known is not None and known.started == started else fresh


def error(text: str, kind: str = "GenericError") -> dict[str, Any]:
    """Make the answer by which the agent refuses a command."""
    return {"error": {"class": kind, "desc": text}}


def disabled(machine: Machine, command: str) -> str | None:
    """Return why the agent takes no such command at the moment, or None."""
    if machine.agent.frozen and command not in _WHILE_FROZEN:
        return f"Command guest-{command} has been disabled: the agent is in frozen state"
    return None


def answer(machine: Machine, command: str) -> Any:
    """Return what the agent answers to a command."""
    refusal = disabled(machine, command)
    return error(refusal, "CommandNotFound") if refusal is not None else COMMANDS[command](machine)


def _interfaces(machine: Machine) -> list[dict[str, Any]]:
    rows = [_interface("lo", "00:00:00:00:00:00", "127.0.0.1/8")]
    return rows + [_interface(nic.name, nic.mac, nic.address) for nic in nics(machine.guest)]


def _interface(name: str, mac: str, address: str | None) -> dict[str, Any]:
    addresses = []
    if address is not None:
        host, _, prefix = address.partition("/")
        addresses.append({"ip-address": host, "ip-address-type": "ipv4", "prefix": int(prefix)})
    counters = dict.fromkeys(_COUNTERS, 0)
    return {"name": name, "hardware-address": mac, "ip-addresses": addresses, "statistics": counters}


def _processors(machine: Machine) -> list[dict[str, Any]]:
    cpus, _memory = guest_numbers(machine.guest)
    return [{"logical-id": number, "online": True, "can-offline": number > 0} for number in range(cpus)]


def _memory_blocks(machine: Machine) -> list[dict[str, Any]]:
    _cpus, memory = guest_numbers(machine.guest)
    return [{"phys-index": number, "online": True, "can-offline": True} for number in range(max(1, memory // BLOCK))]


def _info(_: Machine) -> dict[str, Any]:
    names = sorted(f"guest-{name}" for name in (*COMMANDS, *_WITH_ARGUMENTS))
    silent = tuple(f"guest-{name}" for name in _SILENT)
    commands = [{"name": name, "enabled": True, "success-response": name not in silent} for name in names]
    return {"version": "10.0.3", "supported_commands": commands}


def _file_systems(machine: Machine) -> list[dict[str, Any]]:
    volume = mounted(machine.datacenter, machine.guest)["/"]
    disk = {
        "bus": 0, "bus-type": "scsi", "dev": "/dev/sda1", "serial": "0QEMU_QEMU_HARDDISK_drive-scsi0", "target": 0,
        "pci-controller": {"bus": 0, "domain": 0, "function": 0, "slot": 5}, "unit": 0,
    }  # fmt: skip
    return [
        {
            "name": "sda1", "mountpoint": "/", "type": "ext4", "disk": [disk], "total-bytes": volume.size * 95 // 100,
            "total-bytes-privileged": volume.size, "used-bytes": min(volume.used, volume.size * 95 // 100),
        }
    ]  # fmt: skip


def _freeze(machine: Machine) -> int:
    machine.datacenter.agents.put(replace(machine.agent, frozen=True))
    return 1


def _thaw(machine: Machine) -> int:
    frozen = machine.agent.frozen
    machine.datacenter.agents.put(replace(machine.agent, frozen=False))
    return int(frozen)


def _power_off(machine: Machine) -> None:
    power(machine.datacenter, machine.guest, "poweroff", machine.now)


def _suspend(machine: Machine) -> None:
    machine.datacenter.guests.put(replace(machine.guest, paused=True))


_SILENT: dict[str, Callable[[Machine], Any]] = {
    "shutdown": _power_off, "suspend-disk": _power_off, "suspend-hybrid": _suspend, "suspend-ram": _suspend,
}  # fmt: skip
"""Commands to which the agent gives no answer when they succeed."""
COMMANDS: dict[str, Callable[[Machine], Any]] = {
    "fsfreeze-freeze": _freeze,
    "fsfreeze-status": lambda machine: "frozen" if machine.agent.frozen else "thawed",
    "fsfreeze-thaw": _thaw,
    "fstrim": lambda _: {"paths": [{"path": "/", "minimum": 0, "trimmed": 0}]},
    "get-fsinfo": _file_systems,
    "get-host-name": lambda machine: {"host-name": guest_name(machine.guest)},
    "get-memory-block-info": lambda _: {"size": BLOCK},
    "get-memory-blocks": _memory_blocks,
    "get-osinfo": lambda _: dict(_SYSTEM),
    "get-time": lambda machine: int(machine.now * _NANOSECONDS),
    "get-timezone": lambda _: {"zone": "UTC", "offset": 0},
    "get-users": lambda _: [],
    "get-vcpus": _processors,
    "info": _info,
    "network-get-interfaces": _interfaces,
    "ping": lambda _: {},
    **_SILENT,
}
"""The commands that Proxmox offers by their names alone."""
_WITH_ARGUMENTS = (
    "exec", "exec-status", "file-close", "file-open", "file-read", "file-write", "set-user-password", "sync",
    "sync-delimited",
)  # fmt: skip
