"""`proxmox-labs ci`: what the scripts of a pipeline call; exit codes say what a pipeline has to know."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli.ci.affected import affected
from cli.ci.forge import Forge, ForgeError, NotAllowed, forge_in
from cli.report.command import plan_now
from cli.report.markdown import LIMITS, comment, headline, mark_of
from cli.stack import ROOT, Directory, Stack, captured, error, is_simulated, up_command
from toolchain.stacks import stack_names

LABEL = "allow-data-loss"
LOST, OTHER = 3, 4
"""Exit codes: data would be lost, and the change is another one than was looked at."""

app = typer.Typer(help="Steps of a pipeline of GitHub or GitLab; docs/guides/pull-requests.md shows them at work.")

Base = Annotated[str | None, typer.Option(help="The commit that the change is made to.", show_default="all stacks")]
Real = Annotated[bool, typer.Option("--real", help="Without those on the simulator.")]
File = Annotated[Path, typer.Option(help="The comment, as `report --out` has written it.")]
Change = Annotated[str, typer.Option(envvar="LABS_CHANGE", help="Number of the pull or merge request.")]
Commit = Annotated[str, typer.Option(envvar="LABS_COMMIT", help="The commit that was merged.")]
Events = Annotated[Path, typer.Option(help="File to write what Pulumi says, for `report --applied`.")]


@app.command()
def stacks(base: Base = None, directory: Directory = ROOT, *, real: Real = False) -> None:
    """List the stacks that a pipeline is for, in JSON: all, or those that the change from a commit concerns.

    Those on real hosts are left out where PULUMI_BACKEND_URL says no backend, as in a fork.
    """
    names = stack_names(directory) if base is None else affected(_changed(base, directory), stack_names(directory))
    simulated = {name for name in names if is_simulated(directory, name)}
    if not os.environ.get("PULUMI_BACKEND_URL"):
        if left_out := sorted({*names} - simulated):
            typer.echo(f"left out, as PULUMI_BACKEND_URL is not set: {', '.join(left_out)}", err=True)
        names = [name for name in names if name in simulated]
    typer.echo(json.dumps([name for name in names if not (real and name in simulated)]))


def _changed(base: str, directory: Path) -> list[str]:
    done = subprocess.run(
        ["git", "diff", "--name-only", "-z", f"{base}...HEAD"],  # noqa: S607 - whichever git there is
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise error(f"git can't compare with {base}: {done.stderr.strip()}")
    return [file for file in done.stdout.split("\0") if file]


@app.command("comment")
def comment_(file: File, change: Change, stack: Stack = "demo") -> None:
    """Write the comment to the change, or write its old one anew; without leave to, into the job's summary."""
    text = file.read_text(encoding="utf-8")

    def write(forge: Forge) -> None:
        forge.write_comment(change, text, forge.own_comment(change, mark_of(stack)))

    try:
        write(forge_in(os.environ))
    except NotAllowed as reason:
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            with Path(summary).open("a", encoding="utf-8") as page:
                page.write(text)
        typer.echo(text if not summary else "The preview is in the job's summary.")
        typer.echo(f"It could not be written to the change, as it is from a fork or has no token: {reason}", err=True)
    except ForgeError as reason:
        raise error(reason) from None


@app.command()
def allowed(change: Change = "", commit: Commit = "") -> None:
    """Tell whether the change may lose data, by its label `allow-data-loss`; exit code 3 where it may not."""

    def ask(forge: Forge) -> bool:
        number = change or forge.change_of(commit)
        return bool(number) and LABEL in forge.labels(str(number))

    try:
        leave = ask(forge_in(os.environ))
    except NotAllowed:
        leave = False
    except ForgeError as reason:
        raise error(reason) from None
    if not leave:
        typer.echo(f"Data would be lost, and the change has no label {LABEL}.", err=True)
        raise typer.Exit(LOST)


@app.command()
def approved(file: File, commit: Commit, stack: Stack = "demo") -> None:
    """Look a second time: tell whether a merged change does what its comment says; exit code 4 where it does not.

    The comment then says what it would do now, so that the next run of the job does that.
    """
    text = file.read_text(encoding="utf-8")

    def look(forge: Forge) -> str:
        change = forge.change_of(commit)
        if change is None:
            return f"nobody has looked at it: no change brought the commit {commit}"
        old = forge.own_comment(change, mark_of(stack))
        if old and _digest(old.text) == _digest(text):
            return ""
        forge.write_comment(change, text, old)
        return "it would do something else than what was looked at: see its comment, and run this job again"

    if reason := _with_forge(look):
        typer.echo(f"The stack {stack} is left as it is: {reason}.", err=True)
        raise typer.Exit(OTHER)


@app.command()
def apply(events: Events, stack: Stack = "demo", directory: Directory = ROOT) -> None:
    """Bring the stack up, and keep what Pulumi says of it."""
    done = captured(directory, stack, *up_command(directory, stack), "--refresh", "--json")
    events.write_text(done.stdout, encoding="utf-8")
    if done.returncode:
        raise error(f"the update has failed: {done.stderr.strip() or 'see the report'}")


@app.command()
def drift(stack: Stack = "demo", directory: Directory = ROOT) -> None:
    """Open an issue where the hosts are not what the stack says, or write it anew; close it where they are."""
    plan = plan_now(directory, stack)
    mark = mark_of(stack)

    def tell(forge: Forge) -> str:
        old = forge.own_issue(mark)
        if plan.drifted or plan.changed or plan.refusals:
            forge.write_issue(f"Drift of {stack}", comment(plan, stack, LIMITS["github"]), old)
            return headline(plan)
        if old:
            forge.close_issue(old)
        return "no drift"

    typer.echo(f"{stack}: {_with_forge(tell)}")


def _with_forge(do: Callable[[Forge], str]) -> str:
    try:
        return do(forge_in(os.environ))
    except ForgeError as reason:
        raise error(reason) from None


def _digest(text: str) -> str:
    found = re.search(r"^<!-- plan ([0-9a-f]{64}) -->$", text, flags=re.MULTILINE)
    return found[1] if found else ""
