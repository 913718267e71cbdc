"""Options of the firewall: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.errors import AlreadyThere
from providers._runtime.model import Inputs, canonical, fields_of
from providers.firewall_options import FirewallOptionsInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.simulator.oracles import api_schema

EXAMPLE = {"enable": False, "policy_in": "ACCEPT", "log_ratelimit": {"enable": True, "rate": "5/minute"}}
UPDATES = [
    {
        "enable": True, "policy_in": "DROP", "policy_out": "ACCEPT", "log_ratelimit": {"enable": True, "burst": 9},
        "lockout_allowed": True,
    },
    {"policy_in": "DROP", "ebtables": True},
]  # fmt: skip
DRIFT = [("PUT", "/cluster/firewall/options", {"policy_in": "REJECT"})]

OPTIONS = "/cluster/firewall/options"
MEANT = {"lockout_allowed": True}
PATHS: list[tuple[str, dict[str, Any]]] = [
    ("/cluster/firewall/options", {}),
    ("/nodes/{node}/firewall/options", {"node": "pve1"}),
    ("/nodes/{node}/qemu/{vmid}/firewall/options", {"vmid": 100}),
    ("/nodes/{node}/lxc/{vmid}/firewall/options", {"vmid": 100}),
    ("/cluster/sdn/vnets/{vnet}/firewall/options", {"vnet": "v1"}),
]
SOME_VALUE: dict[str, Any] = {
    "log_ratelimit": {"enable": True},
    "nf_conntrack_helpers": ["ftp"],
    "nf_conntrack_max": 40000,
    "nf_conntrack_tcp_timeout_established": 8000,
    "nf_conntrack_tcp_timeout_syn_recv": 40,
    "protection_synflood_burst": 5,
    "protection_synflood_rate": 5,
    **dict.fromkeys(("policy_in", "policy_out", "policy_forward"), "DROP"),
    **dict.fromkeys(("log_level_in", "log_level_out", "log_level_forward"), "info"),
    **dict.fromkeys(("smurf_log_level", "tcp_flags_log_level"), "nolog"),
}


def some(option: str) -> Any:
    """A value that an option can have."""
    return SOME_VALUE.get(option, True)


@pytest.fixture
def options(simulator: Simulator) -> Driver:
    """The options of a firewall in a program."""
    return Driver(simulator, "firewall_options")


@pytest.mark.parametrize(("path", "scope"), PATHS)
def test_each_level_has_the_options_that_proxmox_lists_and_no_others(path: str, scope: dict[str, Any]) -> None:
    listed = set(api_schema()["PUT", path]["parameters"]["properties"]) - {"delete", "digest", "node", "vmid", "vnet"}
    fields = set(fields_of(FirewallOptionsInputs)) - {"node", "vmid", "vnet", *Inputs.model_fields}

    taken = {
        name for name in fields if canonical(FirewallOptionsInputs, {**scope, name: some(name)}, frozenset())[1] == []
    }

    assert taken == listed


def test_an_option_of_another_level_is_refused_by_name(options: Driver) -> None:
    problems = options.check({"enable": True, "macfilter": False})[1]

    assert problems == [("", "macfilter: the firewall of the cluster has no such option")]


def test_an_option_that_somebody_has_set_is_changed_only_if_that_is_said(simulator: Simulator, options: Driver) -> None:
    simulator.by_hand("PUT", OPTIONS, {"policy_in": "ACCEPT", "ebtables": 0})

    with pytest.raises(AlreadyThere, match="policy_in of the firewall of the cluster: already defined"):
        options.up({"policy_in": "DROP", "enable": True, **MEANT})
    options.up({"policy_in": "DROP", "enable": True, "adopt": "if-exists", **MEANT})

    found = simulator.by_hand("GET", OPTIONS)
    assert {name: found[name] for name in found if name != "digest"} == {
        "policy_in": "DROP",
        "ebtables": 0,
        "enable": 1,
    }


def test_two_resources_that_set_options_at_once_do_each_other_no_harm(simulator: Simulator, options: Driver) -> None:
    simulator.by_hand("PUT", OPTIONS, {"ebtables": 0})
    put, second = options.client.request, Driver(simulator, "firewall_options", "second")

    def meanwhile(method: str, path: str, *args: Any, **more: Any) -> Any:
        if method == "PUT" and not second.id:
            second.up({"policy_in": "DROP"})
        return put(method, path, *args, **more)

    options.client.request = meanwhile  # type: ignore[method-assign]  # another resource right before our change
    options.up({"enable": True, **MEANT})

    found = simulator.by_hand("GET", OPTIONS)
    assert (found["enable"], found["policy_in"], found["ebtables"]) == (1, "DROP", 0)


def test_what_was_declared_is_reset_and_nothing_else(simulator: Simulator, options: Driver) -> None:
    simulator.by_hand("PUT", OPTIONS, {"ebtables": 0})
    options.up({"policy_in": "DROP", "enable": True, **MEANT})

    options.delete()

    assert set(simulator.by_hand("GET", OPTIONS)) == {"ebtables", "digest"}


@pytest.mark.parametrize(
    ("path", "args", "changed"),
    [
        (
            "/nodes/pve1/firewall/options",
            {"node": "pve1", "nftables": True, "nf_conntrack_helpers": ["tftp", "ftp"], "log_level_in": "info"},
            {"node": "pve1", "nftables": False, "nf_conntrack_max": 40000},
        ),
        (
            "/nodes/pve1/qemu/100/firewall/options",
            {"vmid": 100, "enable": True, "ipfilter": True, "policy_out": "REJECT"},
            {"vmid": 100, "enable": False, "macfilter": False},
        ),
        (
            "/cluster/sdn/vnets/v1/firewall/options",
            {"vnet": "v1", "enable": True, "policy_forward": "DROP"},
            {"vnet": "v1", "enable": True, "log_level_forward": "debug"},
        ),
    ],
)
def test_every_level_is_set_changed_and_reset(
    simulator: Simulator, options: Driver, path: str, args: dict[str, Any], changed: dict[str, Any]
) -> None:
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 100, "name": "web"})
    simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "z1", "type": "simple"})
    simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "v1", "zone": "z1"})

    for wanted in (args, changed):
        options.up(wanted)
        assert options.drift() == {}
        assert len(simulator.by_hand("GET", path)) == len(wanted), "what is declared and the digest"
        options.again()

    options.delete()
    assert set(simulator.by_hand("GET", path)) == {"digest"}
    assert options.drift() == {"gone": True}


def test_an_option_has_one_resource_in_a_program(simulator: Simulator, options: Driver) -> None:
    second = Driver(simulator, "firewall_options", "second")
    second.facts = options.facts
    options.check({"enable": True})

    assert second.problems({"policy_in": "DROP"}) == {}
    assert "another resource of this program has it" in second.problems({"enable": False})["enable"]
