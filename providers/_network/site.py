"""A node's network as it is, what waits there to be applied, and what this program keeps on the node.

What is kept is the text of the file as it was before this program first changed it, in a file of its own beside it: so
the end of a resource can give back that very text, also where a run died and its state knows nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from providers._network.plan import same_kind
from providers._network.settings import Network, Settings, settings_of
from providers._network.text import PATH, read
from providers._runtime.api import Api
from providers._runtime.ownership import Owner

if TYPE_CHECKING:
    from providers._runtime.ssh import Ssh

_CARD = {"type": "eth"}
_PORT_KEYS = ("bridge_ports", "slaves", "ovs_ports", "ovs_bonds")


@dataclass(frozen=True)
class Site:
    """The network of a node."""

    network: Network
    """What is in effect; what is staged, where nobody can look at the file in effect."""
    staged: Network
    """What would be in effect after applying."""
    pending: str
    """How the two differ, in Proxmox's words; empty where they do not."""

    def foreign(self, goal: Network) -> list[str]:
        """The interfaces in which what waits is not on the way to the goal: somebody else has changed them.

        Without a look at the file in effect nobody can tell, and all that waits is somebody else's.
        """
        if not self.pending:
            return []
        names = sorted({*self.network, *self.staged, *goal})
        if self.network is self.staged:
            return [name for name in names if f"iface {name} " in self.pending] or ["an interface"]
        return [
            name
            for name in names
            if not _on_the_way(self.network.get(name, {}), self.staged.get(name, {}), goal.get(name, {}))
        ]


def _on_the_way(there: Settings, staged: Settings, goal: Settings) -> bool:
    """Whether every setting is still the old one or already the new one."""
    if not staged:
        return not there or not goal or not same_kind(there, goal)
    for key in {*there, *staged, *goal}:
        before, now, after = there.get(key), staged.get(key), goal.get(key)
        some_ports = key in _PORT_KEYS and set(now or ()) <= {*(before or ()), *(after or ())}
        if now not in (before, after) and not (some_ports and there != goal):
            return False
    return True


def network_path(node: str) -> str:
    """Where the API has it."""
    return f"/nodes/{node}/network"


def site_of(answer: Mapping[str, Any], ssh: Ssh, node: str, deadline: float) -> Site:
    """The network from the API's answer; while something waits there, what is in effect is only in the file."""
    rows = {str(row["iface"]): settings_of(row) for row in answer.get("data") or ()}
    pending = str(answer.get("changes") or "")
    if not pending or not ssh.reaches(node):
        return Site(rows, rows, pending)
    text = file_text(ssh, node, PATH, deadline) or ""
    cards = {name: dict(_CARD) for name, settings in rows.items() if settings == _CARD}
    return Site(cards | read(text), rows, pending)


def look(api: Api, node: str) -> Site:
    """The network as it is at this moment."""
    return site_of(api.answer(network_path(node)), api.client.ssh, node, api.deadline)


def file_text(ssh: Ssh, node: str, path: str, deadline: float) -> str | None:
    """A file of the node; None if there is none."""
    data = ssh.read(node, path, deadline=deadline)
    return None if data is None else data.decode(errors="surrogateescape")


def write_text(api: Api, node: str, path: str, text: str) -> None:
    """Write a file on the node."""
    api.client.ssh.write(node, path, text.encode(errors="surrogateescape"), deadline=api.deadline)


# ---------------------------------------------------------------- what is kept on the node


@dataclass(frozen=True)
class Kept:
    """What this program keeps on the node for as long as it owns interfaces there."""

    first: str
    """The file before the first change."""
    applied: str
    """Digest of the file after the last one."""


def kept_path(owner: Owner) -> str:
    """One file for each owner; Proxmox and ifupdown2 read no file of such a name."""
    return f"{PATH}.pulumi-{owner.key}"


def kept_on(ssh: Ssh, owner: Owner, node: str, deadline: float) -> Kept | None:
    """What is kept there; None where nothing is, or nobody can look."""
    text = file_text(ssh, node, kept_path(owner), deadline) if ssh.reaches(node) else None
    return None if text is None else Kept(**json.loads(text))


def keep(api: Api, node: str, kept: Kept) -> None:
    """Write it."""
    write_text(api, node, kept_path(api.owner), json.dumps({"first": kept.first, "applied": kept.applied}) + "\n")


def forget(api: Api, node: str) -> None:
    """Remove it."""
    api.client.ssh.remove(node, kept_path(api.owner), deadline=api.deadline)


def digest(text: str) -> str:
    """Tells one text from another."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
