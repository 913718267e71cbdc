"""A stack's page is read as a whole, and what is wrong with it is told by file, key, value and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.settings import SettingsError, parse

STACKS = Path(__file__).parent.parent.parent / "stacks"
PAGES = sorted(STACKS.glob("Pulumi.*.yaml"))


def demo(**changes: Any) -> dict[str, Any]:
    """The demo's page with some keys changed."""
    page: dict[str, Any] = yaml.safe_load((STACKS / "Pulumi.demo.yaml").read_text())["config"]["proxmox:lab"]
    return {**page, **changes}


def refusal(page: dict[str, Any]) -> str:
    """What is said of a page that can't be used."""
    with pytest.raises(SettingsError) as error:
        parse(page, "stacks/Pulumi.demo.yaml")
    return str(error.value)


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
