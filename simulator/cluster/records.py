"""The records of a cluster: what all its members share beside the nodes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

COROSYNC = "corosync.conf"
"""The key of the one `ClusterConfig` that a cluster has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """What `corosync.conf` says of the cluster as a whole; its list of nodes is the table of nodes.

    `links` are the numbers of the cluster's links, each with its priority as text, empty for the default one.
    """

    cluster_name: str
    config_version: int
    token_coefficient: int | None = 125
    """None where releases did not write it down yet."""
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A line of the cluster's log; `uid` counts through the lines of its node, `pri` is syslog's priority."""

    uid: int
    node: str
    time: int
    user: str
    tag: str
    pid: int
    pri: int
    msg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """A user or group of the directory behind a realm; `type` is `user` or `group`, members are users' names."""

    realm: str
    type: str
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
