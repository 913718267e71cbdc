"""The table of Proxmox's parameters: which field of a resource carries each one, and why some have none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from providers._runtime.coverage import Coverage
from providers._runtime.handler import Handler
from providers._runtime.markers import Slots
from providers._runtime.model import FieldSpec, Inputs, fields_of

INTRODUCTION = """# Proxmox's parameters

What Proxmox VE 9.2 takes when it makes or changes an object, and the field of the resource that carries it. A field
with a name behind the dot is a part of another field."""


def page(handlers: Mapping[str, Handler]) -> str:
    """A section for every resource type whose parameters have been compared with Proxmox's."""
    sections = [
        _section(name, handler, handler.coverage) for name, handler in handlers.items() if handler.coverage is not None
    ]
    return "\n\n".join([INTRODUCTION, *sections]) + "\n"


def carriers(handler: Handler) -> dict[str, str]:
    """Parameter as Proxmox lists it (`net[n]`) -> the field that carries it."""
    found = {
        name: spec.name
        for spec in fields_of(handler.inputs).values()
        if spec.name not in Inputs.model_fields
        for name in parameters_of(spec)
    }
    return found | dict(handler.coverage.carried if handler.coverage else {})


def parameters_of(spec: FieldSpec) -> Iterable[str]:
    """The names under which a field travels in the configuration; a handler says itself where others go."""
    slots = spec.marker(Slots)
    if slots:
        names = re.sub(r"[()]|\\d\+$", "", slots.pattern).split("|")
        return [f"{name}[n]" for name in names]
    return [spec.wire] if spec.in_config else []


def _section(name: str, handler: Handler, coverage: Coverage) -> str:
    rows = [f"| `{parameter}` | {_field(field)} |" for parameter, field in sorted(carriers(handler).items())]
    methods = ", ".join(f"`{method}`" for method in coverage.methods)
    lines = [f"## {name}", "", methods, "", "| parameter | field |", "|---|---|", *rows]
    if coverage.left_out:
        lines += ["", "Without a field:", ""]
        lines += [f"- `{parameter}`: {reason}" for parameter, reason in sorted(coverage.left_out.items())]
    return "\n".join(lines)


def _field(text: str) -> str:
    return text if " " in text else f"`{text}`"
