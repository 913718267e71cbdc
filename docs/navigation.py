"""Hooks of MkDocs: folders in the navigation, and numbered lists as they are written everywhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """The navigation of `mkdocs.yml` with its folders opened, so that a new page needs no entry."""
    config.nav = [opened(entry, Path(config.docs_dir)) for entry in config.nav]
    return config


def opened(entry: Any, folder: Path) -> Any:
    """An entry with its folders as lists of pages, the page about the folder first."""
    if isinstance(entry, str):
        return entry
    ((title, value),) = entry.items()
    if isinstance(value, list):
        return {title: [opened(each, folder) for each in value]}
    if not value.endswith("/"):
        return entry
    first = [f"{value}README.md"]
    return {title: first + [f"{value}{file.name}" for file in sorted((folder / value).glob("[!R]*.md"))]}


def on_page_markdown(markdown: str, **_rest: Any) -> str:
    """What belongs to a numbered item stands below its text, three blanks in; MkDocs' Markdown wants four of them."""
    lines: list[str] = []
    in_list = in_code = False
    for line in markdown.splitlines():
        in_code ^= line.startswith("```")
        if not in_code and line and not line.startswith("   "):
            in_list = re.match(r"\d\. ", line) is not None
        lines.append(f" {line}" if in_list and line.startswith("   ") else line)
    return "\n".join(lines) + "\n"
