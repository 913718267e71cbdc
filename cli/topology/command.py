"""`proxmox-labs topology`: a picture of a lab as its stack's state tells of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.stack import ROOT, Directory, Stack
from cli.told import lab_of
from cli.topology.html import page
from cli.topology.mermaid import mermaid
from cli.topology.picture import picture_of
from cli.topology.svg import svg
from lab_outputs import Lab

LABS = ROOT / "docs" / "labs"
"""What the shipped stacks tell of their labs, and the pictures of it."""


class Format(StrEnum):
    """What kind of picture."""

    SVG = "svg"
    HTML = "html"
    MERMAID = "mermaid"
    JSON = "json"


As = Annotated[
    Format,
    typer.Option("--format", help="A drawing, a page to search it, a chart for GitHub, or what all are made of."),
]
Out = Annotated[Path | None, typer.Option(help="File to write.", show_default="print it")]


def topology(stack: Stack = "demo", format_: As = Format.SVG, out: Out = None, directory: Directory = ROOT) -> None:
    """Draw the hosts, networks, guests and virtual addresses of a stack that is up.

    Ends with 0, and with 1 if the stack is not up or tells of no lab.
    """
    text = WRITERS[format_](lab_of(directory, stack), stack)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")


def kept() -> dict[str, Lab]:
    """Stack -> what it tells of its lab, of all that are kept in `docs/labs`."""
    return {file.stem: Lab.model_validate_json(file.read_text(encoding="utf-8")) for file in LABS.glob("*.json")}


def pages() -> dict[str, str]:
    """File name -> text of the pictures of these labs."""
    return {
        f"{stack}.{suffix}": WRITERS[format_](lab, stack)
        for stack, lab in kept().items()
        for suffix, format_ in (("svg", Format.SVG), ("mmd", Format.MERMAID))
    }


def _json(lab: Lab, _title: str) -> str:
    """What is drawn of a lab, and no more: the pictures can be made from it again."""
    return lab.model_dump_json(indent=2, include=DRAWN, exclude_none=True) + "\n"


DRAWN = {"version", "kind", "hosts", "guests", "networks", "vips"}
WRITERS: dict[Format, Callable[[Lab, str], str]] = {
    Format.SVG: lambda lab, title: svg(picture_of(lab, title)),
    Format.HTML: page,
    Format.MERMAID: lambda lab, title: mermaid(picture_of(lab, title)),
    Format.JSON: _json,
}
