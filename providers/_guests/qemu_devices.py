"""A virtual machine's other devices: display, sound, ports, and what is passed through from the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypedDict

import pulumi
from pydantic import Field, model_validator

from providers._guests.values import SPLIT, ConfigId
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Needs, RootOnly, ServerDefault, Slots, Takes
from providers._runtime.model import Inputs
from providers._runtime.wire import Part

_PCI = r"([0-9A-Fa-f]{4,}:)?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}(\.[0-9A-Fa-f])?"
PciAddress = Annotated[str, Field(pattern=rf"^{_PCI}$")]
HexId = Annotated[str | None, Field(pattern=r"^0x[0-9a-fA-F]{4}$")]
SerialPort = Annotated[str | None, Field(pattern=r"^(socket|/dev/[^,]+)$")]
ParallelPort = Annotated[str | None, Field(pattern=r"^(/dev/parport\d+|/dev/usb/lp\d+)$")]
HostPciSlot = Annotated[str, Field(pattern=r"^hostpci(\d|1[0-5])$")]
UsbSlot = Annotated[str, Field(pattern=r"^usb(\d|1[0-3])$")]
Keyboard = Annotated[
    str,
    Field(
        pattern=r"^(da|de|de-ch|en-gb|en-us|es|fi|fr|fr-be|fr-ca|fr-ch|hu|is|it|ja|lt|mk|nl|no|pl|pt|pt-br|sl|sv|tr)$"
    ),
]
VirtioFsSlot = Annotated[str, Field(pattern=r"^virtiofs\d$")]
_HARDWARE = Needs("VM.Config.HWType")
_AT_START = Takes("reboot")


class Vga(Part):
    """The display."""

    default_key: ClassVar[str | None] = "type"
    type: str | None = Field(
        default=None,
        pattern=r"^(cirrus|qxl[234]?|none|serial[0-3]|std|virtio|virtio-gl|vmware)$",
        description="The card that the guest sees; `serial0` shows the serial console, `qxl` is for SPICE.",
    )
    memory: int | None = Field(default=None, ge=4, le=512, description="Its memory in MiB.")
    clipboard: Literal["vnc"] | None = Field(default=None, description="Share the clipboard.")


class SpiceEnhancements(Part):
    """What SPICE offers besides the display."""

    foldersharing: bool | None = Field(default=None, description="Whether folders can be shared.")
    videostreaming: Literal["off", "all", "filter"] | None = Field(
        default=None, description="Which parts of the display are sent as compressed video."
    )


class Audio(Part):
    """A sound card."""

    device: Literal["ich9-intel-hda", "intel-hda", "AC97"] = Field(description="The card that the guest sees.")
    driver: Literal["spice", "none"] | None = Field(default=None, description="Where its sound goes.")


class Rng(Part):
    """A source of random numbers."""

    default_key: ClassVar[str | None] = "source"
    source: Literal["/dev/urandom", "/dev/random", "/dev/hwrng"] = Field(
        description="The host's device that they come from."
    )
    max_bytes: int | None = Field(default=None, ge=0, description="Bytes in each `period`; 0 for no limit.")
    period: int | None = Field(default=None, ge=1, description="Length of that period in milliseconds.")


class Watchdog(Part):
    """A watchdog: does something to a guest that has opened it and then goes silent."""

    default_key: ClassVar[str | None] = "model"
    model: Literal["i6300esb", "ib700"] | None = Field(default=None, description="The device that the guest sees.")
    action: Literal["reset", "shutdown", "poweroff", "pause", "debug", "none"] | None = Field(
        default=None, description="What it does."
    )


class HostPci(Part):
    """A PCI device of the host; by its mapping, or (root@pam only) by its address."""

    default_key: ClassVar[str | None] = "host"
    host: Annotated[list[PciAddress] | None, SPLIT] = Field(
        default=None, description="Addresses such as `0000:01:00.0`; without a function, all functions of the device."
    )
    mapping: ConfigId | None = Field(default=None, description="A mapping of the cluster, instead of an address.")
    mdev: str | None = Field(default=None, pattern=r"^[^/.:,]+$", description="Type of the mediated device.")
    pcie: bool | None = Field(default=None, description="Whether it is on a PCI Express bus (q35 only).")
    rombar: bool | None = Field(default=None, description="Whether its ROM is visible to the guest.")
    romfile: str | None = Field(default=None, pattern=r"^[^,;]+$", description="Another ROM, from /usr/share/kvm.")
    driver: Literal["vfio", "keep"] | None = Field(
        default=None, description="Whether the host gives the device up (`vfio`) or leaves its driver (`keep`)."
    )
    x_vga: bool | None = Field(default=None, alias="x-vga", description="Whether it is the guest's graphics card.")
    legacy_igd: bool | None = Field(
        default=None, alias="legacy-igd", description="Whether it is Intel graphics in its old mode."
    )
    vendor_id: HexId = Field(default=None, alias="vendor-id", description="Vendor that the guest sees.")
    device_id: HexId = Field(default=None, alias="device-id", description="Device that the guest sees.")
    sub_vendor_id: HexId = Field(default=None, alias="sub-vendor-id", description="Subsystem vendor that it sees.")
    sub_device_id: HexId = Field(default=None, alias="sub-device-id", description="Subsystem device that it sees.")

    @model_validator(mode="after")
    def _one_way(self) -> HostPci:
        if (self.host is None) == (self.mapping is None):
            raise InvalidValue("give either host (an address) or mapping")
        return self


class Usb(Part):
    """A USB device of the host; by its mapping, or (root@pam only) by its ID or port. Or one that SPICE redirects."""

    default_key: ClassVar[str | None] = "host"
    host: str | None = Field(
        default=None,
        pattern=r"^((0x)?[0-9A-Fa-f]{4}:(0x)?[0-9A-Fa-f]{4}|\d+-\d+(\.\d+)*|spice)$",
        description="Vendor and product (`0951:1666`), a port (`1-1.2`), or `spice`.",
    )
    mapping: ConfigId | None = Field(default=None, description="A mapping of the cluster, instead of `host`.")
    usb3: bool | None = Field(default=None, description="Whether it is USB 3.")

    @model_validator(mode="after")
    def _one_way(self) -> Usb:
        if (self.host is None) == (self.mapping is None):
            raise InvalidValue("give either host or mapping")
        return self


class VirtioFs(Part):
    """A directory of the host that the guest can mount."""

    default_key: ClassVar[str | None] = "dirid"
    dirid: ConfigId = Field(description="The cluster's mapping of the directory, and the tag to mount it by.")
    cache: Literal["auto", "always", "metadata", "never"] | None = Field(
        default=None, description="What the guest remembers of it."
    )
    direct_io: bool | None = Field(
        default=None, alias="direct-io", description="Whether the guest may read and write past all caches."
    )
    expose_acl: bool | None = Field(default=None, alias="expose-acl", description="Whether it has POSIX ACLs.")
    expose_xattr: bool | None = Field(
        default=None, alias="expose-xattr", description="Whether it has extended attributes."
    )


class IvShmem(Part):
    """Memory that the guest shares with the host, or with other guests."""

    size: int = Field(ge=1, description="Its size in MiB.")
    name: str | None = Field(
        default=None, pattern=r"^[a-zA-Z0-9-]+$", description="Its name, behind `pve-shm-`; the VMID where not set."
    )


class DeviceInputs(Inputs):
    """Devices as declared."""

    vga: Annotated[Vga | None, _HARDWARE, _AT_START] = Field(default=None, description="The display.")
    spice_enhancements: Annotated[SpiceEnhancements | None, _HARDWARE, _AT_START] = Field(
        default=None, description="What SPICE offers besides."
    )
    audio0: Annotated[Audio | None, _HARDWARE, _AT_START] = Field(default=None, description="A sound card.")
    tablet: Annotated[bool | None, _HARDWARE, ServerDefault(value=True)] = Field(
        default=None, description="Whether its mouse is a tablet, which follows the pointer of a VNC viewer."
    )
    rng0: Annotated[Rng | None, _HARDWARE, _AT_START] = Field(default=None, description="Random numbers of the host.")
    watchdog: Annotated[Watchdog | None, _HARDWARE, _AT_START] = Field(default=None, description="A watchdog.")
    serial0: Annotated[SerialPort, _HARDWARE, _AT_START] = Field(
        default=None, description="A serial port: `socket`, or (root@pam only) a device of the host."
    )
    serial1: Annotated[SerialPort, _HARDWARE, _AT_START] = Field(default=None, description="Another serial port.")
    serial2: Annotated[SerialPort, _HARDWARE, _AT_START] = Field(default=None, description="Another serial port.")
    serial3: Annotated[SerialPort, _HARDWARE, _AT_START] = Field(default=None, description="Another serial port.")
    parallel0: Annotated[ParallelPort, RootOnly(), _AT_START] = Field(
        default=None, description="A parallel port: a device of the host."
    )
    parallel1: Annotated[ParallelPort, RootOnly(), _AT_START] = Field(default=None, description="Another one.")
    parallel2: Annotated[ParallelPort, RootOnly(), _AT_START] = Field(default=None, description="Another one.")
    hostpci: Annotated[dict[HostPciSlot, HostPci] | None, Slots(r"hostpci\d+"), _HARDWARE, _AT_START] = Field(
        default=None, description="PCI devices of the host by slot (`hostpci0`)."
    )
    usb: Annotated[dict[UsbSlot, Usb] | None, Slots(r"usb\d+"), _HARDWARE] = Field(
        default=None, description="USB devices by slot (`usb0`)."
    )
    virtiofs: Annotated[
        dict[VirtioFsSlot, VirtioFs] | None, Slots(r"virtiofs\d+"), Needs("VM.Config.Options"), _AT_START
    ] = Field(default=None, description="Directories of the host by slot (`virtiofs0`).")
    ivshmem: Annotated[IvShmem | None, RootOnly(), _AT_START] = Field(
        default=None, description="Memory that is shared with the host."
    )
    keyboard: Annotated[Keyboard | None, Needs("VM.Config.Options"), _AT_START] = Field(
        default=None, description="Keyboard of the VNC console, such as `de` or `en-us`."
    )


class DeviceArgs(TypedDict, total=False):
    """Arguments of `VirtualMachine` for devices."""

    vga: pulumi.Input[Vga | Mapping[str, Any]] | None
    spice_enhancements: pulumi.Input[SpiceEnhancements | Mapping[str, Any]] | None
    audio0: pulumi.Input[Audio | Mapping[str, Any]] | None
    tablet: pulumi.Input[bool] | None
    rng0: pulumi.Input[Rng | Mapping[str, Any]] | None
    watchdog: pulumi.Input[Watchdog | Mapping[str, Any]] | None
    serial0: pulumi.Input[str] | None
    serial1: pulumi.Input[str] | None
    serial2: pulumi.Input[str] | None
    serial3: pulumi.Input[str] | None
    parallel0: pulumi.Input[str] | None
    parallel1: pulumi.Input[str] | None
    parallel2: pulumi.Input[str] | None
    hostpci: pulumi.Input[Mapping[str, pulumi.Input[HostPci | Mapping[str, Any]]]] | None
    usb: pulumi.Input[Mapping[str, pulumi.Input[Usb | Mapping[str, Any]]]] | None
    virtiofs: pulumi.Input[Mapping[str, pulumi.Input[VirtioFs | Mapping[str, Any]]]] | None
    ivshmem: pulumi.Input[IvShmem | Mapping[str, Any]] | None
    keyboard: pulumi.Input[str] | None
