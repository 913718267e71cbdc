"""The command `proxmox-labs`: one sub-command a module, each loaded when it is called."""

from __future__ import annotations

import typer

from cli.later import group_of

COMMANDS = {
    "up": "cli.stack:up",
    "preview": "cli.stack:preview",
    "refresh": "cli.stack:refresh",
    "down": "cli.stack:down",
    "adopt": "cli.adoption.command:adopt",
    "cost": "cli.cost:cost",
    "doctor": "cli.doctor.command:doctor",
    "drill": "cli.drill:drill",
    "snapshot": "cli.lab_snapshot.command:snapshot",
    "privileges": "cli.privileges:privileges",
    "policies": "cli.policies:policies",
    "inventory": "cli.inventory:inventory",
    "topology": "cli.topology.command:topology",
    "report": "cli.report.command:report",
    "schema": "cli.schema:schema",
    "docs": "cli.docs:docs",
    "firewall": "cli.firewall:app",
    "sim": "cli.sim:app",
    "ci": "cli.ci.command:app",
}
"""Name -> where it is: a function, or a group of commands."""

app = typer.Typer(cls=group_of(COMMANDS), no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _labs() -> None:
    """Proxmox VE labs as code: bring stacks up and down, and run the simulator."""


def main() -> None:
    """Run the command line."""
    app()
