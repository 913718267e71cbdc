"""Fabrics: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from providers._runtime.errors import ProxmoxError
from providers._runtime.model import canonical
from providers.sdn_fabric import SdnFabricInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.providers.network import Network

TOPOLOGY = "three-nodes"
FABRIC: dict[str, Any] = {"fabric": "under", "protocol": "openfabric", "ip_prefix": "10.9.0.0/24"}
EXAMPLE: dict[str, Any] = {
    **FABRIC,
    "hello_interval": 5,
    "nodes": {
        "pve1": {"ip": "10.9.0.1", "interfaces": [{"name": "eno1", "ip": "10.8.0.1/31"}, {"name": "eno2"}]},
        "pve2": {"ip": "10.9.0.2", "interfaces": [{"name": "eno1", "hello_multiplier": 4}]},
    },
}
UPDATES = [
    {
        **FABRIC,
        "ip_prefix": "10.9.0.0/16",
        "csnp_interval": 20,
        "nodes": {
            "pve1": {"ip": "10.9.1.1", "interfaces": [{"name": "eno1"}]},
            "pve3": {"ip": "10.9.0.3", "interfaces": [{"name": "eno1"}]},
        },
    },
    {**FABRIC, "nodes": {"pve3": {"ip": "10.9.0.4", "interfaces": [{"name": "eno2"}]}}},
]
DRIFT = [
    (
        "PUT",
        "/cluster/sdn/fabrics/node/under/pve3",
        {"protocol": "openfabric", "ip": "10.9.0.77", "interfaces": ["name=eno2"]},
    ),
    ("PUT", "/cluster/sdn", {}),
]


@pytest.fixture
def driver(cluster: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """A fabric of a program on a cluster; a run keeps its notes in a folder of its own."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    return Network(cluster).driver(kind="sdn_fabric")


def test_a_fabric_that_is_refused_halfway_is_taken_back_although_proxmox_knows_no_token_there(driver: Driver) -> None:
    driver.simulator.fail(
        action="fail", method="POST", path="/cluster/sdn/fabrics/node/under", nth=2, reason="not today"
    )

    with pytest.raises(ProxmoxError, match="not today"):
        Network(driver.simulator).make(driver, EXAMPLE)

    everything = driver.simulator.by_hand("GET", "/cluster/sdn/fabrics/all")
    assert (everything["fabrics"], everything["nodes"]) == ([], [])
    assert not Network(driver.simulator).locked()


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"fabric": "under", "protocol": "ospf", "ip_prefix": "10.9.0.0/24"}, "area: a fabric of type ospf needs it"),
        ({**FABRIC, "area": "0"}, "area: a fabric of type openfabric has no such field"),
        ({"fabric": "under", "protocol": "openfabric"}, "ip_prefix: a fabric needs ip_prefix or ip6_prefix"),
        (
            {
                **FABRIC,
                "nodes": {name: {"ip": "10.9.0.1", "interfaces": [{"name": "eno1"}]} for name in ("pve1", "pve2")},
            },
            "nodes.pve2: pve1 has the address 10.9.0.1 already",
        ),
        (
            {**FABRIC, "nodes": {"pve1": {"ip": "10.8.0.1", "interfaces": [{"name": "eno1"}]}}},
            "nodes.pve1: 10.8.0.1 is not in 10.9.0.0/24",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(args: dict[str, Any], told: str) -> None:
    assert dict(canonical(SdnFabricInputs, args, frozenset())[1]) == {"": told}


def test_a_preview_names_nodes_that_are_not_there_and_what_can_not_be_unset(driver: Driver) -> None:
    both = {**FABRIC, "ip6_prefix": "fd00::/64"}
    driver.up(both)

    assert driver.problems({**FABRIC, "nodes": {"pve9": {"interfaces": [{"name": "eno1"}]}}}) == {
        "ip6_prefix": "Proxmox can't unset it: declare it, or make another fabric",
        "nodes.pve9": "there is no node 'pve9'; there are pve1, pve2, pve3",
    }
