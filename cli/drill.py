"""`proxmox-labs drill`: lose the host that has the lab's moving address, and see how everybody else takes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.drill_power import Power, RealPower, SimulatedPower
from cli.drill_run import DrillError, Figures
from cli.drill_run import drill as run_drill
from cli.drill_site import Site
from cli.hosts import clients_of
from cli.sim import home_of
from cli.stack import ROOT, error, stacks_to_complete
from cli.stack_config import config_of
from cli.told import lab_of
from lab_outputs import Lab, Vip
from providers._runtime import connection as connections
from providers._runtime.errors import ProxmoxError
from simulator import daemon
from toolchain.errors import ToolchainError


def drill(
    stack: Annotated[
        str, typer.Argument(help="Stack that is up, such as `ha-services`.", autocompletion=stacks_to_complete)
    ],
    *,
    vip: Annotated[str | None, typer.Option(help="Which address.", show_default="a network's gateway")] = None,
    yes_kill: Annotated[
        str | None, typer.Option(metavar="NODE", help="On real hosts: the node that may be switched off for it.")
    ] = None,
    patience: Annotated[float, typer.Option(help="Seconds until everything has to be well again.")] = 300,
    directory: Annotated[Path, typer.Option(help="Checkout to work in.", show_default="this one")] = ROOT,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON.")] = False,
) -> None:
    """Kill the host that has the lab's moving address, and measure: loss, restarts elsewhere, services.

    A simulated host comes back by itself. A real one is switched off only if you name it, and stays off. Ends with 1
    if something has not come back in time.
    """
    lab = lab_of(directory, stack)
    address = _address(lab, vip)
    try:
        config = config_of(directory, stack)
        with clients_of(config, directory) as clients:
            site = Site(lab, clients)
            power = _power(config, lab, site)
            figures = run_drill(site, power, address, patience, lambda node: _allow(power, node, yes_kill))
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


def _power(config: dict[str, object], lab: Lab, site: Site) -> Power:
    """What kills nodes where the stack is."""
    topology = config.get(connections.SIMULATOR_KEY)
    if connections.CONNECTIONS_KEY in config or not topology:
        return RealPower(site)
    running = daemon.find(home_of(str(topology)))
    assert running is not None  # noqa: S101 - the connections have been loaded from it
    return SimulatedPower(running, str(next(iter(lab.hosts.values())).connection))


def _allow(power: Power, node: str, yes_kill: str | None) -> None:
    """A real host is somebody's."""
    if isinstance(power, RealPower) and yes_kill != node:
        raise DrillError(
            f"{node} has the address now, and would be switched off as if it had lost its power, with all that runs on "
            f"it; nobody but you can switch it on again. If that is what you want, say --yes-kill {node}"
        )


def _table(figures: Figures) -> Table:
    """For people."""
    table = Table("What", "How it went", title=f"{figures.node} was lost")
    if figures.loss is not None:
        loss = figures.loss
        way = f"from {figures.holder} to {figures.successor or 'nobody'}"
        table.add_row(f"address {figures.address}", f"{way}; {loss.seconds:g} s, {loss.lost} of {loss.sent} pings lost")
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
