"""`proxmox-labs topology`, on a small checkout with the real engine."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cli.topology.mermaid import mermaid
from cli.topology.picture import picture_of
from lab_outputs import Lab, Vip
from tests.cli.labs import lab_of
from tests.toolchain.checkout import Checkout, forget_pulumi_settings, make_checkout

LAB = lab_of({"web": ("pve1", "10.7.0.11")}, {"front": Vip(address="10.7.0.5", network="lan", members=("web",))})
PROGRAM = """
import json

import pulumi

for name, value in json.loads({lab!r}).items():
    pulumi.export(name, value)
pulumi.export("credentials", pulumi.Output.secret({{"root": {{"user": "root@pam", "password": "hunter2"}}}}))
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    forget_pulumi_settings(monkeypatch)
    return make_checkout(tmp_path, PROGRAM.format(lab=LAB.model_dump_json(exclude={"credentials", "secret_files"})))


@pytest.mark.engine
def test_a_picture_is_made_of_what_the_stack_tells_and_of_no_secret(checkout: Checkout) -> None:
    before = checkout.labs("topology")
    assert before.returncode == 1
    assert before.stderr.startswith("error: the stack demo has not been brought up here: ")
    assert len(before.stderr.splitlines()) == 1
    assert checkout.labs("up").returncode == 0

    drawn = checkout.labs("topology", "--out", str(checkout.home / "pictures" / "demo.svg"))
    assert (drawn.returncode, drawn.stdout) == (0, "")
    drawing = ElementTree.parse(checkout.home / "pictures" / "demo.svg").getroot()  # noqa: S314 - our own file
    assert "web" in ["".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    charted = checkout.labs("topology", "--format", "mermaid")
    assert charted.stdout == mermaid(picture_of(LAB, "demo"))
    told = checkout.labs("topology", "--format", "json")
    assert Lab.model_validate_json(told.stdout) == LAB
    assert "hunter2" not in told.stdout
    assert checkout.git_status() == ""


@pytest.mark.engine
def test_a_stack_that_tells_of_no_lab_is_one_line(checkout: Checkout) -> None:
    (checkout.root / "__main__.py").write_text("import pulumi\n\npulumi.export('greeting', 'hello')\n")
    assert checkout.labs("up").returncode == 0

    done = checkout.labs("topology")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == ["error: the stack demo tells of no lab: bring it up first"]
