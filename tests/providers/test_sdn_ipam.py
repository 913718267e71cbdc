"""IP address managements: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Simulator
from tests.providers.network import Network

EXAMPLE = {"ipam": "netbox", "type": "netbox", "url": "https://netbox.example.org/api", "token": "hush"}
UPDATES = [{**EXAMPLE, "url": "https://netbox.example.net/api"}, {**EXAMPLE, "token": "hush hush"}]
DRIFT = [("PUT", "/cluster/sdn/ipams/netbox", {"url": "https://netbox.example.com/api"})]


def test_it_takes_effect_at_once_and_nothing_is_applied_for_it(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    network = Network(simulator)
    simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "simple"})
    simulator.forget_requests()

    network.driver(kind="sdn_ipam").up(EXAMPLE)

    assert (network.applied, network.pending(), network.locked()) == (0, ["theirs new"], False)


def test_its_token_is_a_secret_that_no_error_tells(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    ipam = Network(simulator).driver(kind="sdn_ipam")
    simulator.fail(action="fail", method="POST", path="/cluster/sdn/ipams", status=500, reason="bad token top-secret")

    with pytest.raises(Exception, match="bad token") as told:
        ipam.up({**EXAMPLE, "token": "top-secret"})

    assert "top-secret" not in str(told.value)
