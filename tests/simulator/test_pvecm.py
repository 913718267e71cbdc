"""`pvecm` on the nodes does what the API does with clusters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import paramiko
import pytest

from tests.simulator.hosts import Hosts


class Consoles:
    """A connection over SSH to each of the hosts, with the password of root."""

    def __init__(self, hosts: Hosts, stack: ExitStack) -> None:
        """Connect to none yet."""
        self._hosts, self._stack = hosts, stack
        self._clients: dict[str, paramiko.SSHClient] = {}
        hosts.clock({"mode": "immediate"})

    def _client(self, node: str) -> paramiko.SSHClient:
        if node not in self._clients:
            place = self._hosts.running.connections[node].ssh[node]
            client = self._stack.enter_context(paramiko.SSHClient())
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy)
            client.connect(
                place.address, place.port, "root", "benchpw", allow_agent=False, look_for_keys=False, timeout=20
            )
            self._clients[node] = client
        return self._clients[node]

    def run(self, node: str, command: str, given: str = "") -> tuple[int, str, str]:
        """Run a command; return its exit code and what it printed."""
        stdin, stdout, stderr = self._client(node).exec_command(command, timeout=30)
        stdin.write(given.encode())
        stdin.channel.shutdown_write()
        out, error = stdout.read().decode(), stderr.read().decode()
        return stdout.channel.recv_exit_status(), out, error

    def ok(self, node: str, command: str, given: str = "") -> str:
        """Run a command that ends well; return what it printed."""
        code, out, error = self.run(node, command, given)
        assert (code, error) == (0, ""), (code, out, error)
        return out


@pytest.fixture
def consoles(hosts: Hosts) -> Iterator[Consoles]:
    with ExitStack() as stack:
        yield Consoles(hosts, stack)


def test_a_cluster_is_made_joined_and_left_on_the_command_line(hosts: Hosts, consoles: Consoles) -> None:
    assert "Writing corosync config to /etc/pve/corosync.conf" in consoles.ok("pve1", "pvecm create bench")
    joined = consoles.ok("pve2", "pvecm add 192.0.2.11", "benchpw\n")
    assert joined.splitlines()[-1] == "successfully added node 'pve2' to cluster."
    assert "successfully added node 'pve3'" in consoles.ok("pve3", "pvecm add 192.0.2.12 --use_ssh --votes 2")
    assert consoles.ok("pve2", "pvecm nodes").splitlines()[-3:] == [
        "         1          1 pve1",
        "         2          1 pve2 (local)",
        "         3          2 pve3",
    ]
    assert hosts.online("pve3") == {"pve1": 1, "pve2": 1, "pve3": 1}
    assert consoles.ok("pve1", "pvecm delnode pve3") == "Killing node 3\n"
    assert hosts.online("pve1") == {"pve1": 1, "pve2": 1}


def test_what_goes_wrong_is_told_with_an_exit_code(consoles: Consoles) -> None:
    code, _, error = consoles.run("pve1", "pvecm status")
    assert (code, "is this node part of a cluster?" in error) == (2, True)
    consoles.ok("pve1", "pvecm create bench")
    assert consoles.run("pve1", "pvecm create bench")[2] == "cluster config '/etc/pve/corosync.conf' already exists\n"
    code, out, error = consoles.run("pve2", "pvecm add 192.0.2.11", "wrong\n")
    assert (code, error) == (255, "401 authentication failure\n")
    assert "Please enter superuser (root) password for '192.0.2.11': " in out
    code, _, error = consoles.run("pve1", "pvecm delnode nope")
    assert (code, error) == (255, "Node/IP: nope is not a known host of the cluster.\n")
    assert consoles.run("pve1", "pvecm create")[0] == 255


def test_a_node_that_is_told_to_expect_fewer_votes_is_quorate_again(hosts: Hosts, consoles: Consoles) -> None:
    consoles.ok("pve1", "pvecm create bench")
    consoles.ok("pve2", "pvecm add 192.0.2.11 --use_ssh")
    hosts.clients["pve1"].control("nodes", {"datacenter": "pve1", "node": "pve2", "online": False})
    assert "Quorum:           2 Activity blocked" in consoles.ok("pve1", "pvecm status")
    consoles.ok("pve1", "pvecm expected 1")
    status = consoles.ok("pve1", "pvecm status")
    assert "Expected votes:   1\n" in status
    assert "Quorate:          Yes\n" in status
    assert hosts.call("pve1", "POST", "/pools", {"poolid": "p"}).status == 200
    hosts.clients["pve1"].control("nodes", {"datacenter": "pve1", "node": "pve2", "online": True})
    assert "Expected votes:   2\n" in consoles.ok("pve1", "pvecm status")
