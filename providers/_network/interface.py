"""One interface of a node as declared: its type, and the fields that this type has."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from providers._runtime.errors import InvalidValue
from providers._runtime.markers import ServerDefault
from providers._runtime.wire import Part

NAME = r"^[a-zA-Z][a-zA-Z0-9_]{1,20}([:.][0-9]+)?$"
NAMES = {
    "bond": (r"bond\d{1,4}", "bond0"), "OVSBond": (r"bond\d{1,4}", "bond0"), "eth": (r"[^.:]+", "eno1"),
    "OVSPort": (r"[^.:]+", "eno1"), "vlan": (r".+", "vmbr0.10"), "OVSIntPort": (r".+", "vlan10i"),
}  # fmt: skip
"""Type -> what its names look like, and an example."""
VLAN_NAME = re.compile(r"(\S+)\.(\d+)|vlan(\d+)")
ALL_VLANS = ["2-4094"]
LINUX_MODES = (
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
)  # fmt: skip
OVS_MODES = ("active-backup", "balance-slb", "lacp-balance-slb", "lacp-balance-tcp")
HASHING_MODES = ("balance-xor", "802.3ad")

_ANY = {
    "type",
    "autostart",
    "cidr",
    "gateway",
    "cidr6",
    "gateway6",
    "mtu",
    "comments",
    "options",
    "masquerade",
    "forward_only_to",
}
_PORT = _ANY - {"autostart", "cidr", "gateway", "cidr6", "gateway6", "masquerade", "forward_only_to"}
FIELDS: dict[str, set[str]] = {
    "eth": _ANY,
    "bridge": _ANY | {"bridge_ports", "bridge_vlan_aware", "bridge_vids"},
    "bond": _ANY | {"slaves", "bond_mode", "bond_xmit_hash_policy", "bond_primary"},
    "vlan": _ANY | {"vlan_id", "vlan_raw_device"},
    "OVSBridge": _ANY | {"ovs_ports", "ovs_options"},
    "OVSPort": _PORT | {"ovs_bridge", "ovs_tag", "ovs_options"},
    "OVSIntPort": _ANY - {"autostart"} | {"ovs_bridge", "ovs_tag", "ovs_options"},
    "OVSBond": _PORT | {"ovs_bridge", "ovs_tag", "ovs_options", "ovs_bonds", "bond_mode"},
}
"""Type -> the fields that it has."""
OVS_PORTS = ("OVSPort", "OVSIntPort", "OVSBond")
"""What is part of an Open vSwitch bridge, and is started by it."""


def _split(value: Any) -> Any:
    """Proxmox's lists of interfaces as lists."""
    return [item for item in re.split(r"[;,\s]+", value) if item] if isinstance(value, str) else value


def _unordered(names: list[str]) -> list[str]:
    """The order of ports means nothing."""
    return sorted(set(names))


def _address(text: str) -> str:
    """An address with its prefix, as Proxmox writes it."""
    if "/" not in text:
        raise InvalidValue(f"{text!r} has no prefix length: write it like 192.0.2.10/24")
    return str(ipaddress.ip_interface(text))


def _host(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


def _of_version(version: int) -> AfterValidator:
    def check(text: str) -> str:
        if ipaddress.ip_interface(text).version != version:
            raise InvalidValue(f"{text!r} is no address of IPv{version}")
        return text

    return AfterValidator(check)


def _one_line(text: str) -> str:
    """A line of the file by itself; the file's own keywords start another interface."""
    line = text.strip()
    if "\n" in line or not re.fullmatch(r"[a-z][\w-]*\s+\S.*", line) or line.split()[0] in ("auto", "iface", "source"):
        raise InvalidValue(f"{text!r} is no line of an interface, such as `post-up ip route add …`")
    return line


def _stripped(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


Mode = Literal[
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb", "balance-slb",
    "lacp-balance-slb", "lacp-balance-tcp",
]  # fmt: skip
Names = Annotated[list[str], BeforeValidator(_split), AfterValidator(_unordered)]
Cidr = Annotated[str, AfterValidator(_address), _of_version(4)]
Cidr6 = Annotated[str, AfterValidator(_address), _of_version(6)]
Gateway = Annotated[str, AfterValidator(_host), _of_version(4)]
Gateway6 = Annotated[str, AfterValidator(_host), _of_version(6)]
Networks = Annotated[list[Annotated[str, AfterValidator(_network)]], AfterValidator(_unordered)]
Line = Annotated[str, AfterValidator(_one_line)]
Vlans = Annotated[list[Annotated[str, Field(pattern=r"^\d+(-\d+)?$")]], BeforeValidator(_split)]


class Interface(Part):
    """An interface of a node; which fields it may have is a matter of its type."""

    type: Literal["bridge", "bond", "eth", "vlan", "OVSBridge", "OVSPort", "OVSBond", "OVSIntPort"] = Field(
        description="What it is; a network card is `eth`, or `OVSPort` as part of an Open vSwitch bridge."
    )
    autostart: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None,
        description="Whether it is started with the node; what is made is, unless this says otherwise. Ports of an "
        "Open vSwitch bridge are started by it.",
    )
    cidr: Cidr | None = Field(default=None, description="IPv4 address with its prefix length.")
    gateway: Gateway | None = Field(default=None, description="The default gateway; one interface of a node has it.")
    cidr6: Cidr6 | None = Field(default=None, description="IPv6 address with its prefix length.")
    gateway6: Gateway6 | None = Field(default=None, description="The default gateway of IPv6.")
    mtu: Annotated[int | None, Field(ge=1280, le=65520)] = Field(
        default=None, description="Largest packet; an Open vSwitch bridge needs that of its largest port."
    )
    comments: Annotated[str | None, AfterValidator(_stripped)] = Field(default=None, description="What it is for.")
    options: Annotated[list[Line] | None, ServerDefault(value=[])] = Field(
        default=None,
        description="Further lines, as they stand in the file, such as `post-up …` or `ovs_extra …`; all of them. "
        "The API has no way to write them, so this takes SSH.",
    )
    masquerade: Annotated[Networks | None, ServerDefault(value=[])] = Field(
        default=None,
        description="Networks whose packets leave through this interface with its own address; this takes SSH.",
    )
    forward_only_to: Annotated[str | None, Field(pattern=NAME)] = Field(
        default=None,
        description="The one interface to which packets that come in here are passed on, and only answers to them come "
        "back; of the node itself they reach this interface's own addresses alone. This takes SSH.",
    )

    bridge_ports: Annotated[Names | None, ServerDefault(value=[])] = Field(
        default=None, description="bridge: the interfaces that it connects."
    )
    bridge_vlan_aware: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="bridge: whether it knows VLANs."
    )
    bridge_vids: Annotated[Vlans | None, ServerDefault(value=ALL_VLANS)] = Field(
        default=None, description="bridge: the VLANs that it lets through, such as `2-100`; all where not set."
    )
    slaves: Annotated[Names | None, ServerDefault(value=[])] = Field(
        default=None, description="bond: the interfaces that are bundled."
    )
    bond_mode: Mode | None = Field(
        default=None, description="bond, OVSBond: how the links are used; each has its own modes."
    )
    bond_xmit_hash_policy: Literal["layer2", "layer2+3", "layer3+4"] | None = Field(
        default=None, description="bond: how `balance-xor` and `802.3ad` choose the link of a packet."
    )
    bond_primary: str | None = Field(
        default=None, alias="bond-primary", description="bond: the link that `active-backup` prefers."
    )
    vlan_id: Annotated[int | None, Field(ge=1, le=4094)] = Field(
        default=None, alias="vlan-id", description="vlan: its number, where the name does not say it."
    )
    vlan_raw_device: str | None = Field(
        default=None, alias="vlan-raw-device", description="vlan: the interface that it is on; `vmbr0.10` says it."
    )
    ovs_bridge: str | None = Field(default=None, description="OVSPort, OVSIntPort, OVSBond: the bridge it is part of.")
    ovs_ports: Annotated[Names | None, ServerDefault(value=[])] = Field(
        default=None, description="OVSBridge: its ports; those that name it as their `ovs_bridge` need not be listed."
    )
    ovs_bonds: Names | None = Field(default=None, description="OVSBond: the interfaces that are bundled.")
    ovs_tag: Annotated[int | None, Field(ge=1, le=4094)] = Field(
        default=None, description="OVSPort, OVSIntPort, OVSBond: the VLAN that it is in."
    )
    ovs_options: str | None = Field(
        default=None, max_length=1024, description="Further options of Open vSwitch, such as `vlan_mode=access`."
    )

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> Interface:
        for name in sorted(self.model_fields_set - FIELDS[self.type]):
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name}: an interface of type {self.type} has no such field")
        if self.type in OVS_PORTS and self.ovs_bridge is None:
            raise InvalidValue(f"ovs_bridge: an interface of type {self.type} needs it")
        if self.type == "OVSBond" and not self.ovs_bonds:
            raise InvalidValue("ovs_bonds: an interface of type OVSBond needs it")
        modes = {"bond": LINUX_MODES, "OVSBond": OVS_MODES}.get(self.type, ())
        if self.bond_mode is not None and self.bond_mode not in modes:
            raise InvalidValue(f"bond_mode: an interface of type {self.type} has {', '.join(modes)}")
        return self

    @model_validator(mode="after")
    def _fields_belong_together(self) -> Interface:
        if self.bond_primary is not None and (
            self.bond_mode != "active-backup" or self.bond_primary not in (self.slaves or [])
        ):
            raise InvalidValue("bond_primary: it is one of the slaves, in the mode active-backup")
        if self.bond_xmit_hash_policy is not None and self.bond_mode not in HASHING_MODES:
            raise InvalidValue(f"bond_xmit_hash_policy: only the modes {' and '.join(HASHING_MODES)} have one")
        if self.bridge_vids is not None and not self.bridge_vlan_aware:
            raise InvalidValue("bridge_vids: the bridge has to be bridge_vlan_aware")
        for gateway, cidr in (("gateway", "cidr"), ("gateway6", "cidr6")):
            if getattr(self, gateway) is not None and getattr(self, cidr) is None:
                raise InvalidValue(f"{gateway}: it needs a {cidr}")
        return self


def named(name: str, kind: str) -> str:
    """The name of an interface, which has to be one that its type can have."""
    wanted, example = NAMES.get(kind, (r".+", "vmbr0"))
    if not re.fullmatch(NAME, name) or not re.fullmatch(wanted, name) or name == "lo":
        raise InvalidValue(f"{name!r} is no name of a {kind}, such as {example}")
    return name
