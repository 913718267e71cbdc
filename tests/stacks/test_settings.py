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


@pytest.mark.parametrize(
    ("web", "told"),
    [
        ({"disk": "16 gigabytes"}, "disk: write a size with its unit, such as 16G or 512M (it is '16 gigabytes')"),
        ({"memory": "512M"}, "memory: it has to be a whole number, without a unit (it is '512M')"),
        ({"cores": "lots"}, "cores: it has to be a whole number, without a unit (it is 'lots')"),
        ({"count": -1}, "count: it has to be at least 0 (it is -1)"),
        ({"count": 51}, "count: it has to be at most 50 (it is 51)"),
    ],
)
def test_a_value_of_the_wrong_form_is_told_in_words(web: dict[str, object], told: str) -> None:
    page = demo()

    assert refusal({**page, "web": {**page["web"], **web}}) == f"stacks/Pulumi.demo.yaml: proxmox:lab.web.{told}"


def test_a_missing_key_is_told_with_what_to_do() -> None:
    page = demo()
    del page["node"]

    assert refusal(page) == "stacks/Pulumi.demo.yaml: proxmox:lab.node: it is required; add it"


def test_a_mistyped_key_is_told() -> None:
    assert "proxmox:lab.nod: there is no such key" in refusal(demo(nod="pve1"))
