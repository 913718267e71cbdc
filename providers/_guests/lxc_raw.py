"""Lines for LXC itself in a container's configuration: the API shows them and does not write them, so SSH does.

Proxmox keeps them behind its own options, without room for a comment: so they are owned whole, as one list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from providers._guests.place import Place
from providers._runtime.api import Api
from providers._runtime.errors import Missing
from providers._runtime.model import Values

_RAW = re.compile(r"lxc\.[a-z0-9_\-.]+(:|\s*=)")


def shown(raw: Values) -> list[str]:
    """The lines, as the API shows them: pairs of key and value."""
    return [f"{key}: {value}" for key, value in raw.get("lxc") or ()]


def replaced(text: str, lines: Sequence[str]) -> str:
    """A configuration with these lines in place of those that it has; snapshots below it keep their own."""
    own, bracket, snapshots = text.partition("\n[")
    kept = [line for line in own.splitlines() if not _RAW.match(line)]
    while kept and not kept[-1].strip():
        kept.pop()
    gap = "\n" if bracket else ""
    return "".join(f"{line}\n" for line in [*kept, *lines]) + gap + bracket.lstrip("\n") + snapshots


def write(api: Api, place: Place, lines: Sequence[str]) -> None:
    """Write them where they are not there already."""
    path = f"/etc/pve/nodes/{place.node}/lxc/{place.vmid}.conf"
    before = api.client.ssh.read(place.node, path, deadline=api.deadline)
    if before is None:
        raise Missing(f"{place.id} has no configuration on {place.node} ({path})")
    after = replaced(before.decode(), lines).encode()
    if after != before:
        api.client.ssh.write(place.node, path, after, 0o640, deadline=api.deadline)
