"""A file inside a guest: its content, its owner and its mode.

By the agent of a virtual machine (`/nodes/{node}/qemu/{vmid}/agent/file-write` and `exec`), and by `pct push` over SSH
in a container. The content is written beside its place, in a folder that only root can enter, and then moved there:
nobody ever sees half of it. What somebody else makes of it shows as drift by its SHA-256; the content itself is not
read back.

Seen on Proxmox VE 9.2: the agent writes 45 KiB a request and can't append, so a larger file travels in parts and is
put together inside. The guest needs `sh`, `stat`, `sha256sum` and `mktemp`, which every Linux has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NotRequired, Unpack

import pulumi

from providers._guests.inside import MOST, TOO_MUCH, GuestTarget, InGuest
from providers._guests.target import row_of
from providers._inside.files import FileArgs, FileHandler, FileInputs, FileOutputs, data_of
from providers._runtime.bridge import Resource
from providers._runtime.facts import Facts
from providers._runtime.model import Problem, Values
from providers._runtime.ownership import Owner


class GuestFileInputs(FileInputs, GuestTarget):
    """A file as declared."""


class GuestFileOutputs(FileOutputs, GuestFileInputs):
    """A file as it is."""


class GuestFileHandler(InGuest, FileHandler):
    """Files inside guests."""

    inputs: ClassVar = GuestFileInputs
    outputs: ClassVar = GuestFileOutputs

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What can be told of the guest from outside, and what is too much for its agent."""
        yield from super().preflight(facts, owner, before, wanted)
        row = row_of(facts, wanted["vmid"]) if "vmid" in wanted else None
        size = len(data_of(wanted))
        if row and row["type"] == "qemu" and size > MOST:
            yield "content", TOO_MUCH.format(size)


class GuestFileArgs(FileArgs):
    """Arguments of `GuestFile`."""

    vmid: pulumi.Input[int]
    wait_seconds: NotRequired[pulumi.Input[float] | None]


class GuestFile(Resource, kind="guest_file"):
    """A file inside a guest."""

    vmid: pulumi.Output[int]
    path: pulumi.Output[str]
    sha256: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[GuestFileArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
