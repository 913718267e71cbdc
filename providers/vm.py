"""A virtual machine (QEMU).

API: `/nodes/{node}/qemu`. Made from scratch, cloned, or restored from a backup; afterwards everything that Proxmox can
change is changed in place: another node migrates it, another storage moves a disk, a bigger size grows it. What would
destroy data is refused. The disks and NICs are maps keyed by Proxmox's slots, and owned whole where they are declared.

Seen on Proxmox VE 9.2: a NIC that is written without its address gets a new one each time, so the address is always
sent; a disk that is written as `storage:size` again is another disk, so an existing one is written by its name; a
running guest's configuration reads as it will be after the next start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Unpack
from urllib.parse import quote, unquote

import pulumi
from pydantic import Field, model_validator

from providers._guests import qemu_hotplug
from providers._guests.handler import GuestHandler
from providers._guests.inputs import ADDRESSES, GuestArgs, GuestInputs
from providers._guests.preflight import Image
from providers._guests.qemu_cloudinit import FIELDS, CiCustom, CloudInitArgs, CloudInitInputs, IpConfig
from providers._guests.qemu_coverage import COVERAGE
from providers._guests.qemu_devices import (
    Audio,
    DeviceArgs,
    DeviceInputs,
    HostPci,
    IvShmem,
    Rng,
    SpiceEnhancements,
    Usb,
    Vga,
    VirtioFs,
    Watchdog,
)
from providers._guests.qemu_disks import Disk, DiskArgs, DiskInputs, EfiDisk, TpmState
from providers._guests.qemu_network import NetworkArgs, NetworkInputs, Nic
from providers._guests.qemu_processor import Cpu, NumaNode, ProcessorArgs, ProcessorInputs
from providers._guests.qemu_system import Agent, AmdSev, Boot, IntelTdx, Machine, Smbios, SystemArgs, SystemInputs
from providers._guests.values import Archive, DnsName
from providers._guests.volumes import is_cdrom
from providers._runtime.bridge import Resource
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Impact, Local, Needs
from providers._runtime.model import Values
from providers._runtime.wire import parse_property_string

__all__ = [
    "Agent",
    "AmdSev",
    "Archive",
    "Audio",
    "Boot",
    "CiCustom",
    "Cpu",
    "Disk",
    "EfiDisk",
    "HostPci",
    "IntelTdx",
    "IpConfig",
    "IvShmem",
    "Machine",
    "Nic",
    "NumaNode",
    "Rng",
    "Smbios",
    "SpiceEnhancements",
    "TpmState",
    "Usb",
    "Vga",
    "VirtioFs",
    "VirtualMachine",
    "Watchdog",
]


class VmInputs(DeviceInputs, SystemInputs, CloudInitInputs, NetworkInputs, DiskInputs, ProcessorInputs, GuestInputs):
    """A virtual machine as declared."""

    name: Annotated[DnsName | None, Needs("VM.Config.Options")] = Field(
        default=None, description="Its name, which cloud-init makes its host name."
    )
    wait_for: Annotated[Literal["none", "agent", "ip", "ssh", "cloud-init"] | None, Local()] = Field(
        default=None,
        description="What has to be there before it counts as made or changed: nothing (`none`, the default), the "
        "answer of its agent, an address, its SSH server, or the end of cloud-init.",
    )

    @model_validator(mode="after")
    def _it_can_be_made(self) -> VmInputs:
        """What a clone, a restored backup or an adopted guest brings along needs no storage."""
        if self.brings_its_own:
            return self
        for slot, disk in (self.disks or {}).items():
            sized = disk.size is not None or disk.import_from is not None
            if disk.file is None and (disk.storage is None or not sized):
                raise InvalidValue(
                    f"disks.{slot}: a new disk needs a storage and a size (or `import_from`); an existing one is a "
                    f"`file`"
                )
        for slot, volume in (("efidisk0", self.efidisk0), ("tpmstate0", self.tpmstate0)):
            if volume is not None and volume.storage is None:
                raise InvalidValue(f"{slot}: it needs a storage")
        return self


class VmOutputs(VmInputs):
    """A virtual machine as it is."""

    volumes: dict[str, str] = Field(default={}, description="Slot -> the volume's name.")
    addresses: list[str] = Field(default=[], description=ADDRESSES)


class VmHandler(GuestHandler):
    """Virtual machines as Proxmox keeps them."""

    inputs: ClassVar = VmInputs
    outputs: ClassVar = VmOutputs
    coverage: ClassVar = COVERAGE
    kind = "qemu"
    name_field = "name"
    mac_key = "macaddr"
    content = "images"
    cloud_init: ClassVar = FIELDS

    def encode(self, parameters: dict[str, str], values: Values) -> dict[str, str]:
        """Keys travel as one URL-encoded text; no hotplug at all is a word of its own."""
        if values.get("sshkeys"):
            parameters["sshkeys"] = quote("\n".join(values["sshkeys"]), safe="")
        if values.get("hotplug") == []:
            parameters["hotplug"] = "0"
        return parameters

    def decode(self, values: Values, raw: Values) -> Values:
        """Memory may stand in its long form."""
        if raw.get("sshkeys"):
            values["sshkeys"] = [key for key in unquote(str(raw["sshkeys"])).split("\n") if key.strip()]
        if isinstance(values.get("memory"), str):
            current = parse_property_string(values["memory"], "current").get("current", "")
            values["memory"] = int(current) if current.isdigit() else values["memory"]
        return values

    def restoring(self, archive: Values) -> dict[str, str]:
        """An archive instead of disks."""
        given = {"unique": archive.get("unique"), "live-restore": archive.get("live_restore")}
        return {"archive": archive["volume"], **{name: "1" for name, said in given.items() if said}}

    def images(self, wanted: Values) -> list[Image]:
        """ISO images in drives, images to copy from, snippets."""
        found = super().images(wanted)
        for slot, disk in wanted.get("disks", {}).items():
            for key, content in (("file", "iso"), ("import_from", "import")):
                volid = str(disk.get(key) or "")
                if f":{content}/" in volid:
                    found.append(Image(f"disks.{slot}.{key}", volid, content))
        snippets = {f"cicustom.{key}": volid for key, volid in wanted.get("cicustom", {}).items()}
        snippets |= {"hookscript": wanted["hookscript"]} if "hookscript" in wanted else {}
        return found + [Image(field, volid, "snippets") for field, volid in snippets.items()]

    def volume_privilege(self, volid: str) -> str:
        """A drive is another right than a disk, and that of cloud-init one more."""
        if volid.endswith(":cloudinit"):
            return "VM.Config.Cloudinit|VM.Config.CDROM"
        return "VM.Config.CDROM" if is_cdrom(volid) else "VM.Config.Disk"

    def root_only(self, wanted: Values) -> Iterator[str]:
        """Real devices of the host, without a mapping."""
        yield from super().root_only(wanted)
        yield from (slot for slot in (f"serial{n}" for n in range(4)) if wanted.get(slot, "socket") != "socket")
        yield from (slot for slot, device in wanted.get("hostpci", {}).items() if "mapping" not in device)
        for slot, disk in wanted.get("disks", {}).items():
            if any(str(disk.get(key, "")).startswith("/") for key in ("file", "import_from")):
                yield slot
        for slot, device in wanted.get("usb", {}).items():
            if "mapping" not in device and device.get("host") != "spice":
                yield slot

    def plugs(self, slot: str, there: Values) -> bool:
        """On some buses, unless it is switched off."""
        return qemu_hotplug.takes_disks(slot, there)

    unplugs = plugs

    def plugged(self, name: str, there: Values, wanted: Values, takes: Impact) -> Impact:
        """What a running machine takes at once depends on what may be plugged into it."""
        return qemu_hotplug.plugged(name, there, wanted, takes)

    def stops_for(self, before: Values, wanted: Values, there: Values) -> dict[str, str]:
        """A move with devices of the node, and unplugging what it boots from."""
        return qemu_hotplug.stops_for(before, wanted, there)


class VmArgs(GuestArgs, ProcessorArgs, DiskArgs, NetworkArgs, CloudInitArgs, SystemArgs, DeviceArgs, total=False):
    """Arguments of `VirtualMachine`."""

    name: pulumi.Input[str] | None
    wait_for: pulumi.Input[str] | None


class VirtualMachine(Resource, kind="vm"):
    """A virtual machine."""

    vmid: pulumi.Output[int]
    node: pulumi.Output[str]
    name: pulumi.Output[str | None]
    macs: pulumi.Output[dict[str, str] | None]
    volumes: pulumi.Output[dict[str, str]]
    addresses: pulumi.Output[list[str]]

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[VmArgs]) -> None:
        super().__init__(resource_name, args, opts)
