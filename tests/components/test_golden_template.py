"""Golden templates: what they ask for, and how new ones take the place of old ones on hosts that know no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from components.golden_template import GoldenTemplate, GoldenTemplateArgs, Image, Place
from providers._runtime.errors import DataAtRisk
from tests.conftest import Simulator
from tests.engine import Program
from tests.providers.guests import Driver

LOOP = asyncio.new_event_loop()
ONE, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4
IMAGE = Image(url="https://images.example.org/debian-13.qcow2", checksum=ONE)
PLACES = (Place(node="pve", connection="alpha"), Place(node="pve", connection="beta", storage="tank"))
TEMPLATE = GoldenTemplateArgs(places=PLACES, template_name="debian-13", image=IMAGE, disk="8G")


class Recorder(Mocks):
    """Notes what is asked for, and answers with what a plan would."""

    def __init__(self) -> None:
        self.asked: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.asked[args.name] = args.inputs
        planned = {"vmid": len(self.asked), "volid": f"local:import/{args.inputs.get('filename')}"}
        return args.name, {**args.inputs, **planned}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"a template calls nothing, but {args.token} was called")


def asked(args: GoldenTemplateArgs) -> dict[str, dict[str, Any]]:
    """What is asked for, by the name of the resource."""
    asyncio.set_event_loop(LOOP)
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="proxmox", stack="test", preview=False)

    def make() -> pulumi.Output[Any]:
        return GoldenTemplate("golden", args).vmids

    pulumi.runtime.test(make)()  # type: ignore[no-untyped-call]  # the SDK has no types there
    del recorder.asked["golden"]
    return recorder.asked


def test_each_place_has_its_own_image_and_a_template_of_the_same_name() -> None:
    found = asked(TEMPLATE)

    assert set(found) == {
        "golden-alpha-pve",
        "golden-alpha-pve-image",
        "golden-beta-pve",
        "golden-beta-pve-image",
    }
    assert {found[name]["name"] for name in ("golden-alpha-pve", "golden-beta-pve")} == {"debian-13"}
    assert found["golden-beta-pve"]["connection"] == found["golden-beta-pve-image"]["connection"] == "beta"
    assert found["golden-beta-pve"]["template"] is True
    assert found["golden-beta-pve"]["disks"]["scsi0"] == {
        "storage": "tank",
        "import_from": "local:import/debian-13.qcow2",
        "size": "8G",
    }


def test_another_image_is_another_template_only_where_it_is_to_replace() -> None:
    newer = replace(TEMPLATE, image=replace(IMAGE, checksum=OTHER))

    assert set(asked(newer)) == set(asked(TEMPLATE))
    found = asked(replace(newer, on_image_change="replace"))
    assert found["golden-alpha-pve-fedcba987654-image"]["filename"] == "debian-13-fedcba987654.qcow2"
    assert not set(found) & set(asked(replace(TEMPLATE, on_image_change="replace")))


def test_a_template_of_a_guest_is_a_copy_of_it() -> None:
    found = asked(replace(TEMPLATE, image=None, guest="builder"))

    assert set(found) == {"golden-alpha-pve", "golden-beta-pve"}
    assert found["golden-beta-pve"]["clone"] == {"name": "builder", "full": True, "storage": "tank"}


def test_an_image_of_this_machine_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "debian.img"
    path.write_bytes(b"one")
    image = Image(path=str(path))

    assert (image.digest, str(image.filename)) == ("7692c3ad3540", "debian.qcow2")


@pytest.mark.parametrize(
    "wrong",
    [
        Image,
        lambda: Image(url="https://images.example.org/a.qcow2"),
        lambda: Image(path="a.qcow2", checksum=ONE),
        lambda: GoldenTemplateArgs(places=PLACES, template_name="it"),
        lambda: GoldenTemplateArgs(places=PLACES, template_name="it", image=IMAGE, guest="builder"),
    ],
)
def test_what_can_not_be_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"^an? (image|template) "):
        wrong()


MAIN = """\
from components.golden_template import GoldenTemplate, GoldenTemplateArgs, Image, Place

places = [Place(node=name, connection=name) for name in ("alpha", "beta")]
image = Image(url="https://images.example.org/debian-13.qcow2", checksum="{checksum}")
GoldenTemplate("golden", GoldenTemplateArgs(
    places=places, template_name="debian-13", image=image, disk="8G", on_image_change="replace"))
"""


@pytest.mark.engine
def test_new_templates_take_the_place_of_the_old_ones_on_unclustered_hosts(
    two_hosts: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program = program_on(two_hosts)
    (program.folder / "__main__.py").write_text(MAIN.format(checksum=ONE))
    first = program.up()
    assert first.changes == {"create": 5}, first.text
    assert not program.up().changes

    (program.folder / "__main__.py").write_text(MAIN.format(checksum=OTHER))
    second = program.up()

    assert second.changes == {"create": 4, "delete": 4}, second.text
    volumes = {row["outputs"].get("volid") for row in program.state().values()} - {None}
    assert volumes == {"local:import/debian-13-fedcba987654.qcow2"}


def test_a_template_that_linked_clones_need_stays_and_they_are_named(simulator: Simulator) -> None:
    simulator.by_hand("PUT", "/storage/local", {"content": "images,iso"})
    template, clone = Driver(simulator, "vm", "template"), Driver(simulator, "vm", "clone")
    disks = {"scsi0": {"storage": "local", "size": "1G", "format": "qcow2"}}
    made = template.up({"node": "pve1", "name": "golden", "template": True, "disks": disks})
    clone.up({"node": "pve1", "name": "web", "clone": {"vmid": made["vmid"]}, "started": False})

    with pytest.raises(DataAtRisk, match=f"the template that guests {clone.outputs['vmid']} are linked clones of"):
        template.delete()

    clone.delete()
    template.delete()
