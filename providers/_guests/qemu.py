"""The parts of a virtual machine that Proxmox writes as property strings."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from providers._guests.values import Address4, Address6, Gateway, Mac, Size, SplitList, Vlan, VolumeId
from providers._guests.volumes import Volume
from providers._runtime.errors import InvalidValue
from providers._runtime.wire import Part, parse_property_string

MODELS = (
    *("virtio", "vmxnet3", "rtl8139", "pcnet", "ne2k_isa", "ne2k_pci", "i82551", "i82557b", "i82559er"),
    *("e1000", "e1000e", "e1000-82540em", "e1000-82544gc", "e1000-82545em"),
)
NicModel = Annotated[str, Field(pattern=f"^({'|'.join(MODELS)})$")]
DiskSlot = Annotated[str, Field(pattern=r"^(scsi([12]?\d|30)|virtio(\d|1[0-5])|sata[0-5]|ide[0-3])$")]
NicSlot = Annotated[str, Field(pattern=r"^net([12]?\d|3[01])$")]
IpConfigSlot = Annotated[str, Field(pattern=r"^ipconfig([12]?\d|3[01])$")]


class Disk(Volume):
    """A disk or a drive: a new volume (`storage` and `size`), or an existing one or an image (`file`)."""

    file: VolumeId | None = Field(
        default=None,
        description="An existing volume, an ISO image, `none` for an empty drive, or `storage:cloudinit`; "
        "not set for a disk that is made here.",
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
    iothread: bool | None = Field(default=None, description="Whether it has a thread of its own.")
    ssd: bool | None = Field(default=None, description="Whether the guest sees a solid-state disk.")
    backup: bool | None = Field(default=None, description="Whether backups include it.")
    replicate: bool | None = Field(default=None, description="Whether replication includes it.")
    ro: bool | None = Field(default=None, description="Whether it can only be read.")
    serial: str | None = Field(default=None, max_length=60, description="Serial number that the guest sees.")

    @model_validator(mode="after")
    def _new_or_existing(self) -> Disk:
        if self.file is not None and (self.storage or self.format):
            raise InvalidValue("`file` names an existing volume, which has its storage and format already")
        return self


class EfiDisk(Volume):
    """The disk for the UEFI's own variables; Proxmox decides its size."""

    efitype: Literal["2m", "4m"] | None = Field(default=None, description="Size of the firmware; `4m` is recommended.")
    pre_enrolled_keys: bool | None = Field(
        default=None, alias="pre-enrolled-keys", description="Whether Secure Boot's usual keys are in it."
    )


class TpmState(Volume):
    """The state of a virtual TPM; Proxmox decides its size."""

    version: Literal["v1.2", "v2.0"] | None = Field(default=None, description="The TPM's version.")


class Nic(Part):
    """A network card; in Proxmox's text its address stands under the model's name."""

    default_key: ClassVar[str | None] = "model"
    model: NicModel = Field(description="The card that the guest sees.")
    bridge: str | None = Field(default=None, min_length=1, description="The bridge or VNet that it is attached to.")
    macaddr: Mac | None = Field(default=None, description="Its address; planned where not declared.")
    tag: Vlan | None = Field(default=None, description="VLAN that its packets are in.")
    trunks: SplitList | None = Field(default=None, description="VLANs, or ranges like `20-30`, that are let through.")
    firewall: bool | None = Field(default=None, description="Whether the guest's firewall filters it.")
    rate: float | None = Field(default=None, ge=0, description="Limit in MB/s.")
    mtu: int | None = Field(default=None, ge=1, le=65520, description="MTU; 1 is that of the bridge (virtio only).")
    queues: int | None = Field(default=None, ge=0, le=64, description="Number of packet queues.")
    link_down: bool | None = Field(default=None, description="Whether its cable is pulled.")

    @classmethod
    def parse(cls, text: str) -> dict[str, Any]:
        """`virtio=BC:24:11:00:00:01,bridge=vmbr0`, or with the keys `model` and `macaddr`."""
        found = parse_property_string(text, cls.default_key)
        named = next((key for key in found if key in MODELS), None)
        if named:
            found = {"model": named, "macaddr": found.pop(named), **found}
        return cls.from_keys(found)

    @classmethod
    def print(cls, values: dict[str, Any]) -> str:
        """The short form, as Proxmox itself writes it."""
        rest = {key: value for key, value in values.items() if key not in ("model", "macaddr")}
        mac = values.get("macaddr")
        first = f"{values['model']}={mac}" if mac else str(values["model"])
        return ",".join(filter(None, (first, super().print(rest))))


class Cpu(Part):
    """The processor that the guest sees."""

    default_key: ClassVar[str | None] = "cputype"
    cputype: str | None = Field(default=None, min_length=1, description="Its type, such as `host` or `x86-64-v3`.")
    flags: SplitList | None = Field(default=None, description="Features switched on (`+aes`) or off (`-pcid`).")
    hidden: bool | None = Field(default=None, description="Whether the guest is not to see that it is virtual.")
    hv_vendor_id: str | None = Field(
        default=None, alias="hv-vendor-id", description="Vendor name of Hyper-V that the guest sees."
    )
    phys_bits: str | None = Field(
        default=None, alias="phys-bits", description="Bits of its physical addresses: 8 to 64, or `host`."
    )


class Agent(Part):
    """The QEMU guest agent."""

    default_key: ClassVar[str | None] = "enabled"
    enabled: bool | None = Field(default=None, description="Whether an agent is to be talked to.")
    fstrim_cloned_disks: bool | None = Field(
        default=None, description="Whether free room is given back after a disk was moved or cloned."
    )
    freeze_fs: bool | None = Field(
        default=None, alias="freeze-fs", description="Whether file systems are frozen while a backup begins."
    )
    type: Literal["virtio", "isa"] | None = Field(default=None, description="How the agent is reached.")


class Boot(Part):
    """What the guest starts from."""

    default_key: ClassVar[str | None] = "legacy"
    order: SplitList | None = Field(default=None, description="Slots of disks and NICs, first choice first.")

    @classmethod
    def parse(cls, text: str) -> dict[str, Any]:
        """Proxmox writes a blank where there is nothing to start from."""
        return super().parse(text.strip())


class Vga(Part):
    """The display."""

    default_key: ClassVar[str | None] = "type"
    type: str | None = Field(
        default=None,
        pattern=r"^(cirrus|qxl[234]?|none|serial[0-3]|std|virtio|virtio-gl|vmware)$",
        description="The card that the guest sees; `serial0` shows the serial console.",
    )
    memory: int | None = Field(default=None, ge=4, le=512, description="Its memory in MiB.")
    clipboard: Literal["vnc"] | None = Field(default=None, description="Share the clipboard.")


class IpConfig(Part):
    """The addresses that cloud-init gives one NIC."""

    ip: Address4 | None = Field(default=None, description="IPv4 address with prefix, or `dhcp`.")
    gw: Gateway | None = Field(default=None, description="IPv4 gateway.")
    ip6: Address6 | None = Field(default=None, description="IPv6 address with prefix, `auto` or `dhcp`.")
    gw6: Gateway | None = Field(default=None, description="IPv6 gateway.")

    @model_validator(mode="after")
    def _gateways_belong_to_addresses(self) -> IpConfig:
        for gateway, address in (("gw", self.ip), ("gw6", self.ip6)):
            if getattr(self, gateway) and (address is None or "/" not in address):
                raise InvalidValue(f"{gateway}: a gateway is for a fixed address")
        return self
