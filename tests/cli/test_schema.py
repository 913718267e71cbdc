"""`proxmox-labs schema`: by it an editor takes every page that is shipped, and complains of what `up` would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import schema
from stacks.settings import kinds
from tests.cli.json_schema import Schema
from tests.stacks.test_settings import PAGES

FIRST = "# yaml-language-server: $schema=schema.json"


def complaints(page: dict[str, Any]) -> list[str]:
    """What an editor says of a stack's file."""
    return Schema(json.loads(schema.text())).complaints(page)


def test_it_is_up_to_date() -> None:
    assert schema.FILE.read_text() == schema.text(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_that_is_shipped_names_it_and_fits(page: Path) -> None:
    assert page.read_text().splitlines()[0] == FIRST
    assert complaints(yaml.safe_load(page.read_text())) == []


@pytest.mark.parametrize("kind", kinds())
def test_a_key_that_no_lab_of_the_kind_has_is_told(kind: str) -> None:
    page = next(page for page in PAGES if yaml.safe_load(page.read_text())["config"]["proxmox:lab"]["kind"] == kind)
    lab = yaml.safe_load(page.read_text())["config"]["proxmox:lab"]

    said = complaints({"config": {"proxmox:lab": {**lab, "brige": 1}}})
    assert said == [".config.proxmox:lab.brige additionalProperties"]


def test_a_wrong_value_a_missing_key_and_an_unknown_kind_are_told() -> None:
    demo = yaml.safe_load((schema.FILE.parent / "Pulumi.demo.yaml").read_text())["config"]["proxmox:lab"]
    wrong = {**demo, "web": {**demo["web"], "cores": 0, "disk": "much"}}
    del wrong["node"]

    assert complaints({"config": {"proxmox:lab": wrong}}) == [
        ".config.proxmox:lab required",
        ".config.proxmox:lab.web.cores minimum",
        ".config.proxmox:lab.web.disk pattern",
    ]
    assert complaints({"config": {"proxmox:lab": {"kind": "dmo"}}}) == [".config.proxmox:lab.kind enum"]


def test_a_key_says_what_it_is_for() -> None:
    parts = json.loads(schema.text())["$defs"]
    lab, host = parts["DualHypervisorLab"]["properties"], parts["Install"]["properties"]

    assert lab["user"]["description"] == "The user that cloud-init makes in the guests."
    assert host["fqdn"]["description"] == "Its full name; the first part is the name of the node."
    assert "cluster" not in lab, "it is there only to be refused"
