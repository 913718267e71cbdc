"""Files on their way onto a storage, uploaded or downloaded: their names, checks, and the volume they become."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping

from simulator.errors import ApiError, ParamError, TaskError
from simulator.fetching import ALGORITHMS, Contents
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import file_format
from simulator.ovf import parse as parse_ovf
from simulator.records import Volume
from simulator.routing import Call
from simulator.schema import Param, string

CONTENT = string(enum=("iso", "vztmpl", "import"), format="pve-storage-content")
CHECKSUM: Mapping[str, Param] = {
    "checksum": string(optional=True, requires="checksum-algorithm"),
    "checksum-algorithm": string(enum=ALGORITHMS, optional=True, requires="checksum"),
}
_ENDINGS = {
    "iso": re.compile(r"[^/]+\.(?:iso|img)", re.IGNORECASE),
    "vztmpl": re.compile(r"[^/]+\.tar(?:\.(?:gz|xz|zst))?"),
    "import": re.compile(r"[^/]+\.(?:ova|qcow2|raw|vmdk)"),
}
_MAGIC = {"qcow2": b"QFI\xfb", "vmdk": b"KDMV"}


def normal_name(content: str, filename: str) -> str:
    """Return a file's name as storages keep it, or refuse it."""
    name = re.sub(r"[^-a-zA-Z0-9_.]", "_", re.sub(r"^.*[/\\]", "", filename))
    if not _ENDINGS[content].fullmatch(name):
        text = "invalid filename or wrong extension" if content == "import" else "wrong file extension"
        raise ParamError({"filename": text})
    return name


def view_of_target(call: Call) -> StorageView:
    """Return the storages of the node that is to get a file, or refuse one that has not the storage."""
    node, storage = call.text("node"), call.text("storage")
    if node not in call.datacenter.nodes:
        raise ApiError(f"no such cluster node '{node}'")
    view = StorageView(call.datacenter, node, int(call.now))
    view.available(storage)
    return view


def put_file(
    view: StorageView, storage: str, content: str, name: str, found: Contents, *, manifest: str = ""
) -> Volume:  # fmt: skip
    """Let a file lie on a storage; one of the same name is replaced."""
    volume = Volume(
        storage=storage, node=view.place(storage), name=f"{content}/{name}", content=content,
        format=file_format(name), size=found.size, used=found.size, ctime=view.now, checksums=found.checksums,
        manifest=manifest,
    )  # fmt: skip
    old = view.find(volume.volid)
    view.reserve(storage, found.size - (old.used if old is not None else 0), name)
    return view.datacenter.volumes.put(volume)


def image_refusal(content: str, name: str, path: str, head: bytes) -> list[str]:
    """Return the lines with which a disk image that is none is refused, the last of them the error; none if it is."""
    ending = name.rpartition(".")[2]
    if content != "import" or head.startswith(_MAGIC.get(ending, b"")):
        return []
    return [
        f"command '/usr/bin/qemu-img info '--output=json' {path} -f {ending}' failed: exit code 1",
        f"qemu-img: Could not open '{path}': Image is not in {ending} format",
    ]


def manifest_of(data: bytes, path: str) -> str:
    """Return the description in an appliance (its `.ovf`), or refuse what is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            names = [entry for entry in archive.getnames() if entry.endswith(".ovf")]
            member = archive.extractfile(names[0]) if names else None
            text = member.read().decode("utf-8", "replace") if member is not None else None
    except tarfile.TarError:
        raise TaskError(f"command 'tar -t -f {path}' failed: exit code 2") from None
    if text is None:
        raise TaskError("ova archive has no .ovf file inside")
    try:
        parse_ovf(text)
    except ValueError as error:
        raise TaskError(f"unable to parse the description in '{path}': {error}") from None
    return text
