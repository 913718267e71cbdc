"""A virtual machine's platform: firmware, chipset, boot, agent, clock, protection of its memory."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypedDict

import pulumi
from pydantic import AfterValidator, BeforeValidator, Field

from providers._guests.values import SplitList, VolumeId
from providers._runtime.markers import Needs, RootOnly, Separated, ServerDefault, Takes, Wire
from providers._runtime.model import Inputs
from providers._runtime.wire import Part

HOTPLUG = ["disk", "network", "usb"]
"""What can be plugged into a running guest unless it says otherwise."""
_VERSION = r"-\d+(\.\d+)+(\+pve\d+)?"
_MACHINE = rf"pc|q35|virt|(pc|pc-i440fx|pc-q35){_VERSION}(\.pxe)?|virt{_VERSION}"
_UUID = r"[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"
_HARDWARE = Needs("VM.Config.HWType")
_OPTION = Needs("VM.Config.Options")
_AT_START = Takes("reboot")


def _hotplug(value: Any) -> Any:
    """Proxmox writes 0 for nothing, and 1 for what is plugged by default."""
    return {("0",): [], ("1",): HOTPLUG}.get(tuple(value), value) if isinstance(value, list) else value


Uuid = Annotated[str, Field(pattern=rf"^{_UUID}$"), AfterValidator(str.lower)]
Hotplug = Annotated[
    list[Literal["cloudinit", "cpu", "disk", "memory", "network", "usb"]] | None, BeforeValidator(_hotplug)
]


class Machine(Part):
    """The chipset and its version."""

    default_key: ClassVar[str | None] = "type"
    type: str | None = Field(
        default=None, max_length=40, pattern=rf"^({_MACHINE})$", description="Such as `q35`, or `pc-i440fx-9.2+pve1`."
    )
    viommu: Literal["intel", "virtio"] | None = Field(default=None, description="Its IOMMU (`intel`: q35 only).")
    aw_bits: int | None = Field(
        default=None, alias="aw-bits", ge=32, le=64, description="Bits of the IOMMU's addresses."
    )
    enable_s3: bool | None = Field(default=None, alias="enable-s3", description="Whether it can sleep in memory.")
    enable_s4: bool | None = Field(default=None, alias="enable-s4", description="Whether it can sleep on disk.")


class Smbios(Part):
    """What the guest reads about its hardware."""

    uuid: Uuid | None = Field(default=None, description="Its UUID; Proxmox makes one up where not set.")
    manufacturer: str | None = Field(default=None, min_length=1, description="Manufacturer.")
    product: str | None = Field(default=None, min_length=1, description="Product.")
    version: str | None = Field(default=None, min_length=1, description="Version.")
    serial: str | None = Field(default=None, min_length=1, description="Serial number.")
    sku: str | None = Field(default=None, min_length=1, description="Number of the model.")
    family: str | None = Field(default=None, min_length=1, description="Family.")

    @classmethod
    def from_keys(cls, found: dict[str, str]) -> dict[str, Any]:
        """The texts may be in base64, because a comma could not stand there otherwise."""
        if found.get("base64") == "1":
            found = {key: value if key == "uuid" else _decoded(value) for key, value in found.items()}
        return super().from_keys({key: value for key, value in found.items() if key != "base64"})

    @classmethod
    def print(cls, values: dict[str, Any]) -> str:
        """All texts in base64, as Proxmox's own interface writes them."""
        texts = {key: value for key, value in values.items() if key != "uuid"}
        if not texts:
            return super().print(values)
        coded = {key: base64.b64encode(str(value).encode()).decode() for key, value in texts.items()}
        return f"{super().print({**values, **coded})},base64=1"


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


class Agent(Part):
    """The QEMU guest agent."""

    default_key: ClassVar[str | None] = "enabled"
    aliases: ClassVar[dict[str, str]] = {"freeze-fs-on-backup": "freeze-fs", "guest-fsfreeze": "freeze-fs"}
    enabled: bool = Field(description="Whether an agent is to be talked to.")
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
    order: SplitList | None = Field(
        default=None, description="Slots of disks and NICs, first choice first; `net0` first boots by PXE."
    )

    @classmethod
    def parse(cls, text: str) -> dict[str, Any]:
        """Proxmox writes a blank where there is nothing to start from."""
        return super().parse(text.strip())


class AmdSev(Part):
    """Encrypted memory on AMD's processors."""

    default_key: ClassVar[str | None] = "type"
    type: Literal["std", "es", "snp"] = Field(description="How far the encryption goes.")
    no_debug: bool | None = Field(default=None, alias="no-debug", description="Whether debugging is forbidden.")
    no_key_sharing: bool | None = Field(
        default=None, alias="no-key-sharing", description="Whether no other guest may share its key."
    )
    allow_smt: bool | None = Field(
        default=None, alias="allow-smt", description="Whether it may run on processors with several threads (SNP)."
    )
    kernel_hashes: bool | None = Field(
        default=None, alias="kernel-hashes", description="Whether a kernel that is given to it is measured."
    )


class IntelTdx(Part):
    """Encrypted memory on Intel's processors."""

    default_key: ClassVar[str | None] = "type"
    type: Literal["tdx"] = Field(description="The only kind.")
    attestation: bool | None = Field(default=None, description="Whether the guest can prove what it is.")
    vsock_cid: int | None = Field(
        default=None, alias="vsock-cid", ge=2, description="Address of the service that signs the proof."
    )
    vsock_port: int | None = Field(default=None, alias="vsock-port", ge=0, description="Its port.")


class SystemInputs(Inputs):
    """The platform as declared."""

    bios: Annotated[Literal["seabios", "ovmf"] | None, _OPTION, _AT_START, ServerDefault(value="seabios")] = Field(
        default=None, description="The firmware; `ovmf` is UEFI, and wants an `efidisk0`."
    )
    machine: Annotated[Machine | None, _HARDWARE, _AT_START] = Field(default=None, description="The chipset.")
    arch: Annotated[Literal["x86_64", "aarch64"] | None, RootOnly(), _AT_START] = Field(
        default=None, description="The processor's architecture; the host's where not set."
    )
    ostype: Annotated[
        Literal[
            "other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26", "solaris"
        ]
        | None,
        _OPTION,
        _AT_START,
        ServerDefault(value="other"),
    ] = Field(default=None, description="The operating system; `l26` is any Linux of today.")
    boot: Annotated[Boot | None, Needs("VM.Config.Disk"), _AT_START] = Field(
        default=None, description="What it starts from."
    )
    agent: Annotated[Agent | None, _OPTION, _AT_START] = Field(default=None, description="The QEMU guest agent.")
    hotplug: Annotated[Hotplug, Separated(ordered=False), _HARDWARE, _AT_START, ServerDefault(value=HOTPLUG)] = Field(
        default=None, description="What can be plugged into it while it runs."
    )
    smbios1: Annotated[Smbios | None, _HARDWARE, _AT_START] = Field(
        default=None, description="What it reads about its hardware."
    )
    vmgenid: Annotated[Literal["0"] | Uuid | None, _HARDWARE, _AT_START] = Field(
        default=None, description="The ID by which it notices that it was copied or rolled back; `0` for none."
    )
    acpi: Annotated[bool | None, _HARDWARE, ServerDefault(value=True), _AT_START] = Field(
        default=None, description="Whether it has ACPI."
    )
    kvm: Annotated[bool | None, _HARDWARE, ServerDefault(value=True), _AT_START] = Field(
        default=None, description="Whether the host's processor runs it; without it, it is emulated."
    )
    localtime: Annotated[bool | None, _OPTION, _AT_START] = Field(
        default=None, description="Whether its clock shows local time; that of Windows does where not set."
    )
    startdate: Annotated[
        str | None,
        _OPTION,
        ServerDefault(value="now"),
        _AT_START,
        Field(pattern=r"^(now|\d{4}-\d{1,2}-\d{1,2}(T\d{1,2}:\d{1,2}:\d{1,2})?)$"),
    ] = Field(default=None, description="What its clock shows at the start, such as `2006-06-17T16:01:21`, or `now`.")
    tdf: Annotated[bool | None, _OPTION, ServerDefault(value=False), _AT_START] = Field(
        default=None, description="Whether lost ticks of its clock are made up for."
    )
    freeze: Annotated[bool | None, Needs("VM.PowerMgmt"), _AT_START] = Field(
        default=None, description="Whether its processors wait after the start for a word at its monitor."
    )
    reboot: Annotated[bool | None, _OPTION, ServerDefault(value=True), _AT_START] = Field(
        default=None, description="Whether it may reboot; without it, it stops instead."
    )
    migrate_downtime: Annotated[float | None, _OPTION, ServerDefault(value=0.1), Field(ge=0)] = Field(
        default=None, description="Seconds that it may stand still in a migration."
    )
    migrate_speed: Annotated[int | None, _OPTION, ServerDefault(value=0), Field(ge=0)] = Field(
        default=None, description="Limit of a migration in MB/s; 0 for none."
    )
    hookscript: Annotated[VolumeId | None, RootOnly()] = Field(
        default=None, description="A snippet that the host runs around its start and stop."
    )
    args: Annotated[str | None, RootOnly(), _AT_START, Field(min_length=1)] = Field(
        default=None, description="More arguments of the `kvm` command."
    )
    amd_sev: Annotated[AmdSev | None, Wire("amd-sev"), RootOnly(), _AT_START] = Field(
        default=None, description="Encrypted memory on AMD's processors."
    )
    intel_tdx: Annotated[IntelTdx | None, Wire("intel-tdx"), RootOnly(), _AT_START] = Field(
        default=None, description="Encrypted memory on Intel's processors."
    )


class SystemArgs(TypedDict, total=False):
    """Arguments of `VirtualMachine` for its platform."""

    bios: pulumi.Input[str] | None
    machine: pulumi.Input[Machine | Mapping[str, Any]] | None
    arch: pulumi.Input[str] | None
    ostype: pulumi.Input[str] | None
    boot: pulumi.Input[Boot | Mapping[str, Any]] | None
    agent: pulumi.Input[Agent | Mapping[str, Any]] | None
    hotplug: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    smbios1: pulumi.Input[Smbios | Mapping[str, Any]] | None
    vmgenid: pulumi.Input[str] | None
    acpi: pulumi.Input[bool] | None
    kvm: pulumi.Input[bool] | None
    localtime: pulumi.Input[bool] | None
    startdate: pulumi.Input[str] | None
    tdf: pulumi.Input[bool] | None
    freeze: pulumi.Input[bool] | None
    reboot: pulumi.Input[bool] | None
    migrate_downtime: pulumi.Input[float] | None
    migrate_speed: pulumi.Input[int] | None
    hookscript: pulumi.Input[str] | None
    args: pulumi.Input[str] | None
    amd_sev: pulumi.Input[AmdSev | Mapping[str, Any]] | None
    intel_tdx: pulumi.Input[IntelTdx | Mapping[str, Any]] | None
