"""A file inside a guest: its content, its owner and its mode.

By the agent of a virtual machine (`/nodes/{node}/qemu/{vmid}/agent/file-write` and `exec`), and by `pct push` over SSH
in a container. The content is written beside its place, in a folder that only root can enter, and then moved there:
nobody ever sees half of it. What somebody else makes of it shows as drift by its SHA-256; the content itself is not
read back.

Seen on Proxmox VE 9.2: the agent writes 45 KiB a request and can't append, so a larger file travels in parts and is
put together inside. The guest needs `sh`, `stat`, `sha256sum` and `mktemp`, which every Linux has.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from providers._guests.inside import LOOK_SECONDS, Inside, inside, problems
from providers._guests.target import needed, row_of, target, vmid_in
from providers._guests.values import AbsolutePath, VmId
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.errors import AlreadyThere, CommandFailed, InvalidValue, ProxmoxError, TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Action, Immutable, Local
from providers._runtime.model import Changes, Inputs, Problem, Values
from providers._runtime.ownership import Owner

MOST = 4 << 20
"""Bytes of a file that goes in by the agent: about ninety requests."""
TOO_MUCH = f"{{}} bytes are too many for the agent, by which {MOST} can go in; let the guest fetch the file by itself"
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


class GuestFileInputs(Inputs):
    """A file as declared."""

    vmid: Annotated[VmId, Immutable()] = Field(description="The guest that it is in.")
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
    wait_seconds: Annotated[float | None, Local(), Field(gt=0)] = Field(
        default=None, description="How long the agent of a virtual machine is waited for; 300 seconds where not set."
    )

    @model_validator(mode="after")
    def _one_content(self) -> GuestFileInputs:
        if self.content is not None and self.content_base64 is not None:
            raise InvalidValue("give either content or content_base64")
        return self


class GuestFileOutputs(GuestFileInputs):
    """A file as it is."""

    sha256: str | None = Field(default=None, description="The SHA-256 of what is in it.")


class GuestFileHandler(Handler):
    """Files as their guests have them."""

    inputs: ClassVar = GuestFileInputs
    outputs: ClassVar = GuestFileOutputs

    def find(self, api: Api, wanted: Values) -> Found | None:
        """At its path."""
        return _look(inside(api, needed(api, wanted["vmid"]), wanted.get("wait_seconds")), wanted)

    def create(self, api: Api, wanted: Values) -> str:
        """Unless there is one already."""
        guest = inside(api, needed(api, wanted["vmid"]), wanted.get("wait_seconds"))
        there = _look(guest, wanted)
        if there is not None:
            raise AlreadyThere(f"{there.id} already exists")
        _write(guest, wanted, {})
        api.recorded = dict(wanted)
        return _id(guest, wanted["path"])

    def read(self, api: Api, id_: str) -> Found | None:
        """By its hash; a guest that can't be asked changes nothing."""
        place = target(api, vmid_in(id_))
        if place is None:
            return None
        try:
            return _look(inside(api, place, LOOK_SECONDS), {**api.recorded, "path": _path(id_)})
        except (InvalidValue, TookTooLong) as reason:
            api.warn(f"{id_} was not looked at: {reason}")
            return Found(id_, dict(api.recorded))

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Written anew as a whole where the content differs; else only given to its owner."""
        guest = inside(api, needed(api, wanted["vmid"]), wanted.get("wait_seconds"))
        if CONTENT & set(todo.set):
            _write(guest, wanted, found.raw)
        elif todo.set:
            guest.check(["sh", "-c", GIVE, "sh", *_owner_and_mode(wanted, found.raw), wanted["path"]])
        api.recorded = dict(wanted)

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Remove it; from a guest that does not run it can't be, and that is no reason to keep the guest."""
        place = target(api, vmid_in(id_))
        if place is None:
            return
        try:
            inside(api, place, values.get("wait_seconds")).check(["rm", "-f", "--", _path(id_)])
        except InvalidValue as reason:
            api.warn(f"{id_} stays: {reason}")

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What can be told of the guest from outside, and what is too much for its agent."""
        yield from problems(facts, wanted)
        row = row_of(facts, wanted["vmid"]) if "vmid" in wanted else None
        size = len(_data(wanted))
        if row and row["type"] == "qemu" and size > MOST:
            yield "content", TOO_MUCH.format(size)


def _id(guest: Inside, path: str) -> str:
    return f"{guest.place.id}/file{path}"


def _path(id_: str) -> str:
    return "/" + id_.split("/", 3)[3]


def _data(wanted: Values) -> bytes:
    """The bytes that are declared."""
    if "content_base64" in wanted:
        return base64.b64decode(wanted["content_base64"])
    return str(wanted.get("content", "")).encode()


def _look(guest: Inside, wanted: Values) -> Found | None:
    """The file as it is: with the content that is known, if its hash is the same."""
    done = guest.run(["sh", "-c", LOOK, "sh", wanted["path"]])
    if done.code == NO_FILE:
        return None
    if done.code:
        raise CommandFailed(f"looking at {wanted['path']} in {guest.place.id}", done.code, done.error)
    octal, uid, gid, user, group, sha256 = done.out.decode().split()[:6]
    mode = f"{int(octal, 8):04o}"
    values: Values = {"vmid": guest.place.vmid, "path": wanted["path"], "mode": mode, "sha256": sha256}
    for name, number, word in (("owner", uid, user), ("group", gid, group)):
        values[name] = number if str(wanted.get(name, "")).isdigit() else word
    if hashlib.sha256(_data(wanted)).hexdigest() == sha256:
        values |= {name: wanted[name] for name in CONTENT & set(wanted)}
    return Found(_id(guest, wanted["path"]), values, raw={"owner": uid, "group": gid, "mode": mode})


def _owner_and_mode(wanted: Values, there: Mapping[str, str]) -> list[str]:
    """As the two programs take them: declared, or as the file has them, or as a new file should."""
    owner, group, mode = (
        wanted.get(name) or there.get(name) or new for name, new in (("owner", "0"), ("group", "0"), ("mode", "0644"))
    )
    return [f"{owner}:{group}", mode]


def _write(guest: Inside, wanted: Values, there: Mapping[str, str]) -> None:
    """Beside its place and then into it; nothing is left if that fails."""
    data = _data(wanted)
    if guest.place.kind == "qemu" and len(data) > MOST:
        raise InvalidValue(TOO_MUCH.format(len(data)))
    parent, _, name = wanted["path"].rpartition("/")
    folder = guest.check(["mktemp", "-d", f"{parent}/.{name}.XXXXXX"]).decode().strip()
    try:
        guest.fill(folder, data)
        guest.check(["sh", "-c", PUT_IN_PLACE, "sh", folder, *_owner_and_mode(wanted, there), wanted["path"]])
    except ProxmoxError:
        guest.run(["rm", "-rf", folder])
        raise


class GuestFileArgs(CommonArgs):
    """Arguments of `GuestFile`."""

    vmid: pulumi.Input[int]
    path: pulumi.Input[str]
    content: NotRequired[pulumi.Input[str] | None]
    content_base64: NotRequired[pulumi.Input[str] | None]
    owner: NotRequired[pulumi.Input[str] | None]
    group: NotRequired[pulumi.Input[str] | None]
    mode: NotRequired[pulumi.Input[str] | None]
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
