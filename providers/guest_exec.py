"""A command inside a guest: run once, and again when what it is given changes.

By the agent of a virtual machine (`/nodes/{node}/qemu/{vmid}/agent/exec`), and by `pct exec` over SSH in a container.
The guards decide whether there is anything to do when the resource is made, and in a refresh whether it is still done:
a path in `creates` that is gone makes the resource gone, and an `unless` that no longer succeeds shows as drift. A
change of command, input, environment or triggers runs the command whatever the guards say.

Proxmox keeps nothing of it. A run that dies between the command and its note in the state runs it again, so a command
is best one that may run twice, or has a guard. Input and environment never stand on a command line, and with either of
them the output is a secret too. Seen on Proxmox VE 9.2: the agent takes 64 KiB of input.
"""

from __future__ import annotations

from typing import ClassVar, NotRequired, Unpack

import pulumi

from providers._guests.inside import GuestTarget, InGuest
from providers._inside.commands import CommandArgs, CommandHandler, CommandInputs, CommandOutputs, with_secrets
from providers._runtime.bridge import Resource


class GuestExecInputs(CommandInputs, GuestTarget):
    """A command as declared."""


class GuestExecOutputs(CommandOutputs, GuestExecInputs):
    """A command as it ended."""


class GuestExecHandler(InGuest, CommandHandler):
    """Commands inside guests."""

    inputs: ClassVar = GuestExecInputs
    outputs: ClassVar = GuestExecOutputs


class GuestExecArgs(CommandArgs):
    """Arguments of `GuestExec`."""

    vmid: pulumi.Input[int]
    wait_seconds: NotRequired[pulumi.Input[float] | None]


class GuestExec(Resource, kind="guest_exec"):
    """A command inside a guest."""

    vmid: pulumi.Output[int]
    exit_code: pulumi.Output[int | None]
    stdout: pulumi.Output[str | None]
    stderr: pulumi.Output[str | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[GuestExecArgs]
    ) -> None:
        super().__init__(resource_name, args, with_secrets(args, opts))
