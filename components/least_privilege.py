"""A user, a token and the permissions that a program needs, and no others.

What is needed is told by `proxmox-labs privileges --format json`. The user has no password, so that nobody logs in as
it; its token has what the user has. Nothing is handed down to deeper paths, unless a path ends in `/*`, so that each
entry says all that holds on its path. To be made by a program whose own connection may change permissions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from providers.acl import Acl
from providers.api_token import ApiToken
from providers.role import Role
from providers.user import User

BELOW = "/*"
"""The end of a path whose privileges hold for all that is below it."""


@dataclass(frozen=True)
class Permission:
    """One role, and the paths on which it is given."""

    roleid: str
    privs: tuple[str, ...]
    paths: tuple[str, ...]


def permissions(name: str, privileges: Mapping[str, Sequence[str]]) -> list[Permission]:
    """A role for each set of privileges, named after the first path that has it: `labs.demo.vms.100`."""
    paths: dict[tuple[str, ...], list[str]] = {}
    for path in sorted(privileges):
        paths.setdefault(tuple(sorted(privileges[path])), []).append(path)
    return [Permission(_roleid(name, at[0]), privs, tuple(at)) for privs, at in paths.items()]


def _roleid(name: str, path: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"labs.{name}{path.removesuffix(BELOW).rstrip('/').replace('/', '.')}")


@dataclass(frozen=True, kw_only=True)
class LeastPrivilegeArgs:
    """For whom, and what."""

    userid: str
    """The user to make, such as `demo@pve`."""
    privileges: Mapping[str, Sequence[str]]
    """ACL path -> the privileges that are needed on it."""
    tokenid: str = "labs"
    connection: str | None = None
    """Of an administrator; may be left out where the stack has only one."""


class LeastPrivilege(pulumi.ComponentResource):
    """An identity that may do what a program does, and nothing else."""

    token_id: pulumi.Output[str]
    """As a connection names it."""
    token_secret: pulumi.Output[str]

    def __init__(self, name: str, args: LeastPrivilegeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:LeastPrivilege", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        user = User(name, own, userid=args.userid, connection=args.connection)
        for permission in permissions(name, args.privileges):
            self._permit(permission, user, args.connection)
        token = ApiToken(name, own, userid=user.userid, tokenid=args.tokenid, privsep=False, connection=args.connection)
        self.token_id, self.token_secret = token.full_tokenid, token.secret
        self.register_outputs({"token_id": self.token_id, "token_secret": self.token_secret})

    def _permit(self, permission: Permission, user: User, connection: str | None) -> None:
        own = pulumi.ResourceOptions(parent=self)
        role = Role(
            permission.roleid, own, roleid=permission.roleid, privs=list(permission.privs), connection=connection
        )
        for path in permission.paths:
            Acl(
                f"{permission.roleid}:{path}",
                own,
                path=path.removesuffix(BELOW) or "/",
                roleid=role.roleid,
                user=user.userid,
                propagate=path.endswith(BELOW),
                connection=connection,
            )
