"""The pictures of the shipped labs in `docs/labs` show the labs as they are now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import Output

from cli.topology.command import DRAWN, LABS
from lab_outputs import Lab
from stacks.settings import parse
from tests.components.asked import asked
from tests.stacks.test_outputs import PLANNED
from tests.stacks.test_settings import PAGES

HOW = "bring {0} up, write docs/labs/{0}.json with `proxmox-labs topology --format json`, and then `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_drawn_of_a_lab_is_what_it_tells_today(page: Path) -> None:
    stack = page.stem.removeprefix("Pulumi.")
    kept = LABS / f"{stack}.json"

    assert kept.exists(), HOW.format(stack)
    assert drawn(Lab.model_validate_json(kept.read_text())) == drawn(told_by(page)), HOW.format(stack)


def told_by(page: Path) -> Lab:
    """What a lab tells of itself by its page, without being made."""
    lab = parse(yaml.safe_load(page.read_text())["config"]["proxmox:lab"], page.name)

    def make() -> dict[str, Output[Any]]:
        return {name: Output.unsecret(Output.from_input(value)) for name, value in lab.compose().items()}

    return Lab.model_validate(asked(make, PLANNED).outputs)


def drawn(lab: Lab) -> dict[str, Any]:
    """All of it but the numbers that Proxmox knows guests and their cards by, which follow from the names."""
    told = lab.model_dump(include=DRAWN)
    for guest in told["guests"].values():
        del guest["vmid"]
        for nic in guest["nics"].values():
            del nic["mac"]
    return told
