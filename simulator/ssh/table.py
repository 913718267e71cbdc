"""What Proxmox's command line tools print: JSON, YAML, or tables for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

FORMATS = ("text", "json", "json-pretty", "yaml")


def printed(data: Any, form: str, *, border: bool = True, header: bool = True) -> str:
    """Return an answer as a tool prints it, with the newline at its end."""
    if form == "json":
        return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"
    if form == "json-pretty":
        return json.dumps(data, ensure_ascii=False, sort_keys=True, indent=3, separators=(",", " : ")) + "\n"
    if form == "yaml":
        return yaml.safe_dump(data, explicit_start=True, allow_unicode=True)
    return _text(data, border=border, header=header)


def _text(data: Any, *, border: bool, header: bool) -> str:
    if data is None or data in ([], {}):
        return ""
    if isinstance(data, dict):
        rows = [{"key": key, "value": data[key]} for key in sorted(data) if data[key] is not None]
        return grid(rows, ["key", "value"], border=border, header=header)
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        columns = sorted({key for row in data for key in row})
        first = next((name for name in ("id", "name", "vmid", "userid", "storage") if name in columns), columns[0])
        ordered = sorted(data, key=lambda row: str(row.get(first, "")))
        return grid(ordered, columns, border=border, header=header)
    if isinstance(data, list):
        return "".join(f"{_cell(item)}\n" for item in data)
    return f"{_cell(data)}\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return str(value)


def grid(rows: Sequence[dict[str, Any]], columns: Sequence[str], *, border: bool, header: bool) -> str:
    """Return a table; what has several lines takes several lines in its cell."""
    cells = [[_cell(row.get(name)).split("\n") for name in columns] for row in rows]
    titles = list(columns) if header else [""] * len(columns)
    widths = [
        max([len(title), *(len(line) for row in cells for line in row[number])]) for number, title in enumerate(titles)
    ]
    lines = [_line(titles, widths, border=border)] if header else []
    if border and header:
        lines.append(_rule(widths, "╞═╪╡"))
    for row in cells:
        lines += [
            _line([part[n] if n < len(part) else "" for part in row], widths, border=border)
            for n in range(max(len(part) for part in row))
        ]
        if border:
            lines.append(_rule(widths, "├─┼┤"))
    if border:
        lines = [_rule(widths, "┌─┬┐"), *lines[:-1], _rule(widths, "└─┴┘")]
    return "\n".join(lines) + "\n"


def _rule(widths: Sequence[int], marks: str) -> str:
    left, dash, cross, right = tuple(marks)
    return left + cross.join(dash * (width + 2) for width in widths) + right


def _line(cells: Sequence[str], widths: Sequence[int], *, border: bool) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "│ " + " │ ".join(padded) + " │" if border else " ".join(padded).rstrip()
