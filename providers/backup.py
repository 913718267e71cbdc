"""A backup of a guest, made now: before an upgrade, or whenever one of the `triggers` changes.

API: `/nodes/{node}/vzdump`, and `/nodes/{node}/storage/{storage}/content` for what it has made. Another trigger, mode
or compression makes a new backup. A backup is data: neither that nor a destroy removes one unless `keep_on_destroy` is
false, and then the new one is there before the old one goes. Nothing is pruned along the way either.

The mark by which a run that died finds its backup again is in the notes; a backup that is kept loses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import DataAtRisk, InvalidValue, Missing
from providers._runtime.facts import Facts, Row
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Action, Carrier, Immutable, Local, ServerDefault
from providers._runtime.model import Changes, Inputs, Problem, Values
from providers._runtime.ownership import Owner, marked, owner_in, unmarked
from providers._runtime.privileges import Need
from providers._storages import transfer
from providers._storages.preflight import storage_problems

MADE_WITH = ("mode", "compress", "triggers")
"""Fields that say how and why it was made; Proxmox can't be asked for them."""


def _plain_notes(text: str) -> str:
    """Proxmox takes notes as a template, of which only texts are used here."""
    if "{{" in text:
        raise InvalidValue("{{…}} is for the notes of backup jobs; here the program can write what it means")
    return text.rstrip("\n")


class BackupInputs(Inputs):
    """A backup as declared."""

    vmid: Annotated[int, Immutable(), Field(ge=100, le=999999999)] = Field(description="The guest.")
    storage: Annotated[str, Immutable(), Field(min_length=1)] = Field(description="Where the backup goes.")
    mode: Literal["snapshot", "suspend", "stop"] | None = Field(
        default=None, description="What a running guest goes through: `snapshot`, the default, keeps it running."
    )
    compress: Literal["0", "gzip", "lzo", "zstd"] | None = Field(
        default=None, description="How it is compressed; `0`, the default: not at all."
    )
    notes: Annotated[str | None, Carrier(), AfterValidator(_plain_notes), Field(max_length=900)] = Field(
        default=None, description="What the backup is for."
    )
    protected: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether it can't be removed."
    )
    triggers: Annotated[dict[str, str] | None, Action()] = Field(
        default=None, description="Values of the program's own; when one of them changes, a new backup is made."
    )
    keep_on_destroy: Annotated[bool | None, Local()] = Field(
        default=None, description="Whether it stays on the storage when the resource goes or makes a new one; true."
    )

    @classmethod
    def completed(cls, values: Values, unknown: frozenset[str]) -> Values:
        """A backup is never removed unless somebody says so; the preview shows it."""
        if values.get("keep_on_destroy") is not None or "keep_on_destroy" in unknown:
            return values
        return {**values, "keep_on_destroy": True}


class BackupOutputs(BackupInputs):
    """A backup as it is."""

    volid: str = Field(default="", description="The volume, which a guest can be restored from.")
    node: str = Field(default="", description="The node that made it.")
    size: int = Field(default=0, description="Its bytes.")
    ctime: int = Field(default=0, description="When it was made, in seconds since 1970.")


class BackupHandler(Handler):
    """Backups as Proxmox keeps them."""

    inputs: ClassVar = BackupInputs
    outputs: ClassVar = BackupOutputs
    coverage: ClassVar = Coverage(
        methods=("POST /nodes/{node}/vzdump", "PUT /nodes/{node}/storage/{storage}/content/{volume}"),
        carried={"notes-template": "notes"},
        left_out={
            "volume": "it is the output `volid`",
            "node": "the guest's own",
            "remove": "always off: making a backup removes none",
            "prune-backups": "making a backup removes none; a `BackupJob` has it",
            "stop": "it would end the backup that another has begun",
            "stdout": "for the command line",
            **dict.fromkeys(("all", "exclude", "pool"), "a backup is one guest's; a `BackupJob` has it"),
            **dict.fromkeys(
                (
                    *(
                        "bwlimit",
                        "exclude-path",
                        "fleecing",
                        "ionice",
                        "job-id",
                        "lockwait",
                        "mailnotification",
                        "mailto",
                    ),
                    *("notification-mode", "pbs-change-detection-mode", "performance", "pigz", "quiet", "stdexcludes"),
                    *("stopwait", "zstd"),
                ),
                "the node's own default (`/etc/vzdump.conf`); a `BackupJob` has it",
            ),
            **dict.fromkeys(("dumpdir", "script", "tmpdir"), "a path of the node, for root@pam alone"),
        },
    )

    def find(self, api: Api, wanted: Values) -> Found | None:
        """The newest one with the owner's mark."""
        return self.read(api, _id_of(api.owner, wanted))

    def create(self, api: Api, wanted: Values) -> str:
        """Make it, unless a run that died has made it."""
        id_ = _id_of(api.owner, wanted)
        if _newest(api, _node_of(api, wanted["vmid"]), wanted["storage"], wanted["vmid"]) is None:
            _make(api, wanted)
        api.recorded = _made_with(wanted)
        return id_

    def read(self, api: Api, id_: str) -> Found | None:
        """The one that the state names, or the newest one with the mark."""
        _, storage, vmid, _ = id_.split("/")
        node = str(api.recorded.get("node") or api.facts.node_of(int(vmid)) or "")
        if not node:
            return None
        volid = api.recorded.get("volid")
        row = transfer.row_of(api, node, str(volid)) if volid else _newest(api, node, storage, int(vmid))
        if row is None:
            return None
        notes, name = row.get("notes"), str(row["volid"])
        values: Values = {
            "vmid": int(vmid), "storage": storage, "node": node, "volid": name, "size": int(row.get("size", 0)),
            "ctime": int(row.get("ctime", 0)), "protected": bool(row.get("protected")), **_made_with(api.recorded),
        }  # fmt: skip
        plain = unmarked(notes)
        return Found(id_, {**values, "notes": plain} if plain else values, owner_in(notes), row)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Notes and protection change; all else makes a new one, and then the old one is let go."""
        if set(MADE_WITH) & set(todo.set) and api.recorded:
            newest = _newest(api, found.values["node"], wanted["storage"], wanted["vmid"])
            if newest is None or newest["volid"] == found.values["volid"]:  # else a run that died has made it
                _make(api, wanted)
            _let_go(api, found, keep=wanted.get("keep_on_destroy", True))
            api.recorded = _made_with(wanted)
            return
        changed: Values = {}
        if "notes" in todo.names() or found.owner != api.owner:
            changed["notes"] = marked(wanted.get("notes"), api.owner)
        if "protected" in todo.names():
            changed["protected"] = int(bool(wanted.get("protected")))
        if changed:
            _write(api, found, changed)
        api.recorded = {**api.recorded, **_made_with(wanted)}

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Let it go: it stays, unless the program said otherwise."""
        api.recorded = values
        found = self.read(api, id_)
        if found is not None:
            _let_go(api, found, keep=values.get("keep_on_destroy", True))

    def needs(self, wanted: Values) -> list[Need]:
        """The guest has to be readable, and the storage writable."""
        guest: list[Need] = [(f"/vms/{wanted['vmid']}", "VM.Backup")] if "vmid" in wanted else []
        return guest + ([(f"/storage/{wanted['storage']}", "Datastore.AllocateSpace")] if "storage" in wanted else [])

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """To find the guest, and with it the node to ask."""
        return [(f"/vms/{wanted['vmid']}", "VM.Audit")] if "vmid" in wanted else []

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The guest is there, and its node has the storage."""
        vmid = wanted.get("vmid")
        node = facts.node_of(vmid) if vmid is not None else None
        if vmid is not None and node is None and not facts.announced("guest", str(vmid)):
            yield "vmid", f"there is no guest {vmid} on the host, and none in this program"
        yield from storage_problems(facts, node, wanted.get("storage"), "backup")


def _id_of(owner: Owner, wanted: Values) -> str:
    """`vzdump/backups/100/0123456789ab`: the volume changes with each new backup, and an ID does not."""
    return f"vzdump/{wanted['storage']}/{wanted['vmid']}/{owner.key}"


def _made_with(values: Mapping[str, Any]) -> Values:
    return {name: values[name] for name in MADE_WITH if values.get(name) is not None}


def _as_template(notes: str) -> str:
    """Notes as Proxmox takes them: one line, in which two things are escaped."""
    return notes.replace("\\", "\\\\").replace("\n", "\\n")


def _node_of(api: Api, vmid: int) -> str:
    node = api.facts.node_of(vmid)
    if node is None:
        raise Missing(f"there is no guest {vmid} to back up")
    return node


def _make(api: Api, wanted: Values) -> None:
    """The task; nothing that is there already is pruned by it."""
    vmid, storage, node = wanted["vmid"], wanted["storage"], _node_of(api, wanted["vmid"])
    parameters: Values = {
        "vmid": vmid,
        "storage": storage,
        "remove": 0,
        "notes-template": _as_template(marked(wanted.get("notes"), api.owner)),
        "protected": int(bool(wanted.get("protected"))),
    }
    parameters |= {name: wanted[name] for name in ("mode", "compress") if name in wanted}
    with api.client.heavy(node=node, storage=storage, deadline=api.deadline):
        api.run(f"backing up {vmid} to {storage}", "POST", f"/nodes/{node}/vzdump", parameters)


def _newest(api: Api, node: str, storage: str, vmid: int) -> Row | None:
    """The newest backup of the guest that carries the owner's mark."""
    rows = [
        row
        for row in api.facts.content(node, storage, "backup")
        if row.get("vmid") == vmid and owner_in(row.get("notes")) == api.owner
    ]
    return max(rows, key=lambda row: int(row.get("ctime", 0)), default=None)


def _write(api: Api, found: Found, parameters: Values) -> None:
    api.put(transfer.content_path(found.values["node"], found.values["volid"]), parameters)


def _let_go(api: Api, found: Found, *, keep: bool) -> None:
    """Remove it, or take the mark off and leave it to whoever reads the warning."""
    volid, node = found.values["volid"], found.values["node"]
    if keep:
        _write(api, found, {"notes": found.values.get("notes", "")})
        api.warn(f"the backup {volid} stays on {node}; it is nobody's now, and keep_on_destroy=False would remove it")
        return
    if found.values["protected"]:
        raise DataAtRisk(f"the backup {volid} is protected and stays; set protected=False, run `up`, then remove it")
    transfer.remove(api, node, volid)


class BackupArgs(CommonArgs):
    """Arguments of `Backup`."""

    vmid: pulumi.Input[int]
    storage: pulumi.Input[str]
    mode: NotRequired[pulumi.Input[str] | None]
    compress: NotRequired[pulumi.Input[str] | None]
    notes: NotRequired[pulumi.Input[str] | None]
    protected: NotRequired[pulumi.Input[bool] | None]
    triggers: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]] | None]
    keep_on_destroy: NotRequired[pulumi.Input[bool] | None]


class Backup(Resource, kind="backup"):
    """A backup of a guest."""

    vmid: pulumi.Output[int]
    storage: pulumi.Output[str]
    volid: pulumi.Output[str]
    size: pulumi.Output[int]
    ctime: pulumi.Output[int]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[BackupArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
