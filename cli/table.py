"""Tables for people."""

from __future__ import annotations

from rich.table import Column, Table


def table_of(*headers: str, lines: bool = False) -> Table:
    """A table that breaks what is too long for the terminal, or for a file, and cuts nothing off."""
    return Table(*(Column(header, overflow="fold") for header in headers), show_lines=lines)
