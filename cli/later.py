"""Commands whose modules are loaded when they are called: most of them need libraries that no other needs.

What the overview and a shell's completion say of a command is read from its source.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

ROOT = Path(__file__).parent.parent


class Later(TyperCommand):
    """A command, or a group of some, of which the name and the place are known: `cli.stack:up`."""

    def __init__(self, name: str, place: str) -> None:
        super().__init__(name)
        del self.help  # for the one below
        self.module, _, self.attribute = place.partition(":")

    @cached_property
    def help(self) -> str:  # type: ignore[override]  # of the same type, but read when it is asked for
        """What it is for: a function's docstring, or the help that a group is made with."""
        file = ROOT.joinpath(*self.module.split(".")).with_suffix(".py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            match node:
                case ast.FunctionDef(name=self.attribute):
                    return ast.get_docstring(node) or ""
                case ast.Assign([ast.Name(self.attribute)], ast.Call(keywords=settings)):
                    return next(str(ast.literal_eval(each.value)) for each in settings if each.arg == "help")
        raise LookupError(f"{self.module} has no {self.attribute}")

    def load(self) -> Any:
        """The command itself."""
        found = getattr(importlib.import_module(self.module), self.attribute)
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        alone = typer.Typer(add_completion=False)
        alone.command(self.name)(found)
        return typer.main.get_command(alone)


def group_of(places: Mapping[str, str]) -> type[TyperGroup]:
    """A group of such commands, by their names."""

    class Group(TyperGroup):
        """Knows the commands by name, and loads the one that is called."""

        def __init__(self, **settings: Any) -> None:
            commands = {name: Later(name, place) for name, place in places.items()}
            super().__init__(**{**settings, "commands": commands})

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
            """Find what is called."""
            name, command, rest = super().resolve_command(ctx, args)
            return name, command.load() if isinstance(command, Later) else command, rest

    return Group
