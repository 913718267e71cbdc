"""A cluster for teaching asks for what its page says: guests by turns, networks by roles, storages that stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from components.node_networks import interfaces_of
from components.placement import place
from components.teaching_args import (
    INSTALLED,
    Copies,
    Course,
    Formation,
    LabStorage,
    Node,
    NodesNetwork,
    TeachingClusterArgs,
    Team,
)
from components.teaching_cluster import TeachingCluster
from components.teaching_parts import node_networks
from policies.public_ssh import SHUT
from providers.firewall_rules import FirewallRule
from tests.components.asked import Asked, asked
from tests.components.teaching_lab import COURSE, LAB, NODES
from tests.components.test_node_networks import settings
from tests.policies.judging import described, said
from tests.providers import networks
from tests.stacks.told import told

GUESTS = {f"linux-{team}-{guest}" for team in ("ann", "red") for guest in ("web-1", "web-2", "db-1")}


def made(lab: TeachingClusterArgs) -> Asked:
    """What is asked for, and what the lab tells."""

    def make() -> dict[str, Any]:
        said = TeachingCluster("lab", lab).exports.of("teaching-cluster")
        return {name: pulumi.Output.from_input(each) for name, each in said.items()}

    return asked(make, {"volid": "local:import/d.qcow2"})


def test_each_team_has_its_guests_in_its_own_pool_as_clones_of_their_nodes_template() -> None:
    found = made(LAB)
    lab = told(found.outputs)

    assert set(lab.guests) == GUESTS
    for name, guest in lab.guests.items():
        machine = found.inputs[name]
        assert machine["clone"] == {"vmid": lab.templates[guest.host], "full": False}
        assert machine["pool"] == "linux/" + guest.groups[1]
        assert machine["vmid_range"] == "5000-5099"
        assert machine["net"] == {"net0": {"model": "virtio", "bridge": "vmbr0"}}
        assert machine["ipconfig"] == {"ipconfig0": {"ip": "dhcp"}}
        assert guest.nics["net0"].network == "black"
    assert set(lab.credentials) == {"guests", "kim@pve", "ann@pve", "eve@pve", "joe@pve"}
    assert lab.endpoints["pve2"] == "https://10.7.0.12:8006"
    assert lab.networks["green"].roles == ("management", "ceph-public", "ceph-cluster")


def test_guests_are_backed_up_but_for_those_that_are_made_anew() -> None:
    found = made(LAB)
    vmids = {name: guest.vmid for name, guest in told(found.outputs).guests.items()}

    job = found.inputs["lab-backups-guests"]
    assert sorted(job["vmid"]) == sorted(vmid for name, vmid in vmids.items() if "-web-" in name)
    assert (job["mode"], job["compress"], job["storage"]) == ("snapshot", "zstd", "local")


def test_storages_of_the_installer_have_to_be_there_with_the_content_that_they_are_for() -> None:
    found = made(LAB).inputs

    assert found["lab-nodes-local"]["adopt"] == found["lab-nodes-local-lvm"]["adopt"] == "required"
    assert "images" not in found["lab-nodes-local"]["content"]
    assert found["lab-nodes-local-lvm"]["content"] == ["images", "rootdir"]


def test_disks_are_copied_to_the_node_after_the_guests_own() -> None:
    lab = replace(
        LAB,
        storage="tank",
        storages={**INSTALLED, "tank": LabStorage(type="zfspool", content=("images",), options={"pool": "tank"})},
        template=replace(LAB.template, linked=False),
        replication=Copies(schedule="*/5"),
    )

    found = made(lab)

    after = {"pve1": "pve2", "pve2": "pve3", "pve3": "pve1"}
    for name, guest in told(found.outputs).guests.items():
        job = found.inputs[f"lab-{name}-copy"]
        assert (job["job_id"], job["target"], job["schedule"]) == (f"{guest.vmid}-0", after[guest.node], "*/5")
        assert found.inputs[name]["clone"]["full"] is True
    assert found.inputs["lab-nodes-tank"]["adopt"] == "never"


def test_guests_have_a_firewall_each_where_it_is_said_what_they_let_in() -> None:
    assert LAB.firewall is not None
    ping = FirewallRule(type="in", action="ACCEPT", macro="Ping")
    fence = replace(LAB.firewall, guests=(ping,))

    found = made(replace(LAB, firewall=fence)).inputs

    assert all(found[name]["net"]["net0"]["firewall"] is True for name in GUESTS)
    assert {f"lab-guests-{name}-options" for name in GUESTS} <= set(found)
    assert let_in(found) == [("SSH", "192.0.2.0/24"), ("SSH", "192.0.2.32/28"), ("Ping", None)]
    assert said(SHUT, described("SecurityGroup", "guests", **found["lab-guests-group"])) == []
    other = made(replace(LAB, firewall=replace(fence, ssh_from=("10.9.0.0/24", "192.0.2.7")))).inputs
    assert let_in(other) == [("SSH", "10.9.0.0/24"), ("SSH", "192.0.2.7"), ("Ping", None)]
    nobody = made(replace(LAB, firewall=replace(fence, ssh_from=()))).inputs
    assert let_in(nobody) == [("Ping", None)]


def let_in(found: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """What the guests let in, and from where."""
    return [(rule["macro"], rule.get("source")) for rule in found["lab-guests-group"]["rules"]]


def test_what_is_not_said_is_not_made() -> None:
    found = made(replace(LAB, firewall=None, backup=None, dns=None, courses=())).inputs

    assert {name.removeprefix("lab-") for name in found} == {
        *(f"nodes-network-{node}" for node in NODES), *(f"template-{node}" for node in NODES),
        *(f"template-{node}-image" for node in NODES), "nodes-local", "nodes-local-lvm", "role-pupil", "role-teacher",
    }  # fmt: skip


def turned_round(page: Mapping[str, Any]) -> dict[str, Any]:
    """The same keys, the last one first."""
    return dict(reversed(list(page.items())))


def test_in_what_order_a_page_has_its_keys_means_nothing() -> None:
    zfs = {**INSTALLED, "tank": LabStorage(type="zfspool", content=("images",))}
    full = replace(LAB.template, linked=False)
    cluster = Formation(name="school", joining={"pve1": "first", "pve3": "third"})
    lab = replace(
        LAB, connection="second", cluster=cluster, storage="tank", storages=zfs, template=full, replication=Copies()
    )
    other = replace(
        lab,
        nodes=turned_round(NODES),
        networks=turned_round(LAB.networks),
        storages=turned_round(zfs),
        cluster=replace(cluster, joining=turned_round(cluster.joining)),
    )

    found, turned = made(lab).inputs, made(other).inputs

    assert found["lab-nodes-cluster"]["link"] == {"link0": {"address": "10.7.0.12"}}
    for inputs in (*found.values(), *turned.values()):
        inputs.pop("clone", None)  # numbers that follow from the order in which things are asked for
        inputs.pop("vmid", None)
        inputs.pop("job_id", None)
    assert turned == found


def test_nodes_that_are_to_be_a_cluster_have_their_networks_first_each_by_its_own_connection() -> None:
    cluster = Formation(name="school", joining={"pve2": "second", "pve3": "third"})

    found = made(replace(LAB, connection="first", cluster=cluster)).inputs

    names = [name for name in found if name.startswith("lab-nodes-")][:6]
    assert names == [f"lab-nodes-network-{node}" for node in NODES] + [
        "lab-nodes-cluster", "lab-nodes-pve2-member", "lab-nodes-pve3-member"
    ]  # fmt: skip
    assert [found[f"lab-nodes-network-{node}"]["connection"] for node in NODES] == ["first", "second", "third"]
    assert found["lab-nodes-pve3-member"]["joining"] == "third"
    assert found["lab-nodes-pve3-member"]["link"] == {"link0": {"address": "10.7.0.13"}}
    others = [inputs for name, inputs in found.items() if not name.startswith("lab-nodes-network-")]
    assert {inputs["connection"] for inputs in others} == {"first"}


def test_a_lab_that_does_not_fit_together_is_not_made() -> None:
    with pytest.raises(ValueError, match=r"^storage: that storage is not for `images`"):
        TeachingCluster("lab", replace(LAB, storage="local"))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ({"card": "eno1"}, networks.BRIDGE),
        ({"bond": {"slaves": ["eno1", "eno2"]}}, networks.BOND),
        ({"card": "eno1", "vlan_aware": True}, networks.VLAN_BRIDGE),
    ],
)
def test_a_bridge_a_bond_below_it_and_vlans_on_it_are_declared_by_name(
    page: dict[str, Any], expected: dict[str, Any]
) -> None:
    tags = {10: None, 20: None, 30: 1400} if "vlan_aware" in page else {}
    vlans = {
        f"v{tag}": _network(cidr=f"10.0.{tag}.0/24", mtu=mtu, vlan={"on": "vmbr0", "tag": tag})
        for tag, mtu in tags.items()
    }
    black = _network(cidr="192.0.2.0/24", gateway="192.0.2.1", bridge="vmbr0", **page)
    at = {"black": "192.0.2.10", **{f"v{tag}": f"10.0.{tag}.1" for tag in tags}}
    lab = replace(
        LAB,
        networks={"black": black, **vlans},
        nodes={"pve1": Node(memory="16G", disk="500G", addresses=at)},
        roles={"guests": "black", "management": "black"},
    )

    assert settings(interfaces_of("pve1", node_networks(lab))) == settings(expected)


def _network(**fields: Any) -> NodesNetwork:
    """As a page has it."""
    return TypeAdapter(NodesNetwork).validate_python(fields)


COURSES = st.lists(
    st.builds(
        lambda name, teams, count: replace(
            COURSE,
            name=name,
            teams=tuple(Team(name=team) for team in teams),
            exercises=tuple(replace(each, count=count) for each in COURSE.exercises),
            vmids=None,
        ),
        st.text("abc", min_size=1, max_size=3),
        st.lists(st.text("def", min_size=1, max_size=3), unique=True, max_size=6),
        st.integers(1, 3),
    ),
    unique_by=lambda course: course.name,
    max_size=3,
)


def _roomy(*courses: Course) -> TeachingClusterArgs:
    """The lab with room for any number of guests."""
    nodes = {name: replace(node, memory="4T", disk="90T") for name, node in NODES.items()}
    return replace(LAB, nodes=nodes, courses=courses)


def _placed(lab: TeachingClusterArgs) -> dict[str, str]:
    return place(lab.rooms, lab.wishes, lab.added)


@given(COURSES)
def test_guests_for_one_exercise_are_evenly_on_the_nodes_and_so_are_those_of_one_team(courses: list[Course]) -> None:
    where = _placed(_roomy(*courses))

    for course in courses:
        for exercise in course.exercises:
            for number in range(1, exercise.count + 1):
                nodes = Counter(where[f"{course.name}-{team.name}-{exercise.name}-{number}"] for team in course.teams)
                assert max(nodes.values(), default=0) - min(nodes[node] for node in NODES) <= 1
        for team in course.teams:
            firsts = {where[f"{course.name}-{team.name}-{exercise.name}-1"] for exercise in course.exercises}
            assert len(firsts) == len(course.exercises)


@given(COURSES, st.integers(1, 3))
def test_nobody_is_moved_by_nodes_teams_exercises_or_guests_that_are_added(courses: list[Course], new: int) -> None:
    lab = _roomy(*courses)
    node = replace(lab.nodes["pve1"], added=True)
    more = [
        replace(
            course,
            teams=(*course.teams, Team(name="late")),
            exercises=(
                *(replace(each, count=each.count + new) for each in course.exercises),
                replace(course.exercises[0], name="late"),
            ),
        )
        for course in courses
    ]

    grown = replace(lab, nodes={**{f"new{n}": node for n in range(new)}, **lab.nodes}, courses=tuple(more))

    assert _placed(lab).items() <= _placed(grown).items()
