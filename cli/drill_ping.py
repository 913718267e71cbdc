"""What a row of pings says: how many were lost, and how long nobody answered.

[1700000000.100000] 64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.3 ms
[1700000000.400000] no answer yet for icmp_seq=2
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

INTERVAL = 0.1
"""Seconds from one ping to the next."""
_ANSWERED = re.compile(r"^\[(\d+\.\d+)\] \d+ bytes from \S+ icmp_seq=(\d+) ", re.MULTILINE)
_MISSED = re.compile(r"icmp_seq=(\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What was lost, and the longest time in which nothing came back."""

    sent: int
    lost: int
    seconds: float


def command(address: str, seconds: int) -> list[str]:
    """What measures it; the address may go away and come back meanwhile."""
    return ["ping", "-n", "-D", "-O", "-i", str(INTERVAL), "-w", str(seconds), address]


def loss(output: str) -> Loss:
    """Read what `ping` has printed."""
    answers = {int(number): float(at) for at, number in _ANSWERED.findall(output)}
    if not answers:
        raise ValueError("nothing answered at all")
    numbers = answers.keys() | {int(number) for number in _MISSED.findall(output)}
    gaps = [later - earlier for earlier, later in pairwise(sorted(answers.values()))]
    longest = max(gaps, default=INTERVAL) - INTERVAL
    return Loss(sent=max(numbers), lost=max(numbers) - len(answers), seconds=round(max(longest, 0.0), 2))
