"""A program that is there already, read for the resources that it makes with plain values."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cli.adoption.printing import text_of

KIND = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
"""What the name of a kind of lab looks like, so that a module can have it."""


@dataclass(frozen=True)
class Call:
    """One resource as it stands in a program."""

    class_name: str
    name: str
    args: dict[str, Any]
    """Those that are plain values."""
    variable: str = field(default="", compare=False)
    """What it is assigned to, as it stands there."""


def module_of(kind: str) -> str:
    """The module that has a kind of lab."""
    return kind.replace("-", "_")


def calls(text: str, class_names: Collection[str], made: Mapping[str, Call] = MappingProxyType({})) -> Iterator[Call]:
    """The resources of some classes that a program's text makes; what is no plain value is left out.

    `made` has those whose outputs are as good as plain, by their variables.
    """
    tree = ast.parse(text)
    variables = {each.value: each.targets[0] for each in ast.walk(tree) if isinstance(each, ast.Assign)}
    outputs = _Outputs(made)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in class_names:
            args = {word.arg: outputs.visit(word.value) for word in node.keywords if word.arg}
            first = node.args[0] if node.args else None
            variable = _as_written(variables[node]) if node in variables else ""
            yield Call(called, str(_plain(first)) if _is_plain(first) else "", _plain_ones(args), variable)


class _Outputs(ast.NodeTransformer):
    """Puts plain values in the place of the outputs that have them: `lab.pools["web"].poolid`."""

    def __init__(self, made: Mapping[str, Call]) -> None:
        self._made = made

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A field of a resource that is there."""
        call = self._made.get(_as_written(node.value))
        return ast.Constant(call.args[node.attr]) if call and node.attr in call.args else node


def _as_written(node: ast.expr) -> str:
    """A variable, or an entry of a dict."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return f"{ast.unparse(node.value)}[{text_of(node.slice.value)}]"
    return ast.unparse(node)


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
