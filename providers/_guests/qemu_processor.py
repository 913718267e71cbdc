"""A virtual machine's processors and memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypedDict

import pulumi
from pydantic import Field

from providers._guests.values import SPLIT
from providers._runtime.markers import Needs, RootOnly, ServerDefault, Slots, Takes, Wire
from providers._runtime.model import Inputs
from providers._runtime.wire import Part

FLAGS = (
    *("aes", "amd-no-ssb", "amd-ssbd", "hv-evmcs", "hv-tlbflush", "ibpb", "md-clear", "nested-virt", "pcid", "pdpe1gb"),
    *("spec-ctrl", "ssbd", "virt-ssbd"),
)
CpuFlag = Annotated[str, Field(pattern=rf"^[+-]({'|'.join(FLAGS)})$")]
CpuSet = Annotated[str, Field(pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$")]
IdRange = Annotated[str, Field(pattern=r"^\d+(-\d+)?$")]
NumaSlot = Annotated[str, Field(pattern=r"^numa[0-7]$")]
_CPU = Needs("VM.Config.CPU")
_MEMORY = Needs("VM.Config.Memory")
_AT_START = Takes("reboot")


class Cpu(Part):
    """The processor that the guest sees."""

    default_key: ClassVar[str | None] = "cputype"
    cputype: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="Its type, such as `host` or `x86-64-v3`; one of the cluster's own begins with `custom-`.",
    )
    flags: Annotated[list[CpuFlag] | None, SPLIT] = Field(
        default=None, description="Features switched on (`+aes`) or off (`-pcid`); `+nested-virt` for guests within."
    )
    hidden: bool | None = Field(default=None, description="Whether the guest is not to see that it is virtual.")
    hv_vendor_id: str | None = Field(
        default=None,
        alias="hv-vendor-id",
        pattern=r"^[A-Za-z0-9]{1,12}$",
        description="Vendor name of Hyper-V that the guest sees.",
    )
    phys_bits: str | None = Field(
        default=None,
        alias="phys-bits",
        pattern=r"^(host|[89]|[1-5][0-9]|6[0-4])$",
        description="Bits of its physical addresses: 8 to 64, or `host`.",
    )
    guest_phys_bits: int | None = Field(
        default=None, alias="guest-phys-bits", ge=32, le=64, description="Bits of physical addresses that it may use."
    )


class NumaNode(Part):
    """One NUMA node that the guest sees."""

    cpus: Annotated[list[IdRange], SPLIT] = Field(description="Its processors: numbers, or ranges like `0-3`.")
    hostnodes: Annotated[list[IdRange] | None, SPLIT] = Field(
        default=None, description="The host's NUMA nodes that its memory is on."
    )
    memory: float | None = Field(default=None, gt=0, description="Its memory in MiB.")
    policy: Literal["preferred", "bind", "interleave"] | None = Field(
        default=None, description="How strictly its memory stays on `hostnodes`."
    )


class ProcessorInputs(Inputs):
    """Processors and memory as declared."""

    cores: Annotated[int | None, _CPU, ServerDefault(value=1), _AT_START, Field(ge=1)] = Field(
        default=None, description="Cores of each socket."
    )
    sockets: Annotated[int | None, _CPU, ServerDefault(value=1), _AT_START, Field(ge=1)] = Field(
        default=None, description="Processor sockets."
    )
    vcpus: Annotated[int | None, _CPU, _AT_START, Field(ge=1)] = Field(
        default=None,
        description="Processors that are plugged in at the start; all of them where not set. With `cpu` in `hotplug` "
        "it can change while the guest runs.",
    )
    cpu: Annotated[Cpu | None, _CPU, _AT_START] = Field(default=None, description="The processor that it sees.")
    cpulimit: Annotated[float | None, _CPU, ServerDefault(value=0), Field(ge=0, le=128)] = Field(
        default=None, description="Limit of its processor time in cores, such as 0.5; 0 for none."
    )
    cpuunits: Annotated[int | None, _CPU, Field(ge=1, le=262144)] = Field(
        default=None, description="Its weight when processor time is short; 100 where not set."
    )
    affinity: Annotated[CpuSet | None, _CPU] = Field(
        default=None, description="The host's processors that it runs on, such as `0,5,8-11`."
    )
    numa: Annotated[bool | None, _CPU, ServerDefault(value=False), _AT_START] = Field(
        default=None, description="Whether it sees NUMA; memory can be plugged in only with it."
    )
    numa_nodes: Annotated[dict[NumaSlot, NumaNode] | None, Slots(r"numa\d+"), _CPU, _AT_START] = Field(
        default=None, description="Its NUMA nodes by slot (`numa0`)."
    )
    memory: Annotated[int | None, _MEMORY, ServerDefault(value=512), _AT_START, Field(ge=16)] = Field(
        default=None, description="Memory in MiB."
    )
    balloon: Annotated[int | None, _MEMORY, _AT_START, Field(ge=0)] = Field(
        default=None, description="Least memory in MiB when the host needs some back; 0 for no such device."
    )
    shares: Annotated[int | None, _MEMORY, ServerDefault(value=1000), Field(ge=0, le=50000)] = Field(
        default=None, description="Its weight when the host's memory is shared out among balloons; 0 takes no part."
    )
    allow_ksm: Annotated[bool | None, Wire("allow-ksm"), _MEMORY, ServerDefault(value=True), _AT_START] = Field(
        default=None, description="Whether the host may merge equal pages of its memory."
    )
    hugepages: Annotated[Literal["any", "2", "1024"] | None, RootOnly(), _AT_START] = Field(
        default=None, description="Size in MiB of the host's pages that its memory is made of."
    )
    keephugepages: Annotated[bool | None, RootOnly(), ServerDefault(value=False), _AT_START] = Field(
        default=None, description="Whether those pages stay reserved while it does not run."
    )


class ProcessorArgs(TypedDict, total=False):
    """Arguments of `VirtualMachine` for processors and memory."""

    cores: pulumi.Input[int] | None
    sockets: pulumi.Input[int] | None
    vcpus: pulumi.Input[int] | None
    cpu: pulumi.Input[Cpu | Mapping[str, Any]] | None
    cpulimit: pulumi.Input[float] | None
    cpuunits: pulumi.Input[int] | None
    affinity: pulumi.Input[str] | None
    numa: pulumi.Input[bool] | None
    numa_nodes: pulumi.Input[Mapping[str, pulumi.Input[NumaNode | Mapping[str, Any]]]] | None
    memory: pulumi.Input[int] | None
    balloon: pulumi.Input[int] | None
    shares: pulumi.Input[int] | None
    allow_ksm: pulumi.Input[bool] | None
    hugepages: pulumi.Input[str] | None
    keephugepages: pulumi.Input[bool] | None
