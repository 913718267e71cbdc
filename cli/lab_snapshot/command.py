"""`proxmox-labs snapshot`: take a snapshot of a whole lab, list them, go back to one, remove one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from cli.hosts import hosts_of
from cli.lab_snapshot.run import LabSnapshotError, LabSnapshots, Result, look
from cli.stack import ROOT, Directory, error, stacks_to_complete
from cli.table import table_of
from cli.told import lab_of
from lab_outputs import Guest, Lab
from providers._runtime.client import Client
from providers._runtime.connection import pick

HALF_WAY = 2
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,39}")


class Action(StrEnum):
    """What can be done."""

    TAKE = "take"
    LIST = "list"
    ROLLBACK = "rollback"
    REMOVE = "remove"


def snapshot(
    stack: Annotated[str, typer.Argument(help="Stack that is up.", autocompletion=stacks_to_complete)],
    action: Annotated[Action, typer.Argument(help="What to do.")],
    name: Annotated[str | None, typer.Argument(help="Name of the snapshot; `list` takes none.")] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Go back without asking.")] = False,
    patience: Annotated[float, typer.Option(help="Seconds for all of it.", min=1)] = 1800,
    directory: Directory = ROOT,
    as_json: Annotated[bool, typer.Option("--json", help="What was done as JSON.")] = False,
) -> None:
    """Take a snapshot of every guest of a lab, list them, take the whole lab back to one, or remove one.

    Guests start in the order of Proxmox's `startup`, lowest first; then routers, databases, others, by their groups in
    the lab. They are taken and stopped in the opposite order. Going back stops what runs, and starts what ran when the
    snapshot was taken; all that has happened since is lost. Where a guest fails, the rest of its stage is finished and
    nothing after it begun: the same command again goes on. Ends with 0 if all is done, 2 if some guests are not
    through, and 1 if nothing could be begun.
    """
    _checked(action, name)
    lab = lab_of(directory, stack)
    if not lab.guests:
        raise error(f"the stack {stack} tells of no guests")
    with hosts_of(directory, stack) as clients:
        try:
            found = LabSnapshots(look(_placed(lab, clients), stack, patience), _say)
            if name is None:
                _list(found, as_json=as_json)
                return
            if action is Action.ROLLBACK and not yes:
                _confirmed(stack, name)
            done = _actions(found)[action](name)
        except LabSnapshotError as problem:
            raise error(problem) from None
    _tell(done, as_json=as_json)


def _checked(action: Action, name: str | None) -> None:
    if (action is Action.LIST) != (name is None):
        raise error(f"`{action}` takes {'no name' if action is Action.LIST else 'the name of a snapshot'}")
    if name is not None and not NAME.fullmatch(name):
        raise error(f"{name!r} is no name of a snapshot: a letter, then 1 to 39 letters, digits, _ or -")


def _placed(lab: Lab, clients: dict[str, Client]) -> dict[str, tuple[Guest, Client]]:
    """Each guest with the connection to its host."""
    known = {name: client.connection for name, client in clients.items()}
    return {name: (guest, clients[pick(known, _connection(lab, guest.host))]) for name, guest in lab.guests.items()}


def _connection(lab: Lab, host: str) -> str | None:
    return lab.hosts[host].connection if host in lab.hosts else None


def _actions(found: LabSnapshots) -> dict[Action, Callable[[str], Result]]:
    return {Action.TAKE: found.take, Action.ROLLBACK: found.rollback, Action.REMOVE: found.remove}


def _confirmed(stack: str, name: str) -> None:
    """Nobody loses data by a slip."""
    console = Console(stderr=True)
    if not console.is_terminal:
        raise error(f"all that has happened in {stack} since {name} will be lost: say --yes if that is what you want")
    if not typer.confirm(f"All that has happened in {stack} since {name} will be lost. Go back?", err=True):
        raise typer.Exit(1)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _list(found: LabSnapshots, *, as_json: bool) -> None:
    rows = found.listed()
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    table = table_of("Snapshot", "Taken", "Guests", "Missing")
    for row in rows:
        taken = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.taken))
        table.add_row(row.name, taken, str(len(row.guests)), f"[red]{', '.join(row.missing)}[/red]")
    Console().print(table if rows else "The lab has no snapshots.")


def _tell(done: Result, *, as_json: bool) -> None:
    """The end of it."""
    if as_json:
        typer.echo(json.dumps(asdict(done), indent=2))
    else:
        of = len(done.done) + len(done.failed) + len(done.left)
        typer.echo(f"{done.action} {done.snapname}: through for {len(done.done)} of {of}")
    if done.failed:
        open_ = [*done.failed, *done.left]
        _say(f"error: {done.action} {done.snapname} is not through for {', '.join(open_)}; the same command goes on")
        raise typer.Exit(HALF_WAY)
