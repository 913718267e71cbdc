"""A snapshot of a guest: its disks and its configuration as they are now, and on request its memory.

API: `/nodes/{node}/qemu|lxc/{vmid}/snapshot`. Proxmox can change its description, and nothing else.

Going back is an action of its own, said by a word in `rollback`: when a run brings another word than the one before,
the guest goes back to the snapshot, and all that has happened to it since is lost; the preview says so (`data loss`).
Where a snapshot is only made or taken over, nothing goes back, whatever the word, nor where the word is taken out.
A guest that ran runs again afterwards. Its configuration is the old one too, so the next refresh may find drift in it.

Several guests at one moment: one `Snapshot` each, in an order by `depends_on` where there is one. Seen on Proxmox VE
9.2: ZFS only goes back to its latest snapshot; of a container there is no memory to save.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._guests import power
from providers._guests.place import GONE, Place
from providers._guests.target import missing, needed, row_of, target, vmid_in
from providers._guests.values import PlainText, VmId
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.errors import AlreadyThere, ApiRefused, TaskFailed
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Action, Carrier, Immutable, Impact, Local, ServerDefault, Takes
from providers._runtime.model import Changes, Inputs, Problem, Values
from providers._runtime.ownership import Owner, marked, owner_in, unmarked
from providers._runtime.privileges import Need

NO_SNAPSHOT = r"snapshot '.*' does not exist"
TAKEN = "already used"


class SnapshotInputs(Inputs):
    """A snapshot as declared."""

    vmid: Annotated[VmId, Immutable()] = Field(description="The guest, a virtual machine or a container.")
    snapname: Annotated[str, Immutable(), Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{1,39}$")] = Field(
        description="Name of the snapshot."
    )
    description: Annotated[PlainText | None, Carrier(), ServerDefault(value="")] = Field(
        default=None, description="What it is for."
    )
    vmstate: Annotated[bool | None, Immutable(), ServerDefault(value=False)] = Field(
        default=None,
        description="Whether it has the memory of a running virtual machine, which then goes on from there.",
    )
    rollback: Annotated[str | None, Action(), Takes("data loss")] = Field(
        default=None,
        min_length=1,
        description="A word of your own, such as a date. When it changes to another one, the guest goes back to the "
        "snapshot, and what has happened to it since is lost.",
    )
    replace_allowed: Annotated[bool | None, Local()] = Field(
        default=None, description="Allow a change by which this snapshot is deleted and another one taken."
    )


class SnapshotOutputs(SnapshotInputs):
    """A snapshot as it is."""

    snaptime: int | None = Field(default=None, description="When it was taken, in seconds since 1970.")


class SnapshotHandler(Handler):
    """Snapshots as Proxmox keeps them."""

    inputs: ClassVar = SnapshotInputs
    outputs: ClassVar = SnapshotOutputs
    holds_data = True

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By its name."""
        return _look(api, needed(api, wanted["vmid"]), wanted["snapname"])

    def create(self, api: Api, wanted: Values) -> str:
        """Take it; the guest is where the snapshot is, so there is nothing to go back to."""
        place, name = needed(api, wanted["vmid"]), wanted["snapname"]
        if _look(api, place, name) is not None:
            raise AlreadyThere(f"{_id(place, name)} already exists")
        parameters = {"snapname": name, "description": marked(wanted.get("description"), api.owner)}
        if wanted.get("vmstate"):
            parameters["vmstate"] = "1"
        try:
            api.run(f"taking {_id(place, name)}", "POST", f"{place.path}/snapshot", parameters)
        except TaskFailed as failed:
            if TAKEN in failed.exitstatus:
                raise AlreadyThere(f"{_id(place, name)} already exists") from None
            raise
        api.recorded = dict(wanted)
        return _id(place, name)

    def read(self, api: Api, id_: str) -> Found | None:
        """One row of the guest's list."""
        place = target(api, vmid_in(id_))
        return None if place is None else _look(api, place, _name(id_))

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Describe it otherwise, and go back where another word says so than before."""
        place, name = needed(api, wanted["vmid"]), wanted["snapname"]
        if "description" in todo.names() or found.owner != api.owner:
            text = {"description": marked(wanted.get("description"), api.owner)}
            api.put(f"{place.path}/snapshot/{name}/config", text)
        if "rollback" in todo.set and api.recorded:
            _go_back(api, place, name)
        api.recorded = dict(wanted)

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Delete it, and wait until the storage is through."""
        place = target(api, vmid_in(id_))
        if place is None:
            return
        try:
            api.run(f"deleting {id_}", "DELETE", f"{place.path}/snapshot/{_name(id_)}")
        except (ApiRefused, TaskFailed) as error:
            gone = error.says(f"{NO_SNAPSHOT}|{GONE}") if isinstance(error, ApiRefused) else "not exist" in str(error)
            if not gone:
                raise

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """A clone may be made of it."""
        return [("snapshot", f"{wanted['vmid']}/{wanted['snapname']}")] if {"vmid", "snapname"} <= set(wanted) else []

    def needs(self, wanted: Values) -> list[Need]:
        """Going back is a right of its own."""
        asked = ["VM.Snapshot", *(["VM.Snapshot.Rollback"] if "rollback" in wanted else [])]
        return [(f"/vms/{wanted['vmid']}", privilege) for privilege in asked] if "vmid" in wanted else []

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """As the guest itself."""
        return [(f"/vms/{wanted['vmid']}", "VM.Audit")] if "vmid" in wanted else []

    def impact(self, before: Values, wanted: Values) -> dict[str, Impact]:
        """Taking the word out does nothing."""
        found = super().impact(before, wanted)
        return {name: impact for name, impact in found.items() if name != "rollback" or name in wanted}

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The guest is there, and its storages can take a snapshot of it."""
        yield from missing(facts, wanted)
        row = row_of(facts, wanted["vmid"]) if "vmid" in wanted else None
        if row is None or before:
            return
        place = Place(str(row["type"]), wanted["vmid"], str(row["node"]))
        if row.get("template"):
            yield "vmid", f"{place.id} is a template, of which Proxmox takes no snapshot"
            return
        answer = facts.look(f"{place.path}/feature", {"feature": "snapshot"})
        if answer is not None and not answer.get("hasFeature"):
            yield "vmid", f"a storage of {place.id} has no snapshots (such as lvm, or raw files on a directory)"
        if wanted.get("vmstate") and place.kind == "lxc":
            yield "vmstate", f"{place.id} is a container, and only a virtual machine's memory can be saved"
        elif wanted.get("vmstate") and row.get("status") == "stopped":
            yield "vmstate", f"{place.id} does not run, so it has no memory to be saved"


def _id(place: Place, name: str) -> str:
    return f"{place.id}/snapshot/{name}"


def _name(id_: str) -> str:
    return id_.rpartition("/")[2]


def _look(api: Api, place: Place, name: str) -> Found | None:
    """The snapshot of that name; None if it, or the whole guest, is gone."""
    try:
        rows: list[Values] = api.get(f"{place.path}/snapshot")
    except ApiRefused as refused:
        if refused.says(GONE):
            return None
        raise
    row = next((row for row in rows if row["name"] == name), None)
    if row is None:
        return None
    values: Values = {
        "vmid": place.vmid,
        "snapname": name,
        "vmstate": bool(row.get("vmstate")),
        "snaptime": row.get("snaptime"),
        "description": unmarked(row.get("description")),
        "rollback": api.recorded.get("rollback"),
    }
    known = {key: value for key, value in values.items() if value is not None}
    return Found(_id(place, name), known, owner_in(row.get("description")), row)


def _go_back(api: Api, place: Place, name: str) -> None:
    """Proxmox stops the guest for it; one that ran runs again."""
    was_running = power.is_running(api, place)
    api.run(f"going back to {_id(place, name)}", "POST", f"{place.path}/snapshot/{name}/rollback")
    api.facts.note(place.vmid, started=None)
    if was_running and not power.is_running(api, place):
        power.start(api, place)


class SnapshotArgs(CommonArgs):
    """Arguments of `Snapshot`."""

    vmid: pulumi.Input[int]
    snapname: pulumi.Input[str]
    description: NotRequired[pulumi.Input[str] | None]
    vmstate: NotRequired[pulumi.Input[bool] | None]
    rollback: NotRequired[pulumi.Input[str] | None]
    replace_allowed: NotRequired[pulumi.Input[bool] | None]


class Snapshot(Resource, kind="snapshot"):
    """A snapshot of a guest."""

    vmid: pulumi.Output[int]
    snapname: pulumi.Output[str]
    snaptime: pulumi.Output[int]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SnapshotArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
