"""What a node does by itself: daemons, journal, going down and coming up, and calls in a batch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.simulator.client import Client
from tests.simulator.node_bench import _started, data, ended, log_of, node, somebody

__all__ = ["_started", "node"]
NODE = "/nodes/pve1"


def _state(client: Client, service: str, name: str = "pve1") -> dict[str, str]:
    state: dict[str, str] = data(client.call("GET", f"/nodes/{name}/services/{service}/state"))
    return state


def _journal(client: Client, **params: Any) -> list[str]:
    lines: list[str] = data(client.call("GET", f"{NODE}/journal", params))
    return lines


def test_the_daemons_of_a_node_are_listed_also_those_that_are_not_installed(node: Client) -> None:
    rows = {row["service"]: row for row in data(node.call("GET", f"{NODE}/services"))}
    assert rows["pveproxy"] == {
        "service": "pveproxy", "name": "pveproxy", "desc": "PVE API Proxy Server", "state": "running",
        "active-state": "active", "unit-state": "enabled",
    }  # fmt: skip
    assert (rows["syslog"]["unit-state"], rows["syslog"]["state"]) == ("not-found", "dead")
    assert rows["corosync"]["state"] == "dead"


def test_corosync_runs_in_a_cluster(cluster_client: Client) -> None:
    assert _state(cluster_client, "corosync")["state"] == "running"


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [("stop", "running", "dead"), ("start", "running", "running"), ("restart", "running", "running"),
     ("reload", "running", "running")],
)  # fmt: skip
def test_a_daemon_obeys_in_a_task(node: Client, verb: str, before: str, after: str) -> None:
    assert _state(node, "cron")["state"] == before
    done = node.call("POST", f"{NODE}/services/cron/{verb}")
    assert f":srv{verb}:cron:" in data(done)
    assert ended(node, done) == "OK"
    assert _state(node, "cron")["state"] == after


def test_a_stopped_daemon_stays_stopped_until_somebody_starts_it(node: Client) -> None:
    ended(node, node.call("POST", f"{NODE}/services/cron/stop"))
    ended(node, node.call("POST", f"{NODE}/services/cron/reload"))
    assert _state(node, "cron")["active-state"] == "inactive"
    ended(node, node.call("POST", f"{NODE}/services/cron/start"))
    assert _state(node, "cron")["active-state"] == "active"


def test_a_daemon_that_a_node_needs_is_not_stopped(node: Client) -> None:
    refused = node.call("POST", f"{NODE}/services/pveproxy/stop")
    assert ended(node, refused) == "invalid service cmd 'pveproxy stop': refusing to stop essential service!"


def test_a_daemon_that_is_not_installed_can_not_be_started(node: Client) -> None:
    assert ended(node, node.call("POST", f"{NODE}/services/syslog/start")) == (
        "command 'systemctl start syslog' failed: exit code 5"
    )


def test_starting_daemons_needs_the_right_to_change_the_node(node: Client) -> None:
    eve = somebody(node, "Sys.Audit")
    refused = node.call("POST", f"{NODE}/services/cron/stop", as_user=eve)
    assert refused.reason == "Permission check failed (/nodes/pve1, Sys.Modify)"


def test_the_journal_tells_of_start_logins_tasks_and_daemons(node: Client) -> None:
    data(node.login("root@pam", node.password))
    upid = data(node.call("POST", f"{NODE}/services/cron/stop"))
    first, *lines, last = _journal(node)
    assert first.startswith("s=")
    assert last.startswith("s=")
    for part in (
        "kernel: Linux version", "systemd[1]: Started pveproxy.service - PVE API Proxy Server.",
        "<root@pam> successful auth for user 'root@pam'", f"starting task {upid}", f"end task {upid} OK",
        f"pvedaemon[900]: stopping service cron: {upid}",
        "Stopped cron.service - Regular background program processing daemon.",
    ):  # fmt: skip
        assert any(part in line for line in lines), part


def test_the_journal_goes_on_after_the_cursor_at_which_it_ended(node: Client) -> None:
    cursor = _journal(node)[-1]
    assert _journal(node, startcursor=cursor)[1:-1] == []
    data(node.login("root@pam", node.password))
    assert [line.partition(": ")[2] for line in _journal(node, startcursor=cursor)[1:-1]] == [
        "<root@pam> successful auth for user 'root@pam'"
    ]


def test_the_journal_is_filtered(node: Client) -> None:
    assert all(" kernel: " in line for line in _journal(node, kernel=1)[1:-1])
    assert all(" systemd[1]: " in line for line in _journal(node, service="system*")[1:-1])
    assert len(_journal(node, lastentries=3)) == 3 + 2
    assert _journal(node, priority="0..3")[1:-1] == []
    refused = node.call("GET", f"{NODE}/journal", {"since": 1, "startcursor": "s=1;i=1"})
    assert refused.status == 400


def test_structured_lines_of_the_journal_say_what_is_what(node: Client) -> None:
    identifiers, _, line, *_ = _journal(node, structured=1, identifiers=1)
    assert json.loads(identifiers) == {"identifiers": ["kernel", "systemd"]}
    assert json.loads(line)["identifier"] == "kernel"


def test_the_system_log_comes_in_pages(node: Client) -> None:
    answer = node.call("GET", f"{NODE}/syslog", {"start": 1, "limit": 2})
    assert [row["n"] for row in data(answer)] == [2, 3]
    assert answer.body["total"] > 10
    nothing = node.call("GET", f"{NODE}/syslog", {"service": "nope"})
    assert data(nothing) == [{"n": 1, "t": "no content"}]
    assert data(node.call("GET", f"{NODE}/syslog", {"since": "2100-01-01"})) == [{"n": 1, "t": "no content"}]


def test_only_who_may_read_the_log_does(node: Client) -> None:
    eve = somebody(node, "Sys.Audit")
    for path in ("syslog", "journal"):
        refused = node.call("GET", f"{NODE}/{path}", as_user=eve)
        assert refused.reason == "Permission check failed (/nodes/pve1, Sys.Syslog)"


def _nodes(client: Client) -> dict[str, str]:
    return {row["node"]: row["status"] for row in data(client.call("GET", "/nodes"))}


def test_a_node_that_reboots_is_away_for_a_minute(cluster_client: Client) -> None:
    cluster_client.control("clock", {"mode": "held"})
    assert data(cluster_client.call("POST", "/nodes/pve3/status", {"command": "reboot"})) is None
    assert _nodes(cluster_client)["pve3"] == "online"
    cluster_client.control("clock", {"advance": 12})
    assert _nodes(cluster_client)["pve3"] == "offline"
    assert cluster_client.call("GET", "/nodes/pve3/status").status == 595
    cluster_client.control("clock", {"advance": 75})
    assert _nodes(cluster_client)["pve3"] == "online"
    assert data(cluster_client.call("GET", "/nodes/pve3/status"))["uptime"] < 60


def test_a_reboot_stops_the_guests_and_starts_the_daemons(node: Client) -> None:
    data(node.call("POST", f"{NODE}/qemu", {"vmid": 100}))
    ended(node, node.call("POST", f"{NODE}/qemu/100/status/start"))
    ended(node, node.call("POST", f"{NODE}/services/cron/stop"))
    data(node.call("POST", f"{NODE}/status", {"command": "reboot"}))
    assert data(node.call("GET", f"{NODE}/qemu/100/status/current"))["status"] == "stopped"
    assert _state(node, "cron")["state"] == "running"
    assert data(node.call("GET", f"{NODE}/status"))["uptime"] < 60


def test_a_node_that_is_shut_down_comes_up_when_it_is_woken(cluster_client: Client) -> None:
    wake = ("POST", "/nodes/pve3/wakeonlan")
    data(cluster_client.call("PUT", "/nodes/pve3/config", {"wakeonlan": "bc:24:11:00:00:03"}))
    data(cluster_client.call("POST", "/nodes/pve3/status", {"command": "shutdown"}))
    assert _nodes(cluster_client)["pve3"] == "offline"
    assert data(cluster_client.call(*wake)) == "bc:24:11:00:00:03"
    assert _nodes(cluster_client)["pve3"] == "online"


def test_a_node_wakes_neither_itself_nor_one_without_an_address(cluster_client: Client) -> None:
    own = cluster_client.call("POST", "/nodes/pve1/wakeonlan")
    assert own.reason == "'pve1' is local node, cannot wake my self!"
    other = cluster_client.call("POST", "/nodes/pve2/wakeonlan")
    assert other.reason == "No wake on LAN MAC address defined for 'pve2'!"
    assert cluster_client.call("POST", "/nodes/nope/wakeonlan").reason == "no such cluster node 'nope'"


def test_switching_a_node_off_needs_the_right_to_do_so(node: Client) -> None:
    eve = somebody(node, "Sys.Audit", "Sys.Modify")
    refused = node.call("POST", f"{NODE}/status", {"command": "shutdown"}, as_user=eve)
    assert refused.reason == "Permission check failed (/nodes/pve1, Sys.PowerMgmt)"


def test_commands_in_a_batch_are_answered_one_by_one(node: Client) -> None:
    data(node.login("root@pam", node.password))
    commands = [
        {"method": "GET", "path": "version"},
        {"method": "POST", "path": "qemu", "args": {"vmid": 5}},
        {"method": "GET", "path": "nowhere"},
        {"method": "GET", "path": "qemu/999/config"},
        {"method": "POST", "path": "services/cron/stop"},
        {"method": "GET", "path": "services/cron/state", "args": {"service": "cron"}},
    ]
    answer = node.call("POST", f"{NODE}/execute", {"commands": json.dumps(commands)}, as_user="root@pam")
    version, wrong, nowhere, missing, stopped, twice = data(answer)
    assert (version["status"], version["data"]["release"]) == (200, "9.2")
    assert (wrong["status"], list(wrong["errors"])) == (400, ["vmid"])
    assert nowhere == {"status": 500, "message": "no handler for 'nodes/pve1/nowhere'\n"}
    assert missing["message"].startswith("Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist")
    assert stopped["status"] == 200
    assert twice["errors"] == {"service": "duplicate parameter"}
    assert _state(node, "cron")["state"] == "dead"


@pytest.mark.parametrize("commands", ["nonsense", "{}", '[{"path": "version"}]'])
def test_a_batch_has_to_be_a_list_of_commands(node: Client, commands: str) -> None:
    data(node.login("root@pam", node.password))
    refused = node.call("POST", f"{NODE}/execute", {"commands": commands}, as_user="root@pam")
    assert list(refused.body["errors"]) == ["commands"]


def test_a_batch_is_for_root_alone(node: Client) -> None:
    eve = somebody(node, "Sys.Audit", "Sys.Modify")
    assert node.call("POST", f"{NODE}/execute", {"commands": "[]"}, as_user=eve).status == 403


def test_the_devices_of_running_guests_have_counters(node: Client) -> None:
    data(node.call("POST", f"{NODE}/qemu", {"vmid": 100, "net0": "virtio,bridge=vmbr0"}))
    assert data(node.call("GET", f"{NODE}/netstat")) == []
    ended(node, node.call("POST", f"{NODE}/qemu/100/status/start"))
    (row,) = data(node.call("GET", f"{NODE}/netstat"))
    assert (row["vmid"], row["dev"]) == ("100", "net0")


def test_the_report_has_the_configuration_in_it(node: Client) -> None:
    data(node.call("POST", f"{NODE}/qemu", {"vmid": 100, "name": "reported"}))
    text = data(node.call("GET", f"{NODE}/report"))
    for part in ("==== general system info ====", "proxmox-ve: 9.2", "dir: local", "name: reported", "auto vmbr0"):
        assert part in text


def test_a_subscription_is_set_shown_and_removed(node: Client) -> None:
    path = f"{NODE}/subscription"
    assert data(node.call("GET", path))["status"] == "notfound"
    assert node.call("PUT", path, {"key": "pve9c-0123456789"}).body["errors"].keys() == {"key"}
    data(node.call("PUT", path, {"key": "pve1c-0123456789"}))
    info = data(node.call("GET", path))
    assert (info["status"], info["level"], info["key"]) == ("active", "c", "pve1c-0123456789")
    data(node.call("POST", path, {"force": 1}))
    assert data(node.call("GET", path))["checktime"] >= info["checktime"]
    eve = somebody(node)
    seen = data(node.call("GET", path, as_user=eve))
    assert seen["status"] == "active"
    assert not {"key", "serverid"} & seen.keys()
    data(node.call("DELETE", path))
    assert data(node.call("GET", path))["message"] == "There is no subscription key"


def test_devices_are_those_of_the_topology(node: Client) -> None:
    (card,) = data(node.call("GET", f"{NODE}/hardware/pci"))
    assert (card["id"], card["vendor_name"], card["iommugroup"], card["mdev"]) == ("0000:01:00.0", "NVIDIA", 9, 1)
    everything = data(node.call("GET", f"{NODE}/hardware/pci", {"pci-class-blacklist": "", "verbose": 0}))
    assert [row["id"] for row in everything] == ["0000:00:00.0", "0000:01:00.0"]
    assert "vendor_name" not in everything[1]
    (usb,) = data(node.call("GET", f"{NODE}/hardware/usb"))
    assert (usb["vendid"], usb["prodid"], usb["product"], usb["usbpath"]) == ("0bda", "8153", "USB LAN", "1")


def test_mediated_devices_are_found_by_device_and_by_mapping(node: Client) -> None:
    expected = [{"type": "nvidia-558", "available": 4, "description": "heads", "name": "A10-4Q"}]
    assert data(node.call("GET", f"{NODE}/hardware/pci/0000:01:00.0/mdev")) == expected
    assert data(node.call("GET", f"{NODE}/hardware/pci/00:00.0/mdev")) == []
    entry = "node=pve1,path=0000:01:00.0,id=10de:2236"
    data(node.call("POST", "/cluster/mapping/pci", {"id": "gpu", "map": entry, "mdev": 1}))
    assert data(node.call("GET", f"{NODE}/hardware/pci/gpu/mdev")) == expected


def test_a_node_of_which_nothing_is_said_has_the_devices_of_any_server(client: Client) -> None:
    classes = {row["class"] for row in data(client.call("GET", f"{NODE}/hardware/pci"))}
    assert {"0x020000", "0x030000"} <= classes
    assert not any(name.startswith("0x06") for name in classes)
    assert data(client.call("GET", f"{NODE}/hardware/usb"))[0]["vendid"] == "1d6b"


def test_package_sources_are_added_enabled_and_disabled(node: Client) -> None:
    path = f"{NODE}/apt/repositories"
    before = data(node.call("GET", path))
    standard = {row["handle"]: row.get("status") for row in before["standard-repos"]}
    assert (standard["enterprise"], standard["no-subscription"]) == (1, None)
    data(node.call("PUT", path, {"handle": "no-subscription", "digest": before["digest"]}))
    stale = node.call("PUT", path, {"handle": "test", "digest": before["digest"]})
    assert stale.reason == "detected modified configuration - file changed by other user? Try again."
    enterprise = "/etc/apt/sources.list.d/pve-enterprise.sources"
    data(node.call("POST", path, {"path": enterprise, "index": 0, "enabled": 0}))
    after = data(node.call("GET", path))
    standard = {row["handle"]: row.get("status") for row in after["standard-repos"]}
    assert (standard["enterprise"], standard["no-subscription"]) == (0, 1)
    files = {file["path"]: file for file in after["files"]}
    assert files[enterprise]["repositories"][0]["Enabled"] == 0
    assert files["/etc/apt/sources.list.d/proxmox.sources"]["repositories"][0]["Components"] == ["pve-no-subscription"]
    assert len(files[enterprise]["digest"]) == 32
    for wrong, reason in (({"path": "/x", "index": 0}, "invalid path - /x"),
                          ({"path": enterprise, "index": 7}, "invalid index - 7")):  # fmt: skip
        assert node.call("POST", path, {**wrong, "enabled": 1}).reason == reason
    assert node.call("PUT", path, {"handle": "nope"}).reason == "unknown repository handle 'nope'"


def test_package_lists_for_subscribers_are_refused_without_a_key(node: Client) -> None:
    refused = node.call("POST", f"{NODE}/apt/update")
    assert ended(node, refused) == "command 'apt-get update' failed: exit code 100"
    assert any("401  Unauthorized" in line for line in log_of(node, refused))
    data(node.call("PUT", f"{NODE}/subscription", {"key": "pve1c-0123456789"}))
    assert ended(node, node.call("POST", f"{NODE}/apt/update")) == "OK"


def test_packages_have_versions_newer_versions_and_changes(node: Client) -> None:
    versions = {row["Package"]: row for row in data(node.call("GET", f"{NODE}/apt/versions"))}
    assert (versions["pve-manager"]["OldVersion"], versions["pve-manager"]["CurrentState"]) == ("9.2.11", "Installed")
    updates = {row["Package"]: row for row in data(node.call("GET", f"{NODE}/apt/update"))}
    newer = updates["pve-manager"]["Version"]
    assert newer != updates["pve-manager"]["OldVersion"]
    changes = data(node.call("GET", f"{NODE}/apt/changelog", {"name": "pve-manager", "version": newer}))
    assert changes.startswith(f"pve-manager ({newer})")
    assert "Unable to locate package" in data(node.call("GET", f"{NODE}/apt/changelog", {"name": "nope"}))


def test_a_domain_is_wanted_only_once_for_a_node(node: Client) -> None:
    settings = {"acme": "domains=a.example.test", "acmedomain0": "A.example.test"}
    refused = node.call("PUT", f"{NODE}/config", settings)
    assert refused.reason == "duplicate domain 'a.example.test' in ACME config properties 'acmedomain0' and 'acme'"
    assert data(node.call("GET", f"{NODE}/config")) == {}


def test_without_quorum_a_nodes_settings_can_not_be_written(cluster_client: Client) -> None:
    for name in ("pve2", "pve3"):
        cluster_client.control("nodes", {"node": name, "online": False})
    refused = cluster_client.call("PUT", "/nodes/pve1/config", {"description": "x"})
    assert refused.reason.startswith("unable to open file '/etc/pve/nodes/pve1/config.tmp.")
    assert cluster_client.call("PUT", "/nodes/pve1/time", {"timezone": "Europe/Vienna"}).status == 200
