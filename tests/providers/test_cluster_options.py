"""The datacenter's options: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.model import canonical
from providers.cluster_options import ClusterOptionsInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver

EXCLUSIVE = False
EXAMPLE: dict[str, Any] = {
    "migration": {"type": "insecure", "network": "10.10.0.0/24"},
    "next_id": {"lower": 200, "upper": 400},
    "registered_tags": ["prod", "lab"],
    "description": "the lab\non the second floor\n",
}
UPDATES: list[dict[str, Any]] = [
    {**EXAMPLE, "migration": {"network": "10.10.0.0/24"}, "keyboard": "de", "crs": {"ha": "static"}},
    {"keyboard": "de", "ha": {"shutdown_policy": "migrate"}, "bwlimit": {"clone": 1024, "default": 2048}},
]
DRIFT = [("PUT", "/cluster/options", {"keyboard": "sv", "ha": "shutdown_policy=freeze"})]
PATH = "/cluster/options"
ALL: dict[str, Any] = {
    "replication": {"type": "insecure"},
    "crs": {"ha": "dynamic", "ha_auto_rebalance": True, "ha_auto_rebalance_margin": 12.5},
    "fencing": "watchdog",
    "max_workers": 2,
    "mac_prefix": "BC:24:12",
    "console": "html5",
    "language": "de",
    "http_proxy": "http://proxy.lab:3128/",
    "email_from": "root@lab.example",
    "tag_style": {"color_map": "prod:ff0000", "case_sensitive": True},
    "user_tag_access": {"user_allow": "list", "user_allow_list": "web;db"},
    "consent_text": "for the lab only",
    "location": "name=lab",
    "u2f": {"appid": "https://lab.example"},
    "webauthn": {"rp": "lab", "allow_subdomains": False},
    "notify": {"package_updates": "never"},
}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_option_is_set_and_unset_and_reads_back_as_it_was_declared(name: str, simulator: Simulator) -> None:
    before = simulator.by_hand("GET", PATH)
    options = Driver(simulator, "cluster_options")

    options.up({name: ALL[name]})
    assert options.drift() == {}
    options.up({name: ALL[name], "max_workers": 3})
    options.delete()

    assert simulator.by_hand("GET", PATH) == before


def test_what_somebody_else_has_set_stays(simulator: Simulator) -> None:
    simulator.by_hand("PUT", PATH, {"keyboard": "fr", "tag-style": "shape=dense", "language": "fr"})
    options = Driver(simulator, "cluster_options")

    options.up({"language": "de", "tag_style": {"ordering": "config"}})
    there = simulator.by_hand("GET", PATH)
    assert (there["keyboard"], there["tag-style"]) == ("fr", {"shape": "dense", "ordering": "config"})
    options.delete()

    there = simulator.by_hand("GET", PATH)
    assert (there["keyboard"], there["tag-style"]) == ("fr", {"shape": "dense"})
    assert "language" not in there


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"migration": {"network": "10.10.0.1"}}, "it is no network"),
        ({"next_id": {"lower": 500, "upper": 300}}, "lower is above upper"),
        ({"crs": {"ha_auto_rebalance_margin": 5}}, "ha_auto_rebalance_margin needs ha_auto_rebalance"),
        ({"mac_prefix": "B1:24:11"}, "String should match pattern"),
    ],
)
def test_what_proxmox_would_refuse_is_refused_at_once(values: dict[str, Any], problem: str) -> None:
    _, problems = canonical(ClusterOptionsInputs, values, frozenset())

    assert problem in problems[0][1]
