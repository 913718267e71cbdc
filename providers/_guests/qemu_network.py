"""A virtual machine's network cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypedDict

import pulumi
from pydantic import Field, model_validator

from providers._guests.values import SPLIT, Mac, Vlan
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Needs, Slots
from providers._runtime.model import Inputs
from providers._runtime.wire import Part, parse_property_string

MODELS = (
    *("virtio", "vmxnet3", "rtl8139", "pcnet", "ne2k_isa", "ne2k_pci", "i82551", "i82557b", "i82559er"),
    *("e1000", "e1000e", "e1000-82540em", "e1000-82544gc", "e1000-82545em"),
)
NicModel = Annotated[str, Field(pattern=f"^({'|'.join(MODELS)})$")]
NicSlot = Annotated[str, Field(pattern=r"^net([12]?\d|3[01])$")]
Trunk = Annotated[str, Field(pattern=r"^\d+(-\d+)?$")]


class Nic(Part):
    """A network card; in Proxmox's text its address stands under the model's name."""

    default_key: ClassVar[str | None] = "model"
    model: NicModel = Field(description="The card that the guest sees.")
    bridge: str | None = Field(default=None, min_length=1, description="The bridge or VNet that it is attached to.")
    macaddr: Mac | None = Field(default=None, description="Its address; planned where not declared.")
    tag: Vlan | None = Field(default=None, description="VLAN that its packets are in.")
    trunks: Annotated[list[Trunk] | None, SPLIT] = Field(
        default=None, description="VLANs, or ranges like `20-30`, that are let through."
    )
    firewall: bool | None = Field(default=None, description="Whether the guest's firewall filters it.")
    rate: float | None = Field(default=None, ge=0, description="Limit in MB/s.")
    mtu: int | None = Field(default=None, ge=1, le=65520, description="MTU; 1 is that of the bridge (virtio only).")
    queues: int | None = Field(default=None, ge=0, le=64, description="Number of packet queues.")
    link_down: bool | None = Field(default=None, description="Whether its cable is pulled.")
    host_tunnel: bool | None = Field(
        default=None,
        alias="host-tunnel",
        description="Whether the host cuts packets in UDP tunnels for it (virtio only).",
    )

    @model_validator(mode="after")
    def _options_of_virtio(self) -> Nic:
        for option in ("mtu", "host_tunnel"):
            if getattr(self, option) is not None and self.model != "virtio":
                raise InvalidValue(f"`{option}` is for virtio, not for {self.model}")
        return self

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


class NetworkInputs(Inputs):
    """Network cards as declared."""

    net: Annotated[dict[NicSlot, Nic] | None, Slots(r"net\d+"), Needs("VM.Config.Network")] = Field(
        default=None, description="Network cards by slot (`net0`)."
    )


class NetworkArgs(TypedDict, total=False):
    """Arguments of `VirtualMachine` for its network cards."""

    net: pulumi.Input[Mapping[str, pulumi.Input[Nic | Mapping[str, Any]]]] | None
