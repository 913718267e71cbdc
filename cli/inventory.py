"""`proxmox-labs inventory`: what a lab hands over to other tools, from an Ansible inventory to OPNsense's import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.stack import ROOT, Directory, Stack, error
from cli.told import lab_of, lab_with_secrets_of
from components.handoff import NothingForItError, formats
from lab_outputs import Lab

Wanted = Annotated[
    str | None, typer.Option("--format", help="A format, or one of the lab's own files.", show_default="list them")
]
Out = Annotated[Path | None, typer.Option(help="Folder to write it into.", show_default="print it")]
Secrets = Annotated[bool, typer.Option("--secrets", help="With passwords; what is written is for its owner only.")]


@dataclass(frozen=True)
class Sheet:
    """One thing that can be handed over."""

    about: str
    file: str = ""
    text: str = ""
    missing: str = ""
    """Why there is none."""


def inventory(
    stack: Stack = "demo",
    wanted: Wanted = None,
    out: Out = None,
    directory: Directory = ROOT,
    *,
    secrets: Secrets = False,
) -> None:
    """Hand a lab over to other tools: list what there is, print one of it, or write it into a folder.

    Ends with 0, and with 1 if the stack is not up, tells of no lab, or has nothing for the format.
    """
    lab = lab_with_secrets_of(directory, stack) if secrets else lab_of(directory, stack)
    sheets = sheets_of(lab)
    if wanted is None:
        typer.echo(_listed(sheets))
        return
    sheet = sheets.get(wanted)
    if sheet is None:
        more = "" if secrets else ", and what is secret with --secrets"
        raise error(f"there is no format {wanted!r}; there are: {', '.join(sheets)}{more}")
    if sheet.missing:
        raise error(f"the stack {stack} has nothing for {wanted}: {sheet.missing}")
    if out is None:
        typer.echo(sheet.text, nl=False)
    else:
        typer.echo(f"wrote {_written(out / sheet.file, sheet.text, mode=0o600 if secrets else 0o644)}")


def sheets_of(lab: Lab) -> dict[str, Sheet]:
    """All formats, and the files that the lab brings itself, by the name that they are asked for."""
    found = {}
    for name, each in formats().items():
        try:
            found[name] = Sheet(each.about, each.file, each.render(lab))
        except NothingForItError as reason:
            found[name] = Sheet(each.about, missing=str(reason))
    own = {**lab.files, **lab.secret_files}
    return {**found, **{name: Sheet("a file of the lab itself", name, text) for name, text in own.items()}}


def _listed(sheets: Mapping[str, Sheet]) -> str:
    width = max(map(len, sheets))
    return "\n".join(f"{name:{width}}  {_line(sheet)}" for name, sheet in sheets.items())


def _line(sheet: Sheet) -> str:
    return f"nothing: {sheet.missing}" if sheet.missing else sheet.about


def _written(file: Path, text: str, *, mode: int) -> Path:
    """A file that nobody else could read even for a moment, if that is how it should be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=mode)
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
    return file
