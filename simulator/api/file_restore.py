"""`/nodes/{node}/storage/{storage}/file-restore`: looking into backups on a backup server."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE, view_of
from simulator.backup.archives import drive_name, require_archive
from simulator.errors import ApiError, ParamError
from simulator.guests.rights import check_volume
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import split_volid
from simulator.records import Archive
from simulator.routing import Call, route
from simulator.schema import Param, boolean, string
from simulator.tasks import Steps, TaskRun

_PARAMS: dict[str, Param] = {"node": NODE, "storage": STORAGE, "volume": string(), "filepath": string()}
_BASE = "/nodes/{node}/storage/{storage}/file-restore"


def _opened(call: Call) -> tuple[StorageView, str, Archive]:
    """Return the backup that a call is about, or refuse one that is not on a backup server."""
    view, storage, text = view_of(call), call.text("storage"), call.text("volume")
    name = text if text.startswith("backup/") else f"backup/{text}"
    volid = text if ":" in text.partition("/")[0] else f"{storage}:{name}"
    if split_volid(volid)[0] != storage:
        raise ParamError({"volume": f"storage ID mismatch ({split_volid(volid)[0]} != {storage})."})
    check_volume(call, view, volid)
    if view.section(storage).type != "pbs":
        raise ParamError({"storage": "Only PBS storages supported for file-restore."})
    return view, volid, require_archive(view, volid)


def _asked_path(call: Call) -> str:
    text = call.text("filepath")
    if text in ("", "/"):
        return "/"
    try:
        return base64.b64decode(text, validate=True).decode().rstrip("/") or "/"
    except (binascii.Error, UnicodeDecodeError):
        raise ApiError(f"failed to decode base64 path: '{text}'") from None


def _files(archive: Archive) -> dict[str, int]:
    """Return the archives that a backup consists of, with their sizes."""
    if archive.type == "lxc":
        return {"root.pxar.didx": sum(saved.data for saved in archive.volumes.values())}
    return {f"{drive_name(slot)}.img.fidx": saved.size for slot, saved in archive.volumes.items()}


@route("GET", f"{_BASE}/list", params=_PARAMS, user="all", protected=True, proxyto="node")
def list_files(call: Call) -> list[dict[str, Any]]:
    """List the archives of a backup; what the guests' own files are, the simulator does not know."""
    view, volid, archive = _opened(call)
    path, files = _asked_path(call), _files(archive)
    if path == "/":
        mtime = view.require(volid).ctime
        return [
            {
                "text": name, "filepath": base64.b64encode(f"/{name}".encode()).decode(), "type": "v", "leaf": 0,
                "size": size, "mtime": mtime,
            }
            for name, size in files.items()
        ]  # fmt: skip
    if path.removeprefix("/") not in files:
        raise ApiError(f"no such file or directory: '{path}'")
    return []


@route(
    "GET", f"{_BASE}/download", params={**_PARAMS, "tar": boolean(optional=True)},
    user="all", protected=True, proxyto="node",
)  # fmt: skip
def download_files(call: Call) -> None:
    """Start the task that would send a file; none of the guests' files are there, so it has nothing to send."""
    _, _, archive = _opened(call)
    path = _asked_path(call)
    if path.removeprefix("/") not in ("", *_files(archive)):
        raise ApiError(f"no such file or directory: '{path}'")

    def body(_: TaskRun) -> Steps:
        yield f"Starting download of file: {path}"
        yield 0.2

    call.start_task("pbs-download", "", body)
