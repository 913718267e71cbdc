"""`proxmox-labs privileges`: what the connections of a stack have to be allowed, and no more than that.

Pulumi is asked for a preview of the stack, and each resource in it for the privileges that its whole life takes. The
preview is made with the connections as they are, so it takes one that is allowed at least as much.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pulumi.runtime.rpc import UNKNOWN

from cli import docs
from cli.stack import ROOT, Directory, Stack, captured, error
from components.least_privilege import BELOW, permissions
from providers._runtime.least_privilege import Privileges, of_resource, smallest
from providers._runtime.model import Values, declared
from providers._runtime.privileges import Need
from providers._runtime.registry import handler_of

TOKEN = "labs"  # noqa: S105 - a name


class Format(StrEnum):
    """How the privileges are told."""

    PVEUM = "pveum"
    JSON = "json"


Output = Annotated[
    Format, typer.Option("--format", help="Commands for an administrator, or what LeastPrivilege takes.")
]


def privileges(stack: Stack = "demo", directory: Directory = ROOT, format_: Output = Format.PVEUM) -> None:
    """Print the user, the roles, the permissions and the token that a stack needs."""
    preview = _preview(directory, stack)
    typer.echo(_PRINTERS[format_](stack, of_preview(preview)))
    if not_counted := silent(preview):
        typer.echo(f"not counted, as these types do not say what they need: {', '.join(not_counted)}", err=True)


def of_preview(preview: Mapping[str, Any]) -> dict[str, Privileges]:
    """Connection -> what it needs, from what `pulumi preview --json` says; the one without a name is the only one."""
    needs: dict[str, list[Need]] = {}
    for part in _parts(preview):
        needs.setdefault(part.connection, []).extend(part.needs)
    return {connection: smallest(needs[connection]) for connection in sorted(needs)}


def silent(preview: Mapping[str, Any]) -> list[str]:
    """The types of a preview that do not say what they need."""
    return sorted({docs.class_name(part.kind) for part in _parts(preview) if not part.needs})


@dataclass(frozen=True)
class _Part:
    """One resource of a preview."""

    kind: str
    connection: str
    needs: tuple[Need, ...]


def _parts(preview: Mapping[str, Any]) -> Iterator[_Part]:
    kinds = {f"pulumi-python:dynamic/proxmox:{docs.class_name(kind)}": kind for kind in docs.kinds()}
    for step in preview.get("steps", ()):
        states = [step.get(name) or {} for name in ("oldState", "newState")]
        kind = next((kinds[state["type"]] for state in states if state.get("type") in kinds), None)
        if kind is not None:
            before, wanted = (_values(kind, state) for state in states)
            connection = str((wanted or before).get("connection") or "")
            yield _Part(kind, connection, tuple(of_resource(handler_of(kind), before, wanted)))


def _values(kind: str, state: Mapping[str, Any]) -> Values:
    """A resource's inputs, as far as they are known."""
    inputs = {name: value for name, value in (state.get("inputs") or {}).items() if UNKNOWN not in json.dumps(value)}
    return declared(handler_of(kind).inputs, inputs)


def _preview(root: Path, name: str) -> dict[str, Any]:
    done = captured(root, name, "preview", "--json", "--show-sames")
    try:
        preview: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise error(f"the preview has failed: {done.stderr.strip()}") from None
    said = [row["message"].strip() for row in preview.get("diagnostics", ()) if row.get("severity") == "error"]
    if done.returncode:
        raise error(f"the preview has failed: {'; '.join(said) or done.stderr.strip()}")
    return preview


def _as_commands(name: str, found: Mapping[str, Privileges]) -> str:
    blocks = []
    for connection, needed in found.items():
        title = [f"# on the host or cluster of the connection {connection}:"] if connection else []
        blocks.append("\n".join([*title, *commands(name, needed)]))
    return "\n\n".join(blocks)


def commands(name: str, needed: Privileges) -> Iterator[str]:
    """For an administrator's shell on a node; the last one tells the token's secret."""
    userid = f"{name}@pve"
    yield f"pveum user add {userid} --comment {shlex.quote(f'for the stack {name}')}"
    for permission in permissions(name, needed):
        yield f"pveum role add {permission.roleid} --privs {shlex.quote(' '.join(permission.privs))}"
        for path in permission.paths:
            propagate = int(path.endswith(BELOW))
            yield (
                f"pveum acl modify {path.removesuffix(BELOW)} --users {userid} --roles {permission.roleid} "
                f"--propagate {propagate}"
            )
    yield f"pveum user token add {userid} {TOKEN} --privsep 0"


def _as_json(_name: str, found: Mapping[str, Privileges]) -> str:
    return json.dumps(found, indent=2)


_PRINTERS: dict[Format, Callable[[str, Mapping[str, Privileges]], str]] = {
    Format.PVEUM: _as_commands,
    Format.JSON: _as_json,
}
