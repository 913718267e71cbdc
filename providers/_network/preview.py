"""What a preview can tell of a change of a node's network; it only looks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from providers._network.checks import faults
from providers._network.plan import Declared, same_kind, target
from providers._network.settings import Network, lines_of
from providers._network.site import Kept, Site, kept_on, network_path, site_of
from providers._network.text import difference, read
from providers._network.transaction import foreign_words, no_way_back
from providers._runtime.facts import Facts
from providers._runtime.model import Problem, Values
from providers._runtime.ownership import Owner

SSH_SECONDS = 20.0


@dataclass(frozen=True)
class Picture:
    """The network as it is, and as it is to be."""

    site: Site
    goal: Network
    kept: Kept | None

    @property
    def changes(self) -> str:
        """How the file changes."""
        return difference(self.site.network, self.goal)


def picture_of(facts: Facts, owner: Owner, before: Values, wanted: Values) -> Picture | None:
    """The picture; None where the node does not say, or what is wanted is not known yet."""
    if "node" not in wanted or "interfaces" not in wanted:
        return None
    node, ssh, deadline = wanted["node"], facts.client.ssh, time.monotonic() + SSH_SECONDS
    answer = facts.answer(network_path(node))
    if answer is None:
        return None
    site, kept = site_of(answer, ssh, node, deadline), kept_on(ssh, owner, node, deadline)
    first = read(kept.first) if kept else {}
    return Picture(site, target(site.network, first, before.get("interfaces") or {}, wanted["interfaces"]), kept)


def problems(facts: Facts, picture: Picture, before: Values, wanted: Values) -> Iterator[Problem]:
    """What Proxmox would refuse, what somebody else has begun, and what could not be taken back."""
    node, declared = wanted["node"], wanted["interfaces"]
    if not facts.client.ssh.reaches(node):
        yield from _without_ssh(facts.client.name, picture, wanted)
    names = picture.site.foreign(picture.goal)
    if names:
        yield "node", foreign_words(node, names)
    if not before and (wanted.get("adopt") or "never") == "never" and picture.kept is None:
        for name in strangers(picture.site, declared):
            if picture.site.network[name] != picture.goal[name]:
                yield f"interfaces.{name}", f"it already exists on {node}; to take it over, set adopt to `if-exists`"
    yield from faults(node, picture.site.network, picture.goal, declared)


def strangers(site: Site, declared: Declared) -> list[str]:
    """Declared interfaces that are there and that somebody must have made; cards are there anyway."""
    return [
        name
        for name, item in declared.items()
        if name in site.network and not (item["type"] in ("eth", "OVSPort") and same_kind(site.network[name], item))
    ]


def _without_ssh(connection: str, picture: Picture, wanted: Values) -> Iterator[Problem]:
    """What can't be done without SSH."""
    if not wanted.get("unconfirmed"):
        yield "unconfirmed", no_way_back(connection, wanted["node"])
    there, goal = picture.site.network, picture.goal
    for name in sorted(goal):
        if lines_of(name, there.get(name, {})) != lines_of(name, goal[name]):
            yield f"interfaces.{name}", "its further lines or rules take SSH, and the connection has none"
    if "ip_forward" in wanted:
        yield "ip_forward", "it takes SSH, and the connection has none"
