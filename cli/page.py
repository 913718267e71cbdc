"""What keeps a stack's page from being read at all, by its line. What it says is for the program to check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

MERGE = "<<"
"""The key of YAML that takes in another map; it may stand in a map more than once."""


def problem_with(root: Path, stack: str) -> str | None:
    """Why the page is no YAML, and what to do; nothing if it is, or if there is none."""
    file = Path("stacks") / f"Pulumi.{stack}.yaml"
    if not (root / file).exists():
        return None
    text = (root / file).read_text(encoding="utf-8")
    try:
        top = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as wrong:
        line, why = _why(text, wrong)
        return f"{file}, line {line}: {why}"
    twice = next(_twice(top), None)
    return twice and f"{file}, line {twice[1]}: the key {twice[0]} stands there already; take one of them out"


def _why(text: str, wrong: yaml.MarkedYAMLError) -> tuple[int, str]:
    mark = wrong.problem_mark or wrong.context_mark
    line = mark.line if mark else 0
    row = [*text.splitlines(), ""][line]
    if "\t" in row[: len(row) - len(row.lstrip())]:
        return line + 1, "YAML is indented with spaces, and here is a tab"
    return line + 1, f"it is no YAML: {wrong.problem}"


def _twice(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Keys that a map has had already, with their lines."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _twice(item)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen and name != MERGE:
                yield name, key.start_mark.line + 1
            seen.add(name)
            yield from _twice(value)
