"""What a row of pings says: how many were lost, and how long nobody answered.

[1700000000.100000] 64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.3 ms
[1700000000.400000] no answer yet for icmp_seq=2
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from cli.drill_site import DrillError

INTERVAL = 0.1
"""Seconds from one ping to the next."""
PLACE = "/run/drill-ping.pid"
RUNS = ["test", "-s", PLACE]
STOP = ["sh", "-c", f'kill -INT "$(cat {PLACE})"; rm {PLACE}']
"""What ends it before its time."""
_ANSWERED = re.compile(r"^\[(\d+\.\d+)\] \d+ bytes from \S+ icmp_seq=(\d+) ", re.MULTILINE)
_MISSED = re.compile(r"^\[(\d+\.\d+)\] .*icmp_seq=(\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What was lost, and the longest time in which nothing came back."""

    sent: int
    lost: int
    seconds: float


def command(address: str, seconds: int) -> list[str]:
    """What measures it; the address may go away and come back meanwhile."""
    ping = ["ping", "-n", "-D", "-O", "-i", str(INTERVAL), "-w", str(seconds), address]
    return ["sh", "-c", f'echo $$ >{PLACE}; exec "$@"', "sh", *ping]


def loss(output: str) -> Loss:
    """Read what `ping` has printed."""
    answers = {int(number): float(at) for at, number in _ANSWERED.findall(output)}
    if not answers:
        raise DrillError("no ping is answered by the address; is there a firewall between it and who watches?")
    missed = {int(number): float(at) for at, number in _MISSED.findall(output)}
    numbers, last = answers.keys() | missed.keys(), max([*answers.values(), *missed.values()])
    gaps = [later - earlier for earlier, later in pairwise([*sorted(answers.values()), last])]
    longest = max(gaps) - INTERVAL
    return Loss(sent=max(numbers), lost=max(numbers) - len(answers), seconds=round(max(longest, 0.0), 2))
