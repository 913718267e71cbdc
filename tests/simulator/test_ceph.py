"""Ceph is not installed on simulated nodes, and every method says so as Proxmox does."""

from __future__ import annotations

import pytest

from tests.simulator.client import Client
from tests.simulator.node_bench import _started, data, node, somebody

__all__ = ["_started", "node"]


@pytest.mark.parametrize(
    ("method", "path", "params", "reason"),
    [
        ("GET", "/cluster/ceph/status", {}, "binary not installed: /usr/bin/ceph-mon"),
        ("PUT", "/cluster/ceph/flags/noout", {"value": 1}, "binary not installed: /usr/bin/ceph-mon"),
        ("GET", "/nodes/pve1/ceph/osd", {}, "binary not installed: /usr/bin/ceph-mon"),
        ("POST", "/nodes/pve1/ceph/mon/pve1", {}, "binary not installed: /usr/bin/ceph-mon"),
        ("POST", "/nodes/pve1/ceph/mgr/pve1", {}, "binary not installed: /usr/bin/ceph-mgr"),
        ("POST", "/nodes/pve1/ceph/mds/pve1", {}, "binary not installed: /usr/bin/ceph-mds"),
        ("POST", "/nodes/pve1/ceph/pool", {"name": "p1"}, "binary not installed: /usr/bin/ceph-mon"),
        ("POST", "/nodes/pve1/ceph/init", {}, "Ceph Nautilus required - please run 'pveceph install'"),
    ],
)
def test_ceph_is_not_installed(node: Client, method: str, path: str, params: dict[str, str], reason: str) -> None:
    refused = node.call(method, path, params)
    assert (refused.status, refused.reason) == (500, reason)


def test_parameters_and_privileges_come_first(node: Client) -> None:
    wrong = node.call("POST", "/nodes/pve1/ceph/pool", {"name": "a/b", "size": 9})
    assert wrong.body["errors"].keys() == {"name", "size"}
    eve = somebody(node, "Sys.Audit")
    assert node.call("POST", "/nodes/pve1/ceph/start", as_user=eve).reason == "Permission check failed (/, Sys.Modify)"
    assert node.call("GET", "/nodes/pve1/ceph/status", as_user=eve).status == 500
    assert node.call("POST", "/nodes/pve1/ceph/osd", {"dev": "/dev/sdb"}, as_user=eve).status == 403


def test_what_there_is_below_a_path_is_listed_all_the_same(node: Client) -> None:
    assert {"name": "osd"} in data(node.call("GET", "/nodes/pve1/ceph"))
    assert {"name": "flags"} in data(node.call("GET", "/cluster/ceph"))
    assert data(node.call("GET", "/nodes/pve1/ceph/cfg")) == [{"name": "db"}, {"name": "raw"}, {"name": "value"}]
    releases = {row["release"]: row for row in data(node.call("GET", "/nodes/pve1/ceph/releases"))}
    assert (releases["squid"]["available"], releases["reef"]["available"]) == (1, 0)
