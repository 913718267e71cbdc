"""What a preview can tell of a storage that something is to be put on."""

from __future__ import annotations

from collections.abc import Iterator

from providers._runtime import privileges
from providers._runtime.facts import Facts
from providers._runtime.model import Problem

MIB = 1 << 20


def storage_problems(facts: Facts, node: str | None, storage: str | None, content: str | None) -> Iterator[Problem]:
    """Whether the node is there and has the storage, and the storage takes such content; None is not known yet."""
    if node is None:
        return
    place = facts.node(node)
    if place is None:
        if why := facts.no_node(node):
            yield "node", why
        return
    if place.get("status") != "online":
        yield "node", f"{node} is {place.get('status', 'unknown')}"
    if storage is None or facts.announced("storage", storage):
        return
    row = facts.storages(node).get(storage)
    if row is None:
        if privileges.granted(facts.permissions(), f"/storage/{storage}", "Datastore.Audit"):
            yield "storage", f"there is no storage {storage!r} on {node}, and this program makes none"
    elif row.get("status", "available") != "available":
        yield "storage", f"storage {storage!r} on {node} is {row['status']}"
    elif content and "content" in row and content not in str(row["content"]).split(","):
        yield "storage", f"storage {storage!r} can't hold {content}; it is for {row['content']}"


def room_problems(facts: Facts, node: str, storage: str, size: int) -> Iterator[Problem]:
    """Whether there is room for so many bytes."""
    row = facts.storages(node).get(storage, {})
    room = int(row.get("maxdisk") or 0) - int(row.get("disk") or 0)
    if row.get("maxdisk") and size > room:
        yield "storage", f"{size / MIB:.1f} MiB are needed on {storage!r} of {node}, and there are {room / MIB:.1f} MiB"
