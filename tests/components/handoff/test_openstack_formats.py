"""What the deployers of OpenStack are told of a lab reads back as what the lab is."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.handoff import NothingForItError, juju, kolla, maas, openstack_ansible, sunbeam
from components.openstack_args import Nodes, OpenStackLabArgs
from components.openstack_outputs import KIND, from_page
from components.openstack_plan import guests, placed
from lab_outputs import Guest, Lab, Nic
from tests.components.openstack_labs import LAB, SPREAD


def told(args: OpenStackLabArgs) -> Lab:
    """What such a lab tells."""
    hosts = placed(args)
    there = {}
    for number, (name, guest) in enumerate(guests(args).items()):
        nics = {
            f"net{slot}": Nic(
                mac=f"BC:24:11:{number:02X}:00:{slot:02X}",
                network=card.network,
                address=card.address and card.address.partition("/")[0],
            )
            for slot, card in enumerate(guest.cards)
        }
        there[name] = Guest(
            name=name,
            type=guest.type,
            vmid=100 + number,
            node=args.hosts[hosts[name]].node,
            host=hosts[name],
            nics=nics,
            groups=guest.groups,
            data_disks=tuple(f"/dev/{slot}" for slot, _ in enumerate(guest.osd_disks)),
        )
    return Lab(kind=KIND, **vars(from_page(args)) | {"guests": there})


def read(text: str) -> dict[str, Any]:
    """A file as its reader reads it."""
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@given(count=st.integers(1, 9))
def test_maas_is_told_each_node_once_with_all_its_cards_the_one_that_it_starts_from_first(count: int) -> None:
    lab = told(replace(LAB, nodes=Nodes(count=count, osd_disks=0), hosts=SPREAD))

    machines = read(maas.render(lab))["machines"]

    assert [machine["hostname"] for machine in machines] == [f"node-{number}" for number in range(1, count + 1)]
    for machine in machines:
        node = lab.guests[machine["hostname"]]
        assert machine["mac_addresses"] == [nic.mac for nic in node.nics.values()]
        assert node.nics["net0"].network == "boot"
        assert (machine["power_type"], machine["architecture"]) == ("proxmox", "amd64/generic")
        assert machine["power_parameters"] == {
            "power_address": "10.6.0.1",
            "power_user": "maas@pve",
            "power_token_name": "power",
            "power_token_secret": "${MAAS_POWER_TOKEN_SECRET}",
            "power_vm_name": str(node.vmid),
            "power_verify_ssl": "n",
        }


def test_juju_is_told_of_maas_and_else_of_a_machine() -> None:
    assert read(juju.render(told(LAB))) == {
        "clouds": {"lab": {"type": "maas", "auth-types": ["oauth1"], "endpoint": "http://10.7.0.11:5240/MAAS"}}
    }
    manual = read(juju.render(told(replace(LAB, deployer="none"))))["clouds"]["lab"]
    assert (manual["type"], manual["endpoint"]) == ("manual", "ubuntu@10.7.0.21")


def test_kolla_is_told_the_card_of_each_network_as_cloud_init_calls_it() -> None:
    found = read(kolla.render(told(replace(LAB, deployer="kolla"))))

    assert {name: card for name, card in found.items() if name.endswith("_interface")} == {
        "network_interface": "eth1",
        "api_interface": "eth1",
        "kolla_external_vip_interface": "eth1",
        "storage_interface": "eth2",
        "migration_interface": "eth0",
        "tunnel_interface": "eth3",
        "neutron_external_interface": "eth4",
    }
    assert (found["kolla_internal_vip_address"], found["kolla_external_vip_address"]) == ("10.7.0.5", "10.7.0.6")


@given(count=st.integers(1, 9))
def test_openstack_ansible_gives_no_container_an_address_of_the_labs(count: int) -> None:
    lab = told(replace(LAB, deployer="openstack-ansible", nodes=Nodes(count=count, osd_disks=0), hosts=SPREAD))

    found = read(openstack_ansible.render(lab))

    used = [
        range(int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last)) + 1)
        for first, last in (each.split(",") for each in found["used_ips"])
    ]
    fixed = [nic.address for guest in lab.guests.values() for nic in guest.nics.values() if nic.address]
    fixed += [vip.address for vip in lab.vips.values()]
    inside = [ipaddress.ip_network(cidr) for cidr in found["cidr_networks"].values()]
    for address in (ipaddress.ip_address(each) for each in fixed):
        assert any(int(address) in each for each in used) or not any(address in cidr for cidr in inside)
    assert found["compute_hosts"] == {
        f"node-{number}": {"ip": f"10.7.0.{20 + number}"} for number in range(1, count + 1)
    }
    bridges = [each["network"]["container_bridge"] for each in found["global_overrides"]["provider_networks"]]
    assert bridges == ["br-mgmt", "br-storage", "br-vxlan", "br-vlan"]
    named = {each["network"].get("ip_from_q") for each in found["global_overrides"]["provider_networks"]} - {None}
    assert named == set(found["cidr_networks"])


def test_sunbeam_is_told_the_pools_and_each_nodes_empty_disks_and_card_outside() -> None:
    config = read(sunbeam.render(told(replace(LAB, deployer="sunbeam"))))["core"]["config"]

    assert config["bootstrap"]["management_cidr"] == "10.7.0.0/24"
    assert config["k8s-addons"]["loadbalancer"] == "10.7.0.100-10.7.0.199"
    assert config["microceph_config"] == {
        f"node-{number}.lab.example": {"osd_devices": "/dev/0,/dev/1"} for number in (1, 2, 3)
    }
    external = config["external_network"]
    assert (external["gateway"], external["range"]) == ("10.18.0.1", "10.18.0.100-10.18.0.199")
    assert external["nics"] == {f"node-{number}.lab.example": "eth4" for number in (1, 2, 3)}


def test_a_deployer_that_needs_fixed_addresses_says_that_there_are_none() -> None:
    with pytest.raises(NothingForItError, match="node-1 has no fixed address in management"):
        openstack_ansible.render(told(LAB))
