"""The cluster's log, in which daemons note logins, tasks, and changes of the cluster."""

from __future__ import annotations

from simulator.cluster.records import LogEntry
from simulator.state import Datacenter

ERROR, NOTICE, INFO = 3, 5, 6
_KEPT = 1000
_DAEMON_PID = 1123


def note(
    datacenter: Datacenter, node: str, now: float, msg: str, *, user: str = "root@pam", tag: str = "pvedaemon",
    pri: int = INFO,
) -> None:  # fmt: skip
    """Add a line; the oldest one goes when there are too many."""
    log = datacenter.cluster_log
    before = log.by("node", node)
    uid = before[-1].uid + 1 if before else 1
    log.put(LogEntry(uid=uid, node=node, time=int(now), user=user, tag=tag, pid=_DAEMON_PID, pri=pri, msg=msg))
    if len(log) > _KEPT:
        log.delete(log.key(next(iter(log))))


def begin(datacenter: Datacenter, node: str, now: float) -> None:
    """Begin a node's log, as the cluster's file system does when it starts."""
    note(datacenter, node, now, "starting cluster log", user="root", tag="cluster")
