"""In which order the guests of a lab start; they stop in the opposite one.

First those with an order of starting (Proxmox's `startup`), lowest first, as Proxmox starts them with their node. Among
those with the same one, and among those with none, which come after, it goes by their groups: routers and what else the
network needs, databases and what else keeps data, and then the others. So routers are the first to start, and databases
stop when nobody writes to them any more. What has no place before or after each other is one stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

NETWORK = frozenset({"router", "routers", "gateway", "gateways", "firewall", "firewalls", "vpn", "dns", "dhcp"})
DATA = frozenset(
    {"database", "databases", "db", "postgres", "postgresql", "mysql", "mariadb", "redis", "etcd", "storage", "ceph"}
)
_ORDER = re.compile(r"(?:^|,)(?:order=)?(\d+)(?=,|$)")
Rank = tuple[float, int]


def rank(startup: str | None, groups: Iterable[str]) -> Rank:
    """What a guest is sorted by; `startup` as in its configuration, such as `order=2,up=30`."""
    found = _ORDER.search(startup or "")
    names = {group.lower() for group in groups}
    among = 0 if names & NETWORK else 1 if names & DATA else 2
    return float(found[1]) if found else float("inf"), among


def stages(ranks: Mapping[str, Rank]) -> list[list[str]]:
    """The guests by name, stage by stage, in the order of starting."""
    return [sorted(name for name in ranks if ranks[name] == each) for each in sorted(set(ranks.values()))]
