"""What a lab and its parts tell of themselves, as `lab_outputs` says it.

Each lab gathers it in `Exports`; what is in there is checked before it leaves the program, so that whoever reads a lab
can rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict, get_args

import pulumi
import pulumi_random
from pydantic import TypeAdapter

from lab_outputs import VERSION, Guest, Host, Lab, Network, Nic, Ssh, Vip
from providers.container import Container
from providers.vm import VirtualMachine

SECRET = ("credentials", "secret_files")


class LoginOutput(TypedDict):
    """Who logs in, and the password."""

    user: str
    password: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Exports:
    """What a lab tells: its fields are those of `lab_outputs.Lab`, which says what each is."""

    hosts: Mapping[str, Host] = field(default_factory=dict)
    guests: Mapping[str, pulumi.Output[dict[str, Any]]] = field(default_factory=dict)
    """Each by `guest_output`."""
    networks: Mapping[str, Network] = field(default_factory=dict)
    vips: Mapping[str, Vip] = field(default_factory=dict)
    endpoints: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    templates: Mapping[str, pulumi.Input[int]] = field(default_factory=dict)
    files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    credentials: Mapping[str, LoginOutput] = field(default_factory=dict)
    secret_files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Any]:
        """What the stack of a kind of lab exports: only what it has."""
        return {"version": VERSION, "kind": kind, **self.told()}

    def told(self) -> dict[str, dict[str, Any]]:
        """The same without the kind, as a component registers it."""
        filled = {each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name)}
        return {name: _checked(name, entries) for name, entries in filled.items()}


def _checked(name: str, entries: Mapping[str, Any]) -> dict[str, pulumi.Output[Any]]:
    """Entries as plain values; one that a reader could not use ends the run."""
    entry = TypeAdapter[Any](get_args(Lab.model_fields[name].annotation)[1])

    def plain(value: Any) -> Any:
        return entry.dump_python(entry.validate_python(value), exclude_none=True)

    checked = {key: pulumi.Output.from_input(value).apply(plain) for key, value in entries.items()}
    return {key: pulumi.Output.secret(value) for key, value in checked.items()} if name in SECRET else checked


def told_late(name: str, entries: pulumi.Output[dict[str, Any]]) -> pulumi.Output[dict[str, Any]]:
    """A field of `Exports` of which not even the keys are known before, checked like all others."""
    return entries.apply(lambda known: pulumi.Output.from_input(_checked(name, known)))


def login(user: str, password: pulumi_random.RandomPassword) -> LoginOutput:
    """Who logs in with a password that the lab has made up."""
    known: pulumi.Output[str] = password.result
    return {"user": user, "password": pulumi.Output.secret(known)}


def guest_output(
    machine: VirtualMachine | Container,
    *,
    host: str | None = None,
    nics: Mapping[str, tuple[str | None, str | None]],
    groups: Sequence[str] = (),
    ssh: Ssh | None = None,
) -> pulumi.Output[dict[str, Any]]:
    """A guest, known in a preview as far as it is planned; `nics` has the network and the fixed address of a slot.

    Without `host`, the lab calls its host as Proxmox calls the node, whichever the guest is on.
    """
    virtual = isinstance(machine, VirtualMachine)
    name = machine.name if isinstance(machine, VirtualMachine) else machine.hostname
    known = pulumi.Output.all(name=name, vmid=machine.vmid, node=machine.node, macs=machine.macs)

    def told(of: dict[str, Any]) -> dict[str, Any]:
        macs = of["macs"] or {}
        guest = Guest(
            name=of["name"] or f"{'vm' if virtual else 'ct'}-{of['vmid']}",
            type="qemu" if virtual else "lxc",
            vmid=of["vmid"],
            node=of["node"],
            host=host or of["node"],
            nics={slot: _nic(mac, *nics.get(slot, (None, None))) for slot, mac in macs.items()},
            groups=tuple(groups),
            ssh=ssh,
        )
        return guest.model_dump()

    return known.apply(told)


def _nic(mac: str, network: str | None, address: str | None) -> Nic:
    return Nic(mac=mac, network=network, address=address)
