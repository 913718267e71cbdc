"""What tests of several resources of the firewall share."""

from __future__ import annotations

from typing import Any

from tests.conftest import Simulator

Rule = dict[str, Any]


def accept(port: int, **more: Any) -> Rule:
    """A rule that is told from others by its port."""
    return {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": str(port), **more}


def rows(simulator: Simulator, path: str = "/cluster/firewall/rules") -> list[Rule]:
    """The rules of a list, as somebody else sees them."""
    found: list[Rule] = simulator.by_hand("GET", path)
    return found


def ports(simulator: Simulator, path: str = "/cluster/firewall/rules") -> list[int]:
    """The rules of a list by their ports, in their order."""
    return [int(row["dport"]) for row in rows(simulator, path)]


def by_hand(simulator: Simulator, *numbers: int, path: str = "/cluster/firewall/rules") -> None:
    """Rules that somebody else puts in, in that order."""
    for number in reversed(numbers):
        simulator.by_hand("POST", path, {**accept(number), "enable": 1})


def calls(simulator: Simulator) -> dict[str, int]:
    """How many requests of each method there were since they were last forgotten."""
    counted: dict[str, int] = {}
    for row in simulator.requests():
        counted[row["method"]] = counted.get(row["method"], 0) + 1
    return counted


def write_file(simulator: Simulator, text: str) -> None:
    """The cluster's file, as an editor on a node writes it."""
    record = {"node": "", "path": "/etc/pve/firewall/cluster.fw", "text": text, "changed": 0.0}
    simulator.control("POST", "seed", {"table": "files", "records": [record]})
