"""`proxmox-labs doctor`: whether everything between this machine and the hosts of a stack is as it has to be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from cli.doctor.findings import Finding, Level
from cli.doctor.probe import examine
from cli.hosts import hosts_of
from cli.privileges import of_preview
from cli.stack import ROOT, Directory, Stack, resources
from cli.table import table_of
from providers._runtime.client import Client
from providers._runtime.privileges import Need

FINDINGS = 2
COLOURS = {Level.FINE: "green", Level.WARNING: "yellow", Level.ERROR: "red"}


def doctor(
    stack: Stack = "demo",
    directory: Directory = ROOT,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON.")] = False,
) -> None:
    """Look at the hosts of a stack: connection, certificate, privileges, quorum, versions, clocks, storages, SSH.

    Nothing is changed. Ends with 0 if all is fine, 2 if there are findings, each with its remedy, and 1 if the stack's
    own page can't be read.
    """
    with hosts_of(directory, stack) as clients:
        found = _examined(clients, needs_of(resources(directory, stack)))
    typer.echo(json.dumps([asdict(each) for each in found], indent=2)) if as_json else _print(found)
    if any(each.level is not Level.FINE for each in found):
        raise typer.Exit(FINDINGS)


def needs_of(state: Sequence[Mapping[str, Any]]) -> dict[str, list[Need]]:
    """Connection -> what the resources in a stack's state take of it."""
    kept = {"steps": [{"oldState": each, "newState": each} for each in state]}
    return {
        connection: [(path, privilege) for path, names in needed.items() for privilege in names]
        for connection, needed in of_preview(kept).items()
    }


def _examined(clients: Mapping[str, Client], needs: Mapping[str, list[Need]]) -> list[Finding]:
    """All connections at once; a resource that names none is on the only one."""
    with ThreadPoolExecutor(len(clients)) as pool:
        done = pool.map(lambda name: examine(clients[name], needs.get(name, needs.get(""))), clients)
        found = list(zip(clients, done, strict=True))
    if len(found) == 1:
        return found[0][1]
    return [_placed(finding, name) for name, findings in found for finding in findings]


def _placed(finding: Finding, connection: str) -> Finding:
    """With its connection, where there are several: their nodes may have the same names."""
    told = finding.where == connection or "://" in finding.where
    return finding if told else replace(finding, where=f"{connection}/{finding.where}")


def _print(found: Sequence[Finding]) -> None:
    """For people: what is wrong comes last, where it is read first."""
    table = table_of("", "Check", "Where", "What", "What to do")
    for level in Level:
        for each in found:
            if each.level is level:
                mark = f"[{COLOURS[level]}]{level}[/]"
                table.add_row(mark, each.check, escape(each.where), escape(each.what), escape(each.remedy))
    Console().print(table)
