"""Containers with a service: what they ask for, and that a wrong configuration never replaces one that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.service import Daemon, ServiceFile
from components.service_container import ServiceContainer, ServiceContainerArgs, ServiceHost
from tests.components.asked import inputs_of
from tests.conftest import Simulator
from tests.engine import Program, Result
from tests.simulator.test_ssh import Remote, connected

HOST = ServiceHost(
    node="pve1",
    ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
    storage="local-lvm",
    bridge="vmbr0",
    address="192.0.2.20/24",
    gateway="192.0.2.1",
    tag=7,
)
DAEMON = Daemon(
    unit="haproxy",
    packages=["haproxy"],
    config=ServiceFile(path="/etc/haproxy/haproxy.cfg", content="good\n", mode="0640"),
    check=["grep", "-q", "good", "{file}"],
    files=[ServiceFile(path="/etc/haproxy/site.pem", content="secret\n", mode="0600")],
    health=["test", "-e", "/etc/haproxy/haproxy.cfg"],
)


def wanted(daemon: Daemon = DAEMON) -> dict[str, dict[str, Any]]:
    """What a container with that service asks for."""
    return inputs_of(lambda: ServiceContainer("web", ServiceContainerArgs(host=HOST, daemon=daemon)).vmid)


def test_it_is_a_container_a_package_the_files_a_start_and_a_look() -> None:
    found = wanted()

    assert set(found) == {"web", "web-packages", "web-config", "web-etc-haproxy-site.pem", "web-started", "web-healthy"}
    assert found["web"]["hostname"] == "web"
    assert found["web"]["net"] == {
        "net0": {"name": "eth0", "bridge": "vmbr0", "ip": "192.0.2.20/24", "gw": "192.0.2.1", "tag": 7}
    }
    assert {values["vmid"] for name, values in found.items() if name != "web"} == {100}


def test_what_is_checked_is_the_file_beside_and_not_the_one_that_runs() -> None:
    found = wanted()

    aside = found["web-config"]["path"]
    assert aside != DAEMON.config.path
    assert found["web-started"]["command"][-4:] == ["grep", "-q", "good", aside]


def test_new_content_anywhere_is_a_reason_to_restart_and_nothing_else_is() -> None:
    digest = wanted()["web-started"]["triggers"]
    other_file = replace(DAEMON, files=[replace(DAEMON.files[0], content="other")])
    other_config = replace(DAEMON, config=replace(DAEMON.config, content="good too"))

    assert wanted(other_file)["web-started"]["triggers"] != digest
    assert wanted(other_config)["web-started"]["triggers"] != digest
    assert wanted(replace(DAEMON, health_seconds=9))["web-started"]["triggers"] == digest


def test_a_check_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has no \{file\}"):
        replace(DAEMON, check=["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"])


MAIN = """\
from dataclasses import replace
from components.service_container import ServiceContainer, ServiceContainerArgs
from tests.components.test_service_container import DAEMON, HOST
import pulumi

daemon = replace(DAEMON, config=replace(DAEMON.config, content={content!r}))
pulumi.export("vmid", ServiceContainer("web", ServiceContainerArgs(host=HOST, daemon=daemon)).vmid)
"""


@pytest.mark.engine
def test_a_wrong_configuration_ends_the_run_and_a_right_one_takes_over(
    simulator: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program = program_on(simulator)

    def up(content: str) -> Result:
        (program.folder / "__main__.py").write_text(MAIN.format(content=content))
        return program.up()

    with connected(simulator.running, "pve1") as client:

        def inside(command: str) -> str:
            vmid = program.state()["web"]["outputs"]["vmid"]
            return Remote(client).ok(f"pct exec {vmid} -- bash -s", command.encode())

        assert up("good 1\n").changes == {"create": 8}
        assert not up("good 1\n").changes

        wrong = up("bad\n")
        assert "`sh` in lxc/" in wrong.text
        assert inside("cat /etc/haproxy/haproxy.cfg; systemctl is-active haproxy") == "good 1\nactive\n"

        assert up("good 2\n").changes == {"update": 3}
        inside("systemctl stop haproxy")
        assert program.refresh().changes == {"update": 1}
        assert up("good 2\n").changes == {"update": 1}
        assert inside("cat /etc/haproxy/haproxy.cfg; systemctl is-active haproxy") == "good 2\nactive\n"
    assert program.destroy().code == 0
