"""A file inside a machine: its content, its owner and its mode.

The content is written beside its place, in a folder that only root can enter, and then moved there: nobody ever sees
half of it. What somebody else makes of it shows as drift by its SHA-256; the content itself is not read back.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, NotRequired

import pulumi
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from providers._guests.values import AbsolutePath
from providers._inside.machine import LOOK_SECONDS, InsideHandler, Machine
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs
from providers._runtime.errors import AlreadyThere, CommandFailed, InvalidValue, ProxmoxError, TookTooLong, Unreachable
from providers._runtime.handler import Found
from providers._runtime.markers import Action, Immutable
from providers._runtime.model import Changes, Inputs, Values

CONTENT = frozenset({"content", "content_base64"})
NO_FILE = 44
LOOK = f'test -e "$1" || exit {NO_FILE}; stat -L -c "%a %u %g %U %G" "$1" && sha256sum < "$1"'
PUT_IN_PLACE = (
    'set -e; cat "$1"/part-* > "$1/whole"; chown "$2" "$1/whole"; chmod "$3" "$1/whole"; mv -f "$1/whole" "$4"; '
    'rm -rf "$1"'
)
GIVE = 'chown "$1" "$3" && chmod "$2" "$3"'
_MODE = re.compile(r"0?[0-7]{3,4}")
_NAME = re.compile(r"[a-z_][a-z0-9_.-]*\$?|\d+", re.IGNORECASE)


def _mode(text: object) -> object:
    """Octal, always in four digits: 644 is 0644."""
    if isinstance(text, int) and not isinstance(text, bool):
        raise InvalidValue(f"{text!r} is a number: write the mode as a text, such as '0644'")
    if not isinstance(text, str) or not _MODE.fullmatch(text):
        raise InvalidValue(f"{text!r} is no mode: write it like 0644")
    return text[-4:].rjust(4, "0")


def _account(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise InvalidValue(f"{text!r} is neither a name of a user or group, nor a number")
    return text


def _base64(text: str) -> str:
    try:
        return base64.b64encode(base64.b64decode("".join(text.split()), validate=True)).decode()
    except binascii.Error as error:
        raise InvalidValue(f"it is no base64: {error}") from None


Mode = Annotated[str, BeforeValidator(_mode)]
Account = Annotated[str, AfterValidator(_account)]
Base64 = Annotated[str, AfterValidator(_base64)]


class FileInputs(Inputs):
    """A file as declared."""

    path: Annotated[AbsolutePath, Immutable()] = Field(description="Where it is; its folder has to be there.")
    content: Annotated[str | None, Action()] = Field(
        default=None,
        description="What is in it, as text; given as a secret, it stays one. Without any content a new file is "
        "empty, and what others write into it is theirs.",
    )
    content_base64: Annotated[Base64 | None, Action()] = Field(
        default=None, description="What is in it, as base64, for a file that is no text."
    )
    owner: Annotated[Account | None, Action()] = Field(
        default=None, description="The user that it belongs to, by name or number; a new file is root's."
    )
    group: Annotated[Account | None, Action()] = Field(
        default=None, description="The group that it belongs to, by name or number; a new file is root's."
    )
    mode: Annotated[Mode | None, Action()] = Field(
        default=None, description="Who may do what with it, in octal; a new file has 0644."
    )

    @model_validator(mode="after")
    def _one_content(self) -> FileInputs:
        if self.content is not None and self.content_base64 is not None:
            raise InvalidValue("give either content or content_base64")
        return self


class FileOutputs(Inputs):
    """A file as it is."""

    sha256: str | None = Field(default=None, description="The SHA-256 of what is in it.")


class FileHandler(InsideHandler):
    """Files as their machines have them."""

    def find(self, api: Api, wanted: Values) -> Found | None:
        """At its path."""
        return _look(self.machine(api, wanted), wanted)

    def create(self, api: Api, wanted: Values) -> str:
        """Unless there is one already."""
        machine = self.machine(api, wanted)
        there = _look(machine, wanted)
        if there is not None:
            raise AlreadyThere(f"{there.id} already exists")
        _write(machine, wanted, {})
        api.recorded = dict(wanted)
        return _id(machine, wanted["path"])

    def read(self, api: Api, id_: str) -> Found | None:
        """By its hash; a machine that can't be asked changes nothing."""
        if self.is_gone(api, id_):
            return None
        try:
            return _look(self.machine_of(api, id_, LOOK_SECONDS), {**api.recorded, "path": _path(id_)})
        except (InvalidValue, TookTooLong, Unreachable) as reason:
            api.warn(f"{id_} was not looked at: {reason}")
            return Found(id_, dict(api.recorded))

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Written anew as a whole where the content differs; else only given to its owner."""
        machine = self.machine(api, wanted)
        if CONTENT & set(todo.set):
            _write(machine, wanted, found.raw)
        elif todo.set:
            machine.check(["sh", "-c", GIVE, "sh", *_owner_and_mode(wanted, found.raw), wanted["path"]])
        api.recorded = dict(wanted)

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Remove it; from a machine that does not run it can't be, and that is no reason to keep the machine."""
        if self.is_gone(api, id_):
            return
        try:
            self.machine_of(api, id_, values.get("wait_seconds")).check(["rm", "-f", "--", _path(id_)])
        except InvalidValue as reason:
            api.warn(f"{id_} stays: {reason}")


def _id(machine: Machine, path: str) -> str:
    return f"{machine.id}/file{path}"


def _path(id_: str) -> str:
    return "/" + id_.split("/", 3)[3]


def data_of(wanted: Values) -> bytes:
    """The bytes that are declared."""
    if "content_base64" in wanted:
        return base64.b64decode(wanted["content_base64"])
    return str(wanted.get("content", "")).encode()


def _look(machine: Machine, wanted: Values) -> Found | None:
    """The file as it is: with the content that is known, if its hash is the same."""
    done = machine.run(["sh", "-c", LOOK, "sh", wanted["path"]])
    if done.code == NO_FILE:
        return None
    if done.code:
        raise CommandFailed(f"looking at {wanted['path']} in {machine.id}", done.code, done.error)
    octal, uid, gid, user, group, sha256 = done.out.decode().split()[:6]
    mode = f"{int(octal, 8):04o}"
    values: Values = {**machine.named, "path": wanted["path"], "mode": mode, "sha256": sha256}
    for name, number, word in (("owner", uid, user), ("group", gid, group)):
        values[name] = number if str(wanted.get(name, "")).isdigit() else word
    if hashlib.sha256(data_of(wanted)).hexdigest() == sha256:
        values |= {name: wanted[name] for name in CONTENT & set(wanted)}
    return Found(_id(machine, wanted["path"]), values, raw={"owner": uid, "group": gid, "mode": mode})


def _owner_and_mode(wanted: Values, there: Mapping[str, str]) -> list[str]:
    """As the two programs take them: declared, or as the file has them, or as a new file should."""
    owner, group, mode = (
        wanted.get(name) or there.get(name) or new for name, new in (("owner", "0"), ("group", "0"), ("mode", "0644"))
    )
    return [f"{owner}:{group}", mode]


def _write(machine: Machine, wanted: Values, there: Mapping[str, str]) -> None:
    """Beside its place and then into it; nothing is left if that fails."""
    data = data_of(wanted)
    parent, _, name = wanted["path"].rpartition("/")
    folder = machine.check(["mktemp", "-d", f"{parent}/.{name}.XXXXXX"]).decode().strip()
    try:
        machine.fill(folder, data)
        machine.check(["sh", "-c", PUT_IN_PLACE, "sh", folder, *_owner_and_mode(wanted, there), wanted["path"]])
    except ProxmoxError:
        machine.run(["rm", "-rf", folder])
        raise


class FileArgs(CommonArgs):
    """Arguments of all files."""

    path: pulumi.Input[str]
    content: NotRequired[pulumi.Input[str] | None]
    content_base64: NotRequired[pulumi.Input[str] | None]
    owner: NotRequired[pulumi.Input[str] | None]
    group: NotRequired[pulumi.Input[str] | None]
    mode: NotRequired[pulumi.Input[str] | None]
