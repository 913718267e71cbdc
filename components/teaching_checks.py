"""What in a cluster for teaching does not fit together, told before anything is made."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from components.placement import NoRoomError, mebibytes, place
from components.problem import Problem
from components.teaching_args import SSH, Course, NodesNetwork, TeachingClusterArgs
from components.teaching_parts import firewall, node_networks
from providers.firewall_rules import FirewallRule


def problems(lab: TeachingClusterArgs) -> Iterator[Problem]:
    """All that is wrong; what needs all else to be right comes last."""
    found = [*_nodes(lab), *_networks(lab), *_storages(lab), *_replication(lab)]
    found += [*_firewall(lab), *_names(lab), *_courses(lab)]
    yield from found or [*_together(lab), *_guests(lab)]


def _nodes(lab: TeachingClusterArgs) -> Iterator[Problem]:
    for name, node in lab.nodes.items():
        yield from node.problems(f"nodes.{name}")
    if len(lab.added) == len(lab.nodes):
        yield Problem("nodes", lab.added, "all of them are `added`; those that there were at first are not")
    if lab.cluster is not None:
        joining = sorted(lab.cluster.joining)
        if not lab.nodes.keys() > lab.cluster.joining.keys() or len(joining) != len(lab.nodes) - 1:
            reason = f"all nodes but one join, each by its own connection; name all but one of {', '.join(lab.nodes)}"
            yield Problem("cluster.joining", joining, reason)
    if (lab.template.image is None) == (lab.template.guest is None):
        yield Problem("template", lab.template.name, "it is made of an `image` or of a `guest`; give one of them")


def _networks(lab: TeachingClusterArgs) -> Iterator[Problem]:
    cards: dict[str, str] = {}
    for name, network in lab.networks.items():
        key = f"networks.{name}"
        yield from _link(key, network)
        for card in (*(network.bond.slaves if network.bond else ()), *([network.card] if network.card else ())):
            if cards.setdefault(card, key) != key:
                yield Problem(key, card, f"{cards[card]} has that card already; take another, or a `vlan`")
        try:
            subnet = ipaddress.ip_network(network.cidr)
        except ValueError as error:
            yield Problem(f"{key}.cidr", network.cidr, f"{error}; write it like 10.20.0.0/24")
            continue
        places = {f"nodes.{node}.addresses.{name}": each.addresses.get(name) for node, each in lab.nodes.items()}
        for place_key, address in {**places, f"{key}.gateway": network.gateway}.items():
            if address is not None and (reason := _address(address, subnet)):
                yield Problem(place_key, address, reason)
    guests = lab.network_of.get("guests", "")
    if guests not in lab.networks:
        yield Problem("roles.guests", guests, f"there is no such network; there are: {', '.join(lab.networks)}")
    elif lab.networks[guests].bridge is None:
        yield Problem("roles.guests", guests, "guests are attached to a bridge; give that network a `bridge`")


def _link(key: str, network: NodesNetwork) -> Iterator[Problem]:
    given = [name for name in ("bond", "card", "vlan") if getattr(network, name) is not None]
    if network.bridge is None and len(given) != 1:
        yield Problem(key, given, "it is on a `bridge`, or on one of `bond`, `card` and `vlan`; give that")
    elif network.bridge is not None and (len(given) > 1 or "vlan" in given):
        yield Problem(key, given, "a bridge is over a `bond`, over a `card`, or by itself; take the rest out")


def _address(address: str, subnet: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str | None:
    """Why a node can't have an address in a network."""
    try:
        inside = ipaddress.ip_address(address) in subnet
    except ValueError as error:
        return f"{error}; write it like {subnet[1]}"
    return None if inside else f"it is no address of {subnet}; take one of its own"


def _storages(lab: TeachingClusterArgs) -> Iterator[Problem]:
    """Storages that are not declared may be there all the same."""
    wanted = [("storage", lab.storage, "images")]
    wanted += [("image_storage", lab.image_storage, "import")] if lab.template.image else []
    wanted += [("backup.storage", lab.backup.storage, "backup")] if lab.backup else []
    for key, storage, content in wanted:
        declared = lab.all_storages.get(storage)
        if declared is not None and content not in declared.content:
            yield Problem(key, storage, f"that storage is not for `{content}`; add it to its `content`")


def _replication(lab: TeachingClusterArgs) -> Iterator[Problem]:
    if lab.replication is None:
        return
    declared = lab.all_storages.get(lab.storage)
    if declared is not None and declared.type != "zfspool":
        reason = f"replication takes ZFS, and {lab.storage} is of type {declared.type}; take a `storage` of ZFS"
        yield Problem("replication", lab.storage, reason)
    if lab.template.linked:
        reason = "a linked clone can't be replicated without its template; set it to false"
        yield Problem("template.linked", lab.template.linked, reason)
    if len(lab.nodes) == 1:
        yield Problem("replication", list(lab.nodes), "there is no other node to copy to; take it out")


def _firewall(lab: TeachingClusterArgs) -> Iterator[Problem]:
    """Who reaches the guests, and how."""
    if lab.firewall is None:
        return
    for number, source in enumerate(lab.firewall.ssh_from or ()):
        try:
            ipaddress.ip_network(source)
        except ValueError as error:
            yield Problem(f"firewall.ssh_from.{number}", source, f"{error}; write it like 192.0.2.0/24")
    if lab.firewall.ssh_from and lab.firewall.guests is None:
        reason = "guests let in everybody; say in `firewall.guests` what they let in besides, or [] for nothing"
        yield Problem("firewall.ssh_from", list(lab.firewall.ssh_from), reason)
    for number, rule in enumerate(lab.firewall.guests or ()):
        if _lets_anybody_in_by_ssh(rule):
            reason = "it lets in SSH from anywhere; take it out, and name in `ssh_from` who may"
            yield Problem(f"firewall.guests.{number}", rule.as_dict(), reason)


def _lets_anybody_in_by_ssh(rule: FirewallRule) -> bool:
    if (rule.type, rule.action) != ("in", "ACCEPT") or rule.source is not None:
        return False
    ports = {"22"} if rule.dport is None else set(rule.dport.split(","))
    return rule.macro == SSH or (rule.macro is None and rule.proto in (None, "tcp") and bool(ports & {"22", "ssh"}))


def _names(lab: TeachingClusterArgs) -> Iterator[Problem]:
    yield from _twice("courses", [course.name for course in lab.courses])
    for number, course in enumerate(lab.courses):
        key = f"courses.{number}"
        yield from _twice(f"{key}.teams", [team.name for team in course.teams])
        yield from _twice(f"{key}.exercises", [exercise.name for exercise in course.exercises])
        for place_key, team in enumerate(course.teams):
            if len(set(team.members)) != len(team.members):
                yield Problem(f"{key}.teams.{place_key}.pupils", team.pupils, "somebody is in it twice; name him once")
            elif set(team.members) & set(course.teachers):
                reason = "a teacher of the course is in it, who may see all teams anyway; take him out"
                yield Problem(f"{key}.teams.{place_key}.pupils", team.pupils, reason)


def _twice(key: str, names: Iterable[str]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, name in enumerate(names):
        if seen.setdefault(name, number) != number:
            yield Problem(f"{key}.{number}.name", name, f"{key}.{seen[name]} is called so already; take another")


def _courses(lab: TeachingClusterArgs) -> Iterator[Problem]:
    ranges: dict[str, range] = {}
    for number, course in enumerate(lab.courses):
        for place_key, exercise in enumerate(course.exercises):
            if mebibytes(exercise.disk) < mebibytes(lab.template.disk):
                reason = f"it is a clone of the template, whose disk has {lab.template.disk}; take as much, or more"
                yield Problem(f"courses.{number}.exercises.{place_key}.disk", exercise.disk, reason)
        if course.vmids is not None:
            key = f"courses.{number}.vmids"
            yield from _range(key, course, ranges)


def _range(key: str, course: Course, ranges: dict[str, range]) -> Iterator[Problem]:
    first, last = (int(each) for each in str(course.vmids).split("-"))
    own, guests = range(first, last + 1), len(list(course.wishes))
    if len(own) < guests:
        yield Problem(key, course.vmids, f"the course has {guests} guests; take a range with room for them, and more")
    for other, taken in ranges.items():
        if own.start < taken.stop and taken.start < own.stop:
            yield Problem(key, course.vmids, f"{other} has some of these numbers already; take others")
    ranges[key] = own


def _together(lab: TeachingClusterArgs) -> Iterator[Problem]:
    """What the parts refuse that the lab is made of."""
    try:
        node_networks(lab)
    except ValueError as error:
        yield Problem("networks", list(lab.networks), f"{error}; take others")
    try:
        firewall(lab)
    except ValueError as error:
        yield Problem("firewall.management", lab.firewall and dict(lab.firewall.management), f"{error}; take others")


def _guests(lab: TeachingClusterArgs) -> Iterator[Problem]:
    seen = {lab.template.name}
    for wish in lab.wishes:
        if wish.name in seen:
            yield Problem("courses", wish.name, "two machines would be called so; name a team or an exercise otherwise")
        seen.add(wish.name)
    try:
        place(lab.rooms, lab.wishes, lab.added)
    except NoRoomError as error:
        yield Problem("courses", error.wish.name, f"{error}; take less, or give the nodes more or reserve less of them")
