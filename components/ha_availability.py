"""What becomes of guests when their host is lost: HA starts them on another one, if their disks are there too.

With storage that all hosts see nothing more is needed. Otherwise copies of the disks travel to the other hosts
(`replication`), and what was written since the last one is lost. With neither, HA could start no guest anywhere else:
then it is not asked to, and a preview says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.ha_args import GuestStorage
from providers.container import Container
from providers.ha_resource import HaResource
from providers.ha_rule import HaRule
from providers.replication import Replication
from providers.vm import VirtualMachine

Machine = Container | VirtualMachine
PAIR = 2


@dataclass(frozen=True, kw_only=True)
class HighAvailabilityArgs:
    """The guests, and what they are worth."""

    guests: Mapping[str, Machine]
    apart: Mapping[str, Sequence[str]]
    """Name of a rule -> the guests that are never on the same host."""
    nodes: Mapping[str, str]
    """Guest -> the node that it is made on."""
    all_nodes: Sequence[str]
    storage: GuestStorage
    max_restart: int = 1
    max_relocate: int = 1
    connection: str | None = None


class HighAvailability(pulumi.ComponentResource):
    """Guests that outlive their host."""

    sids: dict[str, pulumi.Output[str]]
    """Guest -> what HA calls it; empty where HA can't do anything."""

    def __init__(self, name: str, args: HighAvailabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:HighAvailability", name, None, opts)
        self._name, self._args, self.sids = name, args, {}
        if args.storage.mode == "none":
            pulumi.log.warn(helpless(args.storage.name), self)
        else:
            made = [self._kept(guest, machine) for guest, machine in args.guests.items()]
            for rule, guests in args.apart.items():
                self._apart(rule, guests, made)
        self.register_outputs({"sids": self.sids})

    def _kept(self, guest: str, machine: Machine) -> HaResource:
        copies = self._copies(guest, machine) if self._args.storage.mode == "replication" else []
        kept = HaResource(
            f"{self._name}-{guest}",
            pulumi.ResourceOptions(parent=self, depends_on=copies),
            connection=self._args.connection,
            vmid=machine.vmid,
            state="started",
            max_restart=self._args.max_restart,
            max_relocate=self._args.max_relocate,
        )
        kind = "vm" if isinstance(machine, VirtualMachine) else "ct"
        self.sids[guest] = kept.vmid.apply(lambda vmid: f"{kind}:{vmid}")
        return kept

    def _copies(self, guest: str, machine: Machine) -> list[Replication]:
        """To each of the other hosts, since nobody knows which one will be left."""
        targets = [node for node in self._args.all_nodes if node != self._args.nodes[guest]]
        return [
            Replication(
                f"{self._name}-{guest}-{target}",
                pulumi.ResourceOptions(parent=self),
                connection=self._args.connection,
                job_id=pulumi.Output.format("{0}-{1}", machine.vmid, number),
                target=target,
                schedule=self._args.storage.schedule,
            )
            for number, target in enumerate(targets)
        ]

    def _apart(self, rule: str, guests: Sequence[str], made: Sequence[HaResource]) -> None:
        """As long as there are as many hosts as guests; with more, no rule could hold."""
        if not PAIR <= len(guests) <= len(self._args.all_nodes):
            return
        HaRule(
            f"{self._name}-{rule}-apart",
            pulumi.ResourceOptions(parent=self, depends_on=list(made)),
            connection=self._args.connection,
            rule=f"{rule}-apart",
            type="resource-affinity",
            affinity="negative",
            resources=[self.sids[guest] for guest in guests],
        )


def helpless(storage: str) -> str:
    """What HA can't do."""
    return (
        f"the guests' storage {storage} is each host's own, and nothing copies it: when a host is lost, its guests are "
        "gone until it comes back, and HA is not asked to start them elsewhere; what there are two of goes on by the "
        "other one. Choose `replication` or `shared` to have them restarted"
    )
