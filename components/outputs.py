"""What a lab's parts tell of themselves, as `lab_outputs` says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from lab_outputs import Guest, Nic, Ssh
from providers.container import Container
from providers.vm import VirtualMachine


def guest_output(
    machine: VirtualMachine | Container,
    *,
    host: str,
    nics: Mapping[str, tuple[str | None, str | None]],
    groups: Sequence[str] = (),
    ssh: Ssh | None = None,
) -> pulumi.Output[dict[str, Any]]:
    """A guest, known in a preview as far as it is planned; `nics` has the network and the fixed address of a slot."""
    virtual = isinstance(machine, VirtualMachine)
    name = machine.name if isinstance(machine, VirtualMachine) else machine.hostname
    known = pulumi.Output.all(name=name, vmid=machine.vmid, node=machine.node, macs=machine.macs)

    def told(of: dict[str, Any]) -> dict[str, Any]:
        macs = of["macs"] or {}
        guest = Guest(
            name=of["name"],
            type="qemu" if virtual else "lxc",
            vmid=of["vmid"],
            node=of["node"],
            host=host,
            nics={slot: _nic(mac, *nics.get(slot, (None, None))) for slot, mac in macs.items()},
            groups=tuple(groups),
            ssh=ssh,
        )
        return guest.model_dump()

    return known.apply(told)


def _nic(mac: str, network: str | None, address: str | None) -> Nic:
    return Nic(mac=mac, network=network, address=address)
