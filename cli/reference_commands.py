"""The page about all commands of `proxmox-labs`, made from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from cli.later import Later
from cli.main import app

PROGRAM = "proxmox-labs"
INTRODUCTION = f"""# Commands

`{PROGRAM}` is in the checkout's `.venv/bin`. `{PROGRAM} --install-completion` makes bash, zsh or fish complete it, and
`--help` after a command tells what stands here.
"""


def page() -> str:
    """Each command with its arguments and options."""
    lines = [INTRODUCTION]
    for words, command in commands():
        lines += [f"## {' '.join(words)}", "", _paragraphs(command.help or ""), ""]
        rows = [_row(each) for each in command.params if not getattr(each, "hidden", False)]
        if rows:
            lines += ["| | | what it is |", "|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    yield from _below((), whole())


def whole() -> Any:
    """The command that has all others in it."""
    return typer.main.get_command(app)


def _below(words: tuple[str, ...], named: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    command = named.load() if isinstance(named, Later) else named
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, each in inner.items():
        yield from _below((*words, name), each)


def _row(parameter: Any) -> str:
    """An argument in capitals or an option with all its names; its default, if somebody would miss it."""
    is_option = parameter.param_type_name == "option"
    name = ", ".join([*parameter.opts, *parameter.secondary_opts]) if is_option else parameter.name.upper()
    told = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    return f"| `{name}` | {_default(parameter)} | {told} |"


def _default(parameter: Any) -> str:
    shown = getattr(parameter, "show_default", None)
    if parameter.required:
        return "required"
    if isinstance(shown, str):
        return shown
    default = parameter.default
    return f"`{default}`" if isinstance(default, str | int | float) and not isinstance(default, bool) else ""


def _paragraphs(text: str) -> str:
    """A help text without the blanks that it has in code."""
    parts = text.replace("\b", "").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in parts if part.strip())
