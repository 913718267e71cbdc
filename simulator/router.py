"""The way of a call: route, user, privileges, node, parameters, transaction, tasks, answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.access import ROOT, Access, signer_of, token_owner, usable
from simulator.errors import (
    ApiError,
    LockBusy,
    NodeUnreachable,
    NotImplementedHere,
    ParamError,
    PermissionDenied,
    Unauthorized,
)
from simulator.routing import Call, Route, RouteTree
from simulator.schema import check
from simulator.state import Datacenter, World
from simulator.tasks import LOCK_TIMEOUT, TaskRunner
from simulator.versions import has_method, parameters_of

CSRF_METHODS = ("POST", "PUT", "DELETE")


@dataclass(slots=True)
class Request:
    """What the HTTP side knows of a call."""

    method: str
    path: str
    values: dict[str, Any]
    datacenter: Datacenter
    node: str
    ticket: str | None = None
    csrf: str | None = None
    token: str | None = None
    client: Mapping[str, str] = field(default_factory=dict)
    authid: str = ""
    """Who asks, once that is known."""


@dataclass(slots=True)
class Answer:
    """What a method gave: its data, and what stands beside it."""

    data: Any
    extra: dict[str, Any]


class Router:
    """Answers calls on a world."""

    def __init__(self, world: World, tasks: TaskRunner, tree: RouteTree) -> None:
        """Answer with these routes; any other method is refused as Proxmox refuses one that it doesn't have."""
        self.world = world
        self.tasks = tasks
        self._tree = tree

    async def answer(self, request: Request) -> Answer:
        """Answer a call, or raise the ApiError that refuses it."""
        found = self._tree.find(request.method, request.path)
        authid = request.authid = self._authenticate(request, found[0] if found else None)
        if found is None:
            raise self._unknown(request)
        route, in_path = found
        version = _version(route, request, in_path)
        if not has_method(version, route.name):
            raise self._unknown(request)
        duplicate = next((name for name in request.values if name in in_path), None)
        if duplicate is not None:
            raise ParamError({duplicate: "duplicate parameter (already defined in URI)"})
        values = request.values | in_path
        access = Access(request.datacenter, authid)
        authorize(route, access, values, is_token="!" in authid)
        node = self._answering_node(route, request, values)
        if values.get("node") == "localhost" and "node" in in_path:
            values["node"] = node
        typed, errors = check(parameters_of(version, route.name, route.expected(values)), values)
        if errors:
            raise ParamError(errors)
        call = Call(
            world=self.world, datacenter=request.datacenter, tasks=self.tasks, node=node, authid=authid,
            params=typed, raw=values, access=access, asked_node=request.node, client=request.client,
        )  # fmt: skip
        data = await self._run(route, call)
        return Answer(data, call.extra)

    async def _run(self, route: Route, call: Call) -> Any:
        """Run the handler in a transaction; wait and run it again while a task holds a lock it needs."""
        give_up = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                with self.world.database.transaction():
                    data = route.handler(call)
                break
            except LockBusy as busy:
                self._undo(call)
                await self._wait_for_lock(busy.path, give_up)
            except BaseException:
                self._undo(call)
                raise
        if call.started or route.method != "GET":
            self.tasks.run_due()
        return data

    def _undo(self, call: Call) -> None:
        self.tasks.forget(call.started)
        call.started.clear()

    async def _wait_for_lock(self, path: str, give_up: float) -> None:
        try:
            await asyncio.wait_for(self.tasks.changed.wait(), max(0.0, give_up - time.monotonic()))
        except TimeoutError:
            raise ApiError(f"can't lock file '{path}' - got timeout") from None

    def _unknown(self, request: Request) -> ApiError:
        path = "/" + "/".join(part for part in request.path.split("/") if part)
        return NotImplementedHere(f"Method '{request.method} {path}' not implemented")

    def _authenticate(self, request: Request, route: Route | None) -> str:
        """Return who asks."""
        if route is not None and route.user == "world":
            return ""
        if request.token is not None:
            return self._token_user(request.datacenter, request.token)
        if request.ticket is None:
            raise Unauthorized("No ticket")
        now = self.world.clock.now()
        signer = signer_of(self.world, request.datacenter)
        authid = signer.verify_ticket(request.ticket, now)
        if authid is None or not usable(request.datacenter, authid, now):
            raise Unauthorized("Authentication failed!")
        if request.method in CSRF_METHODS and not signer.verify_csrf(request.csrf or "", authid, now):
            raise Unauthorized("Permission denied - invalid csrf token")
        return authid

    def _token_user(self, datacenter: Datacenter, header: str) -> str:
        owner = token_owner(datacenter, header, self.world.clock.now())
        if owner is None:
            raise Unauthorized("Authentication failed!")
        return owner

    @staticmethod
    def _answering_node(route: Route, request: Request, values: Mapping[str, Any]) -> str:
        """Return the node that answers: the one that is named for proxied methods, else the one asked."""
        if route.proxyto != "node" or values.get("node") == "localhost":
            return request.node
        if not values.get("node"):
            raise ParamError({"node": "proxy parameter 'node' does not exists"})
        name = str(values["node"])
        node = request.datacenter.nodes.get(name)
        if node is None:
            raise ApiError(
                f"hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known"
            )
        if node not in request.datacenter.connected(request.node):
            raise NodeUnreachable
        return name


def _version(route: Route, request: Request, in_path: Mapping[str, str]) -> str:
    """Return the release of the host that is to answer."""
    nodes = request.datacenter.nodes
    named = nodes.get(in_path.get("node", "")) if route.proxyto == "node" else None
    return (named or nodes[request.node]).version


def authorize(route: Route, access: Access, values: Mapping[str, Any], *, is_token: bool) -> None:
    """Refuse the call unless its user may make it."""
    if is_token and not route.allowtoken:
        raise PermissionDenied
    if access.authid == ROOT or route.user is not None:
        return
    if route.check is None:
        raise PermissionDenied
    access.verify(route.check, values)
