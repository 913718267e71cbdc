"""`proxmox-labs adopt`: write the program for what runs already."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.syntax import Syntax

from cli import docs
from cli.adoption.finding import Finder, Findings, Named
from cli.adoption.known import Known
from cli.adoption.program import Program, told
from cli.adoption.reach import Reach
from cli.adoption.written import KIND, module_of
from cli.stack import ROOT, Directory, error
from cli.stack_config import config_of
from providers._runtime import connection as connections
from providers._runtime.client import Client
from providers._runtime.errors import ProxmoxError
from providers._runtime.facts import Facts
from toolchain.errors import ToolchainError

LAB = "proxmox:lab"
NEW = 3
AT_ONCE = 8

ConnectionName = Annotated[
    str | None, typer.Option(help="Connection of the stack to read.", show_default="the only one")
]
StackName = Annotated[str, typer.Option(help="Stack to write; its file says the connections already.")]
Pools = Annotated[list[str] | None, typer.Option("--pool", help="A pool with its guests; may be said again.")]
Vmids = Annotated[list[int] | None, typer.Option("--vmid", help="A guest; may be said again.")]
All = Annotated[bool, typer.Option("--all", help="Everything that there is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def adopt(
    *,
    stack: StackName = "adopted",
    connection: ConnectionName = None,
    pool: Pools = None,
    vmid: Vmids = None,
    everything: All = False,
    directory: Directory = ROOT,
    as_json: AsJson = False,
) -> None:
    """Write a program that describes what runs already, so that the stack takes it over as it is.

    Nothing on the hosts is changed, neither now nor by the first `up`, which only writes the marks by which the
    program knows its own. Where the stack has a program already, what it does not have yet is printed, and nothing is
    written. Ends with 0 if a program was written or there is nothing new, 3 if there is something new for a program
    that is there, and 1 if something is wrong.
    """
    if everything == bool(pool or vmid):
        raise error("say what is to be taken over: either --all, or pools (--pool) and guests (--vmid)")
    try:
        config = config_of(directory, stack)
        kind = kind_of(config, stack)
        has_program = (directory / "stacks" / f"{module_of(kind)}.py").exists()
        facts, named = _host(config, directory, connection)
        known = Known.of(directory, stack, kind, named) if has_program else Known()
        reach = Reach() if everything else Reach.of(facts, pool or [], vmid or [])
        found = Finder(facts, reach, stack, known).all()
    except (ProxmoxError, ToolchainError) as problem:
        raise error(problem) from None
    program = Program(kind, found, named)
    files = {} if has_program or not any(found.families.values()) else program.files()
    _write(directory, stack, files)
    if as_json:
        typer.echo(_as_json(found, files))
    else:
        _show(stack, found, files, program)
    if has_program and any(found.families.values()):
        raise typer.Exit(NEW)


def kind_of(config: dict[str, Any], stack: str) -> str:
    """The kind of lab that the stack is; one that is none yet becomes a kind of its own."""
    kind = str((config.get(LAB) or {}).get("kind") or stack)
    if not KIND.fullmatch(kind):
        raise error(f"{kind!r} can't be a kind of lab: take small letters, digits and hyphens")
    return kind


def _host(config: dict[str, Any], directory: Path, name: str | None) -> tuple[Facts, str | None]:
    """What is known of the host behind a connection, and what resources call that where there are several."""
    there = connections.load(config, directory)
    picked = connections.pick(there, name)
    return Facts(Client(picked, there[picked], AT_ONCE)), picked if len(there) > 1 else None


def _write(directory: Path, stack: str, files: dict[str, str]) -> None:
    """The program, and the stack's page, which says that this is its lab."""
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    if files:
        page = directory / "stacks" / f"Pulumi.{stack}.yaml"
        page.write_text(with_lab(page.read_text(encoding="utf-8"), stack), encoding="utf-8")


def with_lab(text: str, kind: str) -> str:
    """A stack's page with the kind of lab in it, and everything else as it was."""
    page: dict[str, Any] = yaml.safe_load(text) or {}
    if LAB in (page.get("config") or {}):
        return text
    block = re.search(r"^config:[ \t]*(#.*)?\n(?P<indent>[ ]+)", text, re.MULTILINE)
    if block is None:
        page["config"] = {**(page.get("config") or {}), LAB: {"kind": kind}}
        return yaml.safe_dump(page, sort_keys=False)
    indent, begin = block["indent"], block.start("indent")
    return f"{text[:begin]}{indent}{LAB}: {{kind: {kind}}}\n{text[begin:]}"


def _show(stack: str, found: Findings, files: dict[str, str], program: Program) -> None:
    """What was found, what was left out, and what comes next; in colour where somebody sits before it."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    counted = _counted(found)
    console.print("found:" if files else "new:", ", ".join(counted) or "nothing", style="bold")
    if found.left_out:
        console.print("\n".join(["", "left out:", *map(told, found.left_out)]))
    if files:
        console.print("\n".join(["", *(f"wrote {name}" for name in files)]), style="green")
        console.print(
            f"\nnext: `proxmox-labs preview --stack {stack}` shows all of it as to be created; `up` creates "
            f"nothing, but writes a mark into each object that has room for one"
        )
    elif counted:
        text = program.resources().rstrip()
        console.print()
        console.print(Syntax(text, "python", background_color="default") if console.is_terminal else text)


def _counted(found: Findings) -> list[str]:
    named = [each.class_name for family in found.families.values() for each in family]
    return [f"{named.count(name)} {name}" for name in dict.fromkeys(named)]


def _as_json(found: Findings, files: dict[str, str]) -> str:
    resources = [_plain(each) for family in found.families.values() for each in family]
    answer = {"resources": resources, "left_out": [asdict(each) for each in found.left_out], "written": sorted(files)}
    return json.dumps(answer, indent=2)


def _plain(each: Named) -> dict[str, Any]:
    return {"type": docs.class_name(each.it.kind), "name": each.name, "id": each.it.id, "args": each.it.args}
