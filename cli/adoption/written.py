"""A program that is there already, read for the resources that it makes with plain values."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

KIND = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
"""What the name of a kind of lab looks like, so that a module can have it."""


@dataclass(frozen=True)
class Call:
    """One resource as it stands in a program."""

    class_name: str
    name: str
    args: dict[str, Any]
    """Those that are plain values."""


def module_of(kind: str) -> str:
    """The module that has a kind of lab."""
    return kind.replace("-", "_")


def calls(text: str, class_names: Collection[str]) -> Iterator[Call]:
    """The resources of some classes that a program's text makes; what is no plain value is left out."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in class_names:
            args = {word.arg: word.value for word in node.keywords if word.arg}
            first = node.args[0] if node.args else None
            yield Call(called, str(_plain(first)) if _is_plain(first) else "", _plain_ones(args))


def _plain_ones(args: dict[str, ast.expr]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in args.items() if _is_plain(value)}


def _is_plain(node: ast.expr | None) -> bool:
    try:
        _plain(node)
    except ValueError:
        return False
    return True


def _plain(node: ast.expr | None) -> Any:
    if node is None:
        raise ValueError("there is nothing")
    return ast.literal_eval(node)
