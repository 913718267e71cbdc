"""`/nodes/{node}/storage/{storage}/upload`: bringing files onto a storage."""

from __future__ import annotations

from pathlib import Path

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE
from simulator.errors import ApiError, TaskError
from simulator.fetching import contents_of
from simulator.guests.draft import worker
from simulator.guests.storages import StorageView
from simulator.incoming import CHECKSUM, CONTENT, image_refusal, manifest_of, normal_name, put_file, view_of_target
from simulator.routing import Call, route
from simulator.schema import string
from simulator.tasks import Steps, TaskRun


@route(
    "POST",
    "/nodes/{node}/storage/{storage}/upload",
    params={
        "node": NODE,
        "storage": STORAGE,
        **CHECKSUM,
        "content": CONTENT,
        "filename": string(max_length=255),
        "tmpfilename": string(pattern=r"/var/tmp/pveupload-[0-9a-f]+", optional=True),  # noqa: S108 - Proxmox names it so
    },
    check=["perm", "/storage/{storage}", ["Datastore.AllocateTemplate"]],
    protected=True,
)
def upload(call: Call) -> str:
    """Take an uploaded file: an ISO image, a template, a disk or an appliance to import."""
    content, shown = call.text("content"), call.text("tmpfilename")
    file = call.world.uploads / Path(shown).name
    try:
        name = normal_name(content, call.text("filename"))
        if content not in view_of_target(call).contents(call.text("storage")):
            raise ApiError(f"storage '{call.text('storage')}' does not support '{content}' content")
        data = file.read_bytes() if shown and file.is_file() else None
    finally:
        if shown:
            file.unlink(missing_ok=True)
    if data is None:
        raise ApiError("missing temporary file name")
    return call.start_task("imgcopy", "", worker(lambda run: _import(run, call, name, data)))


def _import(run: TaskRun, call: Call, name: str, data: bytes) -> Steps:
    content, storage, shown = call.text("content"), call.text("storage"), call.text("tmpfilename")
    view, found = StorageView(run.datacenter, call.text("node"), int(run.now)), contents_of(iter([data]))
    yield f"starting file import from: {shown}"
    if "checksum" in call:
        yield "calculating checksum..."
        got = found.checksums[call.text("checksum-algorithm")]
        if got != call.text("checksum").lower():
            raise TaskError(f"checksum mismatch: got '{got}' != expect '{call.text('checksum')}'")
        yield "OK, checksum verified"
    refusal = image_refusal(content, name, shown, found.head)
    if refusal:
        yield from refusal[:-1]
        raise TaskError(refusal[-1])
    manifest = manifest_of(data, shown) if name.endswith(".ova") else ""
    path = view.path(f"{storage}:{content}/{name}")
    yield f"target node: {view.node}"
    yield f"target file: {path}"
    yield f"file size is: {len(data)}"
    yield f"command: cp -- {shown} {path}"
    yield 0.2
    put_file(view, storage, content, name, found, manifest=manifest)
    yield "finished file import successfully"
