"""Who may do what: roles on paths, propagation, pools, tokens, and the checks that methods declare.

A method's check is written in the notation of Proxmox's own schema, as nested lists:
`["perm", "/vms/{vmid}", ["VM.Audit"]]`, `["and", ...]`, `["or", ...]`, `["perm-modify", "{path}"]`, ...
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulator.errors import ApiError, PermissionDenied
from simulator.formats import split_list
from simulator.privileges import ALL, BUILTIN_ROLES
from simulator.records import Acl
from simulator.state import Datacenter, World
from simulator.tickets import Signer, hash_secret

ROOT = "root@pam"
BUILT_IN_REALMS = {"pam": "Linux PAM standard authentication", "pve": "Proxmox VE authentication server"}
"""Realm that is there always, named like its type -> the comment that it has by itself."""
_ACL_PATH = re.compile(
    r"/|/access(?:/groups(?:/[A-Za-z0-9.\-_]+)?|/realm(?:/[A-Za-z0-9.\-_]+)?)?|/nodes(?:/[A-Za-z0-9.\-]+)?"
    r"|/pool(?:/[A-Za-z0-9.\-_]+){0,3}|/sdn(?:/(?:zones|controllers|dns|ipams|fabrics|prefix-lists|route-maps)"
    r"(?:/[^/\s]+){0,3})?|/storage(?:/[A-Za-z0-9.\-_]+)?|/vms(?:/[1-9][0-9]{2,})?"
    r"|/mapping(?:/(?:cpu|dir|hwrng|pci|usb|notifications)(?:/[^/\s]+)?)?"
)
_EVERYTHING = dict.fromkeys(ALL, True)
_DEFAULT_PATHS = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")


def normalize_path(path: str) -> str:
    """Write an ACL path in its one form: a leading slash, no trailing one, no doubled ones."""
    return "/" + "/".join(part for part in path.split("/") if part)


def valid_acl_path(path: str) -> bool:
    """Tell whether Proxmox knows this kind of ACL path."""
    return _ACL_PATH.fullmatch(path) is not None


def role_privileges(datacenter: Datacenter, roleid: str) -> frozenset[str] | None:
    """Return the privileges of a role, or None when there is no such role."""
    if roleid in BUILTIN_ROLES:
        return BUILTIN_ROLES[roleid]
    role = datacenter.roles.get(roleid)
    return role.privs if role else None


def usable(datacenter: Datacenter, userid: str, now: float) -> bool:
    """Tell whether a user exists, is enabled and has not expired; root@pam always is."""
    user = datacenter.users.get(userid)
    return userid == ROOT or (user is not None and user.enable and not 0 < user.expire < now)


def token_owner(datacenter: Datacenter, header: str, now: float) -> str | None:
    """Return the full id of a token that is given as `user@realm!name=secret`, or None when it opens nothing."""
    full_id, _, secret = header.partition("=")
    token = datacenter.tokens.get(full_id)
    if token is None or not hmac.compare_digest(token.secret, hash_secret(secret)):
        return None
    if (token.expire and token.expire < now) or not usable(datacenter, token.userid, now):
        return None
    return full_id


def signer_of(world: World, datacenter: Datacenter) -> Signer:
    """Return what signs a datacenter's tickets."""
    return Signer(world.settings[f"{datacenter.name}/ticket-key"].value)


class Access:
    """The permissions of one user or token in one datacenter."""

    def __init__(self, datacenter: Datacenter, authid: str) -> None:
        """Look at a datacenter as `user@realm` or `user@realm!token`."""
        self.datacenter = datacenter
        self.authid = authid
        self.userid = authid.partition("!")[0]
        token = datacenter.tokens.get(authid)
        self._subject = self.userid if token is not None and not token.privsep else authid
        self._cache: dict[str, dict[str, bool]] = {}

    def privileges(self, path: str) -> dict[str, bool]:
        """Return the privileges on a path, each with whether it propagates to what is below."""
        if path not in self._cache:
            self._cache[path] = self._compute(path)
        return self._cache[path]

    def _compute(self, path: str) -> dict[str, bool]:
        if self._subject == ROOT:
            return _EVERYTHING
        own = self._through_roles(path, self._subject)
        if "!" not in self._subject:
            return own
        of_user = Access(self.datacenter, self.userid).privileges(path)
        return {priv: own[priv] and of_user[priv] for priv in own if priv in of_user}

    def _through_roles(self, path: str, subject: str) -> dict[str, bool]:
        roles = self._roles(path, subject)
        if "NoAccess" not in roles:
            for pool_path in self._pool_paths(path):
                for role, propagate in self._roles(pool_path, subject).items():
                    roles.setdefault(role, propagate)
        if "NoAccess" in roles:
            return {}
        result: dict[str, bool] = {}
        for role, propagate in roles.items():
            for priv in role_privileges(self.datacenter, role) or ():
                result[priv] = result.get(priv, False) or propagate
        return result

    def _pool_paths(self, path: str) -> list[str]:
        """Return the paths of the pools from which a guest or storage inherits permissions."""
        kind, _, name = path.removeprefix("/").partition("/")
        if kind == "vms" and name.isdigit():
            pool = self.datacenter.pool_of(int(name))
            return [f"/pool/{pool}"] if pool else []
        if kind == "storage" and name:
            return [f"/pool/{pool.poolid}" for pool in self.datacenter.pools if name in pool.storages]
        return []

    def _roles(self, path: str, subject: str) -> dict[str, bool]:
        """Walk down to a path: deeper entries replace those above, a user's own entry those of groups."""
        parts = [part for part in path.split("/") if part]
        key = f"token/{subject}" if "!" in subject else f"user/{subject}"
        roles: dict[str, bool] = {}
        for depth in range(len(parts) + 1):
            acl = self.datacenter.acl.get("/" + "/".join(parts[:depth]))
            if acl is None:
                continue
            final = depth == len(parts)
            new = _effective(acl.entries.get(key, {}), final=final) or self._group_roles(acl, subject, final=final)
            roles = new or roles
        return roles

    def _group_roles(self, acl: Acl, subject: str, *, final: bool) -> dict[str, bool]:
        result: dict[str, bool] = {}
        for name, entry in acl.entries.items():
            kind, _, groupid = name.partition("/")
            group = self.datacenter.groups.get(groupid) if kind == "group" else None
            if group is not None and subject in group.members:
                result.update(_effective(entry, final=final))
        return result

    def may(self, path: str, privileges: Iterable[str], *, any_of: bool = False) -> bool:
        """Tell whether all of these privileges (or any of them) are held on a path."""
        if self._subject == ROOT:
            return True
        held = self.privileges(normalize_path(path))
        wanted = [priv in held for priv in privileges]
        return any(wanted) if any_of else all(wanted)

    def require(self, path: str, privileges: Sequence[str], *, any_of: bool = False) -> None:
        """Refuse the call unless these privileges are held on a path."""
        path = normalize_path(path)
        if self.may(path, privileges, any_of=any_of):
            return
        missing = "|".join(privileges) if any_of else next(p for p in privileges if not self.may(path, [p]))
        raise PermissionDenied(f"{path}, {missing}")

    def require_modify(self, path: str) -> None:
        """Refuse the call unless the permissions of a path may be changed."""
        if path == "/":
            self.require(path, ["Permissions.Modify"])
            return
        kind = path.split("/")[1]
        privileges = {"storage": "Datastore.Allocate", "vms": "VM.Allocate", "pool": "Pool.Allocate"}
        wanted = ["Permissions.Modify"] + ([privileges[kind]] if kind in privileges else [])
        self.require(path, wanted, any_of=True)

    def paths(self) -> list[str]:
        """Return every path that can carry permissions of its own."""
        found = set(_DEFAULT_PATHS) | {acl.path for acl in self.datacenter.acl}
        for pool in self.datacenter.pools:
            if f"/pool/{pool.poolid}" in found:
                found |= {f"/vms/{vmid}" for vmid in pool.vms} | {f"/storage/{name}" for name in pool.storages}
        return sorted(found)

    def passes(self, check: Sequence[Any], params: Mapping[str, Any]) -> bool:
        """Tell whether a declared check is passed."""
        try:
            self.verify(check, params)
        except PermissionDenied:
            return False
        return True

    def verify(self, check: Sequence[Any], params: Mapping[str, Any]) -> None:
        """Refuse the call unless a declared check is passed."""
        kind, *rest = check
        if kind == "and":
            for part in rest:
                self.verify(part, params)
        elif kind == "or":
            if not any(self.passes(part, params) for part in rest[:-1]):
                self.verify(rest[-1], params)
        elif kind == "perm":
            self._verify_perm(rest[0], rest[1], _options(rest[2:]), params)
        elif kind == "perm-modify":
            self.require_modify(normalize_path(fill(rest[0], params)))
        elif kind == "userid-param":
            self._verify_userid(rest[0], str(params.get("userid", "")))
        elif kind == "userid-group":
            self._verify_group(rest[0], _options(rest[1:]), params)
        else:
            raise LookupError(f"unknown check '{kind}'")

    def _verify_perm(
        self, template: str, privileges: Sequence[str], options: Mapping[str, Any], params: Mapping[str, Any]
    ) -> None:
        required = options.get("require_param")
        if required is not None and params.get(required) is None:
            raise PermissionDenied
        self.require(fill(template, params), privileges, any_of=bool(options.get("any")))

    def _verify_userid(self, what: str, userid: str) -> None:
        if what == "self":
            if userid not in {self.userid, self.authid}:
                raise PermissionDenied
        else:
            realm = userid.rpartition("@")[2]
            self.require(f"/access/realm/{realm}", [what], any_of=True)

    def _verify_group(self, privileges: Sequence[str], options: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        existing = options.get("groups_param") != "create"
        userid = str(params.get("userid", ""))
        if existing and userid not in self.datacenter.users:
            raise ApiError(f"no such user ('{userid}')")
        if self.may("/access/groups", privileges, any_of=True):
            return
        mine = {
            group.groupid: group
            for group in self.datacenter.groups
            if self.may(f"/access/groups/{group.groupid}", privileges, any_of=True)
        }
        if options.get("groups_param"):
            for groupid in split_list(str(params.get("groups") or "")):
                if groupid not in mine:
                    raise PermissionDenied(f"/access/groups/{groupid}, {'|'.join(privileges)}")
        if (existing and not any(userid in group.members for group in mine.values())) or (not existing and not mine):
            raise PermissionDenied


def _effective(entry: Mapping[str, bool], *, final: bool) -> dict[str, bool]:
    return {role: propagate for role, propagate in entry.items() if final or propagate}


def _options(items: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def fill(template: str, params: Mapping[str, Any]) -> str:
    """Put parameters into a path template; a missing one leaves nothing."""
    return re.sub(r"\{([^}]+)\}", lambda match: str(params.get(match[1]) or ""), template)
