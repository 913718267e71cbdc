"""Users and groups that come from the directory behind a realm: read by a task, on demand or by the clock.

What stands in the directory is in the state, from the topology or the control plane. A realm of whose directory
nothing is there has a server that does not answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from simulator.api.access import drop_from_acl
from simulator.errors import TaskError
from simulator.propstring import split
from simulator.records import Group, Section, Setting, User
from simulator.schedule import Schedule
from simulator.state import Datacenter, World
from simulator.tasks import Body, Steps, TaskRun, TaskRunner

SYNCED_TYPES = ("ldap", "ad")
_READ_SECONDS = 1.0
_USER_TEXTS = ("firstname", "lastname", "email", "comment", "keys")
_USER = "root@pam"
_SCOPES = {"users": ("users",), "groups": ("groups",), "both": ("users", "groups")}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """What is to be synced, and what happens to what is no longer in the directory."""

    scope: str
    enable_new: bool = True
    remove_vanished: str = "none"
    dry_run: bool = False

    @classmethod
    def of(cls, given: Mapping[str, str], realm: Section, *, dry_run: bool = False) -> SyncOptions | None:
        """Return options as given, or else as the realm has them; None when it is not said what to sync."""
        options = _renamed(split(realm.options.get("sync-defaults-options", ""), None)) | _renamed(given)
        if "scope" not in options:
            return None
        return cls(
            scope=options["scope"], enable_new=options.get("enable-new", "1") == "1",
            remove_vanished=options.get("remove-vanished", "none"), dry_run=dry_run,
        )  # fmt: skip

    def removes(self, what: str) -> bool:
        """Tell whether what has vanished loses this: `entry`, `properties` or `acl`."""
        return what in self.remove_vanished.split(";")

    @property
    def what(self) -> str:
        """Return what is synced in words."""
        return " and ".join(_SCOPES[self.scope])


def _renamed(options: Mapping[str, str]) -> dict[str, str]:
    """Return options with the old words `full` and `purge` written in the new way."""
    result = {name: value for name, value in options.items() if name not in ("full", "purge")}
    old = (["entry", "properties"] if options.get("full") == "1" else []) + (
        ["acl"] if options.get("purge") == "1" else []
    )
    return {"remove-vanished": ";".join(old)} | result if old else result


def task_type(options: SyncOptions) -> str:
    """Return the type of the task that syncs, or only tries to."""
    return "auth-realm-sync-test" if options.dry_run else "auth-realm-sync"


def body_of(realm: str, options: SyncOptions) -> Body:
    """Return the work of syncing a realm."""

    def body(run: TaskRun) -> Steps:
        yield f"{'(dry test run) ' if options.dry_run else ''}starting sync for realm {realm}"
        yield _READ_SECONDS
        section = run.datacenter.domains.get(realm)
        if section is None or not any(entry.realm == realm for entry in run.datacenter.directory):
            raise TaskError("IO::Socket::INET: connect: No route to host")
        if not run.datacenter.quorate_on(run.node):
            raise TaskError(f"syncing {options.what} failed: cfs-lock 'file-user_cfg' error: no quorum!")
        sync = _Sync(run.datacenter, section, options)
        yield f"got data from server, updating {options.what}"
        if "users" in _SCOPES[options.scope]:
            yield from sync.users()
        if "groups" in _SCOPES[options.scope]:
            yield from sync.groups()
        if options.dry_run:
            yield ""
            yield "NOTE: Dry test run, changes were NOT written to the configuration."
            return
        sync.write()
        yield f"successfully updated {options.what} configuration"

    return body


@dataclass(slots=True)
class _Sync:
    """The changes of one run: told first, written at the end."""

    datacenter: Datacenter
    realm: Section
    options: SyncOptions
    _users: dict[str, User | None] = field(default_factory=dict)
    _groups: dict[str, Group | None] = field(default_factory=dict)
    _without_rights: list[str] = field(default_factory=list)

    def _entries(self, kind: str) -> dict[str, tuple[Mapping[str, str], frozenset[str]]]:
        """Return what the directory has of a kind, by name."""
        found = (row for row in self.datacenter.directory if row.realm == self.realm.id and row.type == kind)
        return {row.name: (row.attributes, row.members) for row in sorted(found, key=lambda row: row.name)}

    def _begin(self, kind: str) -> Iterator[str]:
        yield f"syncing {kind} (remove-vanished opts: {self.options.remove_vanished})"
        if self.options.removes("entry"):
            yield f"deleting outdated existing {kind} first"

    def _vanished(self, kind: str, name: str, subject: str) -> Iterator[str]:
        if self.options.removes("entry"):
            yield f"remove {kind} '{name}'"
        if self.options.removes("acl"):
            yield f"purge {kind}s '{name}' ACL entries"
            self._without_rights.append(subject)

    def _word(self, *, known: bool) -> str:
        if not known:
            return "adding"
        return "overwriting" if self.options.removes("properties") else "updating"

    def users(self) -> Iterator[str]:
        """Take over the users."""
        yield from self._begin("users")
        found = {f"{name}@{self.realm.id}": attributes for name, (attributes, _) in self._entries("user").items()}
        for user in sorted(self.datacenter.users, key=lambda user: user.userid):
            if user.userid.endswith(f"@{self.realm.id}") and user.userid not in found:
                yield from self._vanished("user", user.userid, f"user/{user.userid}")
                if self.options.removes("entry"):
                    self._users[user.userid] = None
        for userid, attributes in found.items():
            known = self.datacenter.users.get(userid)
            yield f"{self._word(known=known is not None)} user '{userid}'"
            self._users[userid] = self._user(userid, known, self._own_names(attributes))

    def _own_names(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """Return the properties of a user by our names: the realm says how the directory calls them."""
        pairs = re.findall(r"(\w+)=([^,\s]+)", self.realm.options.get("sync_attributes", ""))
        names = {name: name for name in (*_USER_TEXTS, "enable", "expire")} | {theirs: ours for ours, theirs in pairs}
        return {names[name]: value for name, value in attributes.items() if name in names}

    def _user(self, userid: str, known: User | None, properties: Mapping[str, str]) -> User:
        fresh = known is None or self.options.removes("properties")
        base = User(userid=userid) if fresh or known is None else known
        enable = known.enable if known is not None else self.options.enable_new
        return replace(
            base, enable=properties["enable"] == "1" if "enable" in properties and not fresh else enable,
            expire=int(properties.get("expire", base.expire)),
            **{name: value for name, value in properties.items() if name in _USER_TEXTS},
        )  # fmt: skip

    def groups(self) -> Iterator[str]:
        """Take over the groups; their names end in that of the realm."""
        yield from self._begin("groups")
        found = {f"{name}-{self.realm.id}": members for name, (_, members) in self._entries("group").items()}
        for group in sorted(self.datacenter.groups, key=lambda group: group.groupid):
            if group.groupid.endswith(f"-{self.realm.id}") and group.groupid not in found:
                yield from self._vanished("group", group.groupid, f"group/{group.groupid}")
                if self.options.removes("entry"):
                    self._groups[group.groupid] = None
        for groupid, members in found.items():
            known = self.datacenter.groups.get(groupid)
            yield f"{self._word(known=known is not None)} group '{groupid}'"
            kept = known is not None and not self.options.removes("properties")
            base = known if known is not None and kept else Group(groupid=groupid)
            self._groups[groupid] = replace(base, members=frozenset(f"{name}@{self.realm.id}" for name in members))

    def write(self) -> None:
        """Make the changes the state."""
        datacenter = self.datacenter
        for userid, user in self._users.items():
            if user is not None:
                datacenter.users.put(user)
            else:
                _forget(datacenter, userid)
        for groupid, group in self._groups.items():
            if group is None:
                datacenter.groups.delete(groupid)
            else:
                members = frozenset(userid for userid in group.members if userid in datacenter.users)
                datacenter.groups.put(replace(group, members=members))
        for subject in self._without_rights:
            drop_from_acl(datacenter, subject=subject)


def _forget(datacenter: Datacenter, userid: str) -> None:
    """Remove a user with what is part of the entry: tokens, and membership of groups."""
    for token in datacenter.tokens.by("userid", userid):
        datacenter.tokens.delete(token.full_id)
    for group in datacenter.groups:
        if userid in group.members:
            datacenter.groups.put(replace(group, members=group.members - {userid}))
    datacenter.users.delete(userid)


class SyncScheduler:
    """Starts the jobs that sync realms when their time has come."""

    def __init__(self, world: World, datacenter: Datacenter, tasks: TaskRunner) -> None:
        """Look after the jobs of a datacenter."""
        self._datacenter, self._tasks = datacenter, tasks
        self._schedule = Schedule(world.clock)

    def due(self) -> float | None:
        """Return when the next job is to run."""
        return self._schedule.first(self._next(job) for job in self._datacenter.sync_jobs)

    def _next(self, job: Section) -> float | None:
        run, seen = self._datacenter.sync_runs.get(job.id), self._schedule.seen(job)
        if job.options.get("enabled", "1") != "1":
            return None
        return self._schedule.following(job.options["schedule"], max(seen, float(run.value) if run else 0.0))

    def act(self, due: float) -> None:
        """Start the jobs that are due, each on one node."""
        datacenter = self._datacenter
        for job in [job for job in datacenter.sync_jobs if self._next(job) == due]:
            datacenter.sync_runs.put(Setting(name=job.id, value=str(int(due))))
            realm, nodes = datacenter.domains.get(job.options["realm"]), datacenter.quorate_side()
            options = SyncOptions.of(job.options, realm) if realm is not None else None
            if realm is not None and options is not None and nodes:
                self._tasks.start(
                    datacenter, nodes[0].name, _USER, kind=task_type(options), id_=realm.id,
                    body=body_of(realm.id, options),
                )  # fmt: skip
