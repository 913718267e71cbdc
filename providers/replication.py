"""A replication job: copies the volumes of a guest to another node of its cluster, again and again.

API: `/cluster/replication`. The volumes have to be on ZFS. Proxmox removes a job in two steps: it notes that it is to
go, and the next round removes the copies and then the job; one that is to go counts as gone here. When the guest has
moved to the target, by HA or by migration, Proxmox turns the job round; that is no change of what is declared.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._ha.storages import REPLICATED
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.calendar import Schedule
from providers._runtime.coverage import Coverage
from providers._runtime.errors import TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject, Found
from providers._runtime.markers import Carrier, Immutable, ServerDefault, Wire
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need

LOOK_AGAIN = 2.0


class ReplicationInputs(Inputs):
    """A replication job as declared."""

    job_id: Annotated[str, Wire("id"), Immutable(), Field(pattern=r"^[1-9][0-9]{2,8}-[0-9]{1,9}$")] = Field(
        description="ID of the job: the guest's VMID and a number of the job's own, such as `100-0`."
    )
    target: Annotated[str, Immutable()] = Field(description="The node to copy to.")
    schedule: Annotated[Schedule | None, ServerDefault(value="*/15")] = Field(
        default=None, description="When it runs, as a calendar event such as `*/15`."
    )
    rate: Annotated[float | None, Field(ge=1)] = Field(default=None, description="MB/s that it may send.")
    disable: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether it is switched off."
    )
    comment: Annotated[str | None, Carrier(), Field(max_length=4000)] = Field(
        default=None, description="What the job is for."
    )


class ReplicationOutputs(ReplicationInputs):
    """A replication job as it is."""


class ReplicationHandler(ConfigObject):
    """Replication jobs as Proxmox keeps them."""

    inputs: ClassVar = ReplicationInputs
    outputs: ClassVar = ReplicationOutputs
    path = "/cluster/replication"
    key = "job_id"
    missing = r"no such job"
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/replication", "PUT /cluster/replication/{id}"),
        carried={"delete": "any field, by declaring it no longer"},
        left_out={
            "digest": "sent with every change, so that a neighbour's is not overwritten",
            "remove_job": "a destroy removes it",
            "source": "Proxmox keeps it: the node that the guest is on",
            "type": "there is one, `local`",
        },
    )
    at_creation: ClassVar = {"type": "local"}

    def read(self, api: Api, id_: str) -> Found | None:
        """One that is to be removed is gone; one that goes the other way, as its guest is there, is as it was."""
        found = super().read(api, id_)
        if found is None or found.raw.get("remove_job"):
            return None
        declared = api.recorded.get("target")
        if declared in (None, found.values["target"]):
            return found
        turned = declared in (found.raw.get("source"), api.facts.node_of(_vmid(found.values)))
        return replace(found, values={**found.values, "target": declared}) if turned else found

    def find(self, api: Api, wanted: Values) -> Found | None:
        """One that was lost from the state may go the other way as well."""
        api.recorded = dict(wanted)
        return super().find(api, wanted)

    def create(self, api: Api, wanted: Values) -> str:
        """The same job of a moment ago may still have to be removed."""
        while True:
            rows = [row for row in api.get(self.path) if row.get("id") == wanted["job_id"] and row.get("remove_job")]
            if not rows:
                return super().create(api, wanted)
            if time.monotonic() + LOOK_AGAIN > api.deadline:
                raise TookTooLong(
                    f"the job {wanted['job_id']} of before is still being removed by Proxmox's next round"
                )
            api.say(f"waiting until the job {wanted['job_id']} of before is removed")
            time.sleep(LOOK_AGAIN)

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """With it, HA can start the guest on another node."""
        return [(REPLICATED, str(_vmid(wanted)))] if "job_id" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """A job is the guest's."""
        return [(f"/vms/{_vmid(wanted)}", "VM.Replicate")] if "job_id" in wanted else []

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """As the guest itself."""
        return [(f"/vms/{_vmid(wanted)}", "VM.Audit")] if "job_id" in wanted else []

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What Proxmox refuses when the job is made."""
        target, vmid = wanted.get("target"), _vmid(wanted)
        nodes = sorted(facts.node_names())
        if len(nodes) == 1:
            yield "target", f"{nodes[0]} is in no cluster, and replication needs a second node of the same one"
        elif target and (why := facts.no_node(target)):
            yield "target", why
        elif vmid and not before and target and facts.node_of(vmid) == target:
            yield "target", f"guest {vmid} is on {target} itself"


def _vmid(values: Values) -> int:
    """Of the guest that a job is for; 0 where that is not said yet."""
    return int(values.get("job_id", "0").partition("-")[0])


class ReplicationArgs(CommonArgs):
    """Arguments of `Replication`."""

    job_id: pulumi.Input[str]
    target: pulumi.Input[str]
    schedule: NotRequired[pulumi.Input[str] | None]
    rate: NotRequired[pulumi.Input[float] | None]
    disable: NotRequired[pulumi.Input[bool] | None]
    comment: NotRequired[pulumi.Input[str] | None]


class Replication(Resource, kind="replication"):
    """A replication job."""

    job_id: pulumi.Output[str]
    target: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[ReplicationArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
