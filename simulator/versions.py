"""The releases that can be played, and what of the API is there since which one.

What is not named here is in all of them. The names of parameters are those that the newest release declares.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from simulator.schema import Param

NEWEST = "9.2"


@dataclass(frozen=True, slots=True)
class Release:
    """What a host of a release says of itself."""

    release: str
    version: str
    repoid: str
    kernel: str
    qemu: str

    @property
    def manager(self) -> str:
        """Return the whole name of the version, as tools print it."""
        return f"pve-manager/{self.version}/{self.repoid}"

    @property
    def build(self) -> str:
        """Return what `uname -v` prints."""
        return f"#1 SMP PREEMPT_DYNAMIC PMX {self.kernel.removesuffix('-pve')}"


RELEASES = {
    "8.4": Release("8.4", "8.4.14", "b502d23c", "6.8.12-15-pve", "9.2.0"),
    NEWEST: Release(NEWEST, "9.2.11", "5f3c1d9e", "6.17.2-1-pve", "10.0.13"),
}

_METHODS = {
    "9.0": (
        r"\w+ /cluster/ha/rules.*",
        r"\w+ /cluster/sdn/(?:fabrics.*|lock|rollback|dry-run)",
        r"\w+ /nodes/{node}/sdn/(?:fabrics|vnets)/.*",
        r"GET /nodes/{node}/lxc/{vmid}/migrate",
        r"GET /nodes/{node}/capabilities/qemu/migration",
        r"POST /nodes/{node}/qemu/{vmid}/dbus-vmstate",
    ),
    "9.1": (
        r"\w+ /cluster/bulk-action.*",
        r"GET /nodes/{node}/query-oci-repo-tags",
        r"POST /nodes/{node}/storage/{storage}/oci-registry-pull",
        r"GET /nodes/{node}/sdn/zones/{zone}/(?:bridges|ip-vrf)",
    ),
    "9.2": (
        r"POST /cluster/ha/status/(?:arm|disarm)-ha",
        r"\w+ /cluster/qemu.*",
        r"GET /nodes/{node}/capabilities/qemu/cpu-flags",
        r"POST /(?:cluster|nodes/{node})/ceph/restart-bulk",
        r"DELETE /nodes/{node}/ceph/fs/{name}",
        r"GET /nodes/{node}/ceph/releases",
        r"GET /nodes/{node}/storage/{storage}/identity",
    ),
}
"""Patterns of methods and paths, by the release that brought them."""

_PARAMETERS = {
    "9.0": (
        (r"\w+ /cluster/ha/resources.*", "failback purge"),
        (r"\w+ /cluster/sdn.*", "lock-token release-lock fabric"),
        (r"\w+ /cluster/metrics/server/.*", r"otel-.*"),
        (r"PUT /cluster/options", "replication"),
        (r"\w+ /nodes/{node}/network.*", "bridge_vids regenerate-frr"),
        (r"PUT /nodes/{node}/config", "ballooning-target"),
        (r"POST /nodes/{node}/qemu/{vmid}/(?:migrate|status/start)", "with-conntrack-state nets-host-mtu"),
        (r"\w+ /storage.*", "snapshot-as-volume-chain zfs-base-path"),
        (r"POST /nodes/{node}/(?:start|stop|suspend|migrate)all", "max-workers"),
        (r"\w+ /access/domains.*", "audiences"),
    ),
    "9.1": (
        (r"\w+ /nodes/{node}/(?:lxc|qemu).*", "entrypoint env ha-managed intel-tdx allow-ksm"),
        (r"\w+ /storage.*", "saferemove-stepsize"),
    ),
    "9.2": (
        (r"POST /cluster/config", "token-coefficient"),
        (r"PUT /access/users/{userid}/token/{tokenid}", "delete regenerate"),
        (r"GET /nodes/{node}/capabilities/qemu/(?:cpu|machines)", "arch"),
        (r"GET /nodes/{node}/journal", "identifiers kernel priority service structured unit units"),
        (r"GET /nodes/{node}/qemu/{vmid}/agent/file-read", "count decode offset"),
        (r"PUT /(?:cluster/options|nodes/{node}/config)", "location"),
    ),
}
"""Patterns of methods and paths with patterns of names of parameters, by the release that brought these."""


def at_least(version: str, since: str) -> bool:
    """Tell whether a release is not older than another."""
    own, other = ([int(part) for part in text.split(".")] for text in (version, since))
    return own >= other


def _newer(version: str) -> list[str]:
    """Return the releases after one, whose additions it lacks."""
    return [since for since in _METHODS if not at_least(version, since)]


@cache
def has_method(version: str, name: str) -> bool:
    """Tell whether a release has a method, named by method and path."""
    return not any(re.fullmatch(pattern, name) for since in _newer(version) for pattern in _METHODS[since])


@cache
def _missing(version: str, name: str) -> re.Pattern[str] | None:
    """Return a pattern of the parameters that a method does not have yet in a release."""
    found = [
        names.replace(" ", "|")
        for since in _newer(version)
        for pattern, names in _PARAMETERS[since]
        if re.fullmatch(pattern, name)
    ]
    return re.compile("|".join(found)) if found else None


def parameters_of(version: str, name: str, declared: Mapping[str, Param]) -> Mapping[str, Param]:
    """Return those of a method's declared parameters that a release has."""
    missing = _missing(version, name)
    if missing is None:
        return declared
    return {key: param for key, param in declared.items() if not missing.fullmatch(key)}
