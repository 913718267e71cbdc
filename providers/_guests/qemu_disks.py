"""A virtual machine's disks and drives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypedDict

import pulumi
from pydantic import Field, model_validator

from providers._guests.values import AbsolutePath, Size, StorageId, VolumeId
from providers._guests.volumes import Volume
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Local, Needs, ServerDefault, Slots, Takes
from providers._runtime.model import Inputs

DiskSlot = Annotated[str, Field(pattern=r"^(scsi([12]?\d|30)|virtio(\d|1[0-5])|sata[0-5]|ide[0-3])$")]
Seconds = Annotated[int | None, Field(ge=1)]
Amount = Annotated[int | None, Field(ge=0)]
Speed = Annotated[float | None, Field(ge=0)]
BUSES = {
    "iothread": ("scsi", "virtio"),
    "ro": ("scsi", "virtio"),
    "ssd": ("ide", "sata", "scsi"),
    "wwn": ("ide", "sata", "scsi"),
    "model": ("ide",),
    "product": ("scsi",),
    "queues": ("scsi",),
    "scsiblock": ("scsi",),
    "vendor": ("scsi",),
}
"""Options that only some buses have."""
LIMIT_ALIASES = {f"{unit}_{way}_length": f"{unit}_{way}_max_length" for unit in ("bps", "iops") for way in ("rd", "wr")}


class QemuVolume(Volume):
    """What all volumes of a virtual machine have in common."""

    aliases: ClassVar[dict[str, str]] = {"volume": "file"}
    import_from: Annotated[VolumeId | AbsolutePath | None, Local()] = Field(
        default=None,
        alias="import-from",
        description="A volume or image, such as `local:import/debian.qcow2` (for root@pam also a path of the host), "
        "that it is copied from when it is made; later changes of this are ignored.",
    )


class Disk(QemuVolume):
    """A disk or a drive: a new volume (`storage` and `size`), or an existing one or an image (`file`)."""

    aliases: ClassVar[dict[str, str]] = {**QemuVolume.aliases, **LIMIT_ALIASES}
    file: VolumeId | AbsolutePath | None = Field(
        default=None,
        description="An existing volume, an ISO image, `none` for an empty drive, `storage:cloudinit`, or (for "
        "root@pam) a device of the host; not set for a disk that is made here.",
    )
    size: Size | None = Field(default=None, description="Its size, such as `32G`; it can grow, but never shrink.")
    format: Literal["raw", "qcow2", "vmdk"] | None = Field(default=None, description="Format of the volume.")
    media: Literal["cdrom", "disk"] | None = Field(default=None, description="Whether it is a drive or a disk.")
    cache: Literal["none", "writethrough", "writeback", "unsafe", "directsync"] | None = Field(
        default=None, description="How the host caches it."
    )
    aio: Literal["native", "threads", "io_uring"] | None = Field(default=None, description="How the host reads it.")
    discard: Literal["ignore", "on"] | None = Field(
        default=None, description="Whether room that the guest frees is given back."
    )
    detect_zeroes: bool | None = Field(default=None, description="Whether writing zeroes takes no room.")
    iothread: bool | None = Field(default=None, description="Whether it has a thread of its own (scsi, virtio).")
    queues: int | None = Field(default=None, ge=2, description="Number of its queues (scsi).")
    ssd: bool | None = Field(default=None, description="Whether the guest sees a solid-state disk (not virtio).")
    backup: bool | None = Field(default=None, description="Whether backups include it.")
    replicate: bool | None = Field(default=None, description="Whether replication includes it.")
    shared: bool | None = Field(default=None, description="Whether every node has it, though its storage is local.")
    ro: bool | None = Field(default=None, description="Whether it can only be read (scsi, virtio).")
    snapshot: bool | None = Field(default=None, description="Whether all changes are forgotten when the guest stops.")
    scsiblock: bool | None = Field(
        default=None, description="Whether the guest speaks SCSI with the host's device itself (scsi)."
    )
    rerror: Literal["ignore", "report", "stop"] | None = Field(
        default=None, description="What happens at an error of reading."
    )
    werror: Literal["enospc", "ignore", "report", "stop"] | None = Field(
        default=None, description="What happens at an error of writing."
    )
    serial: str | None = Field(default=None, max_length=60, description="Serial number that the guest sees.")
    model: str | None = Field(default=None, max_length=120, description="Model that the guest sees (ide).")
    product: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_\s-]{0,16}$", description="Product that the guest sees (scsi)."
    )
    vendor: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_\s-]{0,8}$", description="Vendor that the guest sees (scsi)."
    )
    wwn: str | None = Field(
        default=None, pattern=r"^0x[0-9a-fA-F]{16}$", description="World-wide name that the guest sees (not virtio)."
    )
    mbps: Speed = Field(default=None, description="Limit of reading and writing in MB/s.")
    mbps_rd: Speed = Field(default=None, description="Limit of reading in MB/s.")
    mbps_wr: Speed = Field(default=None, description="Limit of writing in MB/s.")
    mbps_max: Speed = Field(default=None, description="Limit of both in a burst, in MB/s.")
    mbps_rd_max: Speed = Field(default=None, description="Limit of reading in a burst, in MB/s.")
    mbps_wr_max: Speed = Field(default=None, description="Limit of writing in a burst, in MB/s.")
    bps: Amount = Field(default=None, description="Limit of reading and writing in bytes/s.")
    bps_rd: Amount = Field(default=None, description="Limit of reading in bytes/s.")
    bps_wr: Amount = Field(default=None, description="Limit of writing in bytes/s.")
    bps_max_length: Seconds = Field(default=None, description="Seconds that a burst of both may take.")
    bps_rd_max_length: Seconds = Field(default=None, description="Seconds that a burst of reading may take.")
    bps_wr_max_length: Seconds = Field(default=None, description="Seconds that a burst of writing may take.")
    iops: Amount = Field(default=None, description="Limit of reads and writes a second.")
    iops_rd: Amount = Field(default=None, description="Limit of reads a second.")
    iops_wr: Amount = Field(default=None, description="Limit of writes a second.")
    iops_max: Amount = Field(default=None, description="Limit of both a second in a burst.")
    iops_rd_max: Amount = Field(default=None, description="Limit of reads a second in a burst.")
    iops_wr_max: Amount = Field(default=None, description="Limit of writes a second in a burst.")
    iops_max_length: Seconds = Field(default=None, description="Seconds that a burst of reads and writes may take.")
    iops_rd_max_length: Seconds = Field(default=None, description="Seconds that a burst of reads may take.")
    iops_wr_max_length: Seconds = Field(default=None, description="Seconds that a burst of writes may take.")

    @model_validator(mode="after")
    def _one_origin(self) -> Disk:
        if self.file is not None and (self.storage or self.format or self.import_from):
            raise InvalidValue("`file` names an existing volume, which has its storage, format and content already")
        return self


class EfiDisk(QemuVolume):
    """The disk for the UEFI's own variables; Proxmox decides its size."""

    efitype: Literal["2m", "4m"] | None = Field(default=None, description="Size of the firmware; `4m` is recommended.")
    pre_enrolled_keys: bool | None = Field(
        default=None, alias="pre-enrolled-keys", description="Whether Secure Boot's usual keys are in it."
    )
    ms_cert: Literal["2011", "2023", "2023w", "2023k"] | None = Field(
        default=None, alias="ms-cert", description="Which of Microsoft's certificates are said to be in it."
    )
    format: Literal["raw", "qcow2", "vmdk"] | None = Field(default=None, description="Format of the volume.")


class TpmState(QemuVolume):
    """The state of a virtual TPM; Proxmox decides its size."""

    version: Literal["v1.2", "v2.0"] | None = Field(
        default=None, description="The TPM's version; it can't be changed later."
    )
    format: Literal["raw", "qcow2", "vmdk"] | None = Field(default=None, description="Format of the volume.")


class DiskInputs(Inputs):
    """Disks and drives as declared."""

    disks: Annotated[dict[DiskSlot, Disk] | None, Slots(r"(scsi|virtio|sata|ide)\d+")] = Field(
        default=None, description="Disks and drives by slot (`scsi0`, `virtio1`, `sata2`, `ide2`)."
    )
    scsihw: Annotated[
        Literal["lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi"] | None,
        Needs("VM.Config.HWType"),
        Takes("reboot"),
        ServerDefault(value="lsi"),
    ] = Field(default=None, description="The SCSI controller; `virtio-scsi-single` allows a thread for each disk.")
    efidisk0: Annotated[EfiDisk | None, Takes("reboot")] = Field(default=None, description="UEFI's variables.")
    tpmstate0: Annotated[TpmState | None, Takes("reboot")] = Field(default=None, description="A virtual TPM.")
    vmstatestorage: Annotated[StorageId | None, Needs("VM.Config.Disk")] = Field(
        default=None, description="The storage for its memory, in snapshots with RAM and when it is suspended to disk."
    )

    @model_validator(mode="after")
    def _options_of_the_bus(self) -> DiskInputs:
        for slot, disk in (self.disks or {}).items():
            bus = slot.rstrip("0123456789")
            for option, buses in BUSES.items():
                if getattr(disk, option) is not None and bus not in buses:
                    raise InvalidValue(f"disks.{slot}: `{option}` is for {', '.join(buses)}, not for {bus}")
        return self


class DiskArgs(TypedDict, total=False):
    """Arguments of `VirtualMachine` for disks and drives."""

    disks: pulumi.Input[Mapping[str, pulumi.Input[Disk | Mapping[str, Any]]]] | None
    scsihw: pulumi.Input[str] | None
    efidisk0: pulumi.Input[EfiDisk | Mapping[str, Any]] | None
    tpmstate0: pulumi.Input[TpmState | Mapping[str, Any]] | None
    vmstatestorage: pulumi.Input[str] | None
