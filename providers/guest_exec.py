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

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers._guests.inside import LOOK_SECONDS, Inside, inside, problems
from providers._guests.target import needed, target, vmid_in
from providers._guests.values import AbsolutePath, VmId
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.command import Finished
from providers._runtime.errors import CommandFailed, InvalidValue, Missing, TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Action, Immutable, Local, WriteOnly
from providers._runtime.model import Changes, Inputs, Problem, Values
from providers._runtime.ownership import Owner

RUNS_AGAIN = frozenset({"command", "input", "environment", "triggers"})
"""Fields whose change runs the command, whatever the guards say."""
SECRET = frozenset({"input", "environment"})


def _one_line(text: str) -> str:
    if "\n" in text or "\0" in text:
        raise InvalidValue("a variable is one line; give what has more by `input`")
    return text


VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Variable = Annotated[str, AfterValidator(_one_line)]
Command = Annotated[list[str], Field(min_length=1)]


class GuestExecInputs(Inputs):
    """A command as declared."""

    vmid: Annotated[VmId, Immutable()] = Field(description="The guest that it runs in.")
    command: Annotated[Command, Action()] = Field(
        description="Program and arguments, word by word; for a shell's own syntax, `sh`, `-c` and the line."
    )
    input: Annotated[str | None, WriteOnly()] = Field(
        default=None, description="What it reads from its standard input; the place for a secret."
    )
    environment: Annotated[dict[VariableName, Variable] | None, WriteOnly()] = Field(
        default=None, description="Variables for it, each of one line."
    )
    triggers: Annotated[dict[str, str] | None, Action()] = Field(
        default=None, description="Texts of your own; when one of them changes, the command runs again."
    )
    creates: Annotated[AbsolutePath | None, Action()] = Field(
        default=None, description="A path that the command makes; while it is there, there is nothing to do."
    )
    unless: Annotated[Command | None, Action()] = Field(
        default=None, description="A command that only looks; when it succeeds, there is nothing to do."
    )
    delete_command: Annotated[Command | None, Local()] = Field(
        default=None, description="What is run, with the same environment, when the resource is removed."
    )
    success_codes: Annotated[list[int] | None, Local()] = Field(
        default=None, min_length=1, description="Exit codes that are no failure; only 0 where not set."
    )
    wait_seconds: Annotated[float | None, Local(), Field(gt=0)] = Field(
        default=None,
        description="How long the agent of a virtual machine is waited for; 300 seconds where not set. The command "
        "itself may take as long as `timeouts` say.",
    )


class GuestExecOutputs(GuestExecInputs):
    """A command as it ended."""

    exit_code: int | None = Field(default=None, description="Its exit code; none where a guard said that it is done.")
    stdout: str | None = Field(default=None, description="What it printed.")
    stderr: str | None = Field(default=None, description="What it complained about.")


class GuestExecHandler(Handler):
    """Commands, of which only the state knows."""

    inputs: ClassVar = GuestExecInputs
    outputs: ClassVar = GuestExecOutputs

    def find(self, api: Api, wanted: Values) -> Found | None:
        """A command that has run leaves nothing that could be found."""
        return None

    def create(self, api: Api, wanted: Values) -> str:
        """Run it, unless it is done already."""
        place = needed(api, wanted["vmid"])
        guest = inside(api, place, wanted.get("wait_seconds"))
        api.recorded = dict(wanted)
        if not (_has_guards(wanted) and _is_there(guest, wanted) and _holds(guest, wanted)):
            _run(api, guest, wanted)
        return f"{place.id}/exec/{api.owner.key}"

    def read(self, api: Api, id_: str) -> Found | None:
        """What the state knows, as far as the guards agree; a guest that can't be asked changes nothing."""
        place = target(api, vmid_in(id_))
        if place is None:
            return None
        known = dict(api.recorded)
        if _has_guards(known):
            try:
                guest = inside(api, place, LOOK_SECONDS)
                if not _is_there(guest, known):
                    return None
                if not _holds(guest, known):
                    del known["unless"]
            except (InvalidValue, TookTooLong) as reason:
                api.warn(f"the guards were not asked: {reason}")
        return Found(id_, known)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Run it again where that is asked for, or a guard says that it is not done."""
        again = RUNS_AGAIN & set(todo.names())
        guards = {"creates", "unless"} & set(todo.set)
        if again or guards:
            guest = inside(api, needed(api, wanted["vmid"]), wanted.get("wait_seconds"))
            if again or not (_is_there(guest, wanted) and _holds(guest, wanted)):
                _run(api, guest, wanted)
        results = {name: value for name, value in api.recorded.items() if name in self.computed}
        api.recorded = {**wanted, **results}

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Run what undoes it, if there is such a command."""
        place = target(api, vmid_in(id_))
        if place is None or not values.get("delete_command"):
            return
        guest = inside(api, place, values.get("wait_seconds"))
        _checked(guest, values["delete_command"], {**values, "input": None})

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What can be told of the guest from outside."""
        return problems(facts, wanted)


def _has_guards(wanted: Values) -> bool:
    """Whether something says that the command is done."""
    return bool(wanted.get("creates") or wanted.get("unless"))


def _is_there(guest: Inside, wanted: Values) -> bool:
    """Whether what the command makes is there; without a path there is nothing to miss."""
    return "creates" not in wanted or guest.run(["test", "-e", wanted["creates"]]).code == 0


def _holds(guest: Inside, wanted: Values) -> bool:
    """Whether the other guard is content."""
    return "unless" not in wanted or guest.run_with(_environment(wanted), wanted["unless"], b"").code == 0


def _environment(wanted: Values) -> Mapping[str, str]:
    return wanted.get("environment") or {}


def _run(api: Api, guest: Inside, wanted: Values) -> None:
    """The command itself; what it says is kept."""
    done = _checked(guest, wanted["command"], wanted)
    if not _is_there(guest, wanted):
        raise Missing(f"`{wanted['command'][0]}` in {guest.place.id} ended well, but {wanted['creates']} is not there")
    if not _holds(guest, wanted):
        raise Missing(
            f"`{wanted['command'][0]}` in {guest.place.id} ended well, but `unless` still says that it has to run"
        )
    texts = {"stdout": done.out.decode(errors="replace"), "stderr": done.error.decode(errors="replace")}
    api.recorded = {**wanted, **texts, "exit_code": done.code}


def _checked(guest: Inside, command: Sequence[str], values: Values) -> Finished:
    """A command that has to succeed; a secret in its complaint is not told."""
    done = guest.run_with(_environment(values), command, (values.get("input") or "").encode())
    if done.code in (values.get("success_codes") or [0]):
        return done
    said = done.error or done.out
    for secret in filter(None, [values.get("input"), *_environment(values).values()]):
        said = said.replace(str(secret).encode(), b"***")
    raise CommandFailed(f"`{command[0]}` in {guest.place.id}", done.code, said)


class GuestExecArgs(CommonArgs):
    """Arguments of `GuestExec`."""

    vmid: pulumi.Input[int]
    command: pulumi.Input[Sequence[pulumi.Input[str]]]
    input: NotRequired[pulumi.Input[str] | None]
    environment: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    triggers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    creates: NotRequired[pulumi.Input[str] | None]
    unless: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    delete_command: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    success_codes: NotRequired[pulumi.Input[Sequence[pulumi.Input[int]]] | None]
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
        if SECRET & set(args):
            says_it = pulumi.ResourceOptions(additional_secret_outputs=["stdout", "stderr"])
            opts = pulumi.ResourceOptions.merge(opts, says_it)
        super().__init__(resource_name, args, opts)
