"""Topology files are checked, and a wrong one is refused in one line that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.topology import TopologyError, load, shipped

_NODES = "nodes: {pve1: {}}"


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_topology_is_valid(name: str) -> None:
    assert load(name).datacenters


def test_the_shipped_topologies_are_these() -> None:
    assert shipped() == [
        "classroom", "live", "openstack-host", "rented-hosts", "standalone", "three-hosts", "three-nodes", "two-hosts",
    ]  # fmt: skip
    assert load("three-nodes").datacenters[0].clustered
    assert len(load("two-hosts").datacenters) == 2


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("[]", "top level: must be a mapping"),
        ("datacenters: {}", "datacenters: at least one is needed"),
        ("datacentres: {}", "top level: unknown key 'datacentres'; known are datacenters, password, login, guests"),
        (f"{{guests: real, datacenters: {{a: {{{_NODES}}}}}}}", "guests: 'real' is neither live nor modelled"),
        ("datacenters: {a: {nodes: {}}}", "datacenters.a.nodes: a host that is in no cluster is exactly one node"),
        ("datacenters: {a: {nodes: {b_d: {}}}}", "datacenters.a.nodes.b_d: is no valid node name"),
        ("datacenters: {a: {nodes: {n: {memory: lots}}}}",
         "datacenters.a.nodes.n.memory: 'lots' is no size such as 512M or 8G"),
        ("datacenters: {a: {nodes: {n: {cpus: 0}}}}", "datacenters.a.nodes.n.cpus: 0 is no positive number"),
        ("datacenters: {a: {nodes: {n: {disks: {sda: 1T}}}}}",
         "datacenters.a.nodes.n.disks.sda: must be named sdb to sdz, vda to vdz or nvme0n1; sda has the system on it"),
        ("datacenters: {a: {nodes: {n: {disks: {sdb: {model: X}}}}}}",
         "datacenters.a.nodes.n.disks.sdb.size: None is no size such as 512M or 8G"),
        ("datacenters: {a: {nodes: {n: {pci: {}}}}}", "datacenters.a.nodes.n.pci: must be a list of devices"),
        ("datacenters: {a: {nodes: {n: {usb: [{vendid: '0bda'}]}}}}",
         "datacenters.a.nodes.n.usb: a device needs 'prodid'"),
        (f"datacenters: {{a: {{{_NODES}, storages: {{s: {{}}}}}}}}",
         "datacenters.a.storages.s: needs a type, such as dir"),
        (f"datacenters: {{a: {{{_NODES}, guests: {{100: {{type: kvm}}}}}}}}",
         "datacenters.a.guests.100.type: must be qemu or lxc"),
        (f"datacenters: {{a: {{{_NODES}, guests: {{100: {{type: lxc, node: x}}}}}}}}",
         "datacenters.a.guests.100.node: there is no node 'x'"),
        (f"datacenters: {{a: {{{_NODES}, files: [{{volume: 's:iso/x.iso'}}]}}}}",
         "datacenters.a.files: there is no storage 's'"),
    ],
)  # fmt: skip
def test_a_wrong_topology_is_refused(tmp_path: Path, text: str, refusal: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TopologyError) as error:
        load(str(path))
    assert str(error.value) == f"mine.yaml: {refusal}"


def test_broken_yaml_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(TopologyError, match="no valid YAML") as error:
        load(str(path))
    assert "\n" not in str(error.value)
