"""`proxmox-labs cost`: what a stack takes in memory, processors and disks, against what its hosts have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from cli.cost_count import HostCost, StorageCost, guests_in, hosts, storages
from cli.hosts import hosts_of, resources_of
from cli.stack import ROOT, Directory, Stack, resources
from cli.table import table_of
from cli.taken import Taken
from providers._guests.budget import GIB
from providers._runtime.client import Client
from providers._runtime.connection import pick


def cost(
    stack: Stack = "demo",
    directory: Directory = ROOT,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON, in bytes.")] = False,
) -> None:
    """Tell what a stack takes of each host and storage: memory, processors, disks.

    Counted are guests as the stack's state has them; disks in full size. Ends with 0, and with 1 if the hosts can't be
    asked or the stack's page can't be read.
    """
    guests = guests_in(resources(directory, stack))
    with hosts_of(directory, stack) as clients:
        taken = _by_connection(guests, clients)
        rows = resources_of({name: clients[name] for name in taken})
    nodes, stores = hosts(taken, rows), storages(taken, rows)
    if as_json:
        told = {"hosts": [asdict(each) for each in nodes], "storages": [asdict(each) for each in stores]}
        typer.echo(json.dumps(told, indent=2))
    else:
        _print(nodes, stores)


def _by_connection(guests: Sequence[Taken], clients: Mapping[str, Client]) -> dict[str, list[Taken]]:
    known = {name: client.connection for name, client in clients.items()}
    taken: dict[str, list[Taken]] = {}
    for guest in guests:
        taken.setdefault(pick(known, guest.connection), []).append(guest)
    return dict(sorted(taken.items()))


def _print(nodes: Sequence[HostCost], stores: Sequence[StorageCost]) -> None:
    """For people."""
    memory = table_of("Host", "Guests", "Memory of the stack", "Used now", "There is", "Processors", "There are")
    for each in nodes:
        amounts = map(_gib, (each.memory, each.memory_used, each.memory_total))
        memory.add_row(_where(each), str(each.guests), *amounts, str(each.cores), str(each.cores_total))
    disks = table_of("Storage", "Host", "Disks of the stack", "Used now", "There is")
    for row in stores:
        disks.add_row(row.storage, _where(row), *map(_gib, (row.disks, row.used, row.total)))
    console = Console()
    console.print(*([memory, disks] if nodes else ["The stack has no guests."]))


def _where(each: HostCost | StorageCost) -> str:
    return f"{each.connection}/{each.node or 'all'}" if each.connection != each.node else each.connection


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
