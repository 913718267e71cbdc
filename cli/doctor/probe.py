"""Asks the hosts of one connection, all at once where that can be: about five requests, and three for each node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from cli.doctor import certificate, findings
from cli.doctor.findings import Finding, fine, wrong
from providers._runtime import privileges
from providers._runtime.client import Client
from providers._runtime.errors import (
    ApiRefused,
    CommandFailed,
    LoginRefused,
    NotTrusted,
    ProxmoxError,
    TookTooLong,
    Unreachable,
)
from providers._runtime.facts import Facts
from providers._runtime.privileges import Need

AT_ONCE = 8
PATIENCE = 20.0
REMEDIES: tuple[tuple[type[ProxmoxError], str], ...] = (
    (NotTrusted, "compare with the node itself, and set what is pinned to what it has"),
    (LoginRefused, "see in Datacenter > Permissions whether it is there and enabled, and set it anew"),
    (Unreachable, "see whether the host is up, the address right, and no firewall between"),
    (TookTooLong, "see whether the host is up, and how busy it is"),
    (ApiRefused, "see the host's log: `journalctl -u pveproxy -u pvedaemon`"),
    (CommandFailed, "log in to the node and try the same"),
)

Row = dict[str, Any]


def examine(client: Client, needs: Sequence[Need] | None) -> list[Finding]:
    """All findings of one connection; `needs` is what the stack takes of its privileges, if that is known."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        access = client.connection.ssh
        logins = [pool.submit(_login, client, node) for node in (access.hosts if access else ())]
        endpoints = list(pool.map(lambda each: _endpoint(client, each), client.connection.endpoints))
        found = [finding for each in endpoints for finding in each]
        if any(each[0].level != findings.Level.ERROR for each in endpoints):
            found += _tried("privileges", client.name, lambda: list(_privileges(Facts(client), needs)))
            found += _tried("quorum", client.name, lambda: list(_cluster(client, pool)))
        return [*found, *(each.result() for each in logins)]


def _endpoint(client: Client, endpoint: str) -> list[Finding]:
    """Whether it answers to this very connection, and how long its certificate lasts."""
    only = Client(client.name, client.connection.model_copy(update={"endpoints": [endpoint]}), 1)
    try:
        began = time.monotonic()
        version = _ask(only, "/version")["version"]
        took = 1000 * (time.monotonic() - began)
        answers = fine("connection", endpoint, f"{client.name}: Proxmox VE {version} answers in {took:.0f} ms")
        if client.connection.insecure:
            return [answers, findings.unproved(endpoint)]
        return [answers, findings.certificate(endpoint, certificate.ends(endpoint), datetime.now(UTC))]
    except ProxmoxError as problem:
        return [wrong("connection", endpoint, str(problem), remedy(problem))]
    except OSError as problem:
        return [answers, wrong("tls", endpoint, f"its certificate can't be read: {problem}", "try again")]
    finally:
        only.close()


def _privileges(facts: Facts, needs: Sequence[Need] | None) -> Iterator[Finding]:
    """Those that the stack takes and the identity has not got."""
    where = facts.client.name
    if needs is None:
        remedy_ = "bring the stack up, or ask `proxmox-labs privileges`, which makes a preview"
        yield findings.warning("privileges", where, "not looked at: the stack has no resources there yet", remedy_)
        return
    missing = [text for _, text in privileges.missing(facts, needs)]
    for text in missing:
        what, _, command = text.partition(": ")
        yield wrong("privileges", where, what, f"as an administrator of the host: {command}")
    if not missing:
        yield fine("privileges", where, f"all {len(needs)} privileges that the stack takes are there")


def _cluster(client: Client, pool: ThreadPoolExecutor) -> Iterator[Finding]:
    """Quorum, and what each node says of itself."""
    rows: list[Row] = _ask(client, "/cluster/status")
    yield from findings.quorum(client.name, rows)
    nodes = [str(row["name"]) for row in rows if row["type"] == "node" and row.get("online")]
    times = pool.map(lambda node: _or_finding("clock", node, lambda: _clock(client, node)), nodes)
    stores = pool.map(lambda node: _or_finding("storage", node, lambda: _storages(client, node)), nodes)
    versions = pool.map(lambda node: _or_finding("version", node, lambda: _version(client, node)), nodes)
    for answers, judge in (
        (times, findings.clocks),
        (versions, lambda known: findings.versions(client.name, known)),
        (stores, lambda known: [finding for node in known for finding in findings.storages(node, known[node])]),
    ):
        answered = dict(zip(nodes, answers, strict=True))
        failed = [answer for answer in answered.values() if isinstance(answer, Finding)]
        told = list(judge({node: answer for node, answer in answered.items() if not isinstance(answer, Finding)}))
        yield from (*failed, *told)


def _clock(client: Client, node: str) -> tuple[float, float]:
    """How far it is ahead of ours, and how well that is known: half the way there and back, and a whole second."""
    before = time.time()
    told = float(_ask(client, f"/nodes/{node}/time")["time"])
    after = time.time()
    return told + 0.5 - (before + after) / 2, (after - before) / 2 + 0.5


def _storages(client: Client, node: str) -> list[Row]:
    rows: list[Row] = _ask(client, f"/nodes/{node}/storage")
    return rows


def _version(client: Client, node: str) -> str:
    return str(_ask(client, f"/nodes/{node}/version")["version"])


def _login(client: Client, node: str) -> Finding:
    """Whether a node lets us in over SSH, and is the one that it should be."""
    try:
        client.ssh.check(node, ["true"], deadline=time.monotonic() + PATIENCE)
    except ProxmoxError as problem:
        return wrong("ssh", node, str(problem), remedy(problem))
    return fine("ssh", node, "it lets us in, and shows the host key that is pinned")


def _ask(client: Client, path: str) -> Any:
    return client.request("GET", path, deadline=time.monotonic() + PATIENCE, attempts=1)


def _or_finding(check: str, where: str, ask: Callable[[], Any]) -> Any:
    """An answer, or what it means that there is none."""
    try:
        return ask()
    except ProxmoxError as problem:
        return wrong(check, where, str(problem), remedy(problem))


def _tried(check: str, where: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    found = _or_finding(check, where, look)
    return [found] if isinstance(found, Finding) else list(found)


def remedy(problem: ProxmoxError) -> str:
    """What to do about a request that has failed."""
    return next((text for kind, text in REMEDIES if isinstance(problem, kind)), "see the host's log")
