"""A file on a node: its content, its owner and its mode.

Over SSH alone: there is no method of the API for it, so it takes no privilege of Proxmox, but the right to log in. The
content is written beside its place, in a folder that only root can enter, and then moved there: nobody ever sees half
of it. What somebody else makes of it shows as drift by its SHA-256; the content itself is not read back.

What Proxmox keeps itself has types of its own: below `/etc/pve` and in `/etc/network/interfaces` nothing is written
this way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Unpack

import pulumi

from providers._inside.files import FileArgs, FileHandler, FileInputs, FileOutputs
from providers._nodes.inside import NodeTarget, OnNode
from providers._runtime.bridge import Resource
from providers._runtime.facts import Facts
from providers._runtime.model import Problem, Values
from providers._runtime.ownership import Owner

KEPT = ("/etc/pve", "/etc/network/interfaces")
"""Files that follow from what Proxmox knows."""


class NodeFileInputs(FileInputs, NodeTarget):
    """A file as declared."""


class NodeFileOutputs(FileOutputs, NodeFileInputs):
    """A file as it is."""


class NodeFileHandler(OnNode, FileHandler):
    """Files on nodes."""

    inputs: ClassVar = NodeFileInputs
    outputs: ClassVar = NodeFileOutputs

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The node has to be there, and the file none of Proxmox's own."""
        yield from super().preflight(facts, owner, before, wanted)
        path = wanted.get("path", "")
        if path in KEPT or path.startswith(f"{KEPT[0]}/"):
            yield "path", f"{path} is Proxmox's own: declare what stands in it by the type that it has"


class NodeFileArgs(FileArgs):
    """Arguments of `NodeFile`."""

    node: pulumi.Input[str]


class NodeFile(Resource, kind="node_file"):
    """A file on a node."""

    node: pulumi.Output[str]
    path: pulumi.Output[str]
    sha256: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[NodeFileArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
