"""Tables for people cut nothing off, however narrow the terminal is."""

from __future__ import annotations

import io

from rich.console import Console

from cli.table import table_of


def test_what_is_too_long_for_its_column_is_broken_and_not_cut() -> None:
    console = Console(file=io.StringIO(), width=24)
    table = table_of("Processors", "Where")
    table.add_row("32", "https://pve1.example.org:8006")

    console.print(table)

    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "…" not in shown
    rows = [line.strip("│").split("│") for line in shown.splitlines() if line.startswith("│")]
    assert "".join(row[1].strip() for row in rows) == "https://pve1.example.org:8006"
