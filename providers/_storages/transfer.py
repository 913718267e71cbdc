"""Bringing a file's content onto a storage, in the way of its source, and telling whether it is there already.

Proxmox replaces a file only by an upload. Where a node is reached over SSH, the content of another source comes under
a name beside and then takes the old file's place; where it is not, the old one has to go first.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from providers._runtime.api import Api, quoted
from providers._runtime.errors import ApiRefused, ConfigProblem, Missing, ProxmoxError, TaskFailed
from providers._runtime.facts import Facts, Row
from providers._runtime.model import Values, to_wire
from providers._runtime.wire import parse_property_string, to_text
from providers._storages import local_files
from providers._storages.file_inputs import SOURCES, FileInputs

GONE = r"does not exist|no such|unable to find"


def source_of(wanted: Values) -> str:
    """The source that is declared; it may not be known yet, then the text is empty."""
    return next((name for name in SOURCES if name in wanted), "")


def volid_of(wanted: Values, filename: str | None = None) -> str:
    """`local:iso/debian.iso`."""
    return f"{wanted['storage']}:{wanted['content']}/{filename or wanted['filename']}"


def storage_path(node: str, volid: str) -> str:
    """Where the API has the storage of a volume."""
    return f"/nodes/{node}/storage/{volid.partition(':')[0]}"


def content_path(node: str, volid: str) -> str:
    """Where the API has a volume."""
    return f"{storage_path(node, volid)}/content/{quoted(volid)}"


def row_of(api: Api, node: str, volid: str) -> Row | None:
    """What the storage's list says of a file; None if it is not there, or its storage is not."""
    storage, _, name = volid.partition(":")
    try:
        rows = api.facts.content(node, storage, name.partition("/")[0])
    except ApiRefused as refused:
        if refused.says(rf"storage '{storage}' does not exist"):
            return None
        raise
    return next((row for row in rows if row["volid"] == volid), None)


def remove(api: Api, node: str, volid: str) -> None:
    """Remove a file; one that is gone already is no error."""
    try:
        api.run(f"removing {volid}", "DELETE", content_path(node, volid))
    except ApiRefused as refused:
        if not refused.says(GONE):
            raise


# ---------------------------------------------------------------- on the way there


def bring(api: Api, wanted: Values, filename: str | None = None) -> None:
    """Bring the content, under its own name or another one; only an upload replaces a file that is there."""
    node, storage = wanted["node"], wanted["storage"]
    shared = api.facts.storages(node).get(storage, {}).get("shared")
    with api.client.heavy(storage=storage if shared else f"{storage} on {node}", deadline=api.deadline):
        if wanted["content"] == "snippets":
            _write(api, wanted)
        else:
            _WAYS[source_of(wanted)](api, wanted, filename or wanted["filename"])


def replace(api: Api, wanted: Values) -> None:
    """Bring other content to a file that is there; where that is possible, the old one goes last."""
    node, volid = wanted["node"], volid_of(wanted)
    if source_of(wanted) in ("path", "data"):
        bring(api, wanted)
    elif api.client.ssh.reaches(node):
        _bring_beside(api, wanted)
    else:
        if "url" in wanted and metadata(api.facts, wanted) is None:
            raise Missing(f"{node} gets no answer from {wanted['url']}, so {volid} stays as it is")
        api.warn(f"{volid} is removed before the new one is there: the connection has no `ssh` for {node}")
        remove(api, node, volid)
        bring(api, wanted)


def _bring_beside(api: Api, wanted: Values) -> None:
    """Under a name beside; a file that an earlier run has left there is in the way."""
    node, beside = wanted["node"], f"{api.owner.key}-{wanted['filename']}"
    volid = volid_of(wanted, beside)
    if row_of(api, node, volid) is not None:
        remove(api, node, volid)
    bring(api, wanted, beside)
    path = path_on_node(api, node, volid)
    try:
        target = f"{path.rpartition('/')[0]}/{wanted['filename']}"
        api.client.ssh.check(node, ["mv", "-f", path, target], deadline=api.deadline)
    except ProxmoxError:
        remove(api, node, volid)
        raise


def _download(api: Api, wanted: Values, filename: str) -> None:
    optional = ("checksum", "checksum_algorithm", "decompression", "verify_certificates")
    given = to_wire(FileInputs, {name: wanted[name] for name in optional if name in wanted})
    parameters = {"url": wanted["url"], "content": wanted["content"], "filename": filename, **given}
    volid = volid_of(wanted)
    api.run(f"downloading {volid}", "POST", f"{storage_path(wanted['node'], volid)}/download-url", parameters)


def _pull(api: Api, wanted: Values, filename: str) -> None:
    volid, parameters = volid_of(wanted), {"reference": wanted["oci"], "filename": filename}
    api.run(f"pulling {volid}", "POST", f"{storage_path(wanted['node'], volid)}/oci-registry-pull", parameters)


def _appliance(api: Api, wanted: Values, _filename: str) -> None:
    """Proxmox names the file, and compares one that is there."""
    asked = {"storage": wanted["storage"], "template": wanted["template"]}
    api.run(f"downloading {wanted['template']}", "POST", f"/nodes/{wanted['node']}/aplinfo", asked)


def _upload(api: Api, wanted: Values, filename: str) -> None:
    volid, told = volid_of(wanted), [0]

    def tell(percent: int) -> None:
        if percent > told[0]:
            told[0] = percent
            api.say(f"uploading {volid} {percent} %")

    with _opened(wanted) as source:
        parameters = {
            "content": wanted["content"],
            "checksum": wanted["checksum"],
            "checksum-algorithm": wanted["checksum_algorithm"],
            "filename": local_files.Outgoing(source, filename, tell),
        }
        api.run(f"taking in {volid}", "POST", f"{storage_path(wanted['node'], volid)}/upload", parameters)


def _write(api: Api, wanted: Values) -> None:
    """A snippet; it is read back, since nobody else checks it."""
    node, path = wanted["node"], snippet_path(api.facts, wanted["storage"], wanted["filename"])
    with _opened(wanted) as source:
        data = source.read()
    api.client.ssh.write(node, path, data, deadline=api.deadline)
    if api.client.ssh.read(node, path, deadline=api.deadline) != data:
        raise ProxmoxError(f"{path} on {node} is not what was written a moment ago: somebody else writes it too")


def _opened(wanted: Values) -> BinaryIO:
    """What is to be sent."""
    return Path(wanted["path"]).open("rb") if "path" in wanted else io.BytesIO(wanted["data"].encode())


_WAYS: dict[str, Callable[[Api, Values, str], None]] = {
    "url": _download,
    "path": _upload,
    "data": _upload,
    "template": _appliance,
    "oci": _pull,
}


# ---------------------------------------------------------------- what is there


def path_on_node(api: Api, node: str, volid: str) -> str:
    """Where the node has a file."""
    return str(api.get(content_path(node, volid))["path"])


def snippet_path(facts: Facts, storage: str, filename: str) -> str:
    """Where the nodes have a snippet, whether it is there or not."""
    config = facts.look(f"/storage/{storage}")
    if config is None:
        raise ConfigProblem(
            f"the folder of storage {storage} can't be told: the connection needs Datastore.Allocate on "
            f"/storage/{storage}"
        )
    folder = parse_property_string(str(config.get("content-dirs", ""))).get("snippets", "snippets")
    return f"{config.get('path') or f'/mnt/pve/{storage}'}/{folder.strip('/')}/{filename}"


def metadata(facts: Facts, wanted: Values) -> Row | None:
    """What a URL says of its file, as the node sees it; None if the node may not be asked, or gets no answer."""
    asked = {"url": wanted["url"]}
    if "verify_certificates" in wanted:
        asked["verify-certificates"] = to_text(wanted["verify_certificates"])
    found: Row | None = facts.look(f"/nodes/{wanted['node']}/query-url-metadata", asked)
    return found


def size_of(facts: Facts, wanted: Values) -> int | None:
    """The bytes that the file will have, where that can be told."""
    if "path" in wanted:
        return Path(wanted["path"]).stat().st_size
    if "data" in wanted:
        return len(wanted["data"].encode())
    told = metadata(facts, wanted) if "url" in wanted and "decompression" not in wanted else None
    return int(told["size"]) if told and told.get("size") else None


def checksum_on_node(api: Api, node: str, volid: str, algorithm: str) -> str | None:
    """The checksum of a file on a node; None where the connection has no SSH to it."""
    if not api.client.ssh.reaches(node):
        return None
    path = path_on_node(api, node, volid)
    return api.client.ssh.check(node, [f"{algorithm}sum", path], deadline=api.deadline).decode().split()[0]


def is_there(api: Api, wanted: Values, row: Mapping[str, Any]) -> bool:
    """Whether a file is the one that is meant: by its size, and by its checksum where somebody can calculate it."""
    if "template" in wanted or ("url" in wanted and "checksum" in wanted and "decompression" not in wanted):
        return _proxmox_agrees(api, wanted)
    size = size_of(api.facts, wanted)
    if size is None or size != row.get("size"):
        return False
    if "checksum" not in wanted:
        return True
    found = checksum_on_node(api, wanted["node"], row["volid"], wanted["checksum_algorithm"])
    return found in (None, wanted["checksum"])


def _proxmox_agrees(api: Api, wanted: Values) -> bool:
    """Asked for a file with a checksum, Proxmox compares the one that is there, and never replaces it."""
    try:
        bring(api, wanted)
    except TaskFailed as failed:
        if "mismatch" in failed.exitstatus:
            return False
        raise
    return True
