"""What in a cluster for teaching does not fit together is told, by its key and with what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.interfaces import Vlan
from components.placement import Reserve
from components.teaching_args import (
    INSTALLED,
    Copies,
    Course,
    Formation,
    LabStorage,
    NodesNetwork,
    TeachingClusterArgs,
    Team,
)
from components.teaching_checks import problems
from providers.firewall_rules import FirewallRule
from tests.components.teaching_lab import BLACK, COURSE, GREEN, LAB, NODES

ANN, RED = COURSE.teams
WEB, DB = COURSE.exercises


def node(**changes: Any) -> TeachingClusterArgs:
    """The lab with its second node changed."""
    return replace(LAB, nodes={**NODES, "pve2": replace(NODES["pve2"], **changes)})


def networks(**changed: NodesNetwork) -> TeachingClusterArgs:
    """The lab with some networks changed."""
    return replace(LAB, networks={**LAB.networks, **changed})


def course(**changes: Any) -> TeachingClusterArgs:
    """The lab with its course changed."""
    return replace(LAB, courses=(replace(COURSE, **changes),))


def fence(**changes: Any) -> TeachingClusterArgs:
    """The lab with its firewall changed."""
    assert LAB.firewall is not None
    return replace(LAB, firewall=replace(LAB.firewall, **changes))


def let_in(**of: str) -> FirewallRule:
    """A rule by which anybody gets in."""
    return FirewallRule.model_validate({"type": "in", "action": "ACCEPT", **of})


LATER = Course(name="nets", teams=(ANN,), exercises=(DB,), vmids="5099-5199")
ZFS = replace(
    LAB,
    storage="tank",
    storages={**INSTALLED, "tank": LabStorage(type="zfspool", content=("images",))},
    template=replace(LAB.template, linked=False),
    replication=Copies(),
)
WRONG: list[tuple[TeachingClusterArgs, str, str]] = [
    (node(reserve=Reserve(memory="16G")), "nodes.pve2.reserve.memory", "take less"),
    (node(addresses={"black": "192.0.3.12", "green": "10.7.0.12"}), "nodes.pve2.addresses.black", "no address of"),
    (node(addresses={"black": "192.0.2.x", "green": "10.7.0.12"}), "nodes.pve2.addresses.black", "write it like"),
    (node(addresses={"black": "192.0.2.11", "green": "10.7.0.12"}), "networks", "pve1 and pve2 have the same address"),
    (node(addresses={"black": "192.0.2.12"}), "networks", "pve2 has no address in green, which is for management"),
    (replace(LAB, nodes={"pve1": replace(NODES["pve1"], added=True)}), "nodes", "all of them are `added`"),
    (
        replace(LAB, cluster=Formation(name="school", joining={"pve2": "second"})),
        "cluster.joining",
        "name all but one of pve1, pve2, pve3",
    ),
    (networks(green=replace(GREEN, cidr="10.7.0.1/24")), "networks.green.cidr", "host bits set"),
    (networks(green=replace(GREEN, cidr="10.0.0.0/8", gateway="192.0.2.1")), "networks.green.gateway", "take one of"),
    (networks(green=replace(GREEN, gateway="10.7.0.1")), "networks", "black and green have a gateway each"),
    (networks(red=replace(BLACK, gateway=None, bridge=None, card="eno2")), "networks", "have addresses in common"),
    (networks(green=NodesNetwork(cidr="10.7.0.0/24")), "networks.green", "`bond`, `card` and `vlan`; give that"),
    (networks(green=replace(GREEN, card="eno2")), "networks.green", "`bond`, `card` and `vlan`; give that"),
    (networks(green=replace(GREEN, bridge="vmbr1", card="eno2")), "networks.green", "take the rest out"),
    (networks(black=replace(BLACK, card=None, vlan=Vlan(on="eno2", tag=7))), "networks.black", "take the rest out"),
    (networks(black=replace(BLACK, card="ens6f0np0")), "networks.green", "networks.black has that card already"),
    (replace(LAB, roles={"guests": "green"}), "roles.guests", "give that network a `bridge`"),
    (replace(LAB, roles={"guests": "red"}), "roles.guests", "there are: black, green"),
    (replace(LAB, template=replace(LAB.template, guest="old")), "template", "`image` or of a `guest`"),
    (replace(LAB, storage="local"), "storage", "that storage is not for `images`"),
    (replace(LAB, image_storage="local-lvm"), "image_storage", "that storage is not for `import`"),
    (
        replace(LAB, storages={"local": replace(INSTALLED["local"], content=("import",))}),
        "backup.storage",
        "that storage is not for `backup`",
    ),
    (
        replace(LAB, courses=(COURSE, replace(LATER, name="linux", vmids=None))),
        "courses.1.name",
        "courses.0 is called so already",
    ),
    (course(teams=(ANN, RED, ANN)), "courses.0.teams.2.name", "courses.0.teams.0 is called so already"),
    (course(exercises=(WEB, replace(DB, name="web"))), "courses.0.exercises.1.name", "exercises.0 is called so"),
    (course(teams=(Team(name="red", pupils=("eve", "eve")),)), "courses.0.teams.0.pupils", "name him once"),
    (course(teams=(Team(name="kim"),)), "courses.0.teams.0.pupils", "take him out"),
    (course(exercises=(replace(WEB, disk="4G"),)), "courses.0.exercises.0.disk", "take as much, or more"),
    (course(vmids="5000-5003"), "courses.0.vmids", "the course has 6 guests"),
    (replace(LAB, courses=(COURSE, LATER)), "courses.1.vmids", "courses.0.vmids has some of these numbers"),
    (
        course(
            teams=(ANN, Team(name="ann-web")), exercises=(replace(WEB, count=1), replace(WEB, name="web-web", count=1))
        ),
        "courses",
        "two machines would be called so",
    ),
    (course(exercises=(replace(WEB, memory=8192),), teams=(ANN, RED)), "courses", "linux-red-web-2 takes 8192 MiB"),
    (fence(management={"pve1": "192.0.2.9"}), "firewall.management", "pve1 names a node's address"),
    (fence(ssh_from=("192.0.2.1/24",), guests=()), "firewall.ssh_from.0", "has host bits set; write it like"),
    (fence(ssh_from=("192.0.2.0/24",)), "firewall.ssh_from", "guests let in everybody"),
    (fence(guests=(let_in(macro="Ping"), let_in(macro="SSH"))), "firewall.guests.1", "name in `ssh_from` who may"),
    (fence(guests=(let_in(proto="tcp", dport="80,22"),)), "firewall.guests.0", "name in `ssh_from` who may"),
    (fence(guests=(let_in(),)), "firewall.guests.0", "lets in SSH from anywhere"),
]


@pytest.mark.parametrize(("lab", "key", "reason"), WRONG, ids=[f"{key}: {why}" for _, key, why in WRONG])
def test_what_is_wrong_is_told_by_its_key_with_what_to_do(lab: TeachingClusterArgs, key: str, reason: str) -> None:
    found = list(problems(lab))

    assert [problem.key for problem in found] == [key], found
    assert reason in found[0].reason


def test_a_lab_that_fits_together_has_no_problem() -> None:
    assert list(problems(LAB)) == list(problems(ZFS)) == []
    web = (let_in(macro="Web"), FirewallRule(type="in", action="ACCEPT", macro="SSH", source="192.0.2.7"))
    assert list(problems(fence(guests=web, ssh_from=("192.0.2.7",)))) == list(problems(fence(guests=web))) == []
    assert list(problems(replace(LAB, firewall=None, backup=None, dns=None, courses=()))) == []
