"""What a lab of three hosts asks Proxmox for, told without the engine."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.ha_args import (
    Desktops,
    Directory,
    Firewall,
    GuestStorage,
    HAServiceNetworkArgs,
    Kubernetes,
    Machines,
    Monitor,
    Routers,
    WayIn,
)
from components.ha_outputs import exports
from components.ha_service_network import HAServiceNetwork
from lab_outputs import Lab
from tests.components.asked import Asked, asked
from tests.components.checking import checked
from tests.components.ha_lab import HOSTS, LAB, NETWORK, TEMPLATE

PLANNED = {"macs": {"net0": "BC:24:11:00:00:01"}, "volid": "local:import/d.qcow2", "public_key_pem": "KEY"}
PLANNED |= {"private_key_pem": "PRIVATE", "node": "pve1"}
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----"


def made(args: HAServiceNetworkArgs) -> Asked:
    """What is asked for, and what the lab tells of itself."""

    def make() -> dict[str, pulumi.Output[Any]]:
        return {"told": pulumi.Output.from_input(exports(HAServiceNetwork("lab", args), args).told())}

    return asked(make, PLANNED)


@functools.cache
def whole() -> Asked:
    """Of a lab that has everything, as the document has it."""
    machines = Kubernetes(control_plane=Machines(count=1), workers=Machines(count=2))
    return made(
        replace(
            LAB,
            routers=Routers(vrrp_version=2),
            template=TEMPLATE,
            kubernetes=machines,
            desktops=Desktops(count=2),
            firewall=Firewall(management={"office": "198.51.100.0/24"}),
            monitor=Monitor(machines=True),
            directory=Directory(server="ldap.example.org", base_dn="dc=example,dc=org"),
            zerotier=WayIn(network="0123456789abcdef", repository_key=KEY, services=("web",)),
        )
    )


@functools.cache
def other() -> Asked:
    """Of a lab that differs wherever it can: in a cluster with a network of its own, shared storage, containers."""
    hosts = {name: replace(host, connection="lab", link=None) for name, host in HOSTS.items()}
    return made(
        replace(
            LAB,
            hosts=hosts,
            cluster=None,
            network=replace(NETWORK, mesh=None, ports=("eno2",), mtu=1500),
            routers=Routers(run_on="containers"),
            storage=GuestStorage(mode="shared", name="nfs1", local="local-lvm"),
            template=TEMPLATE,
            desktops=Desktops(count=1, console="novnc"),
        )
    )


def told(found: Asked) -> Lab:
    """As somebody else reads it."""
    return Lab.model_validate({"kind": "ha-services", **found.outputs["told"]})


def test_corosync_talks_over_a_mesh_that_is_there_before_the_cluster() -> None:
    inputs = whole().inputs

    assert inputs["lab-hosts-pve1-cluster"]["link"] == {"link0": {"address": "10.99.0.1"}}
    joined = {name: inputs[f"lab-hosts-{name}-member"] for name in ("pve2", "pve3")}
    assert {name: (row["joining"], row["link"]) for name, row in joined.items()} == {
        "pve2": ("pve2", {"link0": {"address": "10.99.0.2"}}),
        "pve3": ("pve3", {"link0": {"address": "10.99.0.3"}}),
    }
    up = inputs["lab-hosts-cluster-pve2-etc-tinc-cluster-tinc-up"]
    assert (up["node"], up["connection"]) == ("pve2", "pve2")
    assert "ip address replace 10.99.0.2/24" in up["content"]


def test_a_second_mesh_joins_the_bridges_of_the_hosts() -> None:
    inputs = whole().inputs

    main, up = (
        inputs[f"lab-hosts-services-pve3-{file}"]["content"] for file in ("config", "etc-tinc-services-tinc-up")
    )
    assert "Mode = switch" in main
    assert "master vmbr1" in up
    assert "mtu 1400" in up
    bridge = inputs["lab-hosts-pve3-network"]["interfaces"]
    assert (bridge["vmbr1"]["cidr"], bridge["vmbr1"].get("bridge_ports")) == ("10.0.1.4/24", None)
    assert bridge["vmbr0"]["masquerade"] == ["10.0.1.0/24"]
    assert inputs["lab-hosts-pve3-network"]["ip_forward"] is True


def test_the_router_is_the_document_s_with_a_third_priority() -> None:
    inputs = whole().inputs

    texts = [inputs[f"VI_10-{host}-config"]["content"] for host in HOSTS]
    for key, values in {
        "state": ["MASTER", "BACKUP", "BACKUP"],
        "priority": ["100", "50", "40"],
        "virtual_router_id": ["10"] * 3,
        "interface": ["vmbr1"] * 3,
        "auth_type": ["PASS"] * 3,
    }.items():
        assert [re.findall(rf"^ *{key} (\S+)$", text, re.MULTILINE) for text in texts] == [[value] for value in values]
    assert all("10.0.1.1/24 brd 10.0.1.255 dev vmbr1" in text for text in texts)
    assert {inputs[f"VI_10-{host}-config"]["node"] for host in HOSTS} == set(HOSTS)


def test_routers_may_be_containers_that_stay_on_their_hosts() -> None:
    found = other()

    for host, each in HOSTS.items():
        router = found.inputs[f"router-{host}"]
        assert (router["node"], router["net"]["net0"]["gw"]) == (host, each.address)
    assert "ip_forward=1" in found.inputs["VI_10-router-pve1-etc-keepalived-notify"]["content"]
    assert told(found).vips["router"].members == ("router-pve1", "router-pve2", "router-pve3")
    assert not [name for name in found.inputs if name.startswith("lab-ha-router")]


def test_dnsmasq_gives_out_what_nobody_has_for_48_hours_with_the_moving_router(tmp_path: Path) -> None:
    inputs = whole().inputs
    one, two = (checked(inputs, name, tmp_path).splitlines() for name in ("dns-1", "dns-2"))

    assert "dhcp-range=10.0.1.100,10.0.1.149,255.255.255.0,48h" in one
    assert "dhcp-range=10.0.1.150,10.0.1.199,255.255.255.0,48h" in two
    assert {"dhcp-option=option:router,10.0.1.1", "local=/example.lab/", "domain=example.lab", "port=53"} < set(one)
    assert {"interface=eth0", "bind-interfaces"} < set(one)
    assert "host-record=services.example.lab,services,10.0.1.5" in one


def test_balancers_lead_to_the_backends_and_prometheus_asks_the_balancers(tmp_path: Path) -> None:
    found = whole()
    addresses = {name: guest.address for name, guest in told(found).guests.items()}

    text = checked(found.inputs, "lb-1", tmp_path)

    assert {f"    server {name} {addresses[name]}:80 check inter 2000ms" for name in ("web-1", "web-2")} < set(
        text.splitlines()
    )
    assert f"server k8s-control-1 {addresses['k8s-control-1']}:6443" in text
    assert 'return 200 "web-2\\n"' in checked(found.inputs, "web-2", tmp_path)
    scraped = checked(found.inputs, "monitor", tmp_path)
    assert all(f"{addresses[name]}:8405" in scraped for name in ("lb-1", "lb-2"))
    machines = {name: addresses[name] for name in ("dns-1", "lb-2", "web-1", "monitor")}
    machines |= {name: host.address for name, host in HOSTS.items()}
    assert all(f"{address}:9100" in scraped for address in machines.values())
    assert all(f"lab-services-figures-{name}-started" in found.inputs for name in machines)
    assert "9100" not in checked(other().inputs, "monitor", tmp_path)


def test_what_there_is_several_of_is_never_on_one_host_and_is_copied_to_the_others() -> None:
    inputs = whole().inputs

    assert {inputs[name]["node"] for name in ("dns-1", "dns-2")} < set(HOSTS)
    assert inputs["dns-1"]["node"] != inputs["dns-2"]["node"]
    rule = inputs["lab-ha-dns-apart"]
    assert (rule["type"], rule["affinity"]) == ("resource-affinity", "negative")
    assert set(rule["resources"]) == {f"ct:{inputs[f'lab-ha-{name}']['vmid']:g}" for name in ("dns-1", "dns-2")}
    home = inputs["monitor"]["node"]
    targets = {values["target"] for name, values in inputs.items() if name.startswith("lab-ha-monitor-")}
    assert targets == set(HOSTS) - {home}


def test_shared_storage_needs_no_copies() -> None:
    inputs = other().inputs

    assert "lab-ha-monitor" in inputs
    assert (inputs["monitor"]["rootfs"]["storage"], inputs["router-pve1"]["rootfs"]["storage"]) == ("nfs1", "local-lvm")
    assert not [values for values in inputs.values() if "job_id" in values]


def test_without_shared_storage_or_copies_ha_is_asked_for_nothing_and_that_is_said(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    found = made(replace(LAB, storage=GuestStorage(mode="none", name="local-lvm")))

    assert not [name for name in found.inputs if name.startswith("lab-ha-")]
    assert "when a host is lost, its guests are gone until it comes back" in caplog.text + capfd.readouterr().err


def test_people_see_the_desktops_and_nothing_else() -> None:
    inputs = whole().inputs

    assert inputs["desktop-1"]["vga"]["type"] == "qxl"
    assert inputs["lab-machines-desktop-users-role"]["privs"] == ["VM.Console", "VM.Audit"]
    acl = inputs["lab-machines-desktop-2-console"]
    assert (acl["group"], acl["path"].rpartition("/")[0]) == ("desktop-users", "/vms")
    novnc = other().inputs
    assert novnc["desktop-1"]["vga"]["type"] == "std"
    assert "audio0" not in novnc["desktop-1"]


def test_the_nodes_of_kubernetes_have_addresses_and_a_file_that_sets_them_up() -> None:
    found = whole()
    lab = told(found)

    address = lab.guests["k8s-worker-2"].address
    assert found.inputs["k8s-worker-2"]["ipconfig"] == {"ipconfig0": {"ip": f"{address}/24", "gw": "10.0.1.1"}}
    assert found.inputs["k8s-worker-2"]["clone"]["full"] is True
    assert 'controlPlaneEndpoint: "10.0.1.5:6443"' in lab.files["kubeadm.yaml"]
    assert lab.endpoints["kubernetes"] == "https://10.0.1.5:6443"
    assert found.inputs["desktop-1"]["ipconfig"] == {"ipconfig0": {"ip": "dhcp"}}


def test_all_hosts_have_the_same_firewall_that_lets_meshes_and_routers_talk() -> None:
    inputs = whole().inputs

    rules = inputs["lab-firewall-rules"]["rules"]
    assert {(rule.get("proto"), rule.get("dport")) for rule in rules} >= {
        ("tcp", "655"),
        ("udp", "655"),
        ("tcp", "656"),
        ("udp", "656"),
        ("vrrp", None),
    }
    assert inputs["lab-firewall-cluster"]["entries"].keys() >= {"dc/pve1", "dc/pve1-2", "dc/pve3"}
    assert inputs["lab-firewall-options"]["policy_in"] == "DROP"


def test_users_of_a_directory_may_log_in() -> None:
    inputs = whole().inputs

    realm = inputs["lab-ldap"]
    assert (realm["type"], realm["server1"], realm["user_attr"], realm["mode"]) == (
        "ldap",
        "ldap.example.org",
        "uid",
        "ldaps",
    )


def test_only_the_guests_of_the_chosen_services_join_zerotier() -> None:
    inputs = whole().inputs

    joined = {name for name in inputs if name.startswith("lab-services-zerotier-") and name.endswith("-joined")}
    assert joined == {"lab-services-zerotier-web-1-joined", "lab-services-zerotier-web-2-joined"}
    assert inputs["lab-services-zerotier-web-1-sources"]["content"].endswith(
        "Suites: trixie\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
        " -----END PGP PUBLIC KEY BLOCK-----\n"
    )
    assert inputs["web-1"]["dev"] == {"dev0": {"path": "/dev/net/tun"}}
    assert "dev" not in inputs["dns-1"]


def test_hosts_that_are_a_cluster_already_with_a_network_between_them_need_no_mesh() -> None:
    inputs = other().inputs

    assert not [name for name in inputs if "cluster" in name or "member" in name or "tinc" in name]
    assert inputs["lab-hosts-pve2-network"]["interfaces"]["vmbr1"]["bridge_ports"] == ["eno2"]


def test_others_are_told_everything_in_the_words_of_all_labs() -> None:
    lab = told(whole())

    assert set(lab.hosts) == set(HOSTS)
    network = lab.networks["services"]
    assert (network.gateway, network.dhcp, network.domain) == ("10.0.1.1", ("10.0.1.100", "10.0.1.199"), "example.lab")
    assert lab.vips["balancers"].members == ("lb-1", "lb-2")
    assert lab.endpoints["web"] == "http://10.0.1.5/"
    assert lab.endpoints["dns-1"] == f"dns://{lab.guests['dns-1'].address}/router.example.lab"
    assert lab.guests["k8s-control-1"].groups == ("k8s-control",)
    assert lab.credentials["guests"].user == "lab"


def test_a_lab_that_does_not_fit_together_is_not_made() -> None:
    with pytest.raises(ValueError, match=r"^hosts: a cluster that goes on when one host dies has three or more"):
        HAServiceNetwork("lab", replace(LAB, hosts={"pve1": HOSTS["pve1"]}))
