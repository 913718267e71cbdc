"""Values that guests are described with, each checked and brought to the one form in which two of them compare."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from providers._runtime.errors import InvalidValue
from providers._runtime.wire import Part, size_bytes, size_text

_MAC = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")
_TAG = re.compile(r"[a-z0-9_][a-z0-9_+.-]*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_RANGE = re.compile(r"(\d+)-(\d+)")
VMID_RANGE = (100, 999_999_999)
_VOLID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*:\S+")


def vmids_in(text: str) -> range:
    """The numbers of a range such as `5000-5999`."""
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2])) if match else (0, 0)
    if not VMID_RANGE[0] <= first <= last <= VMID_RANGE[1]:
        raise InvalidValue(f"{text!r} is no range of VMIDs: write it like 5000-5999, from {VMID_RANGE[0]} on")
    return range(first, last + 1)


def _vmid_range(text: str) -> str:
    vmids_in(text)
    return text


def _size(text: Any) -> Any:
    """`32768M` and `32G` are the same size; a plain number would leave its unit to guessing."""
    if isinstance(text, int | float):
        raise InvalidValue(f"{text!r} has no unit: write it like 32G or 512M")
    return size_text(size_bytes(text)) if isinstance(text, str) else text


def mac_address(text: str) -> str:
    """Upper case with colons, and an address that one NIC can have."""
    mac = text.upper().replace("-", ":")
    if not _MAC.fullmatch(mac):
        raise InvalidValue(f"{text!r} is no MAC address: write it like BC:24:11:00:00:01")
    if int(mac[:2], 16) & 1:
        raise InvalidValue(f"{text!r} is a multicast address; the first byte of a NIC's own is even")
    return mac


def _tag(text: str) -> str:
    """Proxmox keeps tags in lower case."""
    tag = text.lower()
    if not _TAG.fullmatch(tag):
        raise InvalidValue(f"{text!r} is no tag: letters, digits, and _ + . - after the first")
    return tag


def _dns_name(text: str) -> str:
    if len(text) > 253 or not all(map(_LABEL.fullmatch, text.split("."))):  # noqa: PLR2004 - DNS's own limit
        raise InvalidValue(f"{text!r} is no DNS name: letters, digits and hyphens, parts separated by dots")
    return text


def _public_key(text: str) -> str:
    """One key, as in `id_ed25519.pub`; the line end of the file does not belong to it."""
    key = text.strip()
    if len(key.split()) < 2 or "\n" in key:  # noqa: PLR2004 - type and key
        raise InvalidValue("it is no public key: one line, such as `ssh-ed25519 AAAA… me@home`")
    return key


def _volume(text: str) -> str:
    if text not in ("none", "cdrom") and not _VOLID.fullmatch(text):
        raise InvalidValue(f"{text!r} is no volume: write it like local:iso/debian.iso")
    return text


def _absolute(path: str) -> str:
    if not path.startswith("/") or "/../" in f"{path}/":
        raise InvalidValue(f"{path!r} is no absolute path")
    return path


def _interface(text: str, *, words: tuple[str, ...], version: int) -> str:
    """An address with its prefix length, or one of the words that leave it to the network."""
    if text in words:
        return text
    try:
        address = ipaddress.ip_interface(text)
    except ValueError:
        address = None
    if address is None or address.version != version or "/" not in text:
        example = "192.0.2.5/24" if version == 4 else "2001:db8::5/64"  # noqa: PLR2004 - IPv4
        raise InvalidValue(f"{text!r} is no address: write it like {example}, or one of {', '.join(words)}")
    return text


def _gateway(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidValue(f"{text!r} is no IP address") from None


def _plain_text(text: str) -> str:
    """Proxmox adds or drops line ends at the end of a description."""
    return text.rstrip("\n")


def _split(value: Any) -> Any:
    """A list inside a property string, as Proxmox writes it."""
    return [item for item in re.split(r"[;\s]+", value) if item] if isinstance(value, str) else value


VmId = Annotated[int, Field(ge=VMID_RANGE[0], le=VMID_RANGE[1])]
VmIdRange = Annotated[str, AfterValidator(_vmid_range)]
Size = Annotated[str, BeforeValidator(_size)]
Mac = Annotated[str, AfterValidator(mac_address)]
Tag = Annotated[str, AfterValidator(_tag)]
DnsName = Annotated[str, AfterValidator(_dns_name)]
StorageId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]$")]
VolumeId = Annotated[str, AfterValidator(_volume)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
ConfigId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]+$")]
Address4 = Annotated[str, AfterValidator(lambda text: _interface(text, words=("dhcp",), version=4))]
Address6 = Annotated[str, AfterValidator(lambda text: _interface(text, words=("auto", "dhcp"), version=6))]
CtAddress4 = Annotated[str, AfterValidator(lambda text: _interface(text, words=("dhcp", "manual"), version=4))]
CtAddress6 = Annotated[str, AfterValidator(lambda text: _interface(text, words=("auto", "dhcp", "manual"), version=6))]
Gateway = Annotated[str, AfterValidator(_gateway)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
PlainText = Annotated[str, AfterValidator(_plain_text)]
SPLIT = BeforeValidator(_split)
SplitList = Annotated[list[str], SPLIT]
Vlan = Annotated[int, Field(ge=1, le=4094)]


class Startup(Part):
    """When a guest starts with its node, and how long the others wait for it."""

    default_key: ClassVar[str | None] = "order"
    order: int | None = Field(default=None, ge=0, description="Its place; guests stop in the reverse order.")
    up: int | None = Field(default=None, ge=0, description="Seconds to wait after it before the next one starts.")
    down: int | None = Field(default=None, ge=0, description="Seconds that its shutdown may take.")


class Clone(Part):
    """What a guest is made from: another guest, by its VMID or its name."""

    vmid: VmId | None = Field(default=None, description="VMID of the guest to clone.")
    name: str | None = Field(default=None, description="Name of the guest to clone, instead of its VMID.")
    full: bool | None = Field(
        default=None,
        description="Copy the disks. A template is cloned without copying (linked) unless this is set.",
    )
    storage: StorageId | None = Field(default=None, description="Where a full clone's disks go.")
    format: str | None = Field(
        default=None, pattern="^(raw|qcow2|vmdk)$", description="Format of a full clone's disks (VMs only)."
    )
    snapname: str | None = Field(default=None, description="The snapshot to clone, instead of the present state.")
    bwlimit: int | None = Field(default=None, ge=0, description="Limit of the copying in KiB/s; 0 for none.")

    @model_validator(mode="after")
    def _one_source(self) -> Clone:
        if (self.vmid is None) == (self.name is None):
            raise InvalidValue("give either vmid or name of the guest to clone")
        if not self.full and (self.storage or self.format):
            raise InvalidValue("storage and format are for a copy: set full=True with them")
        return self


class Archive(Part):
    """What a guest is restored from: a backup."""

    volume: VolumeId = Field(description="The backup, such as `nfs1:backup/vzdump-qemu-100-….vma.zst`.")
    storage: StorageId | None = Field(
        default=None, description="Where all its volumes go; where each was when the backup was made, if not set."
    )
    unique: bool | None = Field(
        default=None, description="Whether it gets MAC addresses of its own where none are declared."
    )
    live_restore: bool | None = Field(
        default=None, description="Whether it starts at once and is filled while it runs (VMs from a PBS only)."
    )
    bwlimit: int | None = Field(default=None, ge=0, description="Limit of the copying in KiB/s; 0 for none.")
