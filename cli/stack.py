"""`proxmox-labs up|preview|refresh|down`: run the real Pulumi on a stack of this checkout.

After an error `up` and `down` go on with all that does not depend on it: one host that is down keeps nobody from work.
Nothing needs to be installed, logged in to or selected for it, and nothing in the checkout or in the user's own
Pulumi settings changes: see `toolchain.environment` and `toolchain.stacks` for how.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from cli import policy_settings
from cli.page import problem_with
from cli.sim import home_of
from simulator import daemon
from toolchain.environment import pulumi_environment
from toolchain.errors import ToolchainError
from toolchain.stacks import mend, mirror, mirror_directory, stack_names, unlock

ROOT = Path(__file__).resolve().parent.parent
GO_ON = "--continue-on-error"
UNASKED = ("--yes", "--skip-preview")
"""What keeps Pulumi from showing what it would do, and asking."""
PROJECT = "proxmox"
"""Its name in Pulumi.yaml."""


def stacks_to_complete(incomplete: str) -> list[str]:
    """The names of stacks that a shell offers."""
    return [name for name in stack_names(ROOT) if name.startswith(incomplete)]


Stack = Annotated[
    str,
    typer.Option(
        help="Name of the stack: `demo` is described by stacks/Pulumi.demo.yaml.", autocompletion=stacks_to_complete
    ),
]
Directory = Annotated[Path, typer.Option(help="Checkout to work in.", show_default="this one", resolve_path=True)]
Yes = Annotated[bool, typer.Option("--yes", help="Without the question that there is at a terminal for real hosts.")]
Remove = Annotated[bool, typer.Option("--remove", help="Forget the stack's history too.")]


def up(stack: Stack = "demo", directory: Directory = ROOT, yes: Yes = False) -> None:
    """Create or change what the stack describes; where it has policies, only what they let pass.

    At a terminal, real hosts are changed only when you have seen what would be done, and said yes. Ends with the exit
    code of Pulumi: 0 if all went well.
    """
    _operate(directory, stack, *up_command(directory, stack), asks=not yes)
    typer.echo(_what_next(directory, stack))


def preview(stack: Stack = "demo", directory: Directory = ROOT) -> None:
    """Show what `up` would do, without doing it.

    Ends with the exit code of Pulumi: 0 if all went well.
    """
    _operate(directory, stack, "preview", *policy_flags(directory, stack))


def refresh(stack: Stack = "demo", directory: Directory = ROOT) -> None:
    """Take what has been changed on the hosts by hand into the stack's state.

    Ends with the exit code of Pulumi: 0 if all went well.
    """
    _operate(directory, stack, "refresh", *UNASKED)


def down(stack: Stack = "demo", directory: Directory = ROOT, *, remove: Remove = False, yes: Yes = False) -> None:
    """Destroy what the stack has created.

    At a terminal, real hosts are changed only when you have seen what would be done, and said yes. Ends with the exit
    code of Pulumi: 0 if all went well.
    """
    _operate(directory, stack, "destroy", *UNASKED, GO_ON, asks=not yes)
    if remove:
        _end_if_failed(_pulumi(mirror_directory(directory), directory, "stack", "rm", stack, "--yes"))


def up_command(root: Path, stack: str) -> list[str]:
    """Pulumi's `up` without a question; a policy for the whole stack judges a preview of it."""
    policies = policy_flags(root, stack)
    unseen = [] if policies else ["--skip-preview"]
    return ["up", "--yes", *unseen, *policies, GO_ON]


def policy_flags(root: Path, stack: str) -> list[str]:
    """What makes Pulumi keep to the stack's policies, if it has any."""
    try:
        return policy_settings.flags(root, stack)
    except policy_settings.SettingsProblem as problem:
        raise error(problem) from None


def is_simulated(root: Path, stack: str) -> bool:
    """Whether a stack's page says a simulator and no connections; where it is no YAML, whether it seems to."""
    if problem_with(root, stack):
        return "proxmox:simulator:" in _page(root, stack)
    return _simulated_topology(root, stack) is not None


def _simulated_topology(root: Path, stack: str) -> str | None:
    """The simulator's topology that a page says, which has been found to be YAML; None where it says connections."""
    config = (yaml.safe_load(_page(root, stack)) or {}).get("config") or {}
    return None if "proxmox:connections" in config else config.get("proxmox:simulator")


def _page(root: Path, stack: str) -> str:
    return (root / "stacks" / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")


def _operate(root: Path, stack: str, *command: str, asks: bool = False) -> None:
    """Run one of Pulumi's operations on a stack, which is created if this is its first; end with Pulumi's code."""
    on_stack = _selected(root, stack)
    if asks and sys.stdin.isatty() and sys.stdout.isatty() and not _simulated_topology(root, stack):
        command = tuple(word for word in command if word not in UNASKED)
    _end_if_failed(_pulumi(mirror_directory(root), root, "stack", "select", "--create", stack))
    _end_if_failed(_pulumi(root, root, *command, *on_stack))


def captured(root: Path, stack: str, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """One of Pulumi's operations on a stack, for what it says and not for the user to see."""
    on_stack = _selected(root, stack)
    done = _heard(mirror_directory(root), root, "stack", "select", "--create", stack)
    return done if done.returncode else _heard(root, root, *command, *on_stack, **variables)


def state(root: Path, stack: str) -> dict[str, Any]:
    """What Pulumi knows of a stack, with secrets as it keeps them."""
    return _told(root, stack, "export")


def resources(root: Path, stack: str) -> list[dict[str, Any]]:
    """The resources that Pulumi knows of a stack; none where it has not been brought up here."""
    _selected(root, stack)
    done = _heard(mirror_directory(root), root, "stack", "export", "--stack", stack)
    return [] if done.returncode else json.loads(done.stdout)["deployment"].get("resources") or []


def secrets(root: Path, stack: str) -> dict[str, Any]:
    """All that a stack exports, with its secrets in plain text."""
    return _told(root, stack, "output", "--json", "--show-secrets")


def _told(root: Path, stack: str, *command: str) -> dict[str, Any]:
    """What Pulumi says of a stack that has been brought up."""
    _selected(root, stack)
    done = _heard(mirror_directory(root), root, "stack", *command, "--stack", stack)
    if done.returncode:
        raise error(f"the stack {stack} has not been brought up here: {done.stderr.strip().removeprefix('error: ')}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _selected(root: Path, stack: str) -> list[str]:
    """What tells Pulumi which stack is meant, once its files are in place."""
    try:
        config = mirror(root, stack)
    except ToolchainError as problem:
        raise error(problem) from None
    if unreadable := problem_with(root, stack):
        raise error(unreadable)
    own = mirror_directory(root) / "state"
    if unlock(own, PROJECT, stack):
        typer.echo("The last run was killed: going on in its place.", err=True)
    if mend(own, PROJECT, stack):
        typer.echo("The last run was killed while Pulumi wrote its state: going on from the one before it.", err=True)
    return ["--stack", stack, "--config-file", str(config)]


def _program(root: Path) -> tuple[str, dict[str, str]]:
    """Where `pulumi` is, and what it finds in its environment."""
    environment = pulumi_environment(root)
    program = shutil.which("pulumi", path=environment["PATH"])
    if program is None:
        raise error("Pulumi is not set up in this checkout: run `make setup`")
    return program, environment


def _heard(folder: Path, root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `pulumi` in a folder, and take what it says."""
    program, environment = _program(root)
    return subprocess.run(
        [program, *arguments, "--non-interactive"],
        cwd=folder,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def _pulumi(folder: Path, root: Path, *arguments: str) -> int:
    """Run `pulumi` in a folder, its output going straight to the user; return its exit code."""
    program, environment = _program(root)
    quietly = [] if sys.stdout.isatty() else ["--non-interactive"]
    process = subprocess.Popen([program, *arguments, *quietly], cwd=folder, env=environment)
    # Ctrl-C reaches Pulumi as well, which then ends in good order; until then there is nothing to do here.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _end_if_failed(code: int) -> None:
    """End with the exit code of a Pulumi that has failed; it has already said why."""
    if code:
        raise typer.Exit(code if code > 0 else 128 - code)


def error(text: object) -> typer.Exit:
    """Report an error in one line."""
    typer.echo(f"error: {text}", err=True)
    return typer.Exit(1)


def _what_next(root: Path, stack: str) -> str:
    """Say how to go on, and where the simulator answers if the stack runs on one."""
    name = "" if stack == "demo" else f"STACK={stack} "
    rows = [
        (f"{name}make preview", f"after a change of stacks/Pulumi.{stack}.yaml, to see what it would do"),
        (f"{name}make down", "to destroy it all"),
        *(
            (endpoint, f"is the simulated Proxmox VE of the connection {connection}")
            for connection, endpoint in _simulated_endpoints(root, stack)
        ),
    ]
    width = max(34, *(len(what) + 1 for what, _ in rows))
    return "\n".join(["", "What next:", *(f"  {what.ljust(width)}{why}" for what, why in rows)])


def _simulated_endpoints(root: Path, stack: str) -> list[tuple[str, str]]:
    """List connection and address of every simulated node that the stack runs on; none for real hosts."""
    topology = _simulated_topology(root, stack)
    running = daemon.find(home_of(topology)) if topology else None
    if running is None:
        return []
    return [(name, endpoint) for name, each in running.connections.items() for endpoint in each.endpoints]
