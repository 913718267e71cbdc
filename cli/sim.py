"""`proxmox-labs sim`: start, stop and look at the simulator of this checkout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from simulator import daemon, topology

app = typer.Typer(help="The Proxmox VE simulator.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="a shipped topology's name, or a YAML file")]


def home_of(name: str) -> Path:
    """Return the directory in which a topology's simulator keeps its state."""
    checkout = Path(__file__).resolve().parent.parent
    project = checkout if (checkout / "Pulumi.yaml").exists() else Path.cwd()  # a program that has us as a package
    base = Path(os.environ.get("PROXMOX_SIM_HOME") or project / ".simulator")
    return base / Path(name).stem


def _fail(text: object) -> typer.Exit:
    typer.echo(f"error: {text}", err=True)
    return typer.Exit(1)


def _describe(running: daemon.Running) -> None:
    """Print where a simulator answers and how to log in."""
    typer.echo(f"simulator of {running.topology} runs (pid {running.pid})")
    for name, connection in running.connections.items():
        for endpoint in connection.endpoints:
            typer.echo(f"  {name}: {endpoint}")
        typer.echo(f"  {name}: API token {connection.token_id}, CA {connection.ca_file}")
    typer.echo(f"  secrets: {running.home / 'credentials.json'}")
    typer.echo(f"  control: {running.control}")
    typer.echo(f"  guests: {running.guests}")


@app.command()
def start(name: Name = "standalone") -> None:
    """Start the simulator of a topology, or say that it runs already."""
    try:
        topology.load(name)
        _describe(daemon.ensure(home_of(name), name))
    except (topology.TopologyError, daemon.DaemonError) as error:
        raise _fail(error) from None


@app.command()
def stop(name: Name = "standalone") -> None:
    """Stop the simulator of a topology; its state stays on disk."""
    stopped = daemon.stop(home_of(name))
    typer.echo(f"simulator of {name} {'is stopped' if stopped else 'was not running'}")


@app.command()
def status(name: Name = "standalone") -> None:
    """Tell whether the simulator of a topology runs, and where."""
    running = daemon.find(home_of(name))
    if running is None:
        typer.echo(f"simulator of {name} is not running; start it with: proxmox-labs sim start {name}")
        raise typer.Exit(3)
    _describe(running)


@app.command()
def reset(name: Name = "standalone") -> None:
    """Begin again with what the topology says, and start it where it does not run; addresses and secrets stay."""
    try:
        topology.load(name)
        daemon.reset(home_of(name), name)
    except (topology.TopologyError, daemon.DaemonError) as error:
        raise _fail(error) from None
    typer.echo(f"simulator of {name} is as new")


@app.command("topology")
def show_topology(name: Annotated[str | None, typer.Argument(help="which one; without it: list all")] = None) -> None:
    """List the shipped topologies, or show and check one."""
    if name is None:
        for shipped in topology.shipped():
            typer.echo(shipped)
        return
    try:
        for datacenter in topology.load(name).datacenters:
            kind = "cluster" if datacenter.clustered else "host"
            typer.echo(f"{kind} {datacenter.name}: nodes {', '.join(node.name for node in datacenter.nodes)}")
            typer.echo(f"  bridges: {', '.join(datacenter.bridges)}")
            for storage in datacenter.storages:
                typer.echo(f"  storage {storage.id}: {storage.type}, {storage.size >> 30} GiB")
            for guest in datacenter.guests:
                kind = "template" if guest.template else "guest"
                typer.echo(f"  {kind} {guest.vmid}: {guest.type} on {guest.node}")
    except topology.TopologyError as error:
        raise _fail(error) from None
