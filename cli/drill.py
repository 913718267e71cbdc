"""`proxmox-labs drill`: lose who has the lab's moving address, and see how everybody else takes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.drill_ping import Loss
from cli.drill_power import RealHost, SimulatedHost, Way
from cli.drill_run import Figures
from cli.drill_run import drill as run_drill
from cli.drill_site import DrillError, Site
from cli.drill_ways import Lose, way_of
from cli.hosts import clients_of
from cli.sim import home_of
from cli.stack import ROOT, error, stacks_to_complete
from cli.stack_config import config_of
from cli.table import table_of
from cli.told import lab_of
from lab_outputs import Lab, Vip
from providers._runtime import connection as connections
from providers._runtime.errors import ProxmoxError
from simulator import daemon
from toolchain.errors import ToolchainError

_PRICES = {
    Lose.HOST: "would be switched off as if it had lost its power, with all that runs on it; nobody but you can switch "
    "it on again",
    Lose.ROUTER: "it would lose that as by a loss of power, for seconds; connections through it may break",
    Lose.LINK: "would be cut off from that network for seconds, with all that it serves there",
}


def drill(
    stack: Annotated[
        str, typer.Argument(help="Stack that is up, such as `ha-services`.", autocompletion=stacks_to_complete)
    ],
    *,
    lose: Annotated[Lose, typer.Option(help="What is lost.")] = Lose.HOST,
    vip: Annotated[str | None, typer.Option(help="Which address.", show_default="a network's gateway")] = None,
    yes_kill: Annotated[
        str | None, typer.Option(metavar="NAME", help="On real hosts: the node or the guest that may be lost for it.")
    ] = None,
    patience: Annotated[float, typer.Option(help="Seconds until everything has to be well again.")] = 300,
    directory: Annotated[Path, typer.Option(help="Checkout to work in.", show_default="this one")] = ROOT,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON.")] = False,
) -> None:
    """Lose who has the lab's moving address, and measure: loss, restarts elsewhere, services, and the way back.

    `host` is the host that has it or on which it is: a simulated one comes back by itself, a real one is switched off
    and stays off. `router` is the router alone: a container is stopped hard, on a host keepalived is killed and the
    address taken off, since a killed keepalived leaves it behind and two would have it. `link` is its NIC, or the
    interface of a host that the address is on. Both are put back. What is on real hosts is only lost if you name it.
    Ends with 1 if something has not come back in time.
    """
    lab = lab_of(directory, stack)
    address = _address(lab, vip)
    try:
        config = config_of(directory, stack)
        with clients_of(config, directory) as clients:
            site = Site(lab, clients)
            pick = _picker(config, site, address, lose, yes_kill)
            figures = run_drill(site, address, pick, patience)
    except (DrillError, ProxmoxError, ToolchainError, daemon.DaemonError) as problem:
        raise error(problem) from None
    typer.echo(json.dumps(asdict(figures), indent=2)) if as_json else Console().print(_table(figures))
    if figures.missing:
        raise typer.Exit(1)


def _address(lab: Lab, name: str | None) -> Vip:
    """The one that is meant."""
    if not lab.vips:
        raise error(f"a lab of the kind {lab.kind} has no address that moves")
    if name is not None and name not in lab.vips:
        raise error(f"the lab has no address {name!r}; there are: {', '.join(lab.vips)}")
    if name is not None:
        return lab.vips[name]
    gateways = {network.gateway for network in lab.networks.values()}
    return next((vip for vip in lab.vips.values() if vip.address in gateways), next(iter(lab.vips.values())))


def _picker(
    config: Mapping[str, object], site: Site, vip: Vip, lose: Lose, yes_kill: str | None
) -> Callable[[str | None], Way]:
    """What says, by who has the address, what is lost where the stack is."""
    topology = config.get(connections.SIMULATOR_KEY)
    if connections.CONNECTIONS_KEY in config or not topology:
        return lambda holder: _allowed(lose, site, vip, holder, yes_kill)
    running = daemon.find(home_of(str(topology)))
    assert running is not None  # noqa: S101 - the connections have been loaded from it
    cluster = str(next(iter(site.lab.hosts.values())).connection)
    return lambda holder: way_of(lose, site, vip, holder, lambda node: SimulatedHost(site, node, running, cluster))


def _allowed(lose: Lose, site: Site, vip: Vip, holder: str | None, yes_kill: str | None) -> Way:
    """A real host is somebody's."""
    found = way_of(lose, site, vip, holder, lambda node: RealHost(site, node))
    name = found.node or holder
    if yes_kill != name:
        raise DrillError(
            f"{name} has the address now, and {_PRICES[lose]}. If that is what you want, say --yes-kill {name}"
        )
    return found


def _table(figures: Figures) -> Table:
    """For people."""
    table = table_of("What", "How it went")
    table.title = f"{figures.lost} was lost"
    if figures.loss is not None:
        way = f"from {figures.holder} to {figures.successor or 'nobody'}"
        table.add_row(f"address {figures.address}", f"{way}; {_told(figures.loss)}")
    if figures.back is not None and figures.back.loss is not None:
        holder, seconds = figures.back.holder, figures.back.seconds
        end = f"{holder} keeps it" if seconds is None else f"{holder} has it again after {seconds:g} s"
        table.add_row("its way back", f"{end}; {_told(figures.back.loss)}")
    for moved in figures.moved:
        table.add_row(f"guest {moved.name}", f"runs on {moved.node} after {moved.seconds:g} s")
    for service, seconds in figures.services.items():
        table.add_row(f"service {service}", f"answers after {seconds:g} s")
    for name in figures.missing:
        table.add_row(name, "[red]has not come back in time[/red]")
    if figures.speed != 1:
        table.caption = (
            f"Simulated HA managers ran {figures.speed:g} times as fast; the guests' times are Proxmox's own."
        )
    for note in figures.notes:
        table.add_row("note", note)
    return table


def _told(loss: Loss) -> str:
    return f"{loss.seconds:g} s, {loss.lost} of {loss.sent} pings lost"
