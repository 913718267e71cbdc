"""One apply for all resources of a run that change the network at the same moment.

They meet; the lock is taken; each stages its share, and one whose share is refused takes it back and fails alone; the
rest is applied once. Then every node that is online has to say that it has taken it over. Where one does not, all
shares are taken back and that is applied, so that the running configuration is as it was before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from providers._runtime import privileges, tasks
from providers._runtime.api import Api, quoted
from providers._runtime.errors import ApiRefused, ProxmoxError, TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.gather import Gathering
from providers._sdn.journal import Journal
from providers._sdn.lock import Lock
from providers._sdn.objects import AT_ONCE, Key, Objects, objects, read_objects
from providers._sdn.staging import Item, Share, steps

QUIET = 0.5
"""Seconds without a newcomer after which those that change the network have met: one apply takes far longer."""
MOST = 5.0
MEETING = "sdn"
LOOK_AGAIN = 0.3
TO_GO_BACK = 120.0
"""Seconds that taking a change back may take at least."""
APPLYING = "applying the SDN configuration"
SETTLES_WITHIN = 60.0
"""Seconds after which a node that has not begun to reload is not waited for any more."""


def commit(item: Item) -> None:
    """Have an item's changes applied, together with those of all others that come now."""
    item.api.facts.shared(meeting).join(MEETING, item, _together)
    if item.error is not None:
        raise item.error


def meeting(_: Facts) -> Gathering[Item, None]:
    """Where those of one connection meet; one transaction at a time."""
    return Gathering(QUIET, MOST, threading.Lock())


def _together(items: list[Item]) -> None:
    """The work of one transaction."""
    api = max((item.api for item in items), key=lambda each: each.deadline)
    journal = Journal(api.client.connection)
    lock = Lock(api, journal, items)
    try:
        lock.take()
        journal.note(lock.token.get("lock-token"), {key for item in items for key in item.share.keys})
        try:
            _stage(api, lock, items, journal.left)
            if lock.pending or any(step.object.kind not in AT_ONCE for item in items for step in item.done):
                _apply(api, lock, items)
            for item in items:
                item.done.clear()
        finally:
            _end(api, lock, journal, items)
    finally:
        journal.close()
        api.facts.forget()


def _end(api: Api, lock: Lock, journal: Journal, items: list[Item]) -> None:
    """Leave nothing behind: what is still staged was not applied, and is taken back."""
    patient = _patient(api)
    try:
        for item in reversed(items):
            lock.take_back(patient, item)
        journal.finish()
    except ProxmoxError as error:
        api.warn(f"what was staged could not be taken back, and is pending now: {error}")
    finally:
        lock.release(patient)


def _patient(api: Api) -> Api:
    """For going back: the time of the operation itself may be over."""
    return replace(api, deadline=max(api.deadline, time.monotonic() + TO_GO_BACK))


def _stage(api: Api, lock: Lock, items: list[Item], left: frozenset[Key]) -> None:
    """Every item's changes; one that is refused has taken its own back, and the others go on.

    It gets a second chance after them: it may have needed what one of them makes, or removes.
    """
    actual = _configured(api, [item.share for item in items])
    refused = _try(lock, items, actual, left)
    if any(item.done for item in items):
        _try(lock, refused, actual, left)


def _try(lock: Lock, items: list[Item], actual: Objects, left: frozenset[Key]) -> list[Item]:
    """Stage what the items want, and note in `actual` what is there then; returns those that were refused."""
    for item in items:
        item.error = None
        try:
            lock.carry_out(item, list(steps(replace(item.share, known=item.share.known | left), actual)))
        except ProxmoxError as error:
            if item.done:
                raise  # it could not be taken back, and must not be applied with the others
            item.error = error
        for step in item.done:
            actual.pop(step.object.key, None)
            actual.update(objects(step.new) if step.new else {})
    return [item for item in items if item.error]


def _configured(api: Api, shares: list[Share]) -> Objects:
    """The configured objects of the kinds that the shares are about, as they are at this moment."""
    kinds = {kind for share in shares for kind, _ in share.keys}
    if "subnets" not in kinds:
        return read_objects(api.get, sorted(kinds), {}, ())
    vnets = read_objects(api.get, ["vnets"], {}, ())
    asked = {name for share in shares for name in share.vnets}
    there = [id_ for _, id_ in vnets if id_ in asked]
    return {**vnets, **read_objects(api.get, sorted(kinds - {"vnets"}), {}, there)}


# ---------------------------------------------------------------- applying


def _apply(api: Api, lock: Lock, items: list[Item]) -> None:
    """Dry run, apply, and wait until every node has it; Proxmox shows that to whoever may audit the zones."""
    nodes = {str(row["node"]): row.get("status") == "online" for row in api.facts.of_type("node")}
    online = sorted(name for name, is_online in nodes.items() if is_online)
    if lock.token:
        _tell_what_changes(api, online)
    upid = _put(api, lock)  # refused here, nothing is applied
    try:
        tasks.wait(api, upid, APPLYING)
        _verify(api, online, {zone for item in items if item.error is None for zone in item.share.zones})
    except ProxmoxError as error:
        _restore(_patient(api), lock, items, online, error)
    zones = sorted({zone for item in items for zone in item.share.zones})
    for _, reason in privileges.missing(api.facts, [(f"/sdn/zones/{zone}", "SDN.Audit") for zone in zones]):
        api.warn(f"whether the nodes have taken the SDN configuration over can't be told: {reason}")
    for name in sorted(set(nodes) - set(online)):
        api.warn(f"{name} is offline and has not taken the SDN configuration over; it does with the next apply")


def _put(api: Api, lock: Lock) -> str:
    """Begin an apply; the lock is kept until all nodes have it."""
    return str(api.put("/cluster/sdn", {**lock.token, "release-lock": 0} if lock.token else {}))


def _tell_what_changes(api: Api, nodes: Iterable[str]) -> None:
    """The hosts' own diffs; an identity that may not ask for them gets none."""
    for node in nodes:
        try:
            diffs = api.get("/cluster/sdn/dry-run", {"node": node})
        except ApiRefused as refused:
            api.say(f"no dry run on {node}: {refused}")
            continue
        for name in ("interfaces-diff", "frr-diff"):
            if diffs.get(name):
                api.note(f"{node}, {name}:\n{diffs[name]}")


def _verify(api: Api, nodes: Iterable[str], zones: set[str]) -> None:
    """Wait until the zones work on every node; raises with the node and its reason."""
    began = time.monotonic()
    for node in nodes:
        while (problem := _problem(api, node, zones)) is not None:
            failed = _reload_failed(api, node, began)
            if failed is not None:
                raise ProxmoxError(f"{node}: {failed or problem}")
            if time.monotonic() + LOOK_AGAIN > api.deadline:
                raise TookTooLong(f"{node}: {problem}")
            api.say(f"waiting for {node}: {problem}")
            time.sleep(LOOK_AGAIN)


def _problem(api: Api, node: str, zones: set[str]) -> str | None:
    """What a node says of the zones; those of others need only be loaded."""
    for row in api.get(f"/nodes/{node}/sdn/zones"):
        zone, status = str(row["zone"]), str(row.get("status"))
        if status == "pending" or (status == "error" and zone in zones):
            return f"zone {zone} is {status}{_reason(api, node, zone)}"
    return None


def _reason(api: Api, node: str, zone: str) -> str:
    """What the node says of the zone's VNets, where the identity may ask."""
    try:
        rows = api.get(f"/nodes/{node}/sdn/zones/{quoted(zone)}/content")
    except ApiRefused:
        return ""
    texts = [f"{row['vnet']}: {row['statusmsg']}" for row in rows if row.get("statusmsg")]
    return f" ({'; '.join(texts)})" if texts else ""


def _reload_failed(api: Api, node: str, began: float) -> str | None:
    """How a node's reload ended: None while it runs or is still to come, empty if it went well."""
    asked = {"typefilter": "srvreload", "source": "all", "limit": 1}
    rows = api.get(f"/nodes/{node}/tasks", asked)
    if rows and "endtime" in rows[0]:
        status = str(rows[0].get("status", ""))
        return "" if status == "OK" else f"the reload of its network failed: {status}"
    return None if rows or time.monotonic() - began < SETTLES_WITHIN else ""


# ---------------------------------------------------------------- going back


def _restore(api: Api, lock: Lock, items: list[Item], online: list[str], reason: ProxmoxError) -> None:
    """Bring the running configuration back to what it was; always raises, with the reason for that."""
    api.say("taking the change back on all nodes")
    try:
        for change in lock.foreign:
            lock.send(api, change.step.inverse)
            api.warn(f"{change.words}, somebody else's, is taken back as well and has to be staged again")
        for item in reversed(items):
            lock.take_back(api, item)
        tasks.wait(api, _put(api, lock), APPLYING)
    except ProxmoxError as error:
        raise ProxmoxError(f"{reason}; and taking the change back failed: {error}") from None
    try:
        _verify(api, online, set())
    except ProxmoxError as error:
        raise ProxmoxError(f"{reason}; the running SDN configuration is as it was, but {error}") from None
    raise ProxmoxError(f"{reason}; the running SDN configuration is as it was before") from None
