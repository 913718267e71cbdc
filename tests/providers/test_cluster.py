"""Clusters: their whole life, with the hosts that join them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers._runtime.errors import AlreadyThere
from providers._runtime.registry import handler_of
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.hosts import Hosts, logins, opened
from tests.runtime.doors import password_of

LASTING = "Proxmox has no way to dissolve a cluster: test_cluster.py tells the life of one"
TOPOLOGY = "three-hosts"
EXAMPLE: dict[str, Any] = {
    "clustername": "lab",
    "link": {"link0": {"address": "192.0.2.31", "priority": 20}},
    "token_coefficient": 250,
}
UPDATES: list[dict[str, Any]] = []
DRIFT: list[tuple[str, str, dict[str, Any]]] = []


@pytest.fixture
def hosts(three_hosts: Simulator) -> Iterator[Hosts]:
    """Connections to three hosts that are in no cluster yet."""
    with opened(three_hosts) as made:
        yield made


def declared(**args: Any) -> dict[str, Resource]:
    """A cluster of three hosts."""
    member = "providers.cluster_member.ClusterMember"
    return {
        "lab": Resource("providers.cluster.Cluster", {**EXAMPLE, "connection": "pve1", **args}),
        **{
            node: Resource(
                member,
                {
                    "connection": "pve1",
                    "joining": node,
                    "node": node,
                    "link": {"link0": {"address": address}},
                },
                after=("lab",),
            )
            for node, address in (("pve2", "192.0.2.32"), ("pve3", "192.0.2.33"))
        },
    }


@pytest.mark.engine
def test_three_hosts_become_a_cluster_and_one_that_is_off_is_put_out_of_it(
    three_hosts: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program = program_on(three_hosts)
    program.pulumi("config", "rm", "proxmox:simulator")
    program.pulumi("config", "set", "--secret", "proxmox:connections", json.dumps(logins(three_hosts)))
    program.declare(declared())
    preview = program.preview()
    assert preview.changes == {"create": 3}, preview.text
    assert {row["method"] for row in three_hosts.requests() if "/access/ticket" not in row["path"]} == {"GET"}

    up = program.up()
    assert up.changes == {"create": 3}, up.text
    assert password_of(three_hosts) not in program.pulumi("stack", "export").stdout + up.text
    with opened(three_hosts) as hosts:
        assert hosts.members() == {"pve1": 1, "pve2": 1, "pve3": 1}
    again = program.up("--refresh")
    assert again.changes == {}, again.text

    three_hosts.control("POST", "nodes", {"datacenter": "pve1", "node": "pve3", "online": False})
    program.declare({name: resource for name, resource in declared().items() if name != "pve3"})
    up = program.up()

    assert up.changes == {"delete": 1}, up.text
    with opened(three_hosts) as hosts:
        assert hosts.members() == {"pve1": 1, "pve2": 1}


def test_a_destroy_leaves_the_host_as_it_is_and_says_so(hosts: Hosts) -> None:
    outputs = hosts.up("cluster", EXAMPLE)

    handler_of("cluster").delete(hosts.api(), "cluster/config", outputs)

    (warning,) = hosts.warnings
    assert warning.startswith("Proxmox can't dissolve a cluster: pve1 stays in lab, as it is")
    assert hosts.get("pve1", "/cluster/status")[0]["name"] == "lab"


def test_a_cluster_that_is_there_as_declared_is_taken_over_and_another_one_is_not(hosts: Hosts) -> None:
    made = hosts.up("cluster", EXAMPLE)
    hosts.again()

    assert hosts.up("cluster", EXAMPLE) == made
    assert hosts.warnings == ["cluster/config exists exactly as declared, and is taken over"]
    assert hosts.problems("cluster", {**EXAMPLE, "clustername": "other"}) == [
        "clustername: the host is in cluster 'lab' already, and can't be in another one"
    ]
    with pytest.raises(AlreadyThere, match="to take it over, set adopt"):
        hosts.up("cluster", {**EXAMPLE, "link": {"link0": {"address": "192.0.2.99"}}})


def test_what_proxmox_cannot_change_is_refused_in_the_preview(hosts: Hosts) -> None:
    hosts.up("cluster", EXAMPLE)

    found = hosts.problems("cluster", {**EXAMPLE, "clustername": "other"}, before=EXAMPLE)

    assert found == [
        "clustername: Proxmox can't change it from 'lab' to 'other': the object would be destroyed with its data and "
        "made anew"
    ]


def test_a_token_may_not_make_a_cluster_and_the_preview_says_so(three_hosts: Simulator) -> None:
    simulated = three_hosts.running.connections["pve1"]
    token = {"token_id": simulated.token_id, "token_secret": simulated.token_secret, "username": None, "password": None}
    with opened(three_hosts, pve1=token) as hosts:
        (problem,) = hosts.problems("cluster", EXAMPLE)

    assert "connection 'pve1' has to log in as root@pam with its password: no API token may make or join" in problem


def test_without_links_it_has_the_address_of_its_host(hosts: Hosts) -> None:
    hosts.up("cluster", {"clustername": "lab", "votes": 2})

    (node,) = hosts.get("pve1", "/cluster/config/nodes")
    assert (node["ring0_addr"], node["quorum_votes"]) == ("192.0.2.31", "2")
