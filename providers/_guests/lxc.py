"""The parts of a container that Proxmox writes as property strings."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from providers._guests.values import (
    SPLIT,
    AbsolutePath,
    CtAddress4,
    CtAddress6,
    Gateway,
    Mac,
    Size,
    SplitList,
    Vlan,
    VolumeId,
)
from providers._guests.volumes import Volume
from providers._runtime.errors import InvalidValue
from providers._runtime.wire import Part

MountPointSlot = Annotated[str, Field(pattern=r"^mp(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])$")]
DeviceSlot = Annotated[str, Field(pattern=r"^dev(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])$")]
_MAPPING = r"[ug]:\d+:\d+:[1-9]\d*"
MountOption = Literal["discard", "lazytime", "noatime", "nodev", "noexec", "nosuid"]
NicSlot = Annotated[str, Field(pattern=r"^net([12]?\d|3[01])$")]


class ContainerVolume(Volume):
    """What the root file system and the mount points have in common."""

    default_key: ClassVar[str | None] = "volume"
    size: Size | None = Field(default=None, description="Its size, such as `8G`; it can grow, but never shrink.")
    acl: bool | None = Field(default=None, description="Whether ACLs are on.")
    quota: bool | None = Field(default=None, description="Whether quotas are on (not in unprivileged containers).")
    ro: bool | None = Field(default=None, description="Whether it can only be read.")
    replicate: bool | None = Field(default=None, description="Whether replication includes it.")
    shared: bool | None = Field(default=None, description="Whether every node has it already.")
    mountoptions: Annotated[list[MountOption] | None, SPLIT] = Field(
        default=None, description="Mount options, such as `noatime`."
    )
    idmap: str | None = Field(
        default=None,
        pattern=rf"^(passthrough|{_MAPPING}(;{_MAPPING})*)$",
        description="Users and groups of the container -> those of the volume (`u:0:100000:65536;g:0:100000:65536`), "
        "or `passthrough` for the same numbers.",
    )


class RootFs(ContainerVolume):
    """The root file system."""

    removable: ClassVar[bool] = False


class MountPoint(ContainerVolume):
    """A volume, or a directory of the host, inside the container."""

    mp: AbsolutePath = Field(description="Where it appears in the container.")
    volume: VolumeId | AbsolutePath | None = Field(
        default=None,
        description="An existing volume, or a directory of the host (a bind mount, for root@pam only); "
        "not set for a volume that is made here.",
    )
    backup: bool | None = Field(default=None, description="Whether backups include it.")
    keepattrs: bool | None = Field(
        default=None, description="Whether owner and mode of the folder that it is mounted on become its own."
    )

    @model_validator(mode="after")
    def _new_or_existing(self) -> MountPoint:
        if self.volume is not None and self.storage:
            raise InvalidValue("`volume` names what exists, which has its storage already")
        return self


class ContainerNic(Part):
    """A network interface of a container."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,15}$", description="Its name in the container, such as `eth0`.")
    bridge: str | None = Field(default=None, min_length=1, description="The bridge or VNet that it is attached to.")
    hwaddr: Mac | None = Field(default=None, description="Its MAC address; planned where not declared.")
    ip: CtAddress4 | None = Field(default=None, description="IPv4 address with prefix, `dhcp` or `manual`.")
    gw: Gateway | None = Field(default=None, description="IPv4 gateway.")
    ip6: CtAddress6 | None = Field(default=None, description="IPv6 address with prefix, `auto`, `dhcp` or `manual`.")
    gw6: Gateway | None = Field(default=None, description="IPv6 gateway.")
    tag: Vlan | None = Field(default=None, description="VLAN that its packets are in.")
    trunks: Annotated[list[Vlan] | None, SPLIT] = Field(default=None, description="VLANs that are let through.")
    firewall: bool | None = Field(default=None, description="Whether the container's firewall filters it.")
    rate: float | None = Field(default=None, ge=0, description="Limit in MB/s.")
    mtu: int | None = Field(default=None, ge=64, le=65535, description="MTU.")
    link_down: bool | None = Field(default=None, description="Whether its cable is pulled.")
    type: Literal["veth"] | None = Field(default=None, description="Its kind; there is only one.")
    host_managed: bool | None = Field(
        default=None, alias="host-managed", description="Whether the host sets its addresses, and not the container."
    )


class Device(Part):
    """A device of the host inside the container."""

    default_key: ClassVar[str | None] = "path"
    path: str = Field(
        pattern=r"^/dev(/[A-Za-z0-9_:@+-][A-Za-z0-9_:@.+-]*)+$",
        description="The device, such as `/dev/dri/renderD128`.",
    )
    uid: int | None = Field(default=None, ge=0, description="The user that it belongs to inside.")
    gid: int | None = Field(default=None, ge=0, description="The group that it belongs to inside.")
    mode: str | None = Field(default=None, pattern=r"^0[0-7]{3}$", description="Who may use it inside, such as `0660`.")
    deny_write: bool | None = Field(default=None, alias="deny-write", description="Whether it can only be read.")


class Features(Part):
    """What a container is allowed besides the usual; all but `nesting` take root@pam."""

    nesting: bool | None = Field(default=None, description="Containers within; systemd of today needs it.")
    keyctl: bool | None = Field(default=None, description="The keyctl system call, which Docker needs.")
    fuse: bool | None = Field(default=None, description="FUSE file systems.")
    mknod: bool | None = Field(default=None, description="Making device nodes.")
    force_rw_sys: bool | None = Field(default=None, description="A /sys that can be written to.")
    mount: SplitList | None = Field(default=None, description="Types of file systems that it may mount.")
