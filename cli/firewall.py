"""`proxmox-labs firewall verdict`: would this packet pass, and by which rule; sends nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.stack import ROOT
from cli.stack_config import config_of
from providers._firewall.on_host import on_host
from providers._firewall.packet import EPHEMERAL, State
from providers._firewall.question import HOW, Question
from providers._firewall.ruleset import Unresolved
from providers._firewall.verdict import Verdict
from providers._runtime import connection as connections
from providers._runtime.client import Client
from providers._runtime.errors import ProxmoxError
from providers._runtime.facts import Facts
from toolchain.errors import ToolchainError

STOPPED, UNKNOWN = 3, 4
app = typer.Typer(help="The firewall of Proxmox VE.", no_args_is_help=True)


@app.callback()
def _firewall() -> None:
    """The firewall of Proxmox VE."""


@app.command()
def verdict(
    *,
    source: Annotated[str, typer.Option("--from", help=f"Where the packet comes from: {HOW}.")],
    dest: Annotated[str, typer.Option("--to", help="Where it goes, written likewise.")],
    proto: Annotated[str, typer.Option(help="Protocol, by name or number.")] = "tcp",
    dport: Annotated[int | None, typer.Option(help="Port that it goes to.")] = None,
    sport: Annotated[int, typer.Option(help="Port that it comes from.")] = EPHEMERAL,
    icmp_type: Annotated[str | None, typer.Option(help="Type of ICMP message, by name or number.")] = None,
    iface: Annotated[
        str | None, typer.Option(help="Interface of the node.", show_default="the one that has its address")
    ] = None,
    state: Annotated[State, typer.Option(help="Of its connection.")] = "new",
    stack: Annotated[str, typer.Option(help="Stack whose configuration has the connection.")] = "demo",
    connection: Annotated[str | None, typer.Option(help="Its name, where there are several.")] = None,
    directory: Annotated[Path, typer.Option(help="Checkout to work in.", show_default="this one")] = ROOT,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Tell whether a packet would get through, and by which rules.

    Looked at is what is on the host now. Ends with 0 if the packet gets through, 3 if it is stopped, 4 if it can't be
    told, and 1 if something is wrong with the question or the host can't be asked.
    """
    question = Question(source, dest, proto, dport, sport, icmp_type, iface, state)
    try:
        verdicts = question.answer(on_host(_facts(directory, stack, connection)))
    except Unresolved as problem:
        raise _ended(UNKNOWN, problem, as_json=as_json) from None
    except (ProxmoxError, ToolchainError) as problem:
        raise _ended(1, problem, as_json=as_json) from None
    typer.echo(json.dumps(_told(verdicts), indent=2) if as_json else "\n".join(map(str, verdicts)))
    if not verdicts[-1].passes:
        raise typer.Exit(STOPPED)


def _told(verdicts: list[Verdict]) -> dict[str, Any]:
    way = [{"place": asdict(each.place), "action": each.action, "by": each.by} for each in verdicts]
    return {"passes": verdicts[-1].passes, "by": verdicts[-1].by, "way": way}


def _ended(code: int, problem: object, *, as_json: bool) -> typer.Exit:
    """Say why there is no answer."""
    if as_json:
        typer.echo(json.dumps({"passes": None, "error": str(problem)}, indent=2))
    else:
        typer.echo(f"error: {problem}", err=True)
    return typer.Exit(code)


def _facts(directory: Path, stack: str, name: str | None) -> Facts:
    """What is known of the host that a stack's connection leads to."""
    found = connections.load(config_of(directory, stack), directory)
    picked = connections.pick(found, name)
    return Facts(Client(picked, found[picked], parallel=1))
