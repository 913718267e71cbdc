"""Another program reads a lab by its stack: typed, with its secrets and no others, and nothing that is no lab."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.engine import ROOT, Program
from tests.pages.page import blocks

pytestmark = pytest.mark.engine

LAB = {
    "version": 1,
    "kind": "demo",
    "what-comes-later": True,
    "guests": {
        "dns": {
            "name": "dns",
            "type": "lxc",
            "vmid": 101,
            "node": "pve1",
            "host": "first",
            "nics": {
                "net0": {"mac": "BC:24:11:00:00:01"},
                "net1": {"mac": "BC:24:11:00:00:02", "address": "192.0.2.5"},
            },
        }
    },
    "templates": {"first": 9000},
}
SECRETS = {
    "credentials": {"dns": {"user": "root", "password": "hunter2"}},
    "secret_files": {"answer.toml": "hunter3"},
}

TELL = """
import json, pulumi

told = json.loads({told!r})
for name, value in told.items():
    pulumi.export(name, pulumi.Output.secret(value) if name in ("credentials", "secret_files") else value)
"""
SHOWN = next(block.text for block in blocks(ROOT / "README.md") if block.kind == "python")
READ = f"""{SHOWN.replace("/demo", "/told")}
import pulumi

pulumi.export("kind", lab.kind)
pulumi.export("node", nodes["dns"])
pulumi.export("address", lab.guests["dns"].address)
pulumi.export("template", lab.templates["first"])
pulumi.export("files", lab.files)
pulumi.export("password", lab.credentials.apply(lambda logins: logins["dns"].password))
pulumi.export("answer", lab.secret_files["answer.toml"])
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """One folder with two stacks, of which `test` reads `told`; nothing of Proxmox is needed for it."""
    program = Program(tmp_path_factory.mktemp("reading") / "program", {}, {})
    program.add_stack("told")
    return program


def tell(program: Program, outputs: Mapping[str, Any]) -> None:
    """Let the other stack export something."""
    (program.folder / "__main__.py").write_text(TELL.format(told=json.dumps(outputs)))
    up = program.up(stack="told")
    assert up.code == 0, up.text


def test_a_lab_is_read_as_its_models_say_and_what_is_secret_stays_so(program: Program) -> None:
    tell(program, {**LAB, **SECRETS})
    (program.folder / "__main__.py").write_text(READ)

    read = program.up()

    assert read.code == 0, read.text
    seen = json.loads(program.pulumi("stack", "output", "--json").stdout)
    hidden = {"password": "[secret]", "answer": "[secret]"}
    assert seen == {"kind": "demo", "node": "pve1", "address": "192.0.2.5", "template": 9000, "files": {}, **hidden}
    shown = json.loads(program.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    assert (shown["password"], shown["answer"]) == ("hunter2", "hunter3")
    assert "hunter" not in program.pulumi("stack", "export").stdout


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({"url": "https://example.org"}, "the stack organization/proxmox/told is no lab of this project"),
        ({**LAB, "version": 99}, "speaks version 99 of its outputs, and this reads 1: take the newer package"),
        ({**LAB, **SECRETS, "templates": {"first": "old"}}, "the lab organization/proxmox/told: templates.first: "),
    ],
    ids=["no lab", "a newer one", "a broken one"],
)
def test_what_can_not_be_read_is_told_in_one_line(program: Program, outputs: Mapping[str, Any], reason: str) -> None:
    tell(program, outputs)
    (program.folder / "__main__.py").write_text(READ)

    read = program.preview()

    assert read.code != 0
    diagnostics = read.text.partition("Diagnostics:")[2]
    assert len([line for line in diagnostics.splitlines() if reason in line]) == 1, read.text
    assert "Traceback" not in read.text
