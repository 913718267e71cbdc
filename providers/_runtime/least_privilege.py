"""The privileges that a program needs on its hosts, and no others.

Every resource type says what Proxmox asks of whoever makes, reads, changes and removes its objects. Put together for
all resources of a program, and with one way chosen where there are several, this is what its identity has to be given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from providers._runtime.handler import Handler
from providers._runtime.model import Values
from providers._runtime.privileges import Need

Privileges = dict[str, list[str]]
"""ACL path -> the privileges on it; only those of a path that ends in `/*` are handed down to what is below."""
Grant = tuple[str, str]


def of_resource(handler: Handler, before: Values, wanted: Values) -> Iterator[Need]:
    """For the whole life of one resource; either of the two is empty where it is new, or will be no more."""
    for values in filter(None, (before, wanted)):
        yield from handler.needs_to_read(values)
        yield from handler.needs_to_delete(values)
    if wanted:
        yield from handler.needs(wanted)
    if before and wanted:
        yield from handler.needs_to_change(before, wanted)


def smallest(needs: Iterable[Need]) -> Privileges:
    """Enough for all of them, such that it is not when any one is taken away.

    Of several ways the first one is taken, unless another one is open anyhow.
    """
    ways = list(dict.fromkeys(tuple(_ways(need)) for need in needs))
    granted = {each[0] for each in ways if len(each) == 1}
    for each in ways:
        if granted.isdisjoint(each):
            granted.add(each[0])
    for grant in sorted(granted):
        if all(not (granted - {grant}).isdisjoint(each) for each in ways):
            granted.remove(grant)
    return {path: sorted(name for at, name in granted if at == path) for path in sorted({at for at, _ in granted})}


def _ways(need: Need) -> Iterator[Grant]:
    """The grants of which any one fulfils it, the usual one first."""
    path, privilege, *others = need
    for at in (path, *others):
        for name in privilege.split("|"):
            yield at, name
