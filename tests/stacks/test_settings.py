"""A stack's page is read as a whole, and what is wrong with it is told by file, key, value and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stacks.settings import parse
from tests.stacks.pages import Page

STACKS = Path(__file__).parent.parent.parent / "stacks"
PAGES = sorted(STACKS.glob("Pulumi.*.yaml"))
DEMO = Page("demo")
demo, refusal = DEMO.changed, DEMO.refused


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_that_is_shipped_can_be_used(page: Path) -> None:
    lab = yaml.safe_load(page.read_text())["config"]["proxmox:lab"]

    assert parse(lab, page.name).kind == lab["kind"]


def test_an_unknown_kind_is_told_with_the_kinds_that_there_are() -> None:
    kinds = ", ".join(sorted(page.name.split(".")[1] for page in PAGES))

    assert refusal(demo(kind="dmo")) == (
        f"stacks/Pulumi.demo.yaml: proxmox:lab.kind: 'dmo' is no kind of lab; there are: {kinds}"
    )


def test_a_wrong_value_is_told_with_its_key_and_the_value() -> None:
    said = refusal(demo(web={"count": 2, "cores": 0, "memory": 512, "disk": "16G"}))

    assert "stacks/Pulumi.demo.yaml: proxmox:lab.web.cores: " in said
    assert "(it is 0)" in said


def test_a_missing_key_is_told_with_what_to_do() -> None:
    page = demo()
    del page["node"]

    assert refusal(page) == "stacks/Pulumi.demo.yaml: proxmox:lab.node: it is required; add it"


def test_a_mistyped_key_is_told() -> None:
    assert "proxmox:lab.nod: there is no such key" in refusal(demo(nod="pve1"))
