"""Clients that never heard of this project drive the whole life of a cluster: proxmoxer, curl and ssh."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from proxmoxer import ProxmoxAPI

from simulator.daemon import SimulatedConnection
from tests.conftest import Simulator

Ask = Callable[[str, str, dict[str, str]], Any]
_CLONE = {"newid": "201", "name": "web1", "full": "1", "pool": "web", "storage": "nfs1", "format": "qcow2"}
LIFE: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("POST", "/pools", {"poolid": "web"}),
    ("POST", "/nodes/pve1/qemu/9000/clone", _CLONE),
    ("PUT", "/nodes/pve1/qemu/201/config", {"memory": "4096", "tags": "web", "delete": "ide2"}),
    ("PUT", "/nodes/pve1/qemu/201/resize", {"disk": "scsi0", "size": "+1G"}),
    ("POST", "/nodes/pve1/qemu/201/status/start", {}),
    ("POST", "/nodes/pve1/qemu/201/snapshot", {"snapname": "before"}),
    ("POST", "/nodes/pve1/qemu/201/migrate", {"target": "pve2", "online": "1"}),
    ("POST", "/nodes/pve2/qemu/201/snapshot/before/rollback", {}),
    ("DELETE", "/nodes/pve2/qemu/201/snapshot/before", {}),
    ("POST", "/cluster/ha/resources", {"sid": "vm:201", "state": "started"}),
    ("DELETE", "/cluster/ha/resources/vm:201", {}),
    ("POST", "/nodes/pve2/vzdump", {"vmid": "201", "storage": "nfs1", "mode": "snapshot", "compress": "zstd"}),
    ("POST", "/nodes/pve2/qemu/201/status/stop", {}),
)
END: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("DELETE", "/nodes/pve2/qemu/201", {"purge": "1"}),
    ("DELETE", "/pools", {"poolid": "web"}),
)


def _live(ask: Ask) -> None:
    """Take a machine from its template to its end, and insist that each task ended well."""
    for step in LIFE:
        ask(*step)
    config = ask("GET", "/nodes/pve2/qemu/201/config", {})
    assert (config["name"], config["memory"], config["tags"]) == ("web1", "4096", "web")
    assert "size=4G" in config["scsi0"]
    (backup,) = ask("GET", "/nodes/pve3/storage/nfs1/content", {"content": "backup"})
    ask("POST", "/nodes/pve3/qemu", {"vmid": "202", "archive": backup["volid"], "storage": "local-lvm"})
    restored = ask("GET", "/nodes/pve3/qemu/202/config", {})
    assert (restored["name"], restored["memory"]) == ("web1", "4096")
    for step in (*END, ("DELETE", "/nodes/pve3/qemu/202", {})):
        ask(*step)
    tasks = ask("GET", "/cluster/tasks", {})
    assert {task["status"] for task in tasks} == {"OK"}
    assert {"qmclone", "qmigrate", "qmsnapshot", "qmrollback", "vzdump", "qmrestore", "qmdestroy"} <= {
        task["type"] for task in tasks
    }
    assert 201 not in [row.get("vmid") for row in ask("GET", "/cluster/resources", {"type": "vm"})]


def _connection(cluster: Simulator) -> SimulatedConnection:
    return next(iter(cluster.running.connections.values()))


def test_proxmoxer_alone_drives_a_cluster(cluster: Simulator) -> None:
    connection = _connection(cluster)
    address, (user, _, name) = urlsplit(connection.endpoints[0]), connection.token_id.partition("!")
    api = ProxmoxAPI(
        address.hostname, port=address.port, user=user, token_name=name, token_value=connection.token_secret,
        verify_ssl=str(connection.ca_file),
    )  # fmt: skip

    def ask(method: str, path: str, values: dict[str, str]) -> Any:
        verb = {"POST": "create", "PUT": "set", "GET": "get", "DELETE": "delete"}[method]
        return getattr(api(path.removeprefix("/")), verb)(**values)

    _live(ask)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_alone_drives_a_cluster(cluster: Simulator) -> None:
    connection = _connection(cluster)
    token = f"Authorization: PVEAPIToken={connection.token_id}={connection.token_secret}"

    def ask(method: str, path: str, values: dict[str, str]) -> Any:
        url = f"{connection.endpoints[0]}/api2/json{path}"
        given = [item for name, value in values.items() for item in ("--data-urlencode", f"{name}={value}")]
        if method in ("GET", "DELETE"):
            url, given = f"{url}?{urlencode(values)}", []
        options = ["-q", "-sSf", "--noproxy", "*", "--cacert", str(connection.ca_file), "-H", token, "-X", method]
        return json.loads(_run("curl", *options, *given, url))["data"]

    _live(ask)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's ssh")
def test_ssh_alone_drives_a_cluster(cluster: Simulator, tmp_path: Path) -> None:
    connection = _connection(cluster)
    place = connection.ssh["pve1"]
    known = tmp_path / "known_hosts"
    known.write_text(f"[{place.address}]:{place.port} {place.public_key}\n", encoding="utf-8")
    options = ["-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes", "-i", str(connection.ssh_key)]

    def ask(method: str, path: str, values: dict[str, str]) -> Any:
        verb = {"POST": "create", "PUT": "set", "GET": "get", "DELETE": "delete"}[method]
        given = [item for name, value in values.items() for item in (f"--{name}", value)]
        command = ["pvesh", verb, path, *given, "--output-format", "json"]
        printed = _run("ssh", *options, "-p", str(place.port), f"root@{place.address}", *command)
        return json.loads(printed) if method == "GET" else printed

    _live(ask)


def _run(*command: str) -> str:
    """Run a program to its good end, and return what it prints."""
    ran = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
    assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
    return ran.stdout
