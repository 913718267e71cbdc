"""A file on a storage: an ISO image, a container template, an image to import, or a snippet.

API: `/nodes/{node}/storage/{storage}/content`. The content has one source: a URL that the node fetches (`url`), a file
of this machine (`path`), a text (`data`), an appliance of Proxmox's list (`template`), or an image of an OCI registry
(`oci`). What decides whether it is brought anew is its checksum where there is one, and else the source itself. The
same file on several nodes is several resources, which are brought side by side.

Seen on Proxmox VE 9.2: snippets can't be uploaded, so they go over SFTP. An upload replaces a file of the same name, a
download never does: over SSH the new one comes beside and takes the old one's place, and without SSH the old one goes
first, which is said. Proxmox keeps no checksum: a file that somebody replaced by hand is noticed by its size, a snippet
by its content. A download that has no checksum, and a URL that tells no size, can't be told from another file; nor can
an OCI image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._runtime import privileges
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere
from providers._runtime.facts import Facts, Row
from providers._runtime.handler import Found, Handler
from providers._runtime.model import Changes, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from providers._storages import local_files, transfer
from providers._storages.file_inputs import SOURCES, FileInputs
from providers._storages.preflight import room_problems, storage_problems
from providers._storages.transfer import source_of, volid_of

BROUGHT = (*SOURCES, "checksum", "checksum_algorithm", "decompression", "verify_certificates")
"""Fields that say what was brought; Proxmox can't be asked for them."""


class FileOutputs(FileInputs):
    """A file as it is."""

    size: int = Field(default=0, description="Its bytes.")
    ctime: int = Field(default=0, description="When it was made or last changed, in seconds since 1970.")


class FileHandler(Handler):
    """Files as Proxmox keeps them."""

    inputs: ClassVar = FileInputs
    outputs: ClassVar = FileOutputs
    coverage: ClassVar = Coverage(
        methods=(
            "POST /nodes/{node}/storage/{storage}/upload",
            "POST /nodes/{node}/storage/{storage}/download-url",
            "POST /nodes/{node}/storage/{storage}/oci-registry-pull",
            "POST /nodes/{node}/aplinfo",
        ),
        left_out={"tmpfilename": "Proxmox's own web server sets it"},
    )

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By its name; what it holds is not known."""
        row = transfer.row_of(api, wanted["node"], volid_of(wanted))
        return _found(wanted["node"], row) if row else None

    def create(self, api: Api, wanted: Values) -> str:
        """Bring it, unless it is there already: a run that died may have brought it."""
        node, volid = wanted["node"], volid_of(wanted)
        row = transfer.row_of(api, node, volid)
        if row is None:
            transfer.bring(api, wanted)
        elif transfer.is_there(api, wanted, row):
            api.warn(f"{volid} is on {node} exactly as declared, and is taken over")
        else:
            raise AlreadyThere(f"{volid} already exists on {node}, and it is not what is declared")
        api.recorded = _brought(wanted)
        return id_of(node, volid)

    def read(self, api: Api, id_: str) -> Found | None:
        """A line of a list that all files of the storage share; what was brought counts while nobody changed it."""
        node, volid = place_of(id_)
        row = transfer.row_of(api, node, volid)
        if row is None:
            return None
        found = _found(node, row)
        if found.values["content"] == "snippets" and api.client.ssh.reaches(node):
            found.values.update(_snippet_checksum(api, node, found.values))
        elif _is_changed(api, node, row):
            return found
        found.values.update({**_brought(api.recorded), **found.values})
        return found

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Bring the content anew where it is another one."""
        decisive = {"checksum"} if "checksum" in wanted else set(SOURCES)
        if (decisive | {"decompression"}) & set(todo.set):
            unsure = not api.recorded or ("checksum" in wanted and "checksum" not in api.recorded)
            if not (unsure and transfer.is_there(api, wanted, found.raw)):
                transfer.replace(api, wanted)
        api.recorded = _brought(wanted)

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Remove it, whoever uses it: Proxmox does not ask either."""
        transfer.remove(api, *place_of(id_))

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Guests are made of it."""
        return [("file", volid_of(wanted))] if _is_named(wanted) else []

    def plan(
        self, facts: Facts | None, owner: Owner, before: Values, wanted: Values, unknown: frozenset[str]
    ) -> Values:
        """The volume, which guests name."""
        return {"volid": volid_of(wanted)} if _is_named(wanted) and "volid" not in unknown else {}

    def needs(self, wanted: Values) -> list[Need]:
        """What Proxmox asks of whoever brings a file; a snippet comes past it, and only its folder is asked for."""
        if "storage" not in wanted:
            return []
        storage = f"/storage/{wanted['storage']}"
        if wanted.get("content") == "snippets":
            return [(storage, "Datastore.Allocate")]
        needs: list[Need] = [(storage, "Datastore.AllocateTemplate")]
        if "node" in wanted and "oci" in wanted:
            needs.append((f"/nodes/{wanted['node']}", "Sys.AccessNetwork"))
        elif "node" in wanted and "url" in wanted:  # and by Sys.Audit beside the latter: see `_source_problems`
            needs.append((f"/nodes/{wanted['node']}", "Sys.AccessNetwork|Sys.Modify", "/"))
        return needs

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """It is looked for in the storage's list."""
        listing = "Datastore.Audit|Datastore.AllocateSpace"
        return [(f"/storage/{wanted['storage']}", listing)] if "storage" in wanted else []

    def needs_to_delete(self, values: Values) -> list[Need]:
        """Who may bring a file may not remove it yet."""
        return [(f"/storage/{values['storage']}", "Datastore.Allocate")] if "storage" in values else []

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What the host would refuse, or could only find out after a long transfer."""
        problems = list(storage_problems(facts, wanted.get("node"), wanted.get("storage"), wanted.get("content")))
        yield from problems
        if problems or not _is_named(wanted) or not source_of(wanted) or "node" not in wanted:
            return
        yield from _source_problems(facts, wanted)
        same = before.get("volid") == volid_of(wanted) and before.get("node") == wanted["node"]
        if facts.announced("storage", wanted["storage"]) or (same and not _is_news(before, wanted)):
            return
        size = transfer.size_of(facts, wanted)
        if size is not None:
            yield from room_problems(facts, wanted["node"], wanted["storage"], size)
            if not same and (wanted.get("adopt") or "never") == "never":
                yield from _name_problems(facts, wanted, size)


def _is_named(wanted: Values) -> bool:
    return all(name in wanted for name in ("storage", "content", "filename"))


def id_of(node: str, volid: str) -> str:
    """`nodes/pve1/storage/local/content/local:iso/debian.iso`."""
    return f"nodes/{node}/storage/{volid.partition(':')[0]}/content/{volid}"


def place_of(id_: str) -> tuple[str, str]:
    """The inverse of `id_of`: node and volume."""
    _, node, _, _, _, volid = id_.split("/", 5)
    return node, volid


def _found(node: str, row: Row) -> Found:
    storage, _, name = str(row["volid"]).partition(":")
    content, _, filename = name.partition("/")
    values: Values = {
        "node": node, "storage": storage, "content": content, "filename": filename,
        "size": int(row.get("size", 0)), "ctime": int(row.get("ctime", 0)),
    }  # fmt: skip
    return Found(id_of(node, str(row["volid"])), values, raw=row)


def _brought(values: Any) -> Values:
    return {name: values[name] for name in BROUGHT if values.get(name) is not None}


def _is_news(before: Values, wanted: Values) -> bool:
    """Whether the content is another one than until now."""
    return {**_brought(before), "path": 0} != {**_brought(wanted), "path": 0}


def _is_changed(api: Api, node: str, row: Row) -> bool:
    """Whether somebody has put another file in its place since the state was written.

    Without a size in the state it was brought a moment ago. A file of the same size and another time is compared by its
    checksum where the node is reached over SSH, and believed where it is not.
    """
    recorded = api.recorded
    if recorded.get("size") is None:
        return False
    if recorded["size"] != row.get("size"):
        return True
    if recorded.get("ctime") == row.get("ctime") or "checksum" not in recorded or "decompression" in recorded:
        return False
    found = transfer.checksum_on_node(api, node, str(row["volid"]), str(recorded["checksum_algorithm"]))
    return found not in (None, recorded["checksum"])


def _snippet_checksum(api: Api, node: str, values: Values) -> Values:
    """The checksum of a snippet as it is now; snippets are small."""
    path = transfer.snippet_path(api.facts, values["storage"], values["filename"])
    data = api.client.ssh.read(node, path, deadline=api.deadline)
    algorithm = str(api.recorded.get("checksum_algorithm", "sha256"))
    return {"checksum": local_files.checksum_of(data or b"", algorithm), "checksum_algorithm": algorithm}


def _source_problems(facts: Facts, wanted: Values) -> Iterator[Problem]:
    node = wanted["node"]
    if wanted["content"] == "snippets" and not facts.client.ssh.reaches(node):
        yield "connection", f"snippets go over SFTP, and the connection's `ssh` has no host {node}"
    if "template" in wanted:
        rows = facts.look(f"/nodes/{node}/aplinfo")
        if rows is not None and wanted["template"] not in {row.get("template") for row in rows}:
            yield "template", f"there is no appliance {wanted['template']!r}; `pveam available` on {node} lists them"
    granted, permissions = privileges.granted, facts.permissions()
    old_way = granted(permissions, "/", "Sys.Audit") and granted(permissions, "/", "Sys.Modify")
    if "url" in wanted and not old_way:
        yield from privileges.missing(facts, [(f"/nodes/{node}", "Sys.AccessNetwork")])


def _name_problems(facts: Facts, wanted: Values, size: int) -> Iterator[Problem]:
    """A file of that name that can't be the one that is meant."""
    volid = volid_of(wanted)
    rows = facts.look(f"{transfer.storage_path(wanted['node'], volid)}/content", {"content": wanted["content"]}) or ()
    there = next((row for row in rows if row["volid"] == volid), None)
    if there is not None and there.get("size") != size:
        yield (
            "filename",
            f"{volid} already exists on {wanted['node']} with {there.get('size')} bytes, and what is declared has "
            f"{size}; to replace it, set adopt to `if-exists`",
        )


class FileArgs(CommonArgs):
    """Arguments of `File`."""

    node: pulumi.Input[str]
    storage: pulumi.Input[str]
    content: pulumi.Input[str]
    filename: NotRequired[pulumi.Input[str] | None]
    url: NotRequired[pulumi.Input[str] | None]
    path: NotRequired[pulumi.Input[str] | None]
    data: NotRequired[pulumi.Input[str] | None]
    template: NotRequired[pulumi.Input[str] | None]
    oci: NotRequired[pulumi.Input[str] | None]
    checksum: NotRequired[pulumi.Input[str] | None]
    checksum_algorithm: NotRequired[pulumi.Input[str] | None]
    decompression: NotRequired[pulumi.Input[str] | None]
    verify_certificates: NotRequired[pulumi.Input[bool] | None]
    volid: NotRequired[pulumi.Input[str] | None]


class File(Resource, kind="file"):
    """A file on a storage."""

    volid: pulumi.Output[str]
    node: pulumi.Output[str]
    filename: pulumi.Output[str]
    checksum: pulumi.Output[str | None]
    size: pulumi.Output[int]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[FileArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
