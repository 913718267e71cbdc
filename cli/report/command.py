"""`proxmox-labs report`: what a change of a stack does, as one comment for its pull request."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.hosts import clients_of, resources_of
from cli.page import problem_with
from cli.report.capacity import Room, capacity_of, room_of
from cli.report.events import preview_in
from cli.report.kinds import kinds
from cli.report.markdown import LIMITS, comment, headline
from cli.report.masks import MASK, leaves
from cli.report.plan import Plan, plan_of
from cli.stack import ROOT, Directory, Stack, captured, error, policy_flags, secrets
from cli.stack_config import config_of, secret_words
from providers._runtime.errors import ProxmoxError
from toolchain.errors import ToolchainError

LOST = 3
"""Exit code where data is lost."""
PREVIEW = ("preview", "--json", "--show-sames", "--refresh")
EVENTS = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""Makes a preview tell its events, of which policies have some; its summary is silent about them."""


class Limit(StrEnum):
    """Whose comments."""

    GITHUB = "github"
    GITLAB = "gitlab"


From = Annotated[
    Path | None,
    typer.Option("--from", help="What `pulumi preview --json` or `pulumi up --json` has said.", show_default="ask it"),
]
Applied = Annotated[bool, typer.Option("--applied", help="It is told of an update that was done; needs --from.")]
Limited = Annotated[Limit, typer.Option(help="Whose limit of a comment's length is kept.")]
Out = Annotated[Path | None, typer.Option(help="File to write.", show_default="print it")]
AsJson = Annotated[bool, typer.Option("--json", help="What the comment is made of, for a program.")]


def report(
    stack: Stack = "demo",
    from_: From = None,
    limit: Limited = Limit.GITHUB,
    out: Out = None,
    directory: Directory = ROOT,
    *,
    applied: Applied = False,
    as_json: AsJson = False,
) -> None:
    """Say what a change of a stack does, as one comment in Markdown.

    Exit codes: 0 where it can be done, 1 where it is refused or fails, 3 where it loses data.
    """
    if applied and from_ is None:
        raise error("--applied tells of an update that was done: say with --from what it has said")
    plan, room = (plan_in(from_), None) if from_ else (plan_now(directory, stack), room_now(directory, stack))
    text = as_document(plan, room) if as_json else comment(plan, stack, LIMITS[limit], room, applied=applied)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    if code := code_of(plan):
        raise typer.Exit(code)


def code_of(plan: Plan) -> int:
    """The exit code of what a plan is."""
    return LOST if plan.loses_data else 1 if plan.refusals else 0


def plan_in(file: Path) -> Plan:
    """What was saved of a preview or an update."""
    try:
        return plan_of(preview_in(file.read_text(encoding="utf-8")), kinds())
    except (OSError, ValueError) as problem:
        raise error(f"{file} is no preview or update of Pulumi in JSON: {problem}") from None


def plan_now(directory: Path, stack: str) -> Plan:
    """What an update would do now, with what was changed on the hosts by hand taken into account."""
    if unreadable := problem_with(directory, stack):
        return Plan(parts=(), refusals=(unreadable,))
    done = captured(directory, stack, *PREVIEW, *policy_flags(directory, stack), **EVENTS)
    try:
        told = preview_in(done.stdout)
    except ValueError:
        raise error(f"the preview has failed: {done.stderr.strip()}") from None
    try:
        configured = secret_words(directory, stack)
    except (ToolchainError, ProxmoxError) as problem:
        raise error(problem) from None
    plan = plan_of(told, kinds(), [*configured, *_made_up(directory, stack, told)])
    if done.returncode and not plan.refusals:
        raise error(f"the preview has failed: {done.stderr.strip()}")
    return plan


def room_now(directory: Path, stack: str) -> Room | None:
    """What the hosts have; None where they can't be asked, which a preview has told of already."""
    try:
        with clients_of(config_of(directory, stack), directory) as clients:
            return room_of(resources_of(clients))
    except (ProxmoxError, ToolchainError) as problem:
        typer.echo(f"the hosts could not be asked what they have: {problem}", err=True)
        return None


def _made_up(directory: Path, stack: str, told: dict[str, Any]) -> list[str]:
    """What the stack's outputs have that is secret; who logs in with it is not."""
    outputs = plan_of(told, {}).outputs
    names = [name for name, value in outputs.items() if MASK in json.dumps(value)]
    known = secrets(directory, stack) if names else {}
    found = [known.get(name) for name in names]
    logins = [
        login for value in found if isinstance(value, dict) for login in value.values() if isinstance(login, dict)
    ]
    users = {str(login.get("user")) for login in logins}
    return [word for word in leaves(found) if word not in users]


def as_document(plan: Plan, room: Room | None = None) -> str:
    """The same for programs."""
    capacity, room = capacity_of(plan.parts, room), room or Room()
    document = {
        "headline": headline(plan),
        "digest": plan.digest,
        "refusals": plan.refusals,
        "warnings": plan.warnings,
        "loses_data": [part.name for part in plan.loses_data],
        "changes": [
            {
                "name": part.name,
                "type": part.type,
                "host": part.host,
                "op": part.deed,
                "loses_data": part.loses_data,
                "fields": [vars(change) for change in part.changes],
            }
            for part in plan.changed
        ],
        "changed_outside": [
            {"name": part.name, "host": part.host, "gone": part.gone, "fields": [vars(change) for change in part.drift]}
            for part in plan.drifted
        ],
        "capacity": {
            "hosts": {host: [vars(load) for load in loads] for host, loads in capacity.hosts.items()},
            "storages": [
                {"host": host, "storage": storage, "bytes": sizes, "there": room.storages.get((host, storage))}
                for (host, storage), sizes in capacity.storages.items()
            ],
            "there": {host: vars(room.hosts[host]) for host in capacity.hosts if host in room.hosts},
        },
    }
    return json.dumps(document, indent=2) + "\n"
