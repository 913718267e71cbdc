"""A host with spare disks and devices, on which the tests of a node's own methods run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.client import Answer, Client
from tests.simulator.conftest import own_client

TOPOLOGY = """
password: bench-password
datacenters:
  lab:
    clustered: false
    nodes:
      pve1:
        ip: 192.0.2.10
        disk: 100G
        disks:
          sdb: 100G
          sdc: 100G
          sdd: {size: 200G, type: hdd, model: Old Rust, serial: R1, health: FAILED!}
          sde: 100G
          nvme0n1: 1T
        pci:
          - {id: "0000:01:00.0", class: "0x030200", vendor: "0x10de", device: "0x2236", vendor_name: NVIDIA,
             device_name: A10, iommugroup: 9, mdev: {nvidia-558: {available: 4, description: heads, name: A10-4Q}}}
          - {id: "0000:00:00.0", class: "0x060000", vendor: "0x8086", device: "0x29c0"}
        usb:
          - {vendid: 0bda, prodid: "8153", product: USB LAN}
    bridges: [vmbr0]
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso"}
      local-lvm: {type: lvmthin, vgname: pve, thinpool: data, content: "images", size: 200G}
"""


@pytest.fixture(scope="module")
def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with own_client(tmp_path_factory.mktemp("node"), TOPOLOGY) as made:
        yield made


@pytest.fixture
def node(_started: Client) -> Client:
    """A client of that host, as the topology says."""
    _started.control("reset", {})
    _started.tickets.clear()
    return _started


def data(answer: Answer) -> Any:
    """Return what a call gave; it must not have been refused."""
    assert answer.status == 200, (answer.reason, answer.body)
    return answer.data


def ended(client: Client, answer: Answer, name: str = "pve1") -> str:
    """Return how the task ended that a call started."""
    upid = data(answer)
    status: str = client.call("GET", f"/nodes/{name}/tasks/{upid}/status").data["exitstatus"]
    return status


def log_of(client: Client, answer: Answer, name: str = "pve1") -> list[str]:
    """Return the log of the task that a call started."""
    return [line["t"] for line in client.call("GET", f"/nodes/{name}/tasks/{data(answer)}/log").data]


def somebody(client: Client, *privileges: str, path: str = "/") -> str:
    """Make a user with just these privileges, log in, and return the name."""
    client.call("POST", "/access/users", {"userid": "eve@pve", "password": "secret-of-eve"})
    if privileges:
        client.call("POST", "/access/roles", {"roleid": "some", "privs": " ".join(privileges)})
        client.call("PUT", "/access/acl", {"path": path, "roles": "some", "users": "eve@pve"})
    data(client.login("eve@pve", "secret-of-eve"))
    return "eve@pve"
