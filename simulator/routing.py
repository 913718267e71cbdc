"""Routes: how an API module declares a method, and how a path finds it.

    @route("POST", "/pools", params={"poolid": string(format="pve-poolid")},
           check=["perm", "/pool/{poolid}", ["Pool.Allocate"]], protected=True)
    def create_pool(call: Call) -> None: ...

A handler is a plain function over the state: it reads and writes tables, starts tasks, returns what becomes
`data`, and raises the errors of `simulator.errors`. Everything else (who asks, privileges, parameters,
proxying to another node, the transaction, the shape of the answer) is the router's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.access import Access
from simulator.errors import ApiError, LockBusy, ParamError
from simulator.formats import split_list
from simulator.records import Node
from simulator.schema import Param, expand
from simulator.state import Datacenter, World
from simulator.tasks import Body, TaskRunner

Handler = Callable[["Call"], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A declared method of the API."""

    method: str
    path: str
    handler: Handler
    params: Mapping[str, Param]
    expanded: Mapping[str, Param]
    check: Sequence[Any] | None
    user: str | None
    protected: bool
    proxyto: str | None
    allowtoken: bool
    rest: bool
    variants: Mapping[str, Mapping[str, Param]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return method and path, by which the method is known."""
        return f"{self.method} {self.path}"

    def expected(self, values: Mapping[str, Any]) -> Mapping[str, Param]:
        """Return the parameters of a call: those of all calls, and those of the variant that its `type` names."""
        variant = self.variants.get(str(values.get("type")))
        return self.expanded if variant is None else {**self.expanded, **variant}


@dataclass(slots=True)
class Call:
    """A call of a method, as its handler sees it."""

    world: World
    datacenter: Datacenter
    tasks: TaskRunner
    node: str
    authid: str
    params: dict[str, Any]
    raw: Mapping[str, Any]
    access: Access
    asked_node: str
    client: Mapping[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        return self.params.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return a string parameter."""
        value = self.params.get(name)
        return default if value is None else str(value)

    def optional(self, name: str) -> str | None:
        """Return a string parameter, or None when it was not given."""
        value = self.params.get(name)
        return None if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        """Return an integer parameter."""
        value = self.params.get(name)
        return default if value is None else int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean parameter."""
        value = self.params.get(name)
        return default if value is None else bool(value)

    def listing(self, name: str) -> list[str]:
        """Return the items of a list parameter."""
        value = self.params.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        return split_list(str(value)) if value is not None else []

    @property
    def is_root(self) -> bool:
        """Tell whether `root@pam` itself asks (a token of it does not count)."""
        return self.authid == "root@pam"

    @property
    def now(self) -> float:
        """Return the virtual time."""
        return self.world.clock.now()

    @property
    def this_node(self) -> Node:
        """Return the node that answers."""
        return self.datacenter.nodes[self.node]

    def root_only(self, *names: str) -> None:
        """Refuse parameters that only root@pam may use."""
        if not self.is_root:
            used = [name for name in names if name in self]
            if used:
                raise ParamError(dict.fromkeys(used, "Only root may use this option."))

    def start_task(self, kind: str, id_: str, body: Body) -> str:
        """Start a task on the answering node and return its UPID."""
        upid = self.tasks.start(self.datacenter, self.node, self.authid, kind=kind, id_=id_, body=body)
        self.started.append(upid)
        return upid

    def need_lock(self, path: str) -> None:
        """Wait (up to ten seconds) until no task holds this lock file; then the handler is run again."""
        if self.tasks.is_locked(path):
            raise LockBusy(path)

    def cfs_lock(self, name: str, prefix: str = "") -> None:
        """Take the cluster-wide lock under which a file below `/etc/pve` is changed: it needs quorum."""
        if not self.datacenter.quorate_on(self.node):
            raise ApiError(f"{prefix}cfs-lock '{name}' error: no quorum!")

    def need_quorum(self) -> None:
        """Refuse what is only begun while the cluster is quorate."""
        if not self.datacenter.quorate_on(self.node):
            raise ApiError("cluster not ready - no quorum?")

    def check_digest(
        self,
        current: str,
        message: str = "detected modified configuration - file changed by other user? Try again.",
    ) -> None:
        """Refuse the call when it was made on an older version of the configuration."""
        given = self.optional("digest")
        if given is not None and given != current:
            raise ApiError(message)


ROUTES: list[Route] = []
REFUSING: set[Handler] = set()
"""The handlers that refuse every call on a host of the newest release, in Proxmox's words for it."""


def always_refuses(handler: Handler) -> Handler:
    """Note that the decorated handler refuses every call on a host of the newest release."""
    REFUSING.add(handler)
    return handler


def route(
    method: str,
    path: str,
    *,
    params: Mapping[str, Param] | None = None,
    check: Sequence[Any] | None = None,
    user: str | None = None,
    protected: bool = False,
    proxyto: str | None = None,
    allowtoken: bool = True,
    rest: bool = False,
    variants: Mapping[str, Mapping[str, Param]] | None = None,
) -> Callable[[Handler], Handler]:
    """Declare the decorated function as a method of the API.

    `params` names all parameters, those in the path among them. Without `check` and `user` only root@pam may
    call; `user="all"` lets every user, `user="world"` everybody. With `proxyto="node"` the node in the path
    answers. With `rest` the path's last parameter takes what is left of the path, slashes included. `variants`
    are further parameters that depend on the parameter `type`.
    """

    def register(handler: Handler) -> Handler:
        declared = dict(params or {})
        ROUTES.append(
            Route(
                method=method, path=path, handler=handler, params=declared, expanded=expand(declared),
                check=check, user=user, protected=protected, proxyto=proxyto, allowtoken=allowtoken, rest=rest,
                variants=variants or {},
            )
        )  # fmt: skip
        return handler

    return register


@dataclass(slots=True)
class _Branch:
    """What the paths have in common that begin with the same segments."""

    named: dict[str, _Branch] = field(default_factory=dict)
    variable: _Branch | None = None
    methods: dict[str, Route] = field(default_factory=dict)

    def grow(self, part: str) -> _Branch:
        """Return the branch of a further segment, made when it is not there yet."""
        if not part.startswith("{"):
            return self.named.setdefault(part, _Branch())
        self.variable = self.variable or _Branch()
        return self.variable


class RouteTree:
    """Finds the route of a path."""

    def __init__(self, routes: Sequence[Route]) -> None:
        """Build the tree of path segments."""
        self._root = _Branch()
        for entry in routes:
            branch = self._root
            for part in _parts(entry.path):
                branch = branch.grow(part)
            branch.methods[entry.method] = entry

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the values in the path, or None."""
        parts = _parts(path)
        branch, values = self._root, list[str]()
        for index, part in enumerate(parts):
            if part in branch.named:
                branch = branch.named[part]
                continue
            if branch.variable is None:
                return None
            branch = branch.variable
            values.append(part)
            entry = branch.methods.get(method)
            if entry is not None and entry.rest:
                values[-1] = "/".join(parts[index:])
                return entry, _named(entry, values)
            if any(character.isspace() for character in part):
                return None
        entry = branch.methods.get(method)
        return (entry, _named(entry, values)) if entry is not None else None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _named(entry: Route, values: Sequence[str]) -> dict[str, str]:
    names = [part[1:-1] for part in _parts(entry.path) if part.startswith("{")]
    return dict(zip(names, values, strict=True))
