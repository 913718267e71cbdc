"""A guest under high availability: the HA managers keep it in a state, and start it elsewhere when its node is lost.

API: `/cluster/ha/resources`. Proxmox names it by the guest's kind and VMID (`vm:100`). The managers work in rounds of
ten seconds, so that a change is through only when they have brought the guest to the state; that is waited for. The
guest itself stays as it is when the managers let go of it, and rules forget it. Before Proxmox VE 9 it is the groups
that say whether a guest returns to a better node, so `failback` is refused there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._ha.release import has_rules
from providers._ha.storages import only_on_one_node
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import Missing, ProxmoxError, TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject, Found
from providers._runtime.markers import Carrier, Immutable, ServerDefault, Wire
from providers._runtime.model import Changes, Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need, granted

REACHED = {"started": {"started"}, "stopped": {"stopped"}, "disabled": {"stopped", "disabled"}, "ignored": {"ignored"}}
"""State that is asked for -> what the managers call a guest that is in it."""
PAUSE = 1.0


class HaResourceInputs(Inputs):
    """A guest under high availability as declared."""

    vmid: Annotated[int, Wire("sid"), Immutable(), Field(ge=100, le=999999999)] = Field(
        description="VMID of the guest."
    )
    state: Annotated[Literal["started", "stopped", "disabled", "ignored"] | None, ServerDefault(value="started")] = (
        Field(
            default=None,
            description="What the managers keep it in: `started`, `stopped` (but moved away from a lost node), "
            "`disabled` (stopped, and left where it is); `ignored` makes them look away.",
        )
    )
    max_restart: Annotated[int | None, ServerDefault(value=1), Field(ge=0)] = Field(
        default=None, description="How often its start is tried again on the node that it is on."
    )
    max_relocate: Annotated[int | None, ServerDefault(value=1), Field(ge=0)] = Field(
        default=None, description="How often another node is tried when it does not start."
    )
    failback: Annotated[bool | None, ServerDefault(value=True)] = Field(
        default=None, description="Whether it returns to the node that its rules prefer when that is there again."
    )
    comment: Annotated[str | None, Carrier(), Field(max_length=4000)] = Field(
        default=None, description="What is to be known of it."
    )


class HaResourceOutputs(HaResourceInputs):
    """A guest under high availability as it is."""

    sid: str = Field(description="What rules call it, such as `vm:100`.")


class HaResourceHandler(ConfigObject):
    """Guests under high availability as Proxmox keeps them."""

    inputs: ClassVar = HaResourceInputs
    outputs: ClassVar = HaResourceOutputs
    path = "/cluster/ha/resources"
    key = "vmid"
    missing = r"no such resource|not HA managed|VM/CT \d+ does not exist"
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/ha/resources", "PUT /cluster/ha/resources/{sid}"),
        carried={"delete": "(what is declared no longer)", "digest": "(always sent)"},
        left_out={
            "group": "a rule says where guests may run; where there are groups yet, it is written as one",
            "type": "Proxmox knows it of the guest",
        },
    )

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Rules name it."""
        return [("HA resource", f"{kind}:{wanted['vmid']}") for kind in ("vm", "ct")] if "vmid" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """Making, changing and removing it take the same."""
        return [("/", "Sys.Console")]

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """It, and the managers, which are watched."""
        return [("/", "Sys.Audit")]

    def create(self, api: Api, wanted: Values) -> str:
        """Once Proxmox has it, it is kept, also if its guest does not come to the state."""
        super().create(api, wanted)
        sid = str(_status(api, wanted["vmid"])[0]["sid"])
        api.created(self.id_of(sid))
        _wait(api, wanted["vmid"])
        return self.id_of(sid)

    def read(self, api: Api, id_: str) -> Found | None:
        """Proxmox takes the VMID alone for its name, and gives the whole one."""
        found = super().read(api, id_)
        if found is None:
            return None
        sid = str(found.raw["sid"])
        vmid = int(sid.partition(":")[2])
        return replace(found, id=self.id_of(sid), values={**found.values, "vmid": vmid, "sid": sid})

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """It is brought to the state also where an earlier run gave up waiting for that."""
        super().update(api, found, wanted, todo)
        _wait(api, wanted["vmid"])

    def deeds(self, before: Values, wanted: Values) -> dict[str, str]:
        """Another state starts or stops the guest."""
        old, new = (values.get("state", "started") for values in (before, wanted))
        words = {"started": "starts the guest", "stopped": "stops the guest", "disabled": "stops the guest"}
        return {"state": words[new]} if old != new and new in words else {}

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What Proxmox refuses when it is made."""
        vmid = wanted.get("vmid")
        if vmid is not None and vmid != before.get("vmid"):
            row = next((row for row in facts.of_type("qemu", "lxc") if row.get("vmid") == vmid), None)
            if row is not None and row.get("template"):
                yield "vmid", f"guest {vmid} is a template, which nobody can start"
            elif not _may_be_there(facts, vmid):
                yield "vmid", f"there is no guest {vmid} on the host, and none in this program"
        if "failback" in wanted and not has_rules(facts):
            yield "failback", "Proxmox VE has it from 9.0 on; before, a group of nodes says so for all of its guests"

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """HA is worth little to a guest that no other node can start."""
        vmid = wanted.get("vmid")
        if len(facts.of_type("node")) == 1:
            yield "HA on a host that is in no cluster can start a guest again, but nowhere else"
        elif vmid is not None and (storages := only_on_one_node(facts, vmid)):
            yield (
                f"guest {vmid} is under HA with disks on {', '.join(storages)}, which each node has for itself, and no "
                f"replication: if its node is lost, HA can't start it on another"
            )


def _may_be_there(facts: Facts, vmid: int) -> bool:
    """Whether the guest is there, or will be, or is one that the identity may not see."""
    if facts.node_of(vmid) is not None or facts.announced("guest", str(vmid)):
        return True
    return not granted(facts.permissions(), f"/vms/{vmid}", "VM.Audit")


def _status(api: Api, vmid: int) -> tuple[dict[str, Any], bool]:
    """What the managers say of the guest at this moment, and whether they have been told to keep their hands off."""
    rows: list[dict[str, Any]] = api.get("/cluster/ha/status/current")
    disarmed = any(str(row.get("armed-state", "")).startswith("disarm") for row in rows)
    for row in rows:
        if row.get("type") == "service" and str(row.get("sid")).partition(":")[2] == str(vmid):
            return row, disarmed
    raise Missing(f"guest {vmid} was put under HA a moment ago, and somebody has taken it out again")


def _wait(api: Api, vmid: int) -> None:
    """Until the guest is in the state that is asked for."""
    while True:
        row, disarmed = _status(api, vmid)
        sid, state, asked = row["sid"], str(row.get("state")), str(row.get("request_state"))
        if state in REACHED.get(asked, {asked}):
            return
        if state == "error":
            raise ProxmoxError(
                f"HA has given up on {sid}: its tasks on node {row.get('node')} say why; once that is mended, set "
                f"state to `disabled`, run `up`, and then to `{asked}` again"
            )
        if disarmed:
            api.warn(f"HA is disarmed: {sid} is {state}, and will be {asked} once somebody arms it again")
            return
        if time.monotonic() + PAUSE > api.deadline:
            raise TookTooLong(f"HA was asked to bring {sid} to {asked}, and it is still {state}")
        api.say(f"waiting until HA has brought {sid} to {asked}: {state}")
        time.sleep(PAUSE)


class HaResourceArgs(CommonArgs):
    """Arguments of `HaResource`."""

    vmid: pulumi.Input[int]
    state: NotRequired[pulumi.Input[str] | None]
    max_restart: NotRequired[pulumi.Input[int] | None]
    max_relocate: NotRequired[pulumi.Input[int] | None]
    failback: NotRequired[pulumi.Input[bool] | None]
    comment: NotRequired[pulumi.Input[str] | None]


class HaResource(Resource, kind="ha_resource"):
    """A guest under high availability."""

    vmid: pulumi.Output[int]
    state: pulumi.Output[str | None]
    sid: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[HaResourceArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
