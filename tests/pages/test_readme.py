"""The README from top to bottom: a lab on the simulator, programs, and hosts of one's own."""

from __future__ import annotations

import pytest

from tests.pages.reader import Reader, git

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def test_the_readme_does_what_it_says(administrator: Reader) -> None:
    administrator.read("README.md")

    assert "+ 1 created" in administrator.printed
    assert git(administrator.checkout, "status", "--short") == "?? stacks/Pulumi.mine.yaml\n"


def test_plain_pulumi_works_in_the_checkout_with_a_backend_of_ones_own(reader: Reader) -> None:
    (reader.place / "states").mkdir()
    tools = f"PATH={reader.checkout}/.venv/bin:{reader.checkout}/.toolchain/bin:$PATH"
    reader.run(f"export {tools} PULUMI_HOME={reader.checkout}/.toolchain/pulumi-home")
    reader.run(f"export PULUMI_BACKEND_URL=file://{reader.place}/states PULUMI_CONFIG_PASSPHRASE=mine")
    reader.run("pulumi stack init demo")

    assert "+ 8 created" in reader.run("pulumi up -s demo --skip-preview")
