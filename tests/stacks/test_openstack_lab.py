"""The lab for OpenStack: its page, and on the real engine all of it on one host, and planned for three."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
import yaml

from tests.conftest import Simulator
from tests.engine import Program
from tests.providers import networks
from tests.stacks.pages import Page, with_own_main
from tests.stacks.told import told_by

PAGE = Page("openstack-lab")
FILE, page, refusal = PAGE.file, PAGE.changed, PAGE.refusal
NODES = ("node-1", "node-2", "node-3")


def test_a_page_that_does_not_fit_together_is_told_with_file_key_value_and_remedy() -> None:
    assert refusal(placement={"maas": "host9"}) == (
        f"{FILE}: proxmox:lab.placement.maas: there is no such host; there are: host1 (it is 'host9')"
    )
    assert "proxmox:lab.deployer: " in refusal(deployer="fuel")
    assert "proxmox:lab.litteral: there is no such key" in refusal(litteral=True)
    assert "proxmox:lab.nodes.osd_size: " in refusal(nodes={"osd_size": "many"})


@pytest.fixture
def program(openstack_host: Simulator, program_on: Callable[..., Program]) -> Program:
    """The project's own program, with the page that is shipped."""
    return with_own_main(program_on(openstack_host, {"proxmox:lab": page()}))


@pytest.mark.engine
def test_the_lab_comes_up_from_nothing_and_goes_without_a_trace(program: Program, openstack_host: Simulator) -> None:
    before = left(openstack_host)

    first = program.up()

    assert first.code == 0, first.text
    lab = told_by(program)
    assert set(lab.guests) == {*NODES, "maas", "juju", "ansible", "proxy"}
    state = program.state()
    for name in (*NODES, "maas", "host1-template-pve1"):
        needed = {urn.rpartition("::")[2] for urn in state[f"lab-{name}"]["dependencies"]}
        assert "lab-router-network" in needed, "a guest is made after the network, and goes before it"
    assert lab.credentials["guests"].password not in program.pulumi("stack", "export").stdout
    machines = yaml.safe_load(lab.files["maas-machines.yaml"])["machines"]
    assert [machine["mac_addresses"][0] for machine in machines] == [
        lab.guests[name].nics["net0"].mac for name in NODES
    ]
    assert_maas_can_switch_and_nothing_else(
        openstack_host, lab.credentials["power"].user, lab.credentials["power"].password, machines
    )
    second = program.up("--refresh")
    assert (second.code, second.changes) == (0, {}), second.text
    gone = program.destroy()
    assert gone.code == 0, gone.text
    assert left(openstack_host) == before


def left(host: Simulator) -> tuple[dict[str, Any], str, Any]:
    """All that is on the host; of its network the text of the file, and what Proxmox makes of it."""
    state = host.state()["pve"]
    files = {name for name in state.pop("files") if not name.endswith((networks.INTERFACES, "/dpkg/status"))}
    del state["interfaces"]
    return state | {"files": files}, networks.file_of(host), host.by_hand("GET", "/nodes/pve1/network")


def assert_maas_can_switch_and_nothing_else(
    host: Simulator, user: str, secret: str, machines: list[dict[str, Any]]
) -> None:
    """What MAAS does with its token: it finds the machine by its number, and switches it; it may change nothing."""
    simulated = host.running.connections["pve"]

    def call(method: str, path: str, **data: Any) -> requests.Response:
        return requests.request(
            method,
            f"{simulated.endpoints[0]}/api2/json{path}",
            data=data or None,
            headers={"Authorization": f"PVEAPIToken={user}={secret}"},
            verify=str(simulated.ca_file),
            timeout=10,
        )

    there = {str(row["vmid"]): row for row in call("GET", "/cluster/resources?type=vm").json()["data"]}
    for machine in machines:
        row = there[machine["power_parameters"]["power_vm_name"]]
        assert row["name"] == machine["hostname"]
    path = f"/nodes/{row['node']}/qemu/{row['vmid']}"
    assert call("POST", f"{path}/status/stop").status_code == 200
    assert call("POST", f"{path}/config", memory=16).status_code == 403


@pytest.mark.engine
def test_three_hosts_of_a_cluster_share_the_guests(cluster: Simulator, program_on: Callable[..., Program]) -> None:
    common = {"gateway": "192.0.2.1", "memory": "64G", "disk": "500G", "card": "eno1"}
    hosts = {
        f"host{place}": {**common, "node": f"pve{place}", "outside": f"192.0.2.1{place}/24"} for place in (1, 2, 3)
    }
    program = with_own_main(
        program_on(cluster, {"proxmox:lab": page(hosts=hosts, deployer="kolla", proxy_outside="192.0.2.40/24")})
    )
    files = {node: networks.file_of(cluster, node) for node in ("pve1", "pve2", "pve3")}

    first = program.up()

    assert first.code == 0, first.text
    told = told_by(program)
    assert {told.guests[name].node for name in NODES} == {"pve1", "pve2", "pve3"}
    assert len(set(told.templates.values())) == 3, "a template on each host"
    assert yaml.safe_load(told.files["globals.yml"])["neutron_external_interface"] == "eth4"
    assert "vlan7i" in networks.file_of(cluster, "pve1")
    assert "vlan7i" not in networks.file_of(cluster, "pve2")
    gone = program.destroy()
    assert gone.code == 0, gone.text
    assert {node: networks.file_of(cluster, node) for node in files} == files
