"""A command inside a machine: run once, and again when what it is given changes.

The guards decide whether there is anything to do when the resource is made, and in a refresh whether it is still done.
Nothing keeps it but the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired

import pulumi
from pydantic import AfterValidator, Field

from providers._guests.values import AbsolutePath
from providers._inside.machine import LOOK_SECONDS, InsideHandler, Machine
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs
from providers._runtime.command import Finished
from providers._runtime.errors import CommandFailed, InvalidValue, Missing, TookTooLong, Unreachable
from providers._runtime.handler import Found
from providers._runtime.markers import Action, Local, WriteOnly
from providers._runtime.model import Changes, Inputs, Values

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


class CommandInputs(Inputs):
    """A command as declared."""

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


class CommandOutputs(Inputs):
    """A command as it ended."""

    exit_code: int | None = Field(default=None, description="Its exit code; none where a guard said that it is done.")
    stdout: str | None = Field(default=None, description="What it printed.")
    stderr: str | None = Field(default=None, description="What it complained about.")


class CommandHandler(InsideHandler):
    """Commands, of which only the state knows."""

    def find(self, api: Api, wanted: Values) -> Found | None:
        """A command that has run leaves nothing that could be found."""
        return None

    def create(self, api: Api, wanted: Values) -> str:
        """Run it, unless it is done already."""
        machine = self.machine(api, wanted)
        api.recorded = dict(wanted)
        if not (_has_guards(wanted) and _is_there(machine, wanted) and _holds(machine, wanted)):
            _run(api, machine, wanted)
        return f"{machine.id}/exec/{api.owner.key}"

    def read(self, api: Api, id_: str) -> Found | None:
        """What the state knows, as far as the guards agree; a machine that can't be asked changes nothing."""
        if self.is_gone(api, id_):
            return None
        known = dict(api.recorded)
        if _has_guards(known):
            try:
                machine = self.machine_of(api, id_, LOOK_SECONDS)
                if not _is_there(machine, known):
                    return None
                if not _holds(machine, known):
                    del known["unless"]
            except (InvalidValue, TookTooLong, Unreachable) as reason:
                api.warn(f"the guards were not asked: {reason}")
        return Found(id_, known)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Run it again where that is asked for, or a guard says that it is not done."""
        again = RUNS_AGAIN & set(todo.names())
        guards = {"creates", "unless"} & set(todo.set)
        if again or guards:
            machine = self.machine(api, wanted)
            if again or not (_is_there(machine, wanted) and _holds(machine, wanted)):
                _run(api, machine, wanted)
        results = {name: value for name, value in api.recorded.items() if name in self.computed}
        api.recorded = {**wanted, **results}

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Run what undoes it, if there is such a command; where nothing runs, there is nothing to undo."""
        if not values.get("delete_command") or self.is_gone(api, id_):
            return
        try:
            machine = self.machine_of(api, id_, values.get("wait_seconds"))
        except InvalidValue as reason:
            api.warn(f"`{values['delete_command'][0]}` was not run: {reason}")
            return
        _checked(machine, values["delete_command"], {**values, "input": None})


def _has_guards(wanted: Values) -> bool:
    """Whether something says that the command is done."""
    return bool(wanted.get("creates") or wanted.get("unless"))


def _is_there(machine: Machine, wanted: Values) -> bool:
    """Whether what the command makes is there; without a path there is nothing to miss."""
    return "creates" not in wanted or machine.run(["test", "-e", wanted["creates"]]).code == 0


def _holds(machine: Machine, wanted: Values) -> bool:
    """Whether the other guard is content."""
    return "unless" not in wanted or machine.run_with(_environment(wanted), wanted["unless"], b"").code == 0


def _environment(wanted: Values) -> Mapping[str, str]:
    return wanted.get("environment") or {}


def _run(api: Api, machine: Machine, wanted: Values) -> None:
    """The command itself; what it says is kept."""
    done = _checked(machine, wanted["command"], wanted)
    if not _is_there(machine, wanted):
        raise Missing(f"`{wanted['command'][0]}` in {machine.id} ended well, but {wanted['creates']} is not there")
    if not _holds(machine, wanted):
        raise Missing(
            f"`{wanted['command'][0]}` in {machine.id} ended well, but `unless` still says that it has to run"
        )
    texts = {"stdout": done.out.decode(errors="replace"), "stderr": done.error.decode(errors="replace")}
    api.recorded = {**wanted, **texts, "exit_code": done.code}


def _checked(machine: Machine, command: Sequence[str], values: Values) -> Finished:
    """A command that has to succeed; a secret in its complaint is not told."""
    done = machine.run_with(_environment(values), command, (values.get("input") or "").encode())
    if done.code in (values.get("success_codes") or [0]):
        return done
    said = done.error or done.out
    for secret in filter(None, [values.get("input"), *_environment(values).values()]):
        said = said.replace(str(secret).encode(), b"***")
    raise CommandFailed(f"`{command[0]}` in {machine.id}", done.code, said)


class CommandArgs(CommonArgs):
    """Arguments of all commands."""

    command: pulumi.Input[Sequence[pulumi.Input[str]]]
    input: NotRequired[pulumi.Input[str] | None]
    environment: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    triggers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    creates: NotRequired[pulumi.Input[str] | None]
    unless: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    delete_command: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    success_codes: NotRequired[pulumi.Input[Sequence[pulumi.Input[int]]] | None]


def with_secrets(args: Mapping[str, object], opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions | None:
    """The options of a command that is told a secret: what it says may be one."""
    if not SECRET & set(args):
        return opts
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["stdout", "stderr"]))
