"""Hosts that join a cluster: what keeps them from it, and what happens meanwhile; test_cluster.py tells their life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers._runtime.errors import DataAtRisk, TaskFailed
from providers._runtime.model import canonical
from providers._runtime.registry import handler_of
from providers.cluster_member import ClusterMemberInputs
from tests.conftest import Simulator
from tests.providers.hosts import Hosts, opened
from tests.runtime.doors import at_once

LASTING = "a member can't be made alone: test_cluster.py tells the life of a cluster with its members"
TOPOLOGY = "three-hosts"
EXAMPLE: dict[str, Any] = {"connection": "pve1", "joining": "pve2", "node": "pve2"}
UPDATES: list[dict[str, Any]] = []
DRIFT: list[tuple[str, str, dict[str, Any]]] = []
KIND = "cluster_member"
CLUSTER = {"clustername": "lab", "link": {"link0": {"address": "192.0.2.31"}}}
MACHINE = {"vmid": 100, "memory": 512}


@pytest.fixture
def hosts(three_hosts: Simulator) -> Iterator[Hosts]:
    """Connections to three hosts, the first of which is a cluster of its own."""
    with opened(three_hosts) as made:
        made.up("cluster", CLUSTER)
        made.again()
        three_hosts.forget_requests()
        yield made


def test_hosts_that_join_at_the_same_moment_do_so_one_after_the_other(hosts: Hosts, three_hosts: Simulator) -> None:
    nodes = iter(("pve2", "pve3"))

    at_once(2, lambda: hosts.up(KIND, {**EXAMPLE, "joining": (node := next(nodes)), "node": node}))

    assert hosts.members() == {"pve1": 1, "pve2": 1, "pve3": 1}
    told = [(row["method"], row["path"].removeprefix("/api2/json")) for row in three_hosts.requests()]
    first, second = (at for at, row in enumerate(told) if row == ("POST", "/cluster/config/join"))
    assert ("GET", "/cluster/config/join") in told[first:second], "the second begins when the first is in"


def test_a_preview_asks_each_side_a_few_things_and_changes_nothing(hosts: Hosts, three_hosts: Simulator) -> None:
    assert hosts.problems(KIND, EXAMPLE) == []

    paths = [row["path"] for row in three_hosts.requests() if not row["path"].endswith("/access/ticket")]
    assert {row["method"] for row in three_hosts.requests() if row["path"] in paths} == {"GET"}
    assert len(paths) <= 9, paths


def test_one_that_has_joined_already_is_taken_over(hosts: Hosts) -> None:
    made = hosts.up(KIND, EXAMPLE)
    hosts.again()

    assert hosts.up(KIND, EXAMPLE) == made
    assert hosts.warnings == ["cluster/config/nodes/pve2 exists exactly as declared, and is taken over"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"joining": "pve9"}, "joining: there is no connection 'pve9'"),
        ({"node": "pve3"}, "node: connection 'pve2' leads to pve2, and not to pve3"),
        ({"link": {"link1": {"address": "192.0.2.32"}}}, "link: the cluster has link0, and a node needs an address on"),
    ],
)
def test_what_is_declared_wrong_is_refused_in_the_preview(changed: dict[str, Any], problem: str, hosts: Hosts) -> None:
    (found,) = hosts.problems(KIND, {**EXAMPLE, **changed})

    assert found.startswith(problem)


def test_a_host_with_guests_is_refused_in_the_preview(hosts: Hosts) -> None:
    hosts.api("pve2").post("/nodes/pve2/qemu", MACHINE)

    (found,) = hosts.problems(KIND, EXAMPLE)

    assert "joining: pve2 has guests (100)" in found


def test_a_host_that_is_in_a_cluster_is_refused_in_the_preview(hosts: Hosts) -> None:
    hosts.up("cluster", {"clustername": "another"}, "pve2")

    assert hosts.problems(KIND, EXAMPLE) == [
        "joining: connection 'pve2' leads to cluster 'another': a host can be in one cluster only"
    ]


def test_a_host_of_the_name_of_a_member_is_refused_in_the_preview(hosts: Hosts) -> None:
    hosts.api().post("/cluster/config/nodes/pve2", {"new_node_ip": "192.0.2.77", "apiversion": 1})

    assert "node: the cluster has a node pve2 already, and names can't be changed" in hosts.problems(KIND, EXAMPLE)


def test_a_cluster_that_nobody_makes_is_missed_in_the_preview(three_hosts: Simulator) -> None:
    with opened(three_hosts) as hosts:
        alone = hosts.problems(KIND, EXAMPLE)
        hosts.problems("cluster", CLUSTER)
        announced = hosts.problems(KIND, EXAMPLE)

    assert alone == ["connection: connection 'pve1' leads to a host that is in no cluster"]
    assert announced == []


def test_a_token_on_either_side_is_refused_in_the_preview(three_hosts: Simulator) -> None:
    found: list[str] = []
    for name in ("pve1", "pve2"):
        simulated = three_hosts.running.connections[name]
        token = {"token_id": simulated.token_id, "token_secret": simulated.token_secret}
        with opened(three_hosts, **{name: {**token, "username": None, "password": None}}) as hosts:
            hosts.problems("cluster", CLUSTER)
            found += [text.partition(" has to log in")[0] for text in hosts.problems(KIND, EXAMPLE)]

    assert found == ["connection: connection 'pve1'", "joining: connection 'pve2'"]


def test_a_join_that_fails_says_why_and_leaves_nothing(hosts: Hosts) -> None:
    assert hosts.problems(KIND, EXAMPLE) == []
    hosts.api("pve2").post("/nodes/pve2/qemu", MACHINE)

    with pytest.raises(TaskFailed, match="this host already contains virtual guests"):
        handler_of(KIND).create(hosts.api(), EXAMPLE)

    assert hosts.members() == {"pve1": 1}


def test_a_node_with_guests_is_not_put_out_of_its_cluster(hosts: Hosts) -> None:
    outputs = hosts.up(KIND, EXAMPLE)
    hosts.api().post("/nodes/pve2/qemu", MACHINE)
    hosts.again()

    with pytest.raises(DataAtRisk, match=r"node pve2 has guests \(100\): move or remove them first"):
        handler_of(KIND).delete(hosts.api(), "cluster/config/nodes/pve2", outputs)


def test_a_node_that_is_up_is_not_put_out_of_its_cluster_and_one_that_is_off_is(
    hosts: Hosts, three_hosts: Simulator
) -> None:
    hosts.up(KIND, {**EXAMPLE, "joining": "pve3", "node": "pve3"})
    outputs, member = hosts.up(KIND, EXAMPLE), handler_of(KIND)

    with pytest.raises(DataAtRisk, match="node pve2 is up: power it off for good before it is put out of its cluster"):
        member.delete(hosts.api(), "cluster/config/nodes/pve2", outputs)
    three_hosts.control("POST", "nodes", {"datacenter": "pve1", "node": "pve2", "online": False})
    for _ in ("once", "and again, when it is gone"):
        member.delete(hosts.api(), "cluster/config/nodes/pve2", outputs)

    assert hosts.members() == {"pve1": 1, "pve3": 1}
    assert member.read(hosts.api(), "cluster/config/nodes/pve2") is None


def test_others_may_name_a_node_that_joins_in_the_same_program(hosts: Hosts) -> None:
    mapping = {"type": "dir", "mapping_id": "shared", "map": ["node=pve2,path=/srv"]}
    alone = hosts.problems("hardware_mapping", mapping)
    hosts.problems(KIND, EXAMPLE)

    assert alone == ["map: there is no node 'pve2'; there are pve1"]
    assert hosts.problems("hardware_mapping", mapping) == []


def test_the_priority_of_a_link_is_the_clusters() -> None:
    link = {"link0": {"address": "192.0.2.32", "priority": 5}}
    _, problems = canonical(ClusterMemberInputs, {**EXAMPLE, "link": link}, frozenset())

    assert "the priority of a link is said where the cluster is made" in problems[0][1]
