"""Between Pulumi and the handlers: what a program hands over, and what Pulumi asks."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import dill  # type: ignore[import-untyped]  # Pulumi's own way to pickle
import grpc
import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import UNKNOWN

from providers._runtime import bridge, hub
from providers._runtime.bridge import PROVIDER_KEY, ProxmoxProvider
from providers._runtime.errors import ConfigProblem
from providers.pool import Pool
from tests.components.asked import asked
from tests.conftest import Simulator
from tests.runtime.doors import requests_on
from tests.runtime.plugin import Plugin, running
from tests.runtime.sample import Nic

POOL = ProxmoxProvider("pool")


@pytest.fixture
def plugin(simulator: Simulator, tmp_path: Path) -> Iterator[Plugin]:
    """A plugin for the standalone host."""
    with running(simulator, tmp_path) as made:
        yield made


def test_a_provider_is_the_same_again_after_it_was_in_the_state() -> None:
    pickled = base64.b64decode(serialize_provider(ProxmoxProvider("storage")))

    assert dill.loads(pickled).kind == "storage"  # noqa: S301 - our own, as Pulumi reads it


def test_a_program_can_have_more_resources_than_calls_in_python_may_be_nested() -> None:
    count = sys.getrecursionlimit() + 100

    made = asked(lambda: {str(n): Pool(f"pool{n}", poolid=f"pool{n}").poolid for n in range(count)})

    assert len(made.inputs) == count


def test_a_state_of_the_first_version_is_still_read() -> None:
    reference = (
        b"\x80\x04\x95F\x00\x00\x00\x00\x00\x00\x00\x8c\x19providers._runtime.bridge\x94\x8c\x0fProxmoxProvider\x94"
        b"\x93\x94)\x81\x94}\x94\x8c\x04kind\x94\x8c\x04pool\x94sb."
    )

    assert isinstance(dill.loads(reference), ProxmoxProvider)  # noqa: S301 - written above


def test_what_differs_is_told_field_by_field_and_computed_outputs_never_do() -> None:
    olds = {"poolid": "prod", "comment": "old", PROVIDER_KEY: "a", "computed": 1}

    same = POOL.diff("pools/prod", olds, {"poolid": "prod", "comment": "old", PROVIDER_KEY: "b"})
    changed = POOL.diff("pools/prod", olds, {"poolid": "prod", "comment": "new"})
    replaced = POOL.diff("pools/prod", olds, {"poolid": "other", "comment": "old"})

    assert (same.changes, same.replaces) == (False, [])
    assert (changed.changes, changed.replaces) == (True, [])
    assert (replaced.changes, replaced.replaces, replaced.delete_before_replace) == (True, ["poolid"], True)


def test_a_value_that_is_not_known_yet_is_a_change_and_no_replacement() -> None:
    olds = {"poolid": "prod", "comment": "old"}

    result = POOL.diff("pools/prod", olds, {"poolid": UNKNOWN, "comment": "old"})

    assert (result.changes, result.replaces) == (True, [])


def test_adopting_is_no_change_of_what_is_there() -> None:
    olds = {"poolid": "prod"}

    assert not POOL.diff("pools/prod", olds, {"poolid": "prod", "adopt": "if-exists"}).changes


def test_parts_are_handed_over_as_plain_maps() -> None:
    plain = bridge._plain({"net": {"net0": Nic(bridge="vmbr0")}, "list": (Nic(mtu=1),)})

    assert plain == {"net": {"net0": {"bridge": "vmbr0"}}, "list": [{"mtu": 1}]}


def test_what_is_wrong_is_told_by_field_and_changes_nothing(plugin: Plugin, simulator: Simulator) -> None:
    answer = plugin.check("it", {"poolid": "a b", "commnt": "x"})

    assert [failure.reason.partition(":")[0] for failure in answer.failures] == ["poolid", "commnt"]
    assert {failure.property for failure in answer.failures} == {""}, "else the engine would show the value"
    assert not [row for row in simulator.requests() if row["method"] != "GET"]


def test_a_preview_that_can_not_ask_the_host_warns_once_for_all(plugin: Plugin, simulator: Simulator) -> None:
    simulator.fail(action="drop", method="GET", path="/access/permissions", count=99)

    for name in ("a", "b", "c"):
        assert not plugin.check(name, {"poolid": name}).failures

    told = [line.message for line in plugin.engine.told]
    assert len(told) == 1
    assert told[0].startswith("checked without the host: ")
    assert requests_on(simulator, "/access/permissions") == 2


def test_a_connection_that_does_not_exist_is_one_line(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        plugin.check("it", {"poolid": "prod", "connection": "nowhere"})

    assert (refused.value.details() or "").startswith("there is no connection 'nowhere'; the stack has ")


def test_a_provider_that_was_not_configured_is_told_in_one_line() -> None:
    with pytest.raises(ConfigProblem, match="used before it was configured"):
        hub.the_hub()
