"""Every kind of lab tells of itself what `lab_outputs` says, and keeps its secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import Output
from pydantic import ValidationError

from cli.inventory import sheets_of
from components.outputs import Exports
from stacks.settings import parse
from tests.components.asked import asked
from tests.stacks.test_settings import PAGES
from tests.stacks.told import told

PLANNED = {
    "volid": "local:import/image.qcow2",
    "secret": "a token's",
    **dict.fromkeys(("private_key_pem", "private_key_openssh", "public_key_pem", "public_key_openssh"), "a key"),
}
"""What keys, tokens and files say when they are made, besides what they are asked for."""


def secrecy(value: Output[Any]) -> Output[Any]:
    """Whether an output is a secret."""
    known: Any = value.is_secret()
    return Output.from_input(known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_lab_exports_is_what_others_read(page: Path) -> None:
    lab = parse(yaml.safe_load(page.read_text())["config"]["proxmox:lab"], page.name)
    secret: dict[str, Output[Any]] = {}

    def make() -> dict[str, Output[Any]]:
        exported = lab.compose()
        found = {name: Output.from_input(value) for name, value in exported.items()}
        secret.update({f"{name} is secret": secrecy(value) for name, value in found.items()})
        return {name: Output.unsecret(value) for name, value in found.items()} | secret

    outputs = asked(make, PLANNED).outputs

    hidden = {name for name in outputs if outputs.get(f"{name} is secret")}
    assert hidden <= {"credentials", "secret_files"}
    assert {"credentials", "secret_files"} & set(outputs) <= hidden
    read = told({name: value for name, value in outputs.items() if name not in secret})
    assert read.kind == lab.kind
    assert read.hosts
    assert all(sheet.text or sheet.missing for sheet in sheets_of(read).values()), "each tool gets a file, or a reason"


def test_what_no_reader_could_use_ends_the_run() -> None:
    wrong = Output.from_input({"name": "dns", "vmid": "none yet"})

    with pytest.raises(ValidationError, match="vmid"):
        asked(lambda: {"it": Output.from_input(Exports(guests={"dns": wrong}).of("demo"))})
