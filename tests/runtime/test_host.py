"""What the runtime gives back to Pulumi's dynamic host, in a plugin process of its own.

Each of these leans on the SDK's insides, and has to fail when a new SDK has others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from google.rpc import status_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, provider_pb2

from providers._runtime import host
from providers._runtime.ownership import Owner, owner_in
from tests.conftest import Simulator
from tests.runtime.doors import requests_on
from tests.runtime.plugin import Plugin, running, urn_of

POOLS = "/api2/json/pools"


@pytest.fixture
def plugin(simulator: Simulator, tmp_path: Path) -> Iterator[Plugin]:
    """A plugin for the standalone host."""
    with running(simulator, tmp_path) as made:
        yield made


def most_at_once(simulator: Simulator, plugin: Plugin, creates: int, seconds: float) -> int:
    """How many of so many slow creates the host has had to do with at the same time."""
    simulator.fail(action="delay", method="POST", path="/pools", seconds=seconds, count=creates)
    with ThreadPoolExecutor(creates) as threads:
        ids = list(threads.map(lambda n: plugin.create(f"p{n}", {"poolid": f"p{n}"}).id, range(creates)))
    assert ids == [f"pools/p{n}" for n in range(creates)]
    return max(int(row["in_flight"]) for row in simulator.requests() if (row["method"], row["path"]) == ("POST", POOLS))


def refusal(plugin: Plugin, *args: object, **options: object) -> grpc.RpcError:
    """How the plugin refuses to make a pool."""
    with pytest.raises(grpc.RpcError) as refused:
        plugin.create(*args, **options)  # type: ignore[arg-type]
    return refused.value


def refused_with(plugin: Plugin, name: str, args: Mapping[str, object]) -> str:
    """What the user reads when the plugin refuses to make a pool."""
    return refusal(plugin, name, args).details() or ""


def test_thirty_two_creates_run_at_once_where_nothing_else_is_said(plugin: Plugin, simulator: Simulator) -> None:
    assert most_at_once(simulator, plugin, 40, seconds=3) == 32


def test_as_many_creates_run_at_once_as_the_configuration_says(simulator: Simulator, tmp_path: Path) -> None:
    with running(simulator, tmp_path, {"proxmox:parallel": "6"}) as plugin:
        assert most_at_once(simulator, plugin, 10, seconds=1) == 6


def test_all_workers_are_there_also_where_the_pool_takes_busy_ones_for_idle() -> None:
    def main(server: object) -> bool:
        """Looks from outside like the main thread of Pulumi's host."""
        return host.widen(32) and server is not None

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(time.sleep, 0) for _ in range(60)]:
            done.result()
        server = SimpleNamespace(_state=SimpleNamespace(thread_pool=pool))

        assert main(server)
        assert len(pool._threads) == 32


@pytest.mark.parametrize("given", ["many", "0", "513", "-1", "1.5"])
def test_a_number_that_can_not_be_is_one_line(simulator: Simulator, tmp_path: Path, given: str) -> None:
    with running(simulator, tmp_path, {"proxmox:parallel": given}) as plugin:
        refused = refusal(plugin, "it", {"poolid": "prod"})

    assert refused.details() == f"proxmox:parallel: '{given}' is not a number from 1 to 512"


def test_a_configuration_that_can_not_be_used_is_one_line(simulator: Simulator, tmp_path: Path) -> None:
    with running(simulator, tmp_path, {"proxmox:connections": {"lab": {"endpoints": []}}}) as plugin:
        for _ in range(2):
            told = refused_with(plugin, "it", {"poolid": "prod"})
            assert told.startswith("proxmox:connections.lab.endpoints: ")
            assert "\n" not in told


def test_an_error_of_proxmox_is_one_line_in_its_own_words(plugin: Plugin) -> None:
    told = refused_with(plugin, "it", {"poolid": "prod/web"})

    assert told.startswith("create pool failed: parent 'prod' of pool 'prod/web' does not exist (POST /pools")
    assert "\n" not in told


def test_a_bug_keeps_its_traceback(plugin: Plugin) -> None:
    told = refused_with(plugin, "it", {"poolid": "prod", "timeouts": {"create": "soon"}})

    assert told.startswith("Traceback")
    assert "ValidationError" in told


def test_the_call_at_hand_tells_whose_the_object_is(plugin: Plugin, simulator: Simulator) -> None:
    plugin.create("it", {"poolid": "prod"})

    (pool,) = simulator.by_hand("GET", "/pools")
    assert owner_in(pool["comment"]) == Owner.of_urn(urn_of("it"))


@pytest.mark.parametrize(("args", "options"), [({"timeouts": {"create": 0.5}}, {}), ({}, {"custom_timeout": 0.5})])
def test_timeouts_are_honoured_as_an_input_and_as_an_option_of_pulumi(
    plugin: Plugin, simulator: Simulator, args: dict[str, object], options: dict[str, float]
) -> None:
    simulator.fail(action="delay", method="POST", path="/pools", count=9, seconds=9)
    began = time.monotonic()

    refused = refusal(plugin, "it", {"poolid": "prod", **args}, **options)

    assert time.monotonic() - began < 6
    assert "no answer to POST /pools" in (refused.details() or "")


def test_what_a_failed_create_left_behind_is_handed_to_the_engine(plugin: Plugin, simulator: Simulator) -> None:
    simulator.fail(action="fail", method="GET", path="/pools", status=403, reason="not now")

    refused = refusal(plugin, "it", {"poolid": "prod", "comment": "kept"})

    kept = left_behind(refused)
    assert kept.id == "pools/prod"
    assert list(kept.reasons) == [refused.details()]
    assert rpc.deserialize_properties(kept.properties)["comment"] == "kept"
    assert rpc.deserialize_properties(kept.inputs)["poolid"] == "prod"
    assert requests_on(simulator, "/pools", "POST") == 1


def left_behind(refused: grpc.RpcError) -> provider_pb2.ErrorResourceInitFailed:
    """What the engine finds in the trailing metadata."""
    metadata = {item.key: item.value for item in refused.trailing_metadata()}
    (detail,) = status_pb2.Status.FromString(metadata["grpc-status-details-bin"]).details
    kept = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(kept)
    return kept


def test_a_create_that_left_nothing_behind_hands_over_nothing(plugin: Plugin) -> None:
    refused = refusal(plugin, "it", {"poolid": "prod/web"})

    assert not [item for item in refused.trailing_metadata() if item.key == host.STATUS_DETAILS]


def test_lines_reach_the_engine_with_their_resource(simulator: Simulator, tmp_path: Path) -> None:
    connection = next(iter(simulator.running.connections.values()))
    lab = {
        "endpoints": connection.endpoints,
        "token_id": connection.token_id,
        "token_secret": connection.token_secret,
        "insecure": True,
    }
    with running(simulator, tmp_path, {"proxmox:connections": {"lab": lab}}) as plugin:
        for name in ("a", "b"):
            assert plugin.check(name, {"poolid": name}).inputs["insecure"] is True
        told = list(plugin.engine.told)

    assert [(line.severity, line.ephemeral) for line in told] == [(engine_pb2.WARNING, False)]
    assert "connection 'lab' is `insecure`" in told[0].message


def test_a_plugin_ends_with_its_engine(plugin: Plugin) -> None:
    plugin.check("it", {"poolid": "prod"})
    plugin.server.stop(0).wait()

    assert plugin.process.wait(timeout=20) != 0


def test_a_plugin_without_its_host_says_nothing_and_finds_nothing() -> None:
    assert not host.in_plugin()
    assert host.current_call() is None
    assert not host.widen(8)
    host.Voice().status("urn", "unheard")


def test_the_timeouts_of_a_call_that_has_none_are_not_told() -> None:
    assert host.Call(provider_pb2.ReadRequest(urn="u"), None).timeout is None
    assert host.Call(provider_pb2.CreateRequest(timeout=3), None).timeout == 3
