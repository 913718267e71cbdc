"""Several resources of one run that change the network at the same moment, without the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers._runtime import lifecycle
from providers._runtime.model import Values, canonical, declared
from tests.conftest import Simulator
from tests.providers.guests import Driver


@dataclass
class Network:
    """A simulator's network, with what somebody else sees and does of it."""

    simulator: Simulator

    def driver(self, name: str = "it", kind: str = "sdn_zone", beside: Driver | None = None) -> Driver:
        """One resource; `beside` another one of the same run."""
        driver = Driver(self.simulator, kind, name, ssh=False)
        if beside is not None:
            driver.client, driver.facts = beside.client, beside.facts
        return driver

    def make(self, driver: Driver, args: Mapping[str, Any], seconds: float = 60) -> None:
        """Create it without asking a preview first."""
        values, problems = canonical(driver.handler.inputs, dict(args), frozenset())
        assert problems == []
        wanted: Values = declared(driver.handler.inputs, values)
        api = driver.api
        api.deadline = time.monotonic() + seconds
        driver.id, driver.outputs = lifecycle.create(driver.handler, api, wanted)
        driver.inputs = values

    def together(self, items: list[tuple[Driver, Mapping[str, Any]]]) -> list[str]:
        """Make all at the same moment; returns why each failed, empty where it did not."""
        told = [""] * len(items)

        def run(number: int) -> None:
            try:
                self.make(*items[number])
            except Exception as error:  # noqa: BLE001 - returned to the test
                told[number] = str(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(len(items))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told

    def count(self, method: str, path: str) -> int:
        """How many such requests there were."""
        return sum(row["method"] == method and row["path"] == f"/api2/json{path}" for row in self.simulator.requests())

    @property
    def applied(self) -> int:
        """How often the configuration was applied."""
        return self.count("PUT", "/cluster/sdn")

    def running(self) -> dict[str, Any]:
        """All that runs."""
        vnets = self.simulator.by_hand("GET", "/cluster/sdn/vnets")
        subnets = [self.simulator.by_hand("GET", f"/cluster/sdn/vnets/{row['vnet']}/subnets") for row in vnets]
        return {"zones": self._list("zones", "running"), "vnets": self._list("vnets", "running"), "subnets": subnets}

    def pending(self) -> list[str]:
        """What is staged and not applied: name and state."""
        rows = [*self._list("zones", "pending"), *self._list("vnets", "pending")]
        return [f"{row.get('vnet') or row['zone']} {row['state']}" for row in rows if "state" in row]

    def _list(self, kind: str, view: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.simulator.by_hand("GET", f"/cluster/sdn/{kind}", {view: 1})
        return rows

    def status(self, node: str) -> dict[str, str]:
        """How a node's zones are."""
        rows = self.simulator.by_hand("GET", f"/nodes/{node}/sdn/zones")
        return {row["zone"]: row["status"] for row in rows}

    def locked(self) -> bool:
        """Whether anybody holds the lock."""
        return any("lock" in datacenter["sdn/versions"] for datacenter in self.simulator.state().values())


def zone(number: int = 1, **more: Any) -> dict[str, Any]:
    """A zone with a VNet and a subnet, each with a number of its own."""
    subnets = {f"10.{number}.0.0/24": {"gateway": f"10.{number}.0.1"}}
    return {"zone": f"z{number}", "type": "simple", "vnets": {f"v{number}": {"subnets": subnets}}, **more}
