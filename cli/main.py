"""The command `proxmox-labs`: one sub-command a module."""

from __future__ import annotations

import typer

from cli import cost, docs, drill, firewall, inventory, policies, privileges, schema, sim, stack
from cli.adoption import command as adoption
from cli.ci import command as ci
from cli.doctor import command as doctor
from cli.lab_snapshot import command as lab_snapshot
from cli.report import command as report
from cli.topology import command as topology

app = typer.Typer(
    help="Proxmox VE labs as code: bring stacks up and down, and run the simulator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(stack.up)
app.command()(stack.preview)
app.command()(stack.refresh)
app.command()(stack.down)
app.command()(adoption.adopt)
app.command()(cost.cost)
app.command()(doctor.doctor)
app.command()(drill.drill)
app.command()(lab_snapshot.snapshot)
app.command()(privileges.privileges)
app.command()(policies.policies)
app.command()(inventory.inventory)
app.command()(topology.topology)
app.command()(report.report)
app.command()(schema.schema)
app.command()(docs.docs)
app.add_typer(firewall.app, name="firewall")
app.add_typer(sim.app, name="sim")
app.add_typer(ci.app, name="ci")


def main() -> None:
    """Run the command line."""
    app()
