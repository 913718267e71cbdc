"""A container (LXC).

API: `/nodes/{node}/lxc`. Made from an appliance template or cloned; afterwards everything that Proxmox can change is
changed in place: another node migrates it (a running container restarts there), another storage moves a volume (for
which it has to be stopped), a bigger size grows it. Password and keys are set when it is made; Proxmox can't change
them afterwards. Lines for LXC itself (`lxc`, such as `lxc.idmap: …`) are written over SSH, since the API can't.

Seen on Proxmox VE 9.2: the description gains a line end; `memory` and `hostname` can't be unset, so their defaults are
written; writing `size` into a volume's text changes the text and not the volume, so it is never written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._guests import lxc_raw
from providers._guests.handler import GuestHandler
from providers._guests.inputs import ADDRESSES, GuestArgs, GuestInputs
from providers._guests.lxc import (
    ContainerNic,
    Device,
    Features,
    MountPoint,
    MountPointSlot,
    NicSlot,
    RootFs,
)
from providers._guests.lxc_coverage import COVERAGE
from providers._guests.lxc_system import SystemArgs, SystemInputs
from providers._guests.place import Place
from providers._guests.preflight import Image
from providers._guests.values import DnsName, PublicKey, VolumeId
from providers._guests.volumes import slots
from providers._runtime.api import Api
from providers._runtime.bridge import Resource
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.markers import (
    Immutable,
    Impact,
    Local,
    Needs,
    ServerDefault,
    Slots,
    WriteOnly,
)
from providers._runtime.model import Changes, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need

__all__ = ["Container", "ContainerNic", "Device", "Features", "MountPoint", "RootFs"]


class ContainerInputs(SystemInputs, GuestInputs):
    """A container as declared."""

    ostemplate: Annotated[VolumeId | None, Local(), Immutable()] = Field(
        default=None,
        description="The appliance template or OCI image that it is made from, such as `local:vztmpl/…`.",
    )
    hostname: Annotated[DnsName | None, Needs("VM.Config.Network")] = Field(default=None, description="Its host name.")
    cores: Annotated[int | None, Needs("VM.Config.CPU"), Field(ge=1, le=8192)] = Field(
        default=None, description="Cores that it may use; all of the node's where not set."
    )
    cpulimit: Annotated[float | None, Needs("VM.Config.CPU"), ServerDefault(value=0), Field(ge=0, le=8192)] = Field(
        default=None, description="Limit of its processor time in cores, such as 0.5; 0 for none."
    )
    cpuunits: Annotated[int | None, Needs("VM.Config.CPU"), Field(ge=0, le=500000)] = Field(
        default=None, description="Its weight when processor time is short."
    )
    memory: Annotated[int | None, Needs("VM.Config.Memory"), ServerDefault(value=512), Field(ge=16)] = Field(
        default=None, description="Memory in MiB."
    )
    swap: Annotated[int | None, Needs("VM.Config.Memory"), ServerDefault(value=512), Field(ge=0)] = Field(
        default=None, description="Swap in MiB."
    )
    rootfs: RootFs | None = Field(default=None, description="The root file system.")
    mp: Annotated[dict[MountPointSlot, MountPoint] | None, Slots(r"mp\d+")] = Field(
        default=None, description="Mount points by slot (`mp0`)."
    )
    net: Annotated[dict[NicSlot, ContainerNic] | None, Needs("VM.Config.Network"), Slots(r"net\d+")] = Field(
        default=None, description="Network interfaces by slot (`net0`)."
    )
    unprivileged: Annotated[bool | None, Immutable(), ServerDefault(value=False)] = Field(
        default=None, description="Whether its root is nobody on the host; Proxmox 9 makes it so by itself."
    )
    password: Annotated[str | None, WriteOnly(), Immutable(), Field(min_length=5)] = Field(
        default=None, description="Root's password; set when the container is made, and never again."
    )
    ssh_public_keys: Annotated[list[PublicKey] | None, Local(), Immutable()] = Field(
        default=None, min_length=1, description="Root's SSH keys; set when the container is made, and never again."
    )

    wait_for: Annotated[Literal["none", "ip", "ssh"] | None, Local()] = Field(
        default=None,
        description="What has to be there before it counts as made or changed: nothing (`none`, the default), an "
        "address, or its SSH server.",
    )

    @model_validator(mode="after")
    def _it_can_be_made(self) -> ContainerInputs:
        """What a clone or an adopted container brings along is not needed."""
        if self.clone is not None:
            for name in ("ostemplate", "password", "ssh_public_keys"):
                if getattr(self, name) is not None:
                    raise InvalidValue(f"{name}: a clone takes over what its source has; leave it out")
            if self.clone.format is not None:
                raise InvalidValue("clone.format: the volumes of a container have no choice of format")
        if self.archive is not None and self.archive.live_restore is not None:
            raise InvalidValue("archive.live_restore: a container is restored before it starts")
        if self.brings_its_own:
            return self
        if self.ostemplate is None:
            raise InvalidValue("ostemplate: a container is made from a template, or from another one (`clone`)")
        for slot, volume in (("rootfs", self.rootfs), *(self.mp or {}).items()):
            existing = isinstance(volume, MountPoint) and volume.volume is not None
            if volume is None or (not existing and (volume.storage is None or volume.size is None)):
                raise InvalidValue(f"{slot}: it needs a storage and a size")
        return self


class ContainerOutputs(ContainerInputs):
    """A container as it is."""

    volumes: dict[str, str] = Field(default={}, description="Slot -> the volume's name.")
    addresses: list[str] = Field(default=[], description=ADDRESSES)


class ContainerHandler(GuestHandler):
    """Containers as Proxmox keeps them."""

    inputs: ClassVar = ContainerInputs
    outputs: ClassVar = ContainerOutputs
    kind = "lxc"
    name_field = "hostname"
    mac_key = "hwaddr"
    content = "rootdir"
    coverage: ClassVar = COVERAGE
    unseen: ClassVar = frozenset({"lxc"})
    unsettable: ClassVar = {"memory": "512", "swap": "512", "hostname": "CT{vmid}"}

    def encode(self, parameters: dict[str, str], values: Values) -> dict[str, str]:
        """Variables travel with a zero byte between them."""
        if "env" in values:
            parameters["env"] = "\0".join(f"{name}={value}" for name, value in values["env"].items())
        return parameters

    def decode(self, values: Values, raw: Values) -> Values:
        """The lines for LXC stand there as pairs."""
        if isinstance(values.get("env"), str):
            values["env"] = dict(pair.split("=", 1) for pair in values["env"].split("\0") if "=" in pair)
        lines = lxc_raw.shown(raw)
        return {**values, "lxc": lines} if lines else values

    def beside_the_api(self, api: Api, place: Place, todo: Changes) -> None:
        """The lines for LXC."""
        if "lxc" in todo.names():
            lxc_raw.write(api, place, todo.set.get("lxc", ()))

    def root_only(self, wanted: Values) -> Iterator[str]:
        """Directories and devices of the host, and most features."""
        yield from super().root_only(wanted)
        volumes = {"rootfs": wanted.get("rootfs") or {}, **(wanted.get("mp") or {})}
        yield from (slot for slot, volume in volumes.items() if str(volume.get("volume", "")).startswith("/"))
        features = {name for name, value in (wanted.get("features") or {}).items() if value is not None}
        if features - {"nesting"} or (features and wanted.get("unprivileged") is False):
            yield "features"

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """And a way for the lines for LXC."""
        yield from super().preflight(facts, owner, before, wanted)
        if wanted.get("lxc") != before.get("lxc") and not facts.client.ssh.available:
            yield "lxc", "the API can't write lines for LXC, only SSH can: give the connection `ssh`"

    def needs(self, wanted: Values) -> list[Need]:
        """A container whose root is the host's is a right of its own."""
        privileged = [("/", "Sys.Modify")] if wanted.get("unprivileged") is False else []
        return super().needs(wanted) + privileged

    def stops_for(self, before: Values, wanted: Values, there: Values) -> dict[str, str]:
        """Moving a volume."""
        old, new = slots(self.inputs, before), slots(self.inputs, wanted)
        return {
            slot: "Proxmox moves no volume of a running container"
            for slot in set(old) & set(new)
            if new[slot].values.get("storage", old[slot].values.get("storage")) != old[slot].values.get("storage")
        }

    def plugs(self, slot: str, there: Values) -> bool:
        """A mount point is mounted at once."""
        return slot.startswith("mp")

    def unplugs(self, slot: str, there: Values) -> bool:
        """No volume goes while it runs."""
        return False

    def only_at_first(self, wanted: Values) -> dict[str, str]:
        """The template, and the keys as one text."""
        found = {"ostemplate": str(wanted["ostemplate"])}
        if wanted.get("ssh_public_keys"):
            found["ssh-public-keys"] = "\n".join(wanted["ssh_public_keys"])
        return found

    def plugged(self, name: str, there: Values, wanted: Values, takes: Impact) -> Impact:
        """It moves by a restart, and a card that runs keeps its MTU until the next one (Proxmox VE 9.2)."""
        if name == "node":
            return "stop-start"
        old, new = (dict((values.get("net") or {}).get(name) or {}) for values in (there, wanted))
        same_card = all(old.get(key) == new.get(key, old.get(key)) for key in ("name", "hwaddr"))
        return "reboot" if old and new and same_card and old.get("mtu") != new.get("mtu") else takes

    def restoring(self, archive: Values) -> dict[str, str]:
        """An archive in place of the template."""
        return {"ostemplate": archive["volume"], "restore": "1", **({"unique": "1"} if archive.get("unique") else {})}

    def images(self, wanted: Values) -> list[Image]:
        """The appliance template or OCI image, and the script."""
        named = (("ostemplate", "vztmpl"), ("hookscript", "snippets"))
        return super().images(wanted) + [Image(name, wanted[name], kind) for name, kind in named if name in wanted]


class ContainerArgs(GuestArgs, SystemArgs):
    """Arguments of `Container`."""

    ostemplate: NotRequired[pulumi.Input[str] | None]
    hostname: NotRequired[pulumi.Input[str] | None]
    cores: NotRequired[pulumi.Input[int] | None]
    cpulimit: NotRequired[pulumi.Input[float] | None]
    cpuunits: NotRequired[pulumi.Input[int] | None]
    memory: NotRequired[pulumi.Input[int] | None]
    swap: NotRequired[pulumi.Input[int] | None]
    rootfs: NotRequired[pulumi.Input[RootFs | Mapping[str, Any]] | None]
    mp: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[MountPoint | Mapping[str, Any]]]] | None]
    net: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[ContainerNic | Mapping[str, Any]]]] | None]
    unprivileged: NotRequired[pulumi.Input[bool] | None]
    wait_for: NotRequired[pulumi.Input[str] | None]
    password: NotRequired[pulumi.Input[str] | None]
    ssh_public_keys: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]


class Container(Resource, kind="container"):
    """A container."""

    vmid: pulumi.Output[int]
    node: pulumi.Output[str]
    hostname: pulumi.Output[str | None]
    macs: pulumi.Output[dict[str, str] | None]
    volumes: pulumi.Output[dict[str, str]]
    addresses: pulumi.Output[list[str]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[ContainerArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
