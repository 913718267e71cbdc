"""A virtual machine (QEMU).

API: `/nodes/{node}/qemu`. Made from scratch or cloned; afterwards everything that Proxmox can change is changed in
place: another node migrates it, another storage moves a disk, a bigger size grows it. What would destroy data is
refused. The disks and NICs are maps keyed by Proxmox's slots, and owned whole where they are declared.

Seen on Proxmox VE 9.2: a NIC that is written without its address gets a new one each time, so the address is always
sent; a disk that is written as `storage:size` again is another disk, so an existing one is written by its name; a
running guest's configuration reads as it will be after the next start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack
from urllib.parse import quote, unquote

import pulumi
from pydantic import Field, model_validator

from providers._guests.handler import GuestHandler
from providers._guests.inputs import GuestArgs, GuestInputs
from providers._guests.preflight import Image
from providers._guests.qemu import (
    Agent,
    Boot,
    Cpu,
    Disk,
    DiskSlot,
    EfiDisk,
    IpConfig,
    IpConfigSlot,
    Nic,
    NicSlot,
    TpmState,
    Vga,
)
from providers._guests.values import DnsName, PublicKey
from providers._runtime.bridge import Resource
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import ServerDefault, Slots, Takes, WriteOnly
from providers._runtime.model import Values
from providers._runtime.wire import parse_property_string

__all__ = ["Agent", "Boot", "Cpu", "Disk", "EfiDisk", "IpConfig", "Nic", "TpmState", "Vga", "VirtualMachine"]


class VmInputs(GuestInputs):
    """A virtual machine as declared."""

    name: DnsName | None = Field(default=None, description="Its name, which cloud-init makes its host name.")
    cores: Annotated[int | None, ServerDefault(value=1), Takes("reboot"), Field(ge=1)] = Field(
        default=None, description="Cores of each socket."
    )
    sockets: Annotated[int | None, ServerDefault(value=1), Takes("reboot"), Field(ge=1)] = Field(
        default=None, description="Processor sockets."
    )
    cpu: Annotated[Cpu | None, Takes("reboot")] = Field(default=None, description="The processor that it sees.")
    memory: Annotated[int | None, ServerDefault(value=512), Takes("reboot"), Field(ge=16)] = Field(
        default=None, description="Memory in MiB."
    )
    balloon: Annotated[int | None, Takes("reboot"), Field(ge=0)] = Field(
        default=None, description="Least memory in MiB when the host needs some back; 0 for no such device."
    )
    disks: Annotated[dict[DiskSlot, Disk] | None, Slots(r"(scsi|virtio|sata|ide)\d+")] = Field(
        default=None, description="Disks and drives by slot (`scsi0`, `virtio1`, `sata2`, `ide2`)."
    )
    scsihw: Annotated[
        Literal["lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi"] | None,
        Takes("reboot"),
        ServerDefault(value="lsi"),
    ] = Field(default=None, description="The SCSI controller; `virtio-scsi-single` allows a thread for each disk.")
    net: Annotated[dict[NicSlot, Nic] | None, Slots(r"net\d+")] = Field(
        default=None, description="Network cards by slot (`net0`)."
    )
    bios: Annotated[Literal["seabios", "ovmf"] | None, Takes("reboot"), ServerDefault(value="seabios")] = Field(
        default=None, description="The firmware; `ovmf` is UEFI, and wants an `efidisk0`."
    )
    efidisk0: Annotated[EfiDisk | None, Takes("reboot")] = Field(default=None, description="UEFI's variables.")
    tpmstate0: Annotated[TpmState | None, Takes("reboot")] = Field(default=None, description="A virtual TPM.")
    machine: Annotated[str | None, Takes("reboot"), Field(min_length=1)] = Field(
        default=None, description="The chipset, such as `q35`."
    )
    ostype: Annotated[
        Literal[
            "other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26", "solaris"
        ]
        | None,
        Takes("reboot"),
        ServerDefault(value="other"),
    ] = Field(default=None, description="The operating system; `l26` is any Linux of today.")
    vga: Annotated[Vga | None, Takes("reboot")] = Field(default=None, description="The display.")
    serial0: Annotated[str | None, Takes("reboot"), Field(pattern=r"^(socket|/dev/.+)$")] = Field(
        default=None, description="A serial port: `socket`, or a device of the host."
    )
    agent: Annotated[Agent | None, Takes("reboot")] = Field(default=None, description="The QEMU guest agent.")
    boot: Annotated[Boot | None, Takes("reboot")] = Field(default=None, description="What it starts from.")
    ciuser: Annotated[str | None, Takes("reboot"), Field(min_length=1)] = Field(
        default=None, description="cloud-init: the user that is made."
    )
    cipassword: Annotated[str | None, WriteOnly(), Takes("reboot"), Field(min_length=5)] = Field(
        default=None, description="cloud-init: that user's password; a key is the better way."
    )
    sshkeys: Annotated[list[PublicKey] | None, Takes("reboot")] = Field(
        default=None, min_length=1, description="cloud-init: that user's public SSH keys."
    )
    citype: Annotated[Literal["nocloud", "configdrive2", "opennebula"] | None, Takes("reboot")] = Field(
        default=None, description="cloud-init: the form of its drive."
    )
    ciupgrade: Annotated[bool | None, Takes("reboot"), ServerDefault(value=True)] = Field(
        default=None, description="cloud-init: whether packages are upgraded at the first start."
    )
    ipconfig: Annotated[dict[IpConfigSlot, IpConfig] | None, Slots(r"ipconfig\d+"), Takes("reboot")] = Field(
        default=None, description="cloud-init: addresses by slot; `ipconfig0` is for `net0`."
    )

    @model_validator(mode="after")
    def _disks_can_be_made(self) -> VmInputs:
        """What a clone or an adopted guest brings along needs no storage."""
        if self.clone is not None or (self.adopt or "never") != "never":
            return self
        for slot, disk in (self.disks or {}).items():
            if disk.file is None and (disk.storage is None or disk.size is None):
                raise InvalidValue(f"disks.{slot}: a new disk needs a storage and a size; an existing one is a `file`")
        for slot, volume in (("efidisk0", self.efidisk0), ("tpmstate0", self.tpmstate0)):
            if volume is not None and volume.storage is None:
                raise InvalidValue(f"{slot}: it needs a storage")
        return self


class VmOutputs(VmInputs):
    """A virtual machine as it is."""

    volumes: dict[str, str] = Field(default={}, description="Slot -> the volume's name.")


class VmHandler(GuestHandler):
    """Virtual machines as Proxmox keeps them."""

    inputs: ClassVar = VmInputs
    outputs: ClassVar = VmOutputs
    kind = "qemu"
    name_field = "name"
    mac_key = "macaddr"
    content = "images"
    hotplugged = ("scsi", "virtio")
    detaches_live = True
    privileges: ClassVar = {
        "cores": "VM.Config.CPU",
        "sockets": "VM.Config.CPU",
        "cpu": "VM.Config.CPU",
        "memory": "VM.Config.Memory",
        "balloon": "VM.Config.Memory",
        "disks": "VM.Config.Disk",
        "efidisk0": "VM.Config.Disk",
        "tpmstate0": "VM.Config.Disk",
        "net": "VM.Config.Network",
        "bios": "VM.Config.Options",
        "agent": "VM.Config.Options",
        "boot": "VM.Config.Options",
        "name": "VM.Config.Options",
        "tags": "VM.Config.Options",
        "startup": "VM.Config.Options",
        "onboot": "VM.Config.Options",
        "protection": "VM.Config.Options",
        "ostype": "VM.Config.Options",
        "machine": "VM.Config.HWType",
        "scsihw": "VM.Config.HWType",
        "serial0": "VM.Config.HWType",
        "vga": "VM.Config.HWType",
        "started": "VM.PowerMgmt",
    }

    def encode(self, parameters: dict[str, str], values: Values) -> dict[str, str]:
        """Keys travel as one URL-encoded text."""
        if values.get("sshkeys"):
            parameters["sshkeys"] = quote("\n".join(values["sshkeys"]), safe="")
        return parameters

    def images(self, wanted: Values) -> list[Image]:
        """ISO images in drives."""
        files = {slot: disk.get("file") or "" for slot, disk in wanted.get("disks", {}).items()}
        return [Image(f"disks.{slot}.file", file, "iso") for slot, file in files.items() if file.endswith(".iso")]

    def decode(self, values: Values, raw: Values) -> Values:
        """Memory may stand in its long form."""
        if raw.get("sshkeys"):
            values["sshkeys"] = [key for key in unquote(str(raw["sshkeys"])).split("\n") if key.strip()]
        if isinstance(values.get("memory"), str):
            current = parse_property_string(values["memory"], "current").get("current", "")
            values["memory"] = int(current) if current.isdigit() else values["memory"]
        return values


class VmArgs(GuestArgs):
    """Arguments of `VirtualMachine`."""

    name: NotRequired[pulumi.Input[str] | None]
    cores: NotRequired[pulumi.Input[int] | None]
    sockets: NotRequired[pulumi.Input[int] | None]
    cpu: NotRequired[pulumi.Input[Cpu | Mapping[str, Any]] | None]
    memory: NotRequired[pulumi.Input[int] | None]
    balloon: NotRequired[pulumi.Input[int] | None]
    disks: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[Disk | Mapping[str, Any]]]] | None]
    scsihw: NotRequired[pulumi.Input[str] | None]
    net: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[Nic | Mapping[str, Any]]]] | None]
    bios: NotRequired[pulumi.Input[str] | None]
    efidisk0: NotRequired[pulumi.Input[EfiDisk | Mapping[str, Any]] | None]
    tpmstate0: NotRequired[pulumi.Input[TpmState | Mapping[str, Any]] | None]
    machine: NotRequired[pulumi.Input[str] | None]
    ostype: NotRequired[pulumi.Input[str] | None]
    vga: NotRequired[pulumi.Input[Vga | Mapping[str, Any]] | None]
    serial0: NotRequired[pulumi.Input[str] | None]
    agent: NotRequired[pulumi.Input[Agent | Mapping[str, Any]] | None]
    boot: NotRequired[pulumi.Input[Boot | Mapping[str, Any]] | None]
    ciuser: NotRequired[pulumi.Input[str] | None]
    cipassword: NotRequired[pulumi.Input[str] | None]
    sshkeys: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    citype: NotRequired[pulumi.Input[str] | None]
    ciupgrade: NotRequired[pulumi.Input[bool] | None]
    ipconfig: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[IpConfig | Mapping[str, Any]]]] | None]


class VirtualMachine(Resource, kind="vm"):
    """A virtual machine."""

    vmid: pulumi.Output[int]
    node: pulumi.Output[str]
    name: pulumi.Output[str | None]
    macs: pulumi.Output[dict[str, str] | None]
    volumes: pulumi.Output[dict[str, str]]

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[VmArgs]) -> None:
        super().__init__(resource_name, args, opts)
