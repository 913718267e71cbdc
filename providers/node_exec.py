"""A command on a node: run once, and again when what it is given changes.

Over SSH alone: there is no method of the API for it, so it takes no privilege of Proxmox, but the right to log in. The
guards decide whether there is anything to do when the resource is made, and in a refresh whether it is still done: a
path in `creates` that is gone makes the resource gone, and an `unless` that no longer succeeds shows as drift. A change
of command, input, environment or triggers runs the command whatever the guards say.

A run that dies between the command and its note in the state runs it again, so a command is best one that may run
twice, or has a guard. Input and environment never stand on a command line, and with either of them the output is a
secret too. What is on a node outside Proxmox's own files is not taken along by an upgrade or a new installation.
"""

from __future__ import annotations

from typing import ClassVar, Unpack

import pulumi

from providers._inside.commands import CommandArgs, CommandHandler, CommandInputs, CommandOutputs, with_secrets
from providers._nodes.inside import NodeTarget, OnNode
from providers._runtime.bridge import Resource


class NodeExecInputs(CommandInputs, NodeTarget):
    """A command as declared."""


class NodeExecOutputs(CommandOutputs, NodeExecInputs):
    """A command as it ended."""


class NodeExecHandler(OnNode, CommandHandler):
    """Commands on nodes."""

    inputs: ClassVar = NodeExecInputs
    outputs: ClassVar = NodeExecOutputs


class NodeExecArgs(CommandArgs):
    """Arguments of `NodeExec`."""

    node: pulumi.Input[str]


class NodeExec(Resource, kind="node_exec"):
    """A command on a node."""

    node: pulumi.Output[str]
    exit_code: pulumi.Output[int | None]
    stdout: pulumi.Output[str | None]
    stderr: pulumi.Output[str | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[NodeExecArgs]
    ) -> None:
        super().__init__(resource_name, args, with_secrets(args, opts))
