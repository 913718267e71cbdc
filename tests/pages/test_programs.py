"""Programs of one's own: by the template, and those of the examples."""

from __future__ import annotations

import pytest

from tests.engine import ROOT
from tests.pages.reader import Reader

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def test_a_project_of_ones_own_runs_what_the_guide_shows_and_goes_on_as_its_own_page_says(
    administrator: Reader,
) -> None:
    reader = administrator
    reader.run("make up")

    reader.read("docs/guides/own-program.md")

    mine = reader.place / "mine"
    assert {file.name for file in (ROOT / "template").iterdir()} < {file.name for file in mine.iterdir()}
    assert "${" not in "".join((mine / name).read_text() for name in ("Pulumi.yaml", "README.md", "pyproject.toml"))
    reader.run("pulumi destroy && pulumi stack rm dev")
    for command in ("pveum user add automation@pve", "pveum acl modify / --users automation@pve --roles PVEAdmin"):
        reader.run(command)
    reader.printed = reader.run("pveum user token add automation@pve labs --privsep 0")
    reader.printed += reader.run("pvenode cert info")
    reader.learn()
    reader.read("template/README.md", folder=mine)
    assert reader.run("pulumi config get proxmox:connections")


def test_an_example_and_what_goes_on_with_a_lab(reader: Reader) -> None:
    reader.read("examples/README.md")
    assert " deleted" in reader.printed

    reader.read("docs/labs/dual-hypervisor.md")
    reader.read("examples/consumers/README.md")
    assert " deleted" in reader.printed
