"""`proxmox-labs firewall verdict`: what it answers, in words and as JSON, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.conftest import Simulator
from tests.runtime.doors import connection_to
from tests.toolchain.checkout import Checkout, forget_pulumi_settings, make_checkout, run
from toolchain.environment import pulumi_environment

OPTIONS, RULES = "/cluster/firewall/options", "/cluster/firewall/rules"
Ask = Callable[..., Result]


@pytest.fixture
def ask(cluster: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks about a cluster of three nodes with a firewall that lets one network in."""
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(cluster.base))
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: proxmox\nruntime: python\n")
    (tmp_path / "stacks" / "Pulumi.demo.yaml").write_text("config: {proxmox:simulator: three-nodes}\n")
    allowed = {"type": "in", "action": "ACCEPT", "macro": "SSH", "source": "10.0.0.0/24", "enable": 1}
    cluster.by_hand("POST", RULES, allowed)
    cluster.by_hand("PUT", OPTIONS, {"enable": 1})
    return lambda *arguments: CliRunner().invoke(
        app, ["firewall", "verdict", "--directory", str(tmp_path), *map(str, arguments)]
    )


def test_it_tells_by_which_rule_a_packet_passes(ask: Ask) -> None:
    told = ask("--from", "10.0.0.5", "--to", "node:pve1", "--dport", 22)

    assert told.output == "ACCEPT into node pve1 by cluster rule 0 (IN ACCEPT SSH from 10.0.0.0/24)\n"
    assert told.exit_code == 0


def test_it_ends_with_another_code_where_the_packet_is_stopped(ask: Ask) -> None:
    told = ask("--from", "10.0.0.5", "--to", "node:pve1", "--dport", 8006, "--json")

    assert told.exit_code == 3
    answer = json.loads(told.output)
    assert answer["passes"] is False
    assert answer["by"] == "policy_in of cluster (DROP)"
    assert [each["place"]["way"] for each in answer["way"]] == ["in"]


def test_it_follows_a_packet_from_node_to_node(ask: Ask) -> None:
    told = ask("--from", "node:pve1", "--to", "node:pve2", "--proto", "udp", "--dport", 5405)

    assert told.output.splitlines() == [
        "ACCEPT out of node pve1 by built in: corosync",
        "ACCEPT into node pve2 by built in: corosync",
    ]


def test_a_message_may_be_named(ask: Ask) -> None:
    told = ask("--from", "10.0.0.5", "--to", "node:pve1", "--proto", "icmp", "--icmp-type", "time-exceeded")

    assert told.output == "ACCEPT into node pve1 by built in: icmp time-exceeded\n"


def test_a_guest_without_firewall_is_open(ask: Ask, cluster: Simulator) -> None:
    cluster.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 100, "net0": "virtio,bridge=vmbr0"})

    told = ask("--from", "10.0.0.5", "--to", "guest:100@192.0.2.7")
    assert told.output == "ACCEPT into guest 100 net0 by enable of guest 100: its firewall is off\n"
    unknown = ask("--from", "10.0.0.5", "--to", "guest:100")
    assert unknown.exit_code == 4
    assert "the address of net0 of guest 100 is not known" in unknown.output


@pytest.mark.parametrize(
    ("part", "passing"),
    [("all", ["10.3.0.1", "10.3.0.9"]), ("gateway", ["10.3.0.1"]), ("no-gateway", ["10.3.0.9"])],
)
def test_the_sets_of_a_virtual_network_are_known(ask: Ask, cluster: Simulator, part: str, passing: list[str]) -> None:
    for path, values in (
        ("zones", {"zone": "z1", "type": "simple"}),
        ("vnets", {"vnet": "v1", "zone": "z1"}),
        ("vnets/v1/subnets", {"subnet": "10.3.0.0/24", "type": "subnet", "gateway": "10.3.0.1"}),
    ):
        cluster.by_hand("POST", f"/cluster/sdn/{path}", values)
    cluster.by_hand("PUT", "/cluster/sdn")
    cluster.by_hand("POST", RULES, {"type": "in", "action": "ACCEPT", "source": f"+sdn/v1-{part}", "enable": 1})

    codes = {ip: ask("--from", ip, "--to", "node:pve1", "--dport", 80).exit_code for ip in ("10.3.0.1", "10.3.0.9")}

    assert [ip for ip, code in codes.items() if code == 0] == passing


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (("10.0.0.5", "pve1"), "'pve1' is no end of a way"),
        (("10.0.0.5", "10.0.0.6"), "one of the two ends has to be a node or a guest"),
        (("2001:db8::1", "node:pve1"), "are not of the same version of IP"),
    ],
)
def test_a_question_that_makes_no_sense_says_why(ask: Ask, ends: tuple[str, str], words: str) -> None:
    told = ask("--from", ends[0], "--to", ends[1])

    assert told.exit_code == 1
    assert words in told.output


def test_what_depends_on_what_nobody_knows_is_an_error_that_names_it(ask: Ask, cluster: Simulator) -> None:
    cluster.by_hand("POST", RULES, {"type": "group", "action": "nowhere", "enable": 1})

    told = ask("--from", "10.0.0.5", "--to", "node:pve1", "--dport", 80, "--json")

    assert told.exit_code == 4
    assert json.loads(told.output)["passes"] is None
    assert "the security group 'nowhere' is not known" in json.loads(told.output)["error"]


@pytest.mark.engine
def test_connections_that_are_secrets_of_a_stack_are_decrypted(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_pulumi_settings(monkeypatch)
    checkout = make_checkout(tmp_path, "")
    _keep_connection(checkout, simulator)

    told = checkout.labs("firewall", "verdict", "--from", "10.0.0.5", "--to", "node:pve1", "--dport", "22")

    assert told.stdout == "ACCEPT into node pve1 by enable of cluster: its firewall is off\n", told.stderr


def _keep_connection(checkout: Checkout, simulator: Simulator) -> None:
    """Write the connection into the stack's file as Pulumi does."""
    found = connection_to(simulator)
    assert found.token_secret is not None
    values = {
        "endpoints": found.endpoints,
        "token_id": found.token_id,
        "token_secret": found.token_secret.get_secret_value(),
        "ca_file": str(found.ca_file),
    }
    assert checkout.labs("preview").returncode == 0  # makes the stack
    file = str(checkout.root / "stacks" / "Pulumi.demo.yaml")
    command = ["pulumi", "config", "set", "--secret", "proxmox:connections", json.dumps({"lab": values})]
    environment = pulumi_environment(checkout.root)
    done = run([*command, "--stack", "demo", "--config-file", file], checkout.root, environment)
    assert done.returncode == 0, done.stderr
