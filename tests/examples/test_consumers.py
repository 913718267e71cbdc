"""Programs of others that read a lab by its stack: one in Python that goes on with it, one in Pulumi's YAML."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.conftest import Simulator
from tests.engine import ROOT, Program
from tests.simulator.test_ssh import Remote, connected
from toolchain.yaml_host import provide_yaml_host

pytestmark = pytest.mark.engine

CONSUMERS = ROOT / "examples" / "consumers"


@pytest.fixture
def lab(two_hosts: Simulator, program_on: Callable[..., Program]) -> Program:
    """A lab of two hosts with the guests of one tenant, up."""
    page = yaml.safe_load((ROOT / "stacks/Pulumi.dual-hypervisor.yaml").read_text())["config"]["proxmox:lab"]
    blue = [guest for guest in page["guests"] if guest.get("tenant") == "blue"]
    program = program_on(two_hosts, {"proxmox:lab": {**page, "guests": blue}})
    (program.folder / "__main__.py").write_text((ROOT / "__main__.py").read_text())
    up = program.up()
    assert up.code == 0, up.text
    return program


def consumer(name: str, lab: Program) -> Program:
    """A copy of an example that reads the lab, with its stack `dev`."""
    folder = lab.folder.parent / "checkout" / "examples" / "consumers" / name
    shutil.copytree(CONSUMERS / name, folder)
    (lab.folder.parent / "checkout" / ".venv").symlink_to(ROOT / ".venv")
    program = Program.there(folder, lab.environment)
    for file in folder.glob("Pulumi*.yaml"):
        file.write_text(file.read_text().replace("organization/proxmox/dual-hypervisor", "organization/proxmox/test"))
    program.pulumi("stack", "init", "dev", stack=None)
    return program


def outputs(program: Program, *flags: str) -> dict[str, Any]:
    """What its stack exports."""
    told: dict[str, Any] = json.loads(program.pulumi("stack", "output", "--json", *flags, stack="dev").stdout)
    return told


def test_a_program_in_python_gives_names_and_figures_to_a_labs_guests(lab: Program, two_hosts: Simulator) -> None:
    program = consumer("dns-and-monitoring", lab)

    up = program.up(stack="dev")

    assert up.code == 0, up.text
    assert outputs(program) == {"name_server": "192.0.2.53", "figures": "http://192.0.2.90:9090"}
    made = program.state("dev")
    with connected(two_hosts.running, "alpha") as client:

        def inside(name: str, command: str) -> str:
            vmid = made[name]["outputs"]["vmid"]
            return Remote(client).ok(f"pct exec {vmid} -- bash -s", command.encode())

        assert inside("lab-names", "cat /etc/lab.hosts").splitlines() == [
            "10.110.0.11 blue-web-1.lab.example blue-web-1",
            "10.110.0.12 blue-web-2.lab.example blue-web-2",
        ]
        scraped = yaml.safe_load(inside("lab-figures", "cat /etc/prometheus/prometheus.yml"))["scrape_configs"]
    jobs = {job["job_name"]: job["static_configs"] for job in scraped}
    assert jobs["guests"][0]["targets"] == ["10.110.0.11:9100", "10.110.0.12:9100"]
    assert program.up(stack="dev").changes == {}
    assert program.destroy(stack="dev").code == 0
    assert lab.up().changes == {}, "the lab is as it was"
    assert lab.destroy().code == 0


@pytest.mark.timeout(900)  # the host may have to be built first
def test_a_program_in_pulumis_yaml_reads_a_lab_with_its_secrets_and_no_others(lab: Program) -> None:
    provide_yaml_host(ROOT)
    program = consumer("guest-list", lab)

    up = program.up(stack="dev")

    assert up.code == 0, up.text
    told = outputs(program)
    assert told["login"] == "[secret]"
    assert told["hosts"].splitlines() == ["10.110.0.11 blue-web-1.lab.example", "10.110.0.12 blue-web-2.lab.example"]
    (group,) = json.loads(told["targets"])
    assert group == {"targets": ["10.110.0.11:9100", "10.110.0.12:9100"], "labels": {"lab": "dual-hypervisor"}}
    user, _, password = outputs(program, "--show-secrets")["login"].partition(":")
    assert user == "ansible"
    assert password not in program.pulumi("stack", "export", stack="dev").stdout
