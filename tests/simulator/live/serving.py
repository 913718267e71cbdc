"""What components ask for, done by the resources themselves in live containers and on live nodes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.simulator.live.lab import Lab


def serve(lab: Lab, wanted: Mapping[str, Mapping[str, Any]], vmids: Mapping[str, int]) -> None:
    """Make the resources of services: on their nodes, or each in the container that is there for it."""
    simulator = Simulator(lab.running, Path(lab.running.home).parent)
    for name, values in wanted.items():
        what = "exec" if "command" in values else "file" if "path" in values else None
        if what is None:
            continue
        inputs = {key: value for key, value in values.items() if not key.startswith("__")}
        if "node" in inputs:
            Driver(simulator, f"node_{what}", name).up(inputs)
        else:
            service = next(service for service in vmids if name.startswith(f"{service}-"))
            Driver(simulator, f"guest_{what}", name).up({**inputs, "vmid": vmids[service]})
