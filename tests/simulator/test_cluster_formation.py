"""Hosts become a cluster and leave it again, as the real Proxmox VE was recorded to do it."""

from __future__ import annotations

from simulator import daemon
from tests.simulator.hosts import ROOT, Hosts


def test_the_recorded_refusals_of_making_and_joining_a_cluster_are_told_again(hosts: Hosts) -> None:
    for group in ("a-precluster", "a-create", "a-join"):
        hosts.tell(group)
    assert not hosts.differing


def test_the_recorded_story_of_how_a_cluster_came_to_be_is_told_again(hosts: Hosts) -> None:
    for group in ("create", "join", "join3"):
        hosts.tell(group)
    assert hosts.differing.keys() == {"join3.log"}, "there somebody logged in more often"


def test_a_host_that_joins_gives_up_its_own_users_storages_and_tickets(hosts: Hosts) -> None:
    hosts.call("pve2", "POST", "/access/users", {"userid": "own@pve"})
    hosts.call("pve2", "POST", "/storage", {"storage": "only2", "type": "dir", "path": "/mnt/only2"})
    hosts.form(joining=())
    old = dict(hosts.clients["pve2"].tickets)
    assert hosts.join("pve2")[0] == "OK"
    hosts.clients["pve2"].tickets = old
    assert hosts.clients["pve2"].call("GET", "/nodes", as_user=ROOT).status == 401
    assert [row["userid"] for row in hosts.call("pve2", "GET", "/access/users").data] == [ROOT]
    assert hosts.call("pve2", "GET", "/storage/only2").status == 500
    assert hosts.online("pve1") == hosts.online("pve2") == {"pve1": 1, "pve2": 1}
    assert hosts.call("pve1", "GET", "/nodes/pve2/version").status == 200


def test_a_cluster_of_one_has_no_quorum_while_another_joins(hosts: Hosts) -> None:
    hosts.form(joining=())
    params = {"hostname": "192.0.2.11", "password": "benchpw", "fingerprint": hosts.fingerprint()}
    hosts.call("pve2", "POST", "/cluster/config/join", params)
    assert hosts.quorate("pve1")
    hosts.pass_time(4)
    assert not hosts.quorate("pve1")
    assert hosts.online("pve1") == {"pve1": 1, "pve2": 0}
    hosts.pass_time(6)
    assert hosts.quorate("pve1")
    assert hosts.quorate("pve2")


def test_a_member_may_be_named_by_the_address_at_which_its_api_is_here(hosts: Hosts) -> None:
    hosts.form(joining=())
    endpoint = hosts.clients["pve1"].url.removeprefix("https://")
    assert hosts.join("pve2", endpoint)[0] == "OK"


def test_a_host_cannot_join_one_that_is_in_no_cluster(hosts: Hosts) -> None:
    status, log = hosts.join("pve2", "192.0.2.11")
    assert status == "Cluster join aborted!"
    assert log[-3:-1] == ["An error occurred on the cluster node: invalid corosync.conf", "! no nodes found"]


def test_a_name_that_the_cluster_knows_already_is_refused(hosts: Hosts) -> None:
    hosts.form(joining=())
    addition = {"new_node_ip": "192.0.2.99", "apiversion": 1}
    assert hosts.call("pve1", "POST", "/cluster/config/nodes/pve1", addition).reason == "can't add existing node 'pve1'"


def test_what_has_joined_is_still_a_member_after_the_simulator_was_started_again(hosts: Hosts) -> None:
    hosts.form()
    home, topology = hosts.running.home, hosts.running.home.parent / "topology.yaml"
    daemon.stop(home)
    again = Hosts.of(daemon.ensure(home, str(topology)))
    assert again.online("pve3") == {"pve1": 1, "pve2": 1, "pve3": 1}
    assert again.call("pve3", "GET", "/cluster/status").data[0]["name"] == "bench"


def test_a_node_that_is_put_out_is_alone_with_a_copy_of_the_clusters_configuration(hosts: Hosts) -> None:
    hosts.form()
    hosts.call("pve1", "POST", "/pools", {"poolid": "shared"})
    assert hosts.call("pve1", "DELETE", "/cluster/config/nodes/pve1").reason == "Cannot delete myself from cluster!"
    assert hosts.call("pve1", "DELETE", "/cluster/config/nodes/pve3").status == 200
    assert hosts.online("pve1") == {"pve1": 1, "pve2": 1}
    assert hosts.call("pve1", "GET", "/cluster/status").data[0]["version"] == 4
    assert hosts.call("pve1", "GET", "/nodes/pve3/version").reason.startswith("hostname lookup 'pve3' failed")
    assert hosts.online("pve3") == {"pve1": 0, "pve2": 0, "pve3": 1}
    assert not hosts.quorate("pve3")
    assert [row["poolid"] for row in hosts.call("pve3", "GET", "/pools").data] == ["shared"]
    answer = hosts.call("pve3", "POST", "/pools", {"poolid": "late"})
    assert answer.reason == "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"


def test_the_tasks_of_a_host_go_on_where_it_has_joined(hosts: Hosts) -> None:
    hosts.form()
    joined = hosts.call("pve1", "GET", "/nodes/pve2/tasks", {"typefilter": "clusterjoin"}).data
    assert [row["status"] for row in joined] == ["OK"]


def test_the_guests_of_a_node_that_was_put_out_stay_in_the_lists_as_unknown(hosts: Hosts) -> None:
    hosts.form(joining=("pve2",))
    assert hosts.run("pve2", "POST", "/nodes/pve2/qemu", {"vmid": 100, "name": "left"})[0] == "OK"
    assert hosts.call("pve1", "DELETE", "/cluster/config/nodes/pve2").status == 200
    rows = hosts.call("pve1", "GET", "/cluster/resources", {"type": "vm"}).data
    assert rows == [{"id": "qemu/100", "type": "qemu", "vmid": 100, "node": "pve2", "status": "unknown"}]
    assert hosts.call("pve2", "GET", "/nodes/pve2/qemu/100/config").data["name"] == "left"


def test_a_host_may_join_by_the_address_that_a_running_mesh_gives_it(hosts: Hosts) -> None:
    hosts.form(joining=())
    script = {"node": "pve2", "path": "/etc/tinc/cluster/tinc-up", "text": "ip address replace 10.99.0.2/24 dev x\n"}
    unit = {"node": "pve2", "name": "tinc@cluster.service", "enabled": "enabled"}

    def joined(active: str) -> str:
        for table, record in (("files", {**script, "changed": 0}), ("units", {**unit, "active": active})):
            daemon.control(hosts.running, "POST", "seed", {"datacenter": "pve2", "table": table, "records": [record]})
        return hosts.join("pve2", link0="10.99.0.2")[0]

    assert joined("inactive") == "Check if node may join a cluster failed!"
    assert joined("active") == "OK"
