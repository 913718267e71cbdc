"""Whatever is sent to whatever method, the answer is Proxmox's kind of refusal, and a refusal changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.app import Simulator
from simulator.dump import dump
from simulator.errors import ApiError
from simulator.router import Request, Router
from simulator.routing import ROUTES, Route, RouteTree
from simulator.schema import Param
from simulator.topology import load

_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30),
    st.lists(st.text(max_size=5), max_size=3),
    st.sampled_from(["", "0", "1", "-1", "99999999999", "../../etc/passwd", "a=b,c", ",", "=", ":", "/", "local:../x",
                     "x" * 5000, "\n[evil]\n", "100", "pve1", "local", "local-lvm", "root@pam"]),
)  # fmt: skip


_FAMILIAR = ["a1", "prod", "pve1", "root@pam", "local", "local-lvm:8", "9000", "/", "scsi0", "192.0.2.1/24"]


def _likely(param: Param) -> st.SearchStrategy[Any]:
    """Draw values that often pass a parameter's check."""
    if param.enum is not None:
        return st.sampled_from(param.enum)
    if param.type in ("integer", "number"):
        low = int(param.minimum or 0)
        return st.integers(low, max(low, int(param.maximum or 1000))).map(str)
    if param.type == "boolean":
        return st.sampled_from(["0", "1"])
    return st.sampled_from(
        ["a1", "prod", "pve1", "root@pam", "local", "local-lvm:8", "9000", "/", "scsi0", "192.0.2.1/24"]
    )


@st.composite
def _values(draw: st.DrawFn, route: Route) -> dict[str, Any]:
    """Draw a call's parameters: mostly fitting ones, some odd, some that nobody declared."""
    values: dict[str, Any] = {"bogus": "1"} if draw(st.integers(0, 9)) == 0 else {}
    params = dict(route.expanded)
    if route.variants:
        params |= route.variants[draw(st.sampled_from(sorted(route.variants)))]
    for name, param in params.items():
        if name == "node":
            continue
        if param.optional and draw(st.integers(0, 3)):
            continue
        values[name] = draw(_ODD if draw(st.integers(0, 2)) == 0 else _likely(param))
    return values


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    made = Simulator(tmp_path_factory.mktemp("fuzz"), load("standalone"))
    yield made
    asyncio.run(made.stop())


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_method_refuses_what_it_cannot_take_and_then_changes_nothing(
    simulated: Simulator, route: Route, data: st.DataObject
) -> None:
    values = data.draw(_values(route))
    path = route.path.replace("{node}", "pve1")
    for name in [name for name in route.expanded if f"{{{name}}}" in path]:
        path = path.replace(f"{{{name}}}", str(values.pop(name, "x")).replace(" ", "") or "x")
    secret = simulated.credentials.tokens["pve"]
    simulated.reset()
    before = dump(simulated.world)
    request = Request(
        method=route.method, path=path, values=values, datacenter=simulated.world.datacenters["pve"], node="pve1",
        token=f"root@pam!labs={secret}",
    )  # fmt: skip
    router = Router(simulated.world, simulated.tasks, RouteTree(ROUTES))
    try:
        asyncio.run(router.answer(request))
    except ApiError:
        assert dump(simulated.world) == before
