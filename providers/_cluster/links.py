"""The links of a cluster: the networks on which its nodes talk to one another."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import Field

from providers._runtime.markers import ServerDefault
from providers._runtime.model import Values
from providers._runtime.wire import Part

LinkSlot = Annotated[str, Field(pattern=r"^link[0-7]$")]
NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$")]


class Link(Part):
    """A node's place on one link."""

    default_key: ClassVar[str | None] = "address"
    address: str = Field(min_length=1, description="The node's address there.")
    priority: Annotated[int | None, ServerDefault(value=0)] = Field(
        default=None,
        ge=0,
        le=255,
        description="Which link is used while several are up, the highest one first; said where the cluster is made.",
    )


def links_of(row: dict[str, Any]) -> Values:
    """The links of a node, from its row in the cluster's configuration."""
    found = {key: re.fullmatch(r"ring([0-7])_addr", key) for key in row}
    return {f"link{match[1]}": {"address": str(row[key])} for key, match in sorted(found.items()) if match}
