"""A lab for OpenStack asks for its guests as its deployer wants them, and tells of them what that wants to know."""

from __future__ import annotations

import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import Output

from components.openstack_args import Nodes, OpenStackLabArgs
from components.openstack_lab import INSTALL, REMOVE, OpenStackLab
from components.openstack_network import others, router
from components.openstack_outputs import from_page
from components.openstack_plan import guests, placed
from lab_outputs import Lab
from tests.components.asked import asked
from tests.components.openstack_labs import LAB, SPREAD
from tests.stacks.told import told

PLANNED = {
    "public_key_openssh": "ssh-ed25519 AAAA",
    "private_key_openssh": "PRIVATE",
    "volid": "local:import/ubuntu.qcow2",
    "secret": "hidden",
    "full_tokenid": "maas@pve!power",
}
NODES = ("node-1", "node-2", "node-3")
NETWORKS = {"boot": 6, "management": 7, "storage": 8, "tunnel": 10, "external": 18}


def made(args: OpenStackLabArgs) -> tuple[dict[str, dict[str, Any]], Lab]:
    """What is asked for by the name of the resource, and what the lab tells of itself."""
    found = asked(lambda: {"it": Output.from_input(OpenStackLab("lab", args).exports.of("openstack-lab"))}, PLANNED)
    return found.inputs, told(found.outputs["it"])


def kolla() -> OpenStackLabArgs:
    """The same with somebody else who puts OpenStack on the nodes."""
    return replace(LAB, deployer="kolla")


def test_with_maas_the_nodes_are_empty_start_from_the_network_and_can_have_guests_of_their_own() -> None:
    resources, lab = made(LAB)

    for name in NODES:
        node = resources[f"lab-{name}"]
        assert "clone" not in node
        assert node["boot"] == {"order": ["net0", "scsi0"]}
        assert node["cpu"] == {"cputype": "host"}
        assert {slot: nic["tag"] for slot, nic in node["net"].items()} == {
            f"net{slot}": vlan for slot, vlan in enumerate(NETWORKS.values())
        }
        assert {(nic["model"], nic["bridge"], nic["mtu"]) for nic in node["net"].values()} == {
            ("virtio", "vmbr0", 9000)
        }
        assert {slot: disk["size"] for slot, disk in node["disks"].items()} == {
            "scsi0": "80G", "scsi1": "50G", "scsi2": "50G",
        }  # fmt: skip
        assert [disk[-1] for disk in lab.guests[name].data_disks] == ["1", "2"]
        assert lab.guests[name].address is None, "MAAS gives them their addresses"


def test_open_vswitch_is_on_the_host_before_its_network_is_made() -> None:
    resources, _ = made(LAB)

    installed = resources["lab-host1-openvswitch"]
    assert (installed["node"], installed["unless"][-1]) == ("pve1", "openvswitch-switch")
    names = list(resources)
    assert names.index("lab-host1-openvswitch") < names.index("lab-router-network")


@pytest.mark.parametrize("before", [True, False], ids=["had before", "did not have"])
def test_open_vswitch_goes_from_a_host_that_did_not_have_it_before(before: bool, tmp_path: Path) -> None:
    mark, done = tmp_path / "mark", tmp_path / "done"
    for name, text in (("apt-get", f'echo "$1" >>{done}'), ("touch", ': >"$1"'), ("rm", ': >>"$1.gone"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)

    for script in (REMOVE,) if before else (INSTALL, REMOVE):
        subprocess.run(
            ["/bin/sh", "-c", script, "sh", "openvswitch-switch", str(mark)], env={"PATH": str(tmp_path)}, check=True
        )

    assert (done.read_text().split() if done.exists() else []) == ([] if before else ["install", "purge"])
    assert mark.with_name("mark.gone").exists() is not before


def test_the_controllers_are_full_clones_of_the_template_that_is_made_first() -> None:
    resources, lab = made(LAB)

    template = resources["lab-host1-template-pve1"]
    assert (template["template"], template["name"]) == (True, "openstack-template")
    for name, place in (("maas", 11), ("juju", 12)):
        machine = resources[f"lab-{name}"]
        assert machine["clone"] == {"vmid": lab.templates["host1"], "full": True, "storage": "local-lvm"}
        assert machine["ipconfig"] == {
            "ipconfig0": {"ip": f"10.6.0.{place}/24"},
            "ipconfig1": {"ip": f"10.7.0.{place}/24", "gw": "10.7.0.1"},
        }
        ssh = lab.guests[name].ssh
        assert ssh is not None
        assert (ssh.address, ssh.jump) == (f"10.7.0.{place}", "root@192.0.2.10")


def test_everybody_is_in_the_labs_pool() -> None:
    resources, lab = made(LAB)

    machines = [resources[name if name in resources else f"lab-{name}"] for name in lab.guests]
    assert {machine["pool"] for machine in machines} == {"openstack"}
    assert resources["lab-host1-template-pve1"]["pool"] == "openstack"
    assert set(lab.guests) == {*NODES, "maas", "juju", "ansible", "proxy"}


def test_maas_may_switch_the_guests_on_and_off_and_nothing_else() -> None:
    resources, lab = made(LAB)

    (role,) = (inputs for inputs in resources.values() if "privs" in inputs)
    (acl,) = (inputs for inputs in resources.values() if "propagate" in inputs)
    assert role["privs"] == ["VM.Audit", "VM.PowerMgmt"]
    assert (acl["path"], acl["user"], acl["propagate"]) == ("/pool/openstack", "maas@pve", False)
    assert (lab.credentials["power"].user, lab.credentials["power"].password) == ("maas@pve!power", "hidden")
    machines = yaml.safe_load(lab.files["maas-machines.yaml"])["machines"]
    assert [machine["power_parameters"]["power_vm_name"] for machine in machines] == [
        str(lab.guests[name].vmid) for name in NODES
    ]
    assert "hidden" not in lab.files["maas-machines.yaml"]


def test_without_maas_the_nodes_are_clones_with_addresses_everywhere_but_outside_of_openstack() -> None:
    resources, lab = made(kolla())

    node = resources["lab-node-2"]
    assert node["clone"]["full"] is True
    assert "boot" not in node
    assert node["ipconfig"] == {
        "ipconfig0": {"ip": "10.6.0.22/24"},
        "ipconfig1": {"ip": "10.7.0.22/24", "gw": "10.7.0.1"},
        "ipconfig2": {"ip": "10.8.0.22/24"},
        "ipconfig3": {"ip": "10.10.0.22/24"},
    }
    assert set(lab.guests) == {*NODES, "ansible", "proxy"}
    assert "power" not in lab.credentials


@pytest.mark.parametrize(
    ("deployer", "files", "cores", "memory", "sixth"),
    [
        ("maas-juju", {"maas-machines.yaml", "juju-clouds.yaml"}, 8, 16384, "boot"),
        ("kolla", {"globals.yml"}, 8, 16384, "migration"),
        ("openstack-ansible", {"openstack_user_config.yml"}, 8, 16384, "hosts"),
        ("sunbeam", {"manifest.yaml"}, 4, 32768, "replication"),
        ("none", set(), 4, 8192, "hosts"),
    ],
)
def test_sizes_roles_and_files_follow_from_the_deployer(
    deployer: Any, files: set[str], cores: int, memory: int, sixth: str
) -> None:
    resources, lab = made(replace(LAB, deployer=deployer))

    assert set(lab.files) == files
    assert (resources["lab-node-1"]["cores"], resources["lab-node-1"]["memory"]) == (cores, memory)
    assert {name: lab.networks[name].roles for name in NETWORKS} == {
        "boot": (sixth,),
        **{name: (name,) for name in NETWORKS if name != "boot"},
    }
    assert {lab.networks[name].dhcp for name in NETWORKS} == {
        (f"10.{vlan}.0.100", f"10.{vlan}.0.199") for vlan in NETWORKS.values()
    }


def test_the_proxy_leads_to_the_dashboard_and_to_maas_and_to_what_else_is_said() -> None:
    resources, lab = made(replace(LAB, sites={"grafana": "http://10.7.0.30:3000"}))

    config = resources["proxy-config"]["content"]
    for name, url in (("dashboard", "10.7.0.6"), ("maas", "10.7.0.11:5240"), ("grafana", "10.7.0.30:3000")):
        assert f"server_name {name}.lab.example;" in config
        assert f"proxy_pass http://{url};" in config
        assert lab.endpoints[name] == f"http://{name}.lab.example/"
    assert resources["proxy"]["net"] == {
        "net0": {
            "name": "eth0", "bridge": "vmbr0", "ip": "10.7.0.14/24", "gw": "10.7.0.1", "tag": 7, "mtu": 9000,
        }
    }  # fmt: skip


def test_ansible_has_all_others_in_its_inventory_and_those_that_are_cloned_know_its_key() -> None:
    resources, lab = made(replace(kolla(), ssh_keys=("ssh-ed25519 MINE",)))

    inventory = yaml.safe_load(resources["ansible-etc-ansible-inventory.yaml"]["content"])["all"]
    for group in ("nodes", "control", "network", "compute", "monitoring", "storage"):
        assert set(inventory["children"][group]["hosts"]) == set(NODES), "as Kolla Ansible looks for them"
    assert inventory["hosts"]["node-1"]["ansible_host"] == "10.7.0.21"
    assert inventory["hosts"]["host1"]["ansible_host"] == "10.7.0.1", "from inside, the host is the gateway alone"
    assert "ansible_ssh_common_args" not in inventory["hosts"]["node-1"], "it is in the same network"
    for name in NODES:
        assert resources[f"lab-{name}"]["sshkeys"] == ["ssh-ed25519 MINE", "ssh-ed25519 AAAA"]
    assert lab.guests["ansible"].address == "10.7.0.13"


def test_where_the_deployer_takes_its_addresses_out_of_the_pool_none_is_kept() -> None:
    resources, lab = made(replace(LAB, deployer="sunbeam", sites={"grafana": "http://10.7.0.30:3000"}))

    assert lab.vips == {}
    assert set(lab.endpoints) == {"proxmox-host1", "grafana"}
    assert "dashboard" not in resources["proxy-config"]["content"]


def test_one_more_node_moves_nobody() -> None:
    few, many = (replace(kolla(), hosts=SPREAD, nodes=Nodes(count=count)) for count in (3, 5))

    assert placed(few).items() <= placed(many).items()


def test_with_an_address_outside_that_is_the_proxys_way_out() -> None:
    resources, lab = made(replace(LAB, proxy_outside="192.0.2.20/24"))

    cards = resources["proxy"]["net"]
    assert "gw" not in cards["net0"]
    assert cards["net1"] == {
        "name": "eth1", "bridge": "vmbr0", "mtu": 1500, "ip": "192.0.2.20/24", "gw": "192.0.2.1",
    }  # fmt: skip
    assert lab.guests["proxy"].nics["net1"].address == "192.0.2.20"


def test_taken_literally_the_guests_of_the_network_without_a_tag_have_none() -> None:
    resources, lab = made(replace(LAB, literal=True))

    cards = resources["lab-node-1"]["net"]
    assert "tag" not in cards["net0"]
    assert [cards[f"net{slot}"]["tag"] for slot in (1, 2, 3, 4)] == [7, 8, 10, 18]
    assert lab.networks["boot"].vlan is None


def test_several_hosts_share_the_nodes_and_each_has_its_template() -> None:
    lab_of_three = replace(kolla(), hosts=SPREAD, router="one", placement={"proxy": "one", "ansible": "one"})
    resources, lab = made(lab_of_three)

    assert Counter(lab.guests[name].host for name in NODES) == {"one": 1, "two": 1, "three": 1}
    assert {name: guest.host for name, guest in lab.guests.items()} == placed(lab_of_three)
    assert lab.guests["proxy"].host == "one"
    assert set(lab.templates) == set(SPREAD)
    for name in NODES:
        machine = resources[f"lab-{name}"]
        assert machine["node"] == SPREAD[lab.guests[name].host].node
        assert machine["clone"]["vmid"] == lab.templates[lab.guests[name].host]
    assert {name for name in resources if name.endswith("-network")} == {
        "lab-router-network", "lab-two-network", "lab-three-network",
    }  # fmt: skip
    assert "ip_forward" not in resources["lab-two-network"]


def test_hosts_of_connections_of_their_own_are_reached_by_these() -> None:
    hosts = {name: replace(host, connection=name) for name, host in SPREAD.items()}
    resources, lab = made(replace(LAB, hosts=hosts, router="one", nodes=Nodes(count=3, osd_disks=0)))

    for name, guest in lab.guests.items():
        assert resources[name if name in resources else f"lab-{name}"]["connection"] == guest.host
    machines = yaml.safe_load(lab.files["maas-machines.yaml"])["machines"]
    assert {
        (each["power_parameters"]["power_address"], each["power_parameters"]["power_token_secret"]) for each in machines
    } == {
        ("10.6.0.1", "${MAAS_POWER_TOKEN_SECRET_ONE}"),
        ("192.0.2.11", "${MAAS_POWER_TOKEN_SECRET_TWO}"),
        ("192.0.2.12", "${MAAS_POWER_TOKEN_SECRET_THREE}"),
    }
    assert set(lab.credentials) == {"guests", "power-one", "power-two", "power-three"}


def test_in_what_order_a_page_has_its_keys_means_nothing() -> None:
    forwards = replace(LAB, hosts=SPREAD)
    backwards = replace(
        LAB,
        networks={name: LAB.networks[name] for name in reversed(list(LAB.networks))},
        hosts={name: SPREAD[name] for name in reversed(list(SPREAD))},
    )

    assert guests(backwards) == guests(forwards)
    assert placed(backwards) == placed(forwards)
    assert (router(backwards), others(backwards)) == (router(forwards), others(forwards))
    assert from_page(backwards) == from_page(forwards)


def test_a_lab_that_does_not_fit_together_is_not_made() -> None:
    with pytest.raises(ValueError, match=r"^placement.node-1: there is no such host; there are: host1 \(it is 'x'\)"):
        OpenStackLab("lab", replace(LAB, placement={"node-1": "x"}))
