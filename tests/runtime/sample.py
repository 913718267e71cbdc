"""A made-up resource type with every marker, for tests of the model and of the lifecycle."""

from __future__ import annotations

from typing import Annotated, Literal

from hypothesis import strategies as st
from pydantic import AfterValidator, Field, model_validator

from providers._runtime.errors import InvalidValue
from providers._runtime.markers import (
    Action,
    Carrier,
    Immutable,
    Local,
    Sensitive,
    Separated,
    ServerDefault,
    Slots,
    Takes,
    Wire,
    WriteOnly,
)
from providers._runtime.model import Inputs, Values
from providers._runtime.wire import Part


class Nic(Part):
    """One slot of a map."""

    default_key = "bridge"
    bridge: str | None = None
    firewall: Annotated[bool | None, ServerDefault(value=False)] = None
    mtu: int | None = Field(default=None, ge=0)


class Startup(Part):
    """A single property string."""

    order: int | None = None
    up: int | None = None


class SampleInputs(Inputs):
    """As declared."""

    name: Annotated[str, Immutable(), Field(pattern=r"^[a-z][a-z0-9]*$")]
    backing: Annotated[str | None, Immutable()] = None
    comment: Annotated[str | None, Carrier()] = None
    memory: Annotated[int | None, Takes("reboot")] = Field(default=None, ge=16)
    onboot: Annotated[bool | None, ServerDefault(value=False)] = None
    tags: Annotated[list[Annotated[str, AfterValidator(str.lower)]] | None, Separated(";", ordered=False)] = None
    order: Annotated[list[int] | None, Separated(",")] = None
    mode: Annotated[Literal["fast", "safe"] | None, Wire("io-mode")] = None
    password: Annotated[str | None, WriteOnly()] = None
    pin: Annotated[str | None, Sensitive()] = None
    started: Annotated[bool | None, Action()] = None
    replace_allowed: Annotated[bool | None, Local()] = None
    net: Annotated[dict[str, Nic] | None, Slots(r"net\d+")] = None
    startup: Startup | None = None

    @model_validator(mode="after")
    def _safe_needs_memory(self) -> SampleInputs:
        if self.mode == "safe" and (self.memory or 0) < 512:
            raise InvalidValue("memory: mode safe needs at least 512")
        return self


class SampleOutputs(SampleInputs):
    """As it is."""

    serial: str | None = None


WORDS = st.sampled_from(["one", "two", "three", "12"])
NIC = st.fixed_dictionaries(
    {"bridge": st.sampled_from(["vmbr0", "vmbr1"])},
    optional={"firewall": st.booleans(), "mtu": st.integers(0, 9000)},
)
CONFIG: st.SearchStrategy[Values] = st.fixed_dictionaries(
    {"name": st.just("it")},
    optional={
        "comment": WORDS,
        "memory": st.integers(512, 4096),
        "onboot": st.booleans(),
        "tags": st.lists(WORDS, min_size=1, max_size=3),
        "order": st.lists(st.integers(0, 9), min_size=1, max_size=3),
        "pin": WORDS,
        "net": st.dictionaries(st.sampled_from(["net0", "net1", "net2"]), NIC, min_size=1),
        "startup": st.fixed_dictionaries({"order": st.integers(0, 9)}, optional={"up": st.integers(0, 9)}),
    },
)
"""Values of which Proxmox keeps every one as it was written."""
