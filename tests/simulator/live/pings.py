"""How long an address is silent, by a ping every 100 ms out of a live container."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.simulator.live.lab import Lab


@contextmanager
def pings(lab: Lab, vmid: int, address: str) -> Iterator[Callable[[], list[float]]]:
    """Ping an address all along; what is given returns the moments of the answers so far."""
    file = "/root/pings"
    lab.ok(vmid, f"setsid ping -D -i 0.1 {address} >{file} 2>&1 & echo $! >{file}.pid")

    def heard() -> list[float]:
        return [float(moment) for moment in re.findall(r"^\[([0-9.]+)\] \d+ bytes", lab.ok(vmid, f"cat {file}"), re.M)]

    try:
        yield heard
    finally:
        lab.inside(vmid, f"kill $(cat {file}.pid)")


def longest_gap(moments: Sequence[float]) -> float:
    """The longest time between two answers."""
    return max(later - earlier for earlier, later in itertools.pairwise(moments))
