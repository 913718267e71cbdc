"""What is inside a container: its system, what that is allowed, its console, and what is started in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

import pulumi
from pydantic import AfterValidator, Field

from providers._guests.lxc import Device, DeviceSlot, Features
from providers._guests.values import VolumeId
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Action, RootOnly, ServerDefault, Slots, Takes
from providers._runtime.model import Inputs

PRINTABLE = r"^[^\x00-\x08\x0a-\x1f\x7f]+$"
OsType = Literal[
    "debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos", "unmanaged"
]
VariableName = Annotated[str, Field(pattern=r"^\w+$")]
Variable = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$")]


def _raw_line(text: str) -> str:
    """One form of it: `key: value`."""
    match = re.fullmatch(r"\s*(lxc\.[a-z0-9_\-.]+)\s*[:=]\s*(\S[^\n]*?)\s*", text)
    if not match:
        raise InvalidValue(f"{text!r} is no line for LXC: write it like `lxc.idmap: u 0 100000 65536`")
    return f"{match[1]}: {match[2]}"


RawLine = Annotated[str, AfterValidator(_raw_line)]


class SystemInputs(Inputs):
    """The system as declared."""

    dev: Annotated[dict[DeviceSlot, Device] | None, RootOnly(), Takes("reboot"), Slots(r"dev\d+")] = Field(
        default=None, description="Devices of the host by slot (`dev0`)."
    )
    features: Annotated[Features | None, Takes("reboot")] = Field(
        default=None, description="What it is allowed besides the usual."
    )
    ostype: Annotated[OsType | None, Takes("reboot")] = Field(
        default=None, description="How Proxmox sets it up inside; known from the template where not set."
    )
    arch: Annotated[Literal["amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"] | None, Takes("reboot")] = Field(
        default=None, description="Its processor architecture; known from the template where not set."
    )
    timezone: Annotated[str | None, Takes("reboot"), Field(min_length=1)] = Field(
        default=None, description="Its time zone, such as `Europe/Vienna`, or `host`."
    )
    console: Annotated[bool | None, ServerDefault(value=True), Takes("reboot")] = Field(
        default=None, description="Whether it has a console."
    )
    tty: Annotated[int | None, ServerDefault(value=2), Takes("reboot"), Field(ge=0, le=6)] = Field(
        default=None, description="Number of its terminals."
    )
    cmode: Annotated[Literal["shell", "console", "tty"] | None, ServerDefault(value="tty"), Takes("reboot")] = Field(
        default=None, description="What its console is attached to."
    )
    entrypoint: Annotated[str | None, ServerDefault(value="/sbin/init"), Takes("reboot"), Field(pattern=PRINTABLE)] = (
        Field(default=None, description="What is started in it; an OCI image brings its own.")
    )
    env: Annotated[dict[VariableName, Variable] | None, Takes("reboot")] = Field(
        default=None, description="Variables for what is started in it; they stand in place of those of an OCI image."
    )
    hookscript: Annotated[VolumeId | None, RootOnly()] = Field(
        default=None, description="A snippet that the host runs around its start and stop."
    )
    debug: Annotated[bool | None, ServerDefault(value=False), Takes("reboot")] = Field(
        default=None, description="Whether LXC tells more when it starts."
    )
    lxc: Annotated[list[RawLine] | None, Action(), Takes("reboot")] = Field(
        default=None,
        min_length=1,
        description="Lines for LXC itself, such as `lxc.idmap: u 0 100000 65536`; all of them, in order. They are "
        "written over SSH.",
    )


class SystemArgs(TypedDict, total=False):
    """Arguments of `Container` for its system."""

    features: pulumi.Input[Features | Mapping[str, Any]] | None
    ostype: pulumi.Input[str] | None
    arch: pulumi.Input[str] | None
    timezone: pulumi.Input[str] | None
    console: pulumi.Input[bool] | None
    tty: pulumi.Input[int] | None
    cmode: pulumi.Input[str] | None
    dev: pulumi.Input[Mapping[str, pulumi.Input[Device | Mapping[str, Any]]]] | None
    entrypoint: pulumi.Input[str] | None
    env: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None
    hookscript: pulumi.Input[str] | None
    debug: pulumi.Input[bool] | None
    lxc: pulumi.Input[Sequence[pulumi.Input[str]]] | None
