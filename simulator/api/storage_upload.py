"""`/nodes/{node}/storage/{storage}/upload` and `download-url`: bringing files onto a storage."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE
from simulator.errors import ApiError, ParamError, TaskError
from simulator.guests.draft import worker
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import file_format
from simulator.records import Volume
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.tasks import Steps, TaskRun

_ENDINGS = {
    "iso": re.compile(r"[^/]+\.(?:iso|img)", re.IGNORECASE),
    "vztmpl": re.compile(r"[^/]+\.tar(?:\.(?:gz|xz|zst))?"),
    "import": re.compile(r"[^/]+\.(?:ova|qcow2|raw|vmdk|img)"),
}
_MAGIC = {"qcow2": b"QFI\xfb", "vmdk": b"KDMV"}
_CHECKSUM = {
    "checksum": string(optional=True, requires="checksum-algorithm"),
    "checksum-algorithm": string(
        enum=("md5", "sha1", "sha224", "sha256", "sha384", "sha512"), optional=True, requires="checksum"
    ),
}
_CONTENT = string(enum=("iso", "vztmpl", "import"), format="pve-storage-content")
_DOWNLOAD_SIZE = 512 << 20
_DOWNLOAD_SECONDS = 8


def _normal_name(content: str, filename: str) -> str:
    """Return a file's name as storages keep it, or refuse it."""
    name = re.sub(r"[^-a-zA-Z0-9_.]", "_", re.sub(r"^.*[/\\]", "", filename))
    if not _ENDINGS[content].fullmatch(name) or ".." in name.split("/"):
        raise ParamError({"filename": "wrong file extension"})
    return name


def _target(call: Call, content: str) -> StorageView:
    """Return the storages of the node that is to get a file, or refuse one that cannot hold it."""
    node, storage = call.text("node"), call.text("storage")
    if node not in call.datacenter.nodes:
        raise ApiError(f"no such cluster node '{node}'")
    view = StorageView(call.datacenter, node, int(call.now))
    view.available(storage)
    if content not in view.contents(storage):
        raise ApiError(f"storage '{storage}' does not support '{content}' content")
    return view


def _put_file(view: StorageView, storage: str, content: str, name: str, size: int) -> None:
    """Let a file lie on a storage; one of the same name is replaced."""
    volume = Volume(
        storage=storage, node=view.place(storage), name=f"{content}/{name}", content=content,
        format=file_format(name), size=size, used=size, ctime=view.now,
    )  # fmt: skip
    old = view.find(volume.volid)
    view.reserve(storage, size - (old.used if old is not None else 0), name)
    view.datacenter.volumes.put(volume)


@route(
    "POST",
    "/nodes/{node}/storage/{storage}/upload",
    params={
        "node": NODE,
        "storage": STORAGE,
        **_CHECKSUM,
        "content": _CONTENT,
        "filename": string(max_length=255),
        "tmpfilename": string(pattern=r"/var/tmp/pveupload-[0-9a-f]+", optional=True),  # noqa: S108 - Proxmox names it so
    },
    check=["perm", "/storage/{storage}", ["Datastore.AllocateTemplate"]],
    protected=True,
)
def upload(call: Call) -> str:
    """Take an uploaded file: an ISO image, a template, a disk to import."""
    content, shown = call.text("content"), call.text("tmpfilename")
    file = call.world.uploads / Path(shown).name
    try:
        name = _normal_name(content, call.text("filename"))
        _target(call, content)
        data = file.read_bytes() if shown and file.is_file() else None
    finally:
        if shown:
            file.unlink(missing_ok=True)
    if data is None:
        raise ApiError("missing temporary file name")
    return call.start_task("imgcopy", "", worker(lambda run: _import(run, call, name, data)))


def _import(run: TaskRun, call: Call, name: str, data: bytes) -> Steps:
    content, storage, shown = call.text("content"), call.text("storage"), call.text("tmpfilename")
    view = StorageView(run.datacenter, call.text("node"), int(run.now))
    yield f"starting file import from: {shown}"
    if "checksum" in call:
        yield "calculating checksum..."
        got = hashlib.new(call.text("checksum-algorithm"), data).hexdigest()
        if got != call.text("checksum").lower():
            raise TaskError(f"checksum mismatch: got '{got}' != expect '{call.text('checksum')}'")
        yield f"OK, got correct file checksum '{got}'"
    magic = _MAGIC.get(name.rpartition(".")[2], b"") if content == "import" else b""
    if not data.startswith(magic):
        ending = name.rpartition(".")[2]
        yield f"command '/usr/bin/qemu-img info '--output=json' {shown} -f {ending}' failed: exit code 1"
        raise TaskError(f"qemu-img: Could not open '{shown}': Image is not in {ending} format")
    path = view.path(f"{storage}:{content}/{name}")
    yield f"target node: {view.node}"
    yield f"target file: {path}"
    yield f"file size is: {len(data)}"
    yield f"command: cp -- {shown} {path}"
    yield 0.2
    _put_file(view, storage, content, name, len(data))
    yield "finished file import successfully"


@route(
    "POST",
    "/nodes/{node}/storage/{storage}/download-url",
    params={
        "node": NODE,
        "storage": STORAGE,
        **_CHECKSUM,
        "compression": string(optional=True),
        "content": _CONTENT,
        "filename": string(max_length=255),
        "url": string(pattern=r"https?://.*"),
        "verify-certificates": boolean(optional=True),
    },
    check=[
        "and",
        ["perm", "/storage/{storage}", ["Datastore.AllocateTemplate"]],
        ["or", ["perm", "/", ["Sys.Audit", "Sys.Modify"]], ["perm", "/nodes/{node}", ["Sys.AccessNetwork"]]],
    ],
    protected=True,
    proxyto="node",
)
def download(call: Call) -> str:
    """Download a file. Nothing is fetched: every address but this host's own gives a file of one fixed size."""
    content = call.text("content")
    name = _normal_name(content, call.text("filename"))
    _target(call, content)
    return call.start_task("download", name, worker(lambda run: _download(run, call, name)))


def _download(run: TaskRun, call: Call, name: str) -> Steps:
    content, storage, url = call.text("content"), call.text("storage"), call.text("url")
    view = StorageView(run.datacenter, run.node, int(run.now))
    path = view.path(f"{storage}:{content}/{name}")
    yield f"downloading {url} to {path}"
    if view.find(f"{storage}:{content}/{name}") is not None and "checksum" not in call:
        raise TaskError("refusing to override existing file without a checksum to compare it with")
    address = urlsplit(url)
    if _is_loopback(address.hostname or ""):
        place = f"{address.hostname}:{address.port or 80}"
        raise TaskError(f"download failed: Connecting to {place}... failed: Connection refused.")
    for step in range(1, _DOWNLOAD_SECONDS + 1):
        yield 1.0
        yield f"{_DOWNLOAD_SIZE * step // _DOWNLOAD_SECONDS >> 10}K ..... {100 * step // _DOWNLOAD_SECONDS}%"
    _put_file(view, storage, content, name, _DOWNLOAD_SIZE)
    yield f"download of '{url}' to '{path}' finished"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
