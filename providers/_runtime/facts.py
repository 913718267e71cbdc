"""What a preview or a refresh needs to know of a cluster, asked once and shared by all resources of the run.

`/cluster/resources` names every node, guest and storage in one answer. Proxmox updates names and states in it with a
delay of about ten seconds, so it is used for places (which guest is on which node) and for existence, never as the
truth about a guest's state.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from providers._runtime import retry
from providers._runtime.errors import ApiRefused, ConfigProblem, ProxmoxError, TookTooLong, Unreachable
from providers._runtime.gather import Gathering
from providers._runtime.shared import Shared
from providers._runtime.tasks import Board

if TYPE_CHECKING:
    from providers._runtime.client import Client

FRESH_FOR = 10.0
RECENT = 0.5
PATIENCE = 60.0
SSH_PATIENCE = 5.0
DOWN_FOR = 30.0

Row = dict[str, Any]
Account = TypeVar("Account")


def _alone(name: str) -> Facts:
    """There is no other connection."""
    raise ConfigProblem(f"there is no connection {name!r}")


class Facts:
    """The shared knowledge about one connection."""

    def __init__(self, client: Client, elsewhere: Callable[[str], Facts] = _alone) -> None:
        self.client = client
        self.elsewhere = elsewhere
        """The facts of another connection, by its name."""
        self.tasks = Board(client)
        self.shutdowns: Gathering[int, str | None] = Gathering()
        self._guard = threading.Lock()
        self._cache: dict[tuple[str, str], Shared[Any]] = {}
        self._placed: dict[int, str] = {}
        self._noted: dict[int, Row] = {}
        self._announced: set[tuple[str, str]] = set()
        self._reserved: dict[object, str] = {}
        self._asked: defaultdict[object, dict[str, int]] = defaultdict(dict)
        self._first: list[Row] | None = None
        self._shared: dict[object, Any] = {}
        self._down: tuple[float, str] | None = None

    # ------------------------------------------------------------ the cluster

    def resources(self, max_age: float = FRESH_FOR) -> list[Row]:
        """The rows of `/cluster/resources`, no older than `max_age` seconds."""
        rows: list[Row] = self._ask("/cluster/resources", max_age)
        return rows

    def before_this_run(self, *types: str) -> list[Row]:
        """Rows of some types as this run found them: without what it has made, and counted in `ask_for`, since."""
        rows = self.resources()
        with self._guard:
            self._first = rows if self._first is None else self._first
            return [row for row in self._first if row.get("type") in types]

    def of_type(self, *types: str, max_age: float = FRESH_FOR) -> list[Row]:
        """Rows of some types (`node`, `qemu`, `lxc`, `storage`, …)."""
        return [row for row in self.resources(max_age) if row.get("type") in types]

    def node(self, name: str) -> Row | None:
        """A node of the cluster."""
        return next((row for row in self.of_type("node") if row.get("node") == name), None)

    def node_names(self) -> set[str]:
        """The nodes of the cluster, and those that join it in this program."""
        with self._guard:
            joining = {name for kind, name in self._announced if kind == "node"}
        return joining | {str(row["node"]) for row in self.of_type("node")}

    def no_node(self, name: str) -> str | None:
        """Why that is no node of this cluster; None if it is one, or will be when this program is through."""
        known = self.node_names()
        if name in known:
            return None
        return f"there is no node {name!r}; there are {', '.join(sorted(known)) or 'none that this connection may see'}"

    def storages(self, node: str) -> dict[str, Row]:
        """The storages that a node has, by name."""
        return {row["storage"]: row for row in self.of_type("storage") if row.get("node") == node}

    def bridges(self, node: str) -> set[str] | None:
        """Names that a guest's NIC on that node can be attached to; None if the identity may not look."""
        try:
            rows = self._ask(f"/nodes/{node}/network", FRESH_FOR, {"type": "any_bridge"})
        except ApiRefused:
            return None
        return {str(row["iface"]) for row in rows}

    def permissions(self) -> dict[str, dict[str, int]]:
        """The identity's privileges by path."""
        granted: dict[str, dict[str, int]] = self._ask("/access/permissions", 60.0)
        return granted

    # ------------------------------------------------------------ where guests are

    def node_of(self, vmid: int, *, look_again: bool = False) -> str | None:
        """The node that has the guest; looks again where the answer in hand does not know it."""
        with self._guard:
            placed = self._placed.get(vmid)
        if placed and not look_again:
            return placed
        for max_age in (RECENT,) if look_again else (FRESH_FOR, RECENT):
            for row in self.of_type("qemu", "lxc", max_age=max_age):
                if row.get("vmid") == vmid:
                    return str(row["node"])
        return None

    def place(self, vmid: int, node: str | None) -> None:
        """This run has made or moved a guest: no need to ask for it."""
        with self._guard:
            if node is None:
                self._placed.pop(vmid, None)
            else:
                self._placed[vmid] = node

    def running(self, kind: str, node: str, max_age: float = 0.0) -> dict[int, bool] | None:
        """Whether each guest of a kind runs, as its node says at this moment; None if the node may not be asked.

        One answer serves all that ask meanwhile, so a refresh does not ask for every guest.
        """
        try:
            rows: list[Row] = self._ask(f"/nodes/{node}/{kind}", max_age)
        except ApiRefused:
            return None
        return {int(row["vmid"]): row.get("status") == "running" for row in rows}

    def content(self, node: str, storage: str, content: str) -> list[Row]:
        """What a storage holds of one kind at this moment; one answer serves all that ask meanwhile."""
        return self.list_now(f"/nodes/{node}/storage/{storage}/content", {"content": content})

    def list_now(self, path: str, parameters: dict[str, str] | None = None) -> list[Row]:
        """Any other list at this moment; one answer serves all that ask meanwhile."""
        rows: list[Row] = self._ask(path, 0.0, parameters)
        return rows

    def note(self, vmid: int, **done: Any) -> None:
        """This run has just done that to a guest (`pool`, `started`): no need to ask for it."""
        with self._guard:
            self._noted.setdefault(vmid, {}).update(done)

    def noted(self, vmid: int) -> Row:
        """What this run has done to a guest."""
        with self._guard:
            return dict(self._noted.get(vmid, {}))

    def listing(self, path: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """A list that many resources read their own line of, remembered for a moment."""
        rows: list[Row] = self._ask(path, FRESH_FOR, dict(parameters or {}))
        return rows

    def look(self, path: str, parameters: dict[str, str] | None = None) -> Any:
        """Any other answer, remembered for a moment; None if Proxmox refuses it."""
        try:
            return self._ask(path, FRESH_FOR, parameters)
        except ApiRefused:
            return None

    def answer(self, path: str) -> dict[str, Any] | None:
        """The same with what stands beside the data."""
        try:
            return self._answer(path, FRESH_FOR)
        except ApiRefused:
            return None

    def print_soon(self, command: Sequence[str]) -> None:
        """Begin with `printed` while something else is asked for: the first way to a node over SSH takes its time."""
        with self._guard:
            begun = ("ssh", repr(command)) in self._cache
        if not begun:
            threading.Thread(target=self.printed, args=(command,), daemon=True).start()

    def printed(self, command: Sequence[str]) -> str | None:
        """What a command prints on a node, whichever it is, remembered for a moment; None where SSH can't tell."""
        access = self.client.connection.ssh
        if access is None or not access.hosts:
            return None

        def ask() -> str | None:
            try:
                printed = self.client.ssh.check(
                    next(iter(access.hosts)), command, deadline=time.monotonic() + SSH_PATIENCE
                )
            except ProxmoxError:
                return None
            return printed.decode(errors="replace")

        with self._guard:
            shared = self._cache.setdefault(("ssh", repr(command)), Shared())
        found: str | None = shared.get(FRESH_FOR, ask)
        return found

    def reserve(self, what: object, key: str) -> bool:
        """Promise a VMID, a MAC address or the like to `key`; False if something else of this run has it."""
        with self._guard:
            return self._reserved.setdefault(what, key) == key

    def ask_for(self, what: object, key: str, amount: int) -> int:
        """Add to what the resources of this run take of something; returns what they take together.

        The first word of a resource counts: one that is replaced is checked a second time, as if it were new.
        """
        with self._guard:
            self._asked[what].setdefault(key, amount)
            return sum(self._asked[what].values())

    def shared(self, make: Callable[[Facts], Account]) -> Account:
        """What the resources of this run keep account of together: made by the first that asks for it."""
        with self._guard:
            if make not in self._shared:
                self._shared[make] = make(self)
            account: Account = self._shared[make]
            return account

    # ------------------------------------------------------------ what this run will make

    def announce(self, kind: str, name: str) -> None:
        """A resource of this program will have made this object by the time its dependants are made."""
        with self._guard:
            self._announced.add((kind, name))

    def announced(self, kind: str, name: str) -> bool:
        """Whether a resource of this program makes it."""
        with self._guard:
            return (kind, name) in self._announced

    def forget(self) -> None:
        """Something has changed: what was remembered is asked for again."""
        with self._guard:
            self._cache.clear()

    def _ask(self, path: str, max_age: float, parameters: Mapping[str, Any] | None = None) -> Any:
        return self._answer(path, max_age, parameters).get("data")

    def _answer(self, path: str, max_age: float, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        key = (path, repr(parameters))
        with self._guard:
            shared = self._cache.setdefault(key, Shared())
        answer: dict[str, Any] = shared.get(max_age, lambda: self._fetch(path, parameters))
        return answer

    def _fetch(self, path: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        """Ask the host; one that was found down a moment ago is not waited for again by every resource."""
        began = time.monotonic()
        if self._down and began - self._down[0] < DOWN_FOR:
            raise Unreachable(self._down[1])
        attempts = len(self.client.connection.endpoints) + 1
        try:
            return self.client.answer("GET", path, parameters, deadline=began + PATIENCE, attempts=attempts)
        except (Unreachable, TookTooLong, ApiRefused) as error:
            if isinstance(error, ApiRefused) and retry.passing(error) is None:
                raise
            self._down = (time.monotonic(), str(error))
            raise Unreachable(str(error)) from None
